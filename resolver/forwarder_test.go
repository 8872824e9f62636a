package resolver

import (
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
	dto "github.com/prometheus/client_model/go"
)

// routed is a household behind two routers: one that tells its devices apart, one that hides them.
const routed = `
profiles:
  - {name: nx, band: child, block_mode: nxdomain}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: child}, {name: Pat, band: adult}]
    devices:
      - {name: kim, macs: ["a4:cf:12:00:00:01"], member: Kim}
      - {name: nx, macs: ["a4:cf:12:00:00:02"], profile: nx}
      - {name: pat, macs: ["a4:cf:12:00:00:03"], tokens: [desk], addresses: [10.0.0.4], member: Pat}
    forwarders:
      - {address: 10.0.0.1, options: [mac, token, subnet]}
      - {address: 10.0.0.2, profile: teen}
      - {address: 10.0.0.3, options: [subnet]}
  - id: next
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.1.0/24]
    members: [{name: Ben, band: child}]
    devices: [{name: ben, macs: ["a4:cf:12:00:00:09"], member: Ben}]
`

const (
	router, hiding, placing = "10.0.0.1", "10.0.0.2", "10.0.0.3"

	kimsMAC, nxMAC, patsMAC, bensMAC = "\xa4\xcf\x12\x00\x00\x01", "\xa4\xcf\x12\x00\x00\x02", "\xa4\xcf\x12\x00\x00\x03", "\xa4\xcf\x12\x00\x00\x09"
)

func newRouted(t testing.TB, u Exchanger) *house {
	t.Helper()
	h := newHouse(t, u)
	h.r.Swap(newWorldOf(t, routed, buildIndex(), u))
	return h
}

// told makes a query with options, each a code and contents.
func told(name string, qtype uint16, options ...any) *dns.Msg {
	m := withOPT(name, qtype)
	o := m.IsEdns0()
	for i := 0; i+1 < len(options); i += 2 {
		o.Option = append(o.Option, &dns.EDNS0_LOCAL{Code: uint16(options[i].(int)), Data: []byte(options[i+1].(string))}) //nolint:gosec // option codes
	}
	return m
}

// TestTwoChildrenBehindOneAddress: each device behind a router has its own profile; nobody else is believed in what
// they say of a device, and nothing of it makes a query malformed.
func TestTwoChildrenBehindOneAddress(t *testing.T) {
	h := newRouted(t, records(t, "casino.example. 300 IN A 192.0.2.1", "chat.example. 300 IN A 192.0.2.1"))
	const page, site = "10.0.0.1", "192.0.2.1"
	for _, c := range []struct {
		what, from string
		options    []any
		name, want string
	}{
		{"a child", router, []any{65001, kimsMAC}, "casino.example", page},
		{"a grown-up", router, []any{65001, patsMAC}, "casino.example", site},
		{"a child in text", router, []any{65073, "a4:cf:12:00:00:01"}, "casino.example", page},
		{"a grown-up in base64", router, []any{65073, "pM8SAAAD"}, "casino.example", site},
		{"a grown-up's token", router, []any{65074, "desk"}, "casino.example", site},
		{"a grown-up's address", placing, []any{8, "\x00\x01\x20\x00\x0a\x00\x00\x04"}, "casino.example", site},
		{"a grown-up's address from Umbrella", placing, []any{20292, "ODNS\x01\x00\x00\x10\x0a\x00\x00\x04"}, "casino.example", site},
		{"nothing told", router, nil, "casino.example", page},
		{"a MAC that is none", router, []any{65001, "\xa4\xcf\x12"}, "casino.example", page},
		{"two MACs", router, []any{65001, patsMAC, 65001, kimsMAC}, "casino.example", page},
		{"a MAC and another as text", router, []any{65001, patsMAC, 65073, "a4:cf:12:00:00:01"}, "casino.example", page},
		{"a grown-up's MAC beside a constant subnet", router, []any{65001, patsMAC, 8, "\x00\x01\x00\x00"}, "casino.example", page},
		{"another home's MAC", router, []any{65001, bensMAC}, "casino.example", page},
		{"hidden: one profile, whatever is told", hiding, []any{65001, patsMAC}, "casino.example", page},
		{"hidden: a teen's", hiding, []any{65001, kimsMAC}, "chat.example", site},
		{"a device that claims to be another", "10.0.0.77", []any{65001, patsMAC, 65074, "desk"}, "casino.example", page},
		{"another home's device", "10.0.1.7", []any{65001, patsMAC}, "casino.example", page},
	} {
		r := h.send(c.from, told(c.name, dns.TypeA, c.options...))
		if r.Rcode != dns.RcodeSuccess || !strings.HasSuffix(answers(r), " "+c.want) {
			t.Errorf("%s: rcode %d, %q; want %s", c.what, r.Rcode, answers(r), c.want)
		}
		if n := len(r.IsEdns0().Option); n > 1 || n == 1 && extended(r) == nil {
			t.Errorf("%s: the reply carries options: %v", c.what, r.IsEdns0())
		}
	}
	for what, counted := range map[interface{ Write(*dto.Metric) error }]float64{
		h.r.hearsay.forwarded[heardDevice]: 7, h.r.hearsay.forwarded[heardUnknown]: 1, h.r.hearsay.forwarded[heardNothing]: 5, h.r.hearsay.forwarded[heardHidden]: 2,
		h.r.hearsay.forged: 2, h.r.hearsay.broken: 3,
	} {
		var m dto.Metric
		if err := what.Write(&m); err != nil || m.GetCounter().GetValue() != counted {
			t.Errorf("counted %v, %v; want %v", &m, err, counted)
		}
	}
}

// TestForwardersKeepNothing: whatever a forwarder is answered for one device has a TTL of 0, so that no cache of its
// own gives it to the next. One that hides its devices may keep it: all get the same.
func TestForwardersKeepNothing(t *testing.T) {
	h := newRouted(t, records(t, "www.example. 300 IN A 192.0.2.1", "casino.example. 300 IN A 192.0.2.1", "www.example. 300 IN TXT \"x\""))
	kinds := []struct {
		what, name string
		qtype      uint16
	}{
		{"allowed", "www.example", dns.TypeA}, {"blocked", "casino.example", dns.TypeA}, {"blocked, no data", "casino.example", dns.TypeMX},
		{"our own name", "hearth.home.arpa", dns.TypeA}, {"our own name, no data", "hearth.home.arpa", dns.TypeMX}, {"ask", "ask.hearth.home.arpa", dns.TypeA},
		{"a self-test", "test-money.gambling.hearth.home.arpa", dns.TypeA}, {"ANY", "www.example", dns.TypeANY}, {"a single label", "www", dns.TypeA},
		{"absent", "www.test", dns.TypeA}, {"localhost", "localhost", dns.TypeA}, {"whoami", "whoami.hearth.home.arpa", dns.TypeTXT},
	}
	for _, mac := range []string{kimsMAC, nxMAC, patsMAC, "\xa4\xcf\x12\x99\x99\x99", ""} {
		for _, k := range kinds {
			var options []any
			if mac != "" {
				options = []any{65001, mac}
			}
			for _, rr := range withTTLs(h.send(router, told(k.name, k.qtype, options...))) {
				if rr.Header().Ttl != 0 {
					t.Errorf("%s for the MAC %x: %s", k.what, mac, rr)
				}
			}
		}
	}
	for _, k := range kinds[:3] {
		for _, rr := range withTTLs(h.send(hiding, told(k.name, k.qtype))) {
			if rr.Header().Ttl == 0 {
				t.Errorf("%s for a router that hides its devices: %s", k.what, rr)
			}
		}
	}
}

// withTTLs are all records of a reply but the OPT.
func withTTLs(m *dns.Msg) (all []dns.RR) {
	for _, rr := range append(append(append([]dns.RR(nil), m.Answer...), m.Ns...), m.Extra...) {
		if rr.Header().Rrtype != dns.TypeOPT {
			all = append(all, rr)
		}
	}
	return all
}

// TestStaleForForwarders: what has run out is no longer to be kept either.
func TestStaleForForwarders(t *testing.T) {
	u := newDying(t, "www.example. 60 IN A 192.0.2.1")
	h := newRouted(t, u)
	h.r.cfg.Cache = cache.New(cache.Config{Stale: cache.Stale{For: 24 * time.Hour, After: time.Second, TTL: 30 * time.Second}})
	h.send(router, told("www.example", dns.TypeA, 65001, patsMAC))
	u.instead, h.clock = failing, h.clock.Add(2*time.Hour)
	r := h.send(router, told("www.example", dns.TypeA, 65001, patsMAC))
	if len(r.Answer) != 1 || r.Answer[0].Header().Ttl != 0 || !sameCodes(r, dns.ExtendedErrorCodeStaleAnswer) {
		t.Errorf("a stale answer: %v", r)
	}
}

// TestChildrenAskTheSameAtOnce: one question goes out, each gets the verdict of their own.
func TestChildrenAskTheSameAtOnce(t *testing.T) {
	u := records(t, "first.example. 300 IN CNAME casino.example.", "casino.example. 300 IN A 192.0.2.1")
	h := newRouted(t, u)
	var all sync.WaitGroup
	for i := range 40 {
		mac, want := kimsMAC, "10.0.0.1"
		if i%2 == 0 {
			mac, want = patsMAC, "192.0.2.1"
		}
		packet, err := told("first.example", dns.TypeA, 65001, mac).Pack()
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			var q wire.Query
			q.Parse(packet)
			var s Stroke
			reply, done := h.r.Answer(&s, &q, Client{Addr: netip.MustParseAddr(router)}, make([]byte, 0, 4096))
			if !done {
				reply = resolve(h.ctx, h.r, &s, time.Now().Add(time.Minute))
			}
			var m dns.Msg
			if err := m.Unpack(reply); err != nil || !strings.HasSuffix(answers(&m), " "+want) {
				t.Errorf("%x: %v, %q; want %s", mac, err, answers(&m), want)
			}
		})
	}
	all.Wait()
}

// TestForwardedAllocatesNothing: neither hits nor blocks do, whatever is told.
func TestForwardedAllocatesNothing(t *testing.T) {
	h := newRouted(t, records(t, "www.example. 300 IN A 192.0.2.1", "casino.example. 300 IN A 192.0.2.1"))
	for _, name := range []string{"www.example", "casino.example"} { // warm
		h.send(router, told(name, dns.TypeA, 65001, patsMAC))
	}
	for _, from := range []string{router, hiding, "10.0.0.77"} {
		for _, name := range []string{"www.example", "casino.example"} {
			for _, options := range [][]any{
				nil, {65001, kimsMAC}, {65001, patsMAC}, {65073, "a4:cf:12:00:00:01"}, {65073, "pM8SAAAD"}, {65074, "desk"}, {65074, "attic"},
				{20292, "ODNS\x01\x00\x00\x10\x0a\x00\x00\x04\x00\x40\x01\x02\x03\x04\x05\x06\x07\x08"}, {65001, "x"}, {65001, kimsMAC, 65001, patsMAC}, {65073, "zz:cf:12:00:00:01"},
			} {
				packet, err := told(name, dns.TypeA, options...).Pack()
				if err != nil {
					t.Fatal(err)
				}
				var q wire.Query
				var s Stroke
				buf, client := make([]byte, 0, 4096), Client{Addr: netip.MustParseAddr(from)}
				n := testing.AllocsPerRun(100, func() {
					q.Parse(packet)
					if _, done := h.r.Answer(&s, &q, client, buf); !done {
						t.Fatal("it waits")
					}
				})
				if n != 0 {
					t.Errorf("%s from %s with %q: %v allocations, want none", name, from, options, n)
				}
				h.drain()
			}
		}
	}
}

// TestForwardedLeavesNoTrace: the ask page of an address shows what its device did; behind a router that would be
// everybody's.
func TestForwardedLeavesNoTrace(t *testing.T) {
	h := newRouted(t, records(t))
	for from, want := range map[string]int{router: 0, hiding: 0, "10.0.0.9": 1} {
		h.seen = nil
		h.send(from, told("porn.example", dns.TypeA, 65001, kimsMAC))
		if len(h.seen) != want {
			t.Errorf("from %s the observer saw %d blocks, want %d", from, len(h.seen), want)
		}
	}
}

// TestWhoamiSaysTheWay: with it the set-up check finds out over which way a home asks.
func TestWhoamiSaysTheWay(t *testing.T) {
	h := newRouted(t, records(t))
	for _, c := range []struct {
		from    string
		options []any
		want    string
	}{
		{"10.0.0.9", nil, "client=10.0.0.9"},
		{"10.0.0.9", []any{65001, patsMAC}, "client=10.0.0.9 told=untrusted"},
		{hiding, []any{65001, patsMAC}, "client=10.0.0.2 told=hidden mac=a4:cf:12:00:00:03"},
		{router, nil, "client=10.0.0.1 told=nothing"},
		{router, []any{65001, "\xa4\xcf\x12\x99\x99\x99"}, "client=10.0.0.1 told=unknown mac=a4:cf:12:99:99:99"},
		{router, []any{65001, kimsMAC, 65074, "desk"}, "client=10.0.0.1 told=device mac=a4:cf:12:00:00:01 token=yes"},
		{placing, []any{8, "\x00\x01\x20\x00\x0a\x00\x00\x04"}, "client=10.0.0.3 told=device address=10.0.0.4"},
	} {
		var lines []string
		for _, rr := range h.send(c.from, told("whoami.hearth.home.arpa", dns.TypeTXT, c.options...)).Answer {
			lines = append(lines, rr.(*dns.TXT).Txt...)
		}
		if got := strings.Join(lines, " "); !strings.HasSuffix(got, "transport=udp "+c.want) {
			t.Errorf("from %s with %q: %s; want %s at the end", c.from, c.options, got, c.want)
		}
	}
}

// forgetful knows nobody's MAC before it is asked.
type forgetful struct{}

func (forgetful) Find(*policy.Facts) bool { return false }

func (forgetful) Look(_ *policy.Facts, _ time.Time, done func(bool)) { done(true) }

// TestForwardersThatAreLookedUp: a query that waits until it is known who asks is counted once, as what it is.
func TestForwardersThatAreLookedUp(t *testing.T) {
	h := newRouted(t, records(t))
	h.r.cfg.Presence = forgetful{}
	for range 3 {
		if r := h.send(router, told("casino.example", dns.TypeA, 65001, kimsMAC)); !strings.HasSuffix(answers(r), " 10.0.0.1") {
			t.Fatalf("%v", r)
		}
	}
	var m dto.Metric
	if err := h.r.hearsay.forwarded[heardDevice].Write(&m); err != nil || m.GetCounter().GetValue() != 3 {
		t.Errorf("counted %v, %v; want 3", &m, err)
	}
}

// TestUnknownForwardersAreTold: once, off the query path, and without an address.
func TestUnknownForwardersAreTold(t *testing.T) {
	h := newRouted(t, records(t))
	var log strings.Builder
	h.r.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	h.send(router, told("www.test", dns.TypeA, 65001, kimsMAC))
	if h.r.deliver(); log.Len() > 0 {
		t.Errorf("a forwarder is told of: %s", &log)
	}
	for range 3 {
		h.send("10.0.0.77", told("www.test", dns.TypeA, 65001, kimsMAC))
		h.r.deliver()
	}
	if strings.Count(log.String(), "households[].forwarders") != 1 || strings.Contains(log.String(), "10.0.0") {
		t.Errorf("said: %s", &log)
	}
}
