package resolver

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// household is the family of these tests: a child, a teenager and an adult with
// a device each, and everybody else a guest.
const household = `
profiles:
  - {name: nx, band: preteen, block_mode: nxdomain, rules: [{name: good.bad.porn.example, action: allow}]}
  - {name: zero, band: preteen, block_mode: "null"}
  - {name: no, band: preteen, block_mode: refused}
  - {name: watched, band: preteen, observe: true}
  - {name: night, band: preteen, schedule: {windows: [{days: [all], from: "00:00", to: "12:00", kind: bedtime}]}}
  - {name: nightnx, band: preteen, block_mode: nxdomain, schedule: {windows: [{days: [all], from: "00:00", to: "12:00", kind: bedtime}]}}
  - {name: deny, band: adult, rules: [{name: virus.example, action: deny}, {name: abuse.example, action: deny}]}
  - {name: closed, band: preteen, unknown: block}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Kim, band: child}
      - {name: Alex, band: teen}
      - {name: Pat, band: adult}
    devices:
      - {name: kim, addresses: [10.0.0.2], member: Kim}
      - {name: alex, addresses: [10.0.0.3], member: Alex}
      - {name: pat, addresses: [10.0.0.4], member: Pat}
      - {name: nx, addresses: [10.0.0.11], profile: nx}
      - {name: zero, addresses: [10.0.0.12], profile: zero}
      - {name: no, addresses: [10.0.0.13], profile: no}
      - {name: watched, addresses: [10.0.0.14], profile: watched}
      - {name: night, addresses: [10.0.0.15], profile: night}
      - {name: deny, addresses: [10.0.0.16], profile: deny}
      - {name: closed, addresses: [10.0.0.18], profile: closed}
      - {name: nightnx, addresses: [10.0.0.17], profile: nightnx}
    rules:
      - {name: denied.example.com, action: deny}
      - {name: kept.casino.example, action: allow}
`

// listed is what the lists of these tests say. None of these names is in the
// starter lists.
var listed = map[string]string{
	"porn.example":        "adult.porn",
	"casino.example":      "money.gambling",
	"chat.example":        "social.networks",
	"virus.example":       "sec.malware",
	"abuse.example":       "illegal.csam",
	"help.example":        "ok.help",
	"core.help.example":   "ok.help.core",
	"sad.example":         "harm.selfharm",
	"tracker.example":     "ads.trackers",
	"helped.porn.example": "ok.help",
}

// now is a Wednesday noon in the household's zone.
var now = time.Date(2026, 6, 10, 10, 0, 0, 0, time.UTC)

func buildIndex() *blocklists.Index { return policytest.Index(policytest.Lists(listed)) }

func parse(t testing.TB, name string) blocklists.Name {
	t.Helper()
	n, err := blocklists.ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// said is an upstream made of functions; it counts what it is asked.
type said struct {
	asked  atomic.Int64
	answer func(q dns.Question) (*dns.Msg, error)
}

func (u *said) Exchange(q wire.Question, done func([]byte, error)) {
	u.asked.Add(1)
	name, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		done(nil, err)
		return
	}
	m := new(dns.Msg).SetQuestion(name, q.Type)
	m.Question[0].Qclass, m.CheckingDisabled = q.Class, q.CD
	go func() {
		r, err := u.answer(m.Question[0])
		if err != nil {
			done(nil, err)
			return
		}
		rcode := r.Rcode
		r.SetReply(m).Rcode = rcode
		done(r.Pack())
	}()
}

// records makes an upstream that answers with lines of a zone file: those whose
// owner or chain is asked for are all sent, in the order given.
func records(t testing.TB, zone ...string) *said {
	t.Helper()
	rrs := make([]dns.RR, len(zone))
	for i, line := range zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		rrs[i] = rr
	}
	return &said{answer: func(q dns.Question) (*dns.Msg, error) {
		m := new(dns.Msg)
		for _, rr := range rrs {
			if h := rr.Header(); h.Rrtype == q.Qtype || h.Rrtype == dns.TypeCNAME || h.Rrtype == dns.TypeDNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
		return m, nil
	}}
}

// house is one resolver under test.
type house struct {
	t     testing.TB
	r     *Resolver
	clock time.Time
	ctx   context.Context
	seen  []Event

	patience time.Duration // of those who ask
}

func newHouse(t testing.TB, u Exchanger, zones ...*View) *house {
	t.Helper()
	h := &house{t: t, clock: now, ctx: context.Background(), patience: time.Minute}
	w := newWorld(t, buildIndex(), u, zones...)
	r, err := New(Config{
		World: w, Catalog: blocklists.NewCatalog(blocklists.CatalogConfig{}), Cache: cache.New(cache.Config{}),
		Now: func() time.Time { return h.clock }, Node: "test", Version: "v0", Observer: observer(func(*Event) {}),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.r = r
	return h
}

func newWorld(t testing.TB, ix *blocklists.Index, u Exchanger, zones ...*View) *World {
	t.Helper()
	return newWorldOf(t, household, ix, u, zones...)
}

func newWorldOf(t testing.TB, households string, ix *blocklists.Index, u Exchanger, zones ...*View) *World {
	t.Helper()
	return newWorldWith(t, households, ix, u, func(*WorldConfig) {}, zones...)
}

// newWorldWith makes a world with what more sets of it.
func newWorldWith(t testing.TB, households string, ix *blocklists.Index, u Exchanger, more func(*WorldConfig), zones ...*View) *World {
	t.Helper()
	var people policy.Config
	if err := yaml.Unmarshal([]byte(households), &people); err != nil {
		t.Fatal(err)
	}
	routes, err := NewRoutes(ix.Key(), RoutesConfig{Profiles: []*View{{ID: 1, Upstream: u, Peers: map[netip.Addr]bool{netip.MustParseAddr("10.0.0.53"): true}}}, Zones: zones})
	if err != nil {
		t.Fatal(err)
	}
	cfg := WorldConfig{
		Index: ix, Upstreams: routes, Own: parse(t, "hearth.home.arpa"), Generation: 1,
		Landing: Landing{V4: netip.MustParseAddr("10.0.0.1"), V6: netip.MustParseAddr("fd00::1"), TTL: 10},
	}
	more(&cfg)
	cfg.Directory, err = policy.Compile(policy.CompileConfig{
		Config: people, Index: ix, Own: cfg.Own, Fixed: FixedNames(cfg.Own, cfg.Designated.Name, routes.Zones()), Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listeners = []Admission{{}, {Allow: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Guest: cfg.Directory.Profile("preteen")}}
	w, err := NewWorld(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ask asks as a listener would: Answer first, Resolve if it cannot.
func (h *house) ask(from, name string, qtype uint16) *dns.Msg {
	h.t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.SetEdns0(1232, false)
	return h.send(from, m)
}

func (h *house) send(from string, m *dns.Msg) *dns.Msg {
	h.t.Helper()
	return h.over(Client{Addr: netip.MustParseAddr(from)}, m)
}

func (h *house) over(c Client, m *dns.Msg) *dns.Msg {
	h.t.Helper()
	packet, err := m.Pack()
	if err != nil {
		h.t.Fatal(err)
	}
	var q wire.Query
	if f := q.Parse(packet); f != wire.None {
		h.t.Fatalf("%v: %s", f, m)
	}
	buf := make([]byte, 0, 4096)
	var s Stroke
	reply, done := h.r.Answer(&s, &q, c, buf)
	if !done {
		reply = resolve(h.ctx, h.r, &s, time.Now().Add(h.patience))
	}
	h.drain()
	var r dns.Msg
	if err := r.Unpack(reply); err != nil {
		h.t.Fatalf("the reply does not unpack: %v\n%x", err, reply)
	}
	return &r
}

// resolve runs the second stroke and waits for its reply.
func resolve(ctx context.Context, r *Resolver, s *Stroke, until time.Time) []byte {
	replied := make(chan []byte, 1)
	r.Resolve(ctx, s, until, func(reply []byte) { replied <- reply })
	return <-replied
}

// drain takes the events that Run would deliver.
func (h *house) drain() {
	h.r.events.each(func(e *Event) { h.seen = append(h.seen, *e) })
}

// answers gives the answer section, a line a record without TTL.
func answers(m *dns.Msg) string {
	var out []string
	for _, rr := range m.Answer {
		f := strings.Fields(rr.String())
		out = append(out, f[0]+" "+strings.Join(f[3:], " "))
	}
	return strings.Join(out, "\n")
}

func extended(m *dns.Msg) *dns.EDNS0_EDE {
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if e, ok := opt.(*dns.EDNS0_EDE); ok {
				return e
			}
		}
	}
	return nil
}

type observer func(*Event)

func (o observer) Observe(e *Event) { o(e) }
