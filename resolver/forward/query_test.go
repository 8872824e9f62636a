package forward

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// Nothing of the client goes upstream but name, type, class and CD.
func TestQueryIsBuiltAnew(t *testing.T) {
	t.Parallel()
	for _, cd := range []bool{false, true} {
		e := newEvil(t, truth)
		q := query(t, "wWw.eXample.com.", func(m *dns.Msg) {
			m.Id, m.RecursionDesired, m.AuthenticatedData, m.CheckingDisabled = 0, false, true, cd
			m.SetEdns0(4096, false)
			m.IsEdns0().Option = []dns.EDNS0{
				&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IPv4(198, 51, 100, 0)},
				&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("device")},
				&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1234567890"},
			}
		})
		if _, err := answer(forwarder(t, e.addr), q); err != nil {
			t.Fatal(err)
		}
		m := e.visits()[0].query
		if !m.RecursionDesired || m.AuthenticatedData || m.CheckingDisabled != cd || m.Opcode != 0 || m.Response {
			t.Errorf("header = %+v, want RD, CD %v", m.MsgHdr, cd)
		}
		if len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, "www.example.com.") || m.Question[0].Qtype != dns.TypeA || m.Question[0].Qclass != dns.ClassINET {
			t.Errorf("question = %v", m.Question)
		}
		o := m.IsEdns0()
		if len(m.Extra) != 1 || o == nil || o.UDPSize() != 1232 || !o.Do() || o.Version() != 0 || len(o.Option) != 1 {
			t.Fatalf("additional = %v, want an OPT of 1232 octets with DO and one option", m.Extra)
		}
		if c, ok := o.Option[0].(*dns.EDNS0_COOKIE); !ok || len(c.Cookie) != 16 || c.Cookie == "24a5ac1234567890" {
			t.Errorf("option = %v, want a cookie of our own", o.Option[0])
		}
	}
}

// RFC 5452 section 9.2: ID, port and spelling of a query tell nothing about the
// next. Over some thousand queries, each is spread evenly (chi-square over 16
// bins has mean 15 and deviation 5.5; 60 is passed by chance once in 10^6), does
// not count upwards, and repeats no more than chance has it.
func TestQueriesAreRandom(t *testing.T) {
	const n = 4000
	e := newEvil(t, truth)
	f := forwarder(t, e.addr)
	for range n {
		want(t, f, "192.0.2.1")
	}
	seen := e.visits()
	if len(seen) != n {
		t.Fatalf("%d queries, want %d", len(seen), n)
	}
	low, of := portRange(f.upstreams[0].udp)
	ids, ports, spellings := make([]int, n), make([]int, n), make([]int, n)
	for i, v := range seen {
		ids[i], ports[i], spellings[i] = int(v.query.Id), int(v.from.Port()), spelling(v.query.Question[0].Name)
		if ports[i] < low || ports[i] >= low+of {
			t.Fatalf("port %d is not of the %d from %d on", ports[i], of, low)
		}
	}
	for name, s := range map[string]struct {
		values  []int
		low, of int
	}{"IDs": {ids, 0, 1 << 16}, "ports": {ports, low, of}, "spellings": {spellings, 0, 1 << 13}} {
		var bins [16]float64
		distinct := make(map[int]bool)
		near := 0
		for i, v := range s.values {
			bins[(v-s.low)*16/s.of]++
			distinct[v] = true
			if d := v - s.values[max(i-1, 0)]; i > 0 && d >= -2 && d <= 2 {
				near++
			}
		}
		chi := 0.0
		for _, b := range bins {
			chi += (b - n/16) * (b - n/16) / (n / 16)
		}
		if chi > 60 {
			t.Errorf("%s: chi-square %.1f over 16 bins: %v", name, chi, bins)
		}
		by := float64(s.of) * (1 - math.Exp(-n/float64(s.of))) // so many are different by chance
		if len(distinct) < int(by)-180 {
			t.Errorf("%s: only %d of %d are different, %.0f by chance", name, len(distinct), n, by)
		}
		if chance := 5 * n / float64(s.of); float64(near) > 10+4*chance {
			t.Errorf("%s: %d follow their predecessor closely, %.1f by chance", name, near, chance)
		}
	}
}

// portRange is what ports are drawn from: by us from all that no privilege is needed
// for, by Linux from those that it has for this.
func portRange(p packets) (low, of int) {
	if _, ours := p.(*portable); ours {
		return 1024, 1<<16 - 1024
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var high int
	if _, scan := fmt.Sscan(string(text), &low, &high); err != nil || scan != nil {
		return 32768, 60999 - 32768 + 1
	}
	return low, high - low + 1
}

// spelling reads the case of a name's letters as a number.
func spelling(name string) (bits int) {
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			bits = bits<<1 | 1
		case c >= 'a' && c <= 'z':
			bits <<= 1
		}
	}
	return bits
}

// A reply that does not keep the spelling of the question may be forged: the one
// that does is waited for.
func TestSpellingIsCompared(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		forged := v.reply("192.0.2.66")
		forged.Question[0].Name = strings.ToLower(forged.Question[0].Name)
		v.say(forged)
		truth(v)
	})
	f := forwarder(t, e.addr)
	wantFor(t, f, long, "192.0.2.1")
	if got := scrape(t, f)["hearth_upstream_junk_total"]; got != 1 {
		t.Errorf("%v packets counted as junk, want 1", got)
	}
}

// An upstream that answers in lower case whatever it is asked is found out once, and
// then asked in lower case.
func TestUpstreamThatLosesSpelling(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.reply("192.0.2.1")
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		v.say(m)
	})
	f := forwarder(t, e.addr)
	wantFor(t, f, long, "192.0.2.1")
	seen := len(e.visits())
	if seen > 2 {
		t.Errorf("%d queries, want two at most", seen)
	}
	for range 20 {
		wantFor(t, f, long, "192.0.2.1")
	}
	all := e.visits()
	if len(all) != seen+20 {
		t.Errorf("%d queries, want one a question", len(all)-seen)
	}
	for _, v := range all[seen:] {
		if spelling(v.query.Question[0].Name) != 0 {
			t.Fatalf("asked for %s, want lower case", v.query.Question[0].Name)
		}
	}
	if got := scrape(t, f)["hearth_upstream_failures_total"]; got != 0 {
		t.Errorf("%v failures counted, want none", got)
	}
}

// The same where a question is tried once only, and the round trip is long.
func TestUpstreamThatLosesSpellingHasOneTry(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		if v.network == "tcp" {
			return // as many home routers are
		}
		time.Sleep(60 * time.Millisecond)
		m := v.reply("192.0.2.1")
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		v.say(m)
	})
	wantFor(t, impatient(t, Config{Upstreams: []string{e.addr.String()}, Attempts: 1, Timeout: 10 * time.Second}), long, "192.0.2.1")
}

// The same where somebody on the way rewrites UDP alone: the answer comes over TCP, twice.
func TestPathThatLosesSpelling(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.reply("192.0.2.1")
		if v.network == "udp" {
			m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		}
		v.say(m)
	})
	f := forwarder(t, e.addr)
	for range 5 {
		wantFor(t, f, long, "192.0.2.1")
	}
	if n := len(e.visits()); n != 7 {
		t.Errorf("%d queries for five questions, want two more", n)
	}
}

// One forged packet before an upstream is known has no later question asked in lower
// case either, where TCP tells the truth.
func TestForgerAtTheStart(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		if v.number > 1 {
			truth(v)
			return
		}
		m := v.reply("192.0.2.66")
		m.Question[0].Name = strings.ToLower(m.Question[0].Name)
		v.say(m)
	})
	f := forwarder(t, e.addr)
	for range 4 {
		wantFor(t, f, long, "192.0.2.1")
	}
	for _, v := range e.visits() {
		if spelling(v.query.Question[0].Name) == 0 {
			t.Errorf("asked for %s in lower case", v.query.Question[0].Name)
		}
	}
}

// One forged packet with the right ID and port, for a question that the forger has
// answered slowly, has no later question asked in lower case.
func TestForgerCannotHaveSpellingGivenUp(t *testing.T) {
	t.Parallel()
	for name, overTCP := range map[string]func(*visit){"TCP": truth, "no TCP": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				asked := v.query.Question[0].Name
				switch {
				case v.network == "tcp":
					overTCP(v)
				case strings.HasPrefix(strings.ToLower(asked), "slow.") && spelling(asked) != 0:
					m := v.reply("192.0.2.66")
					m.Question[0].Name = strings.ToLower(asked)
					v.say(m)
				default:
					truth(v)
				}
			})
			f := forwarder(t, e.addr)
			for range 20 {
				want(t, f, "192.0.2.1")
			}
			if raw, err := answer(f, query(t, "slow.attacker.example.", nil)); err == nil {
				m := new(dns.Msg)
				if err := m.Unpack(raw); err != nil || m.Answer[0].(*dns.A).A.String() != "192.0.2.1" {
					t.Errorf("believed: %v, %v", m, err)
				}
			}
			n, lower := len(e.visits()), 0
			for range 20 {
				want(t, f, "192.0.2.1")
			}
			for _, v := range e.visits()[n:] {
				if spelling(v.query.Question[0].Name) == 0 {
					lower++
				}
			}
			if lower > 5 { // by chance one in 8192 is
				t.Errorf("%d of 20 later questions are in lower case", lower)
			}
		})
	}
}

// Our spelling goes no further: the reply and what is compressed to its question are in
// lower case.
func TestSpellingIsTakenBack(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		m := v.reply("192.0.2.1")
		m.Compress = true
		domain := strings.SplitN(m.Question[0].Name, ".", 2)[1]
		m.Answer = []dns.RR{&dns.CNAME{
			Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: "web." + domain,
		}}
		v.say(m)
	})
	f := forwarder(t, e.addr)
	for range 10 {
		m, err := ask(t, f)
		if err != nil {
			t.Fatal(err)
		}
		if m.Question[0].Name != "www.example.com." || m.Answer[0].(*dns.CNAME).Target != "web.example.com." {
			t.Fatalf("the reply is spelled %v", m)
		}
	}
}

// What breaks down while a reply is weighed ends that exchange, not the process.
func TestPanicEndsOneExchange(t *testing.T) {
	t.Parallel()
	f := forwarder(t, newEvil(t, says(dns.RcodeRefused)).addr)
	var calls atomic.Int64
	f.now = func() time.Time {
		if calls.Add(1) == 3 { // after probing and choosing how to ask: when it failed
			panic("broken")
		}
		return time.Now()
	}
	for range 3 {
		var failed *Failure
		if _, err := answer(f, query(t, "www.example.com.", nil)); !errors.As(err, &failed) {
			t.Errorf("Exchange = %v, want a failure", err)
		}
	}
	if calls.Load() < 3 {
		t.Error("nothing broke down")
	}
}

// So does what breaks down while an upstream is only looked at.
func TestPanicEndsOneProbe(t *testing.T) {
	t.Parallel()
	f := forwarder(t, newEvil(t, truth).addr, newEvil(t, second).addr)
	dead := f.upstreams[1]
	var calls atomic.Int64
	dead.now = func() time.Time {
		if calls.Add(1) == 1 {
			panic("broken")
		}
		return time.Now()
	}
	dead.health.backoff = minBackoff
	await(t, func() bool { // the second probe finds it alive
		want(t, f, "192.0.2.1")
		return !dead.health.down()
	})
}

// Exchanges with a mute upstream end with their time and leave nothing open.
func TestNothingStaysOpen(t *testing.T) {
	for _, network := range []string{"udp://", "tcp://"} {
		release := make(chan struct{})
		e := newEvil(t, func(*visit) { <-release })
		f := impatient(t, Config{Upstreams: []string{network + e.addr.String()}, Timeout: 500 * time.Millisecond, Attempts: 1})
		before, files := runtime.NumGoroutine(), openFiles()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				var failed *Failure
				if _, err := answer(f, query(t, "www.example.com.", nil)); !errors.As(err, &failed) || failed.EDE != NoReachableAuthority {
					t.Errorf("Exchange = %v, want a failure", err)
				}
			})
		}
		wg.Wait()
		close(release)
		f.Close() // else the connections over TCP wait for more
		await(t, func() bool { return runtime.NumGoroutine() <= before && openFiles() <= files })
	}
}

// openFiles counts this process's open files, where the system shows them.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

func TestExchangesAtOnceKeepApart(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		var n int
		if _, err := fmt.Sscanf(strings.ToLower(v.query.Question[0].Name), "n%d.", &n); err != nil {
			t.Error(err)
		}
		v.say(v.reply(fmt.Sprintf("192.0.2.%d", n)))
	})
	f := forwarder(t, e.addr)
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			raw, err := answer(f, query(t, fmt.Sprintf("n%d.example.com.", n), nil))
			m := new(dns.Msg)
			if err != nil || m.Unpack(raw) != nil || m.Answer[0].(*dns.A).A.String() != fmt.Sprintf("192.0.2.%d", n) {
				t.Errorf("n%d: %v, %v", n, m, err)
			}
		})
	}
	wg.Wait()
}

// scrape returns the sum of each metric over its labels; a histogram's count.
func scrape(t testing.TB, f *Forwarder) map[string]float64 {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(f)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			sums[family.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sums
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	bad, good := newEvil(t, says(dns.RcodeServerFailure)), newEvil(t, truth)
	f := forwarder(t, bad.addr, good.addr)
	want(t, f, "192.0.2.1")
	got := scrape(t, f)
	for name, value := range map[string]float64{
		"hearth_upstream_queries_total": 2, "hearth_upstream_failures_total": 1,
		"hearth_upstream_latency_seconds": 2, "hearth_upstream_up": 2, "hearth_upstream_junk_total": 0,
	} {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s = %v (present: %v), want %v", name, v, ok, value)
		}
	}
	// Two forwarders with one upstream live in one registry, told apart by zone.
	zone, err := New(Config{Upstreams: f.Upstreams(), Name: "lan"})
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(f, zone)
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}
