package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
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
		if _, err := forwarder(t, e.addr).Exchange(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		m := e.visits()[0].query
		if !m.RecursionDesired || m.AuthenticatedData || m.CheckingDisabled != cd || m.Opcode != 0 || m.Response {
			t.Errorf("header = %+v, want RD, CD %v", m.MsgHdr, cd)
		}
		if len(m.Question) != 1 || m.Question[0] != (dns.Question{Name: "www.example.com.", Qtype: dns.TypeA, Qclass: dns.ClassINET}) {
			t.Errorf("question = %v", m.Question)
		}
		o := m.IsEdns0()
		if len(m.Extra) != 1 || o == nil || o.UDPSize() != 1232 || !o.Do() || o.Version() != 0 || len(o.Option) != 0 {
			t.Errorf("additional = %v, want an OPT of 1232 octets with DO and nothing in it", m.Extra)
		}
	}
}

// RFC 5452 section 9.2: the ID and the port of a query tell nothing about the
// next. Over some thousand queries, each is spread evenly (chi-square over 16
// bins has mean 15 and deviation 5.5; 60 is passed by chance once in 10^6), does
// not count upwards, and repeats no more than chance has it.
func TestIDsAndPortsAreRandom(t *testing.T) {
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
	ids, ports := make([]int, n), make([]int, n)
	for i, v := range seen {
		ids[i], ports[i] = int(v.query.Id), int(v.from.Port())
		if ports[i] < 1024 {
			t.Fatalf("port %d", ports[i])
		}
	}
	for name, s := range map[string]struct {
		values  []int
		low, of int
	}{"IDs": {ids, 0, 1 << 16}, "ports": {ports, 1024, 1<<16 - 1024}} {
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
		if len(distinct) < n-300 { // about 120 repeat by chance
			t.Errorf("%s: only %d of %d are different", name, len(distinct), n)
		}
		if near > 10 { // about 0.3 by chance
			t.Errorf("%s: %d follow their predecessor closely", name, near)
		}
	}
}

// A cancelled Exchange ends at once, says so, blames nobody and leaves nothing
// open.
func TestCancelFreesTheSocket(t *testing.T) {
	for _, network := range []string{"udp://", "tcp://"} {
		arrived := make(chan struct{}, 100)
		release := make(chan struct{})
		e := newEvil(t, func(*visit) { arrived <- struct{}{}; <-release })
		f := impatient(t, Config{Upstreams: []string{network + e.addr.String()}, Timeout: time.Minute})
		before, files := runtime.NumGoroutine(), openFiles()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := f.Exchange(ctx, query(t, "www.example.com.", nil)); !errors.Is(err, context.Canceled) {
					t.Errorf("Exchange = %v, want the cancellation", err)
				}
			})
		}
		for range 50 {
			<-arrived
		}
		cancel()
		wg.Wait()
		close(release)
		await(t, func() bool { return runtime.NumGoroutine() <= before && openFiles() <= files })
		if got := scrape(t, f)["hearth_upstream_failures_total"]; got != 0 {
			t.Errorf("%v failures counted, want none", got)
		}
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
		if _, err := fmt.Sscanf(v.query.Question[0].Name, "n%d.", &n); err != nil {
			t.Error(err)
		}
		v.say(v.reply(fmt.Sprintf("192.0.2.%d", n)))
	})
	f := forwarder(t, e.addr)
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			raw, err := f.Exchange(t.Context(), query(t, fmt.Sprintf("n%d.example.com.", n), nil))
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
