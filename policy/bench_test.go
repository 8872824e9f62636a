package policy

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// many is a provider's configuration: households with a network of each family,
// a child on a tablet, a schedule, and in one of ten of them own rules.
func many(households int) Config {
	c := Config{Households: make([]HouseholdConfig, households)}
	for i := range c.Households {
		h := HouseholdConfig{
			ID: "h-" + strconv.Itoa(i), Consent: ConsentConfig{By: "Anna", At: Date{2026, 1, 10}},
			Timezone: "Europe/Berlin", Language: []string{"de", "fr", "en"}[i%3],
			Networks: []netip.Prefix{netip.PrefixFrom(address4(i), 32), netip.PrefixFrom(address6(i, 0), 56)},
			Members:  []MemberConfig{{Name: "Mia", Band: []string{"child", "preteen"}[i%2]}, {Name: "Anna", Band: "adult"}},
			Devices: []DeviceConfig{
				{Name: "tablet", Member: "Mia", Addresses: []netip.Addr{address6(i, 20)}},
				{Name: "laptop", Member: "Anna", Addresses: []netip.Addr{address6(i, 21)}},
			},
			Schedule: ScheduleConfig{Preset: true},
		}
		for j := 0; i%10 == 0 && j < 5; j++ {
			h.Rules = append(h.Rules, RuleConfig{Name: fmt.Sprintf("n%d.rule%d.test", i, j), Action: []string{"deny", "allow"}[j%2]})
		}
		c.Households[i] = h
	}
	return c
}

func address4(household int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 100<<24+uint32(household)*7) //nolint:gosec // small
	return netip.AddrFrom4(b)
}

func address6(household int, device byte) netip.Addr {
	b := [16]byte{0x20, 0x01, 15: device}
	binary.BigEndian.PutUint32(b[3:], uint32(household)) //nolint:gosec // small
	return netip.AddrFrom16(b)
}

func compiled(t testing.TB, c Config) *Directory {
	t.Helper()
	ix, err := new(Scenario).index(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Compile(CompileConfig{Config: c, Index: ix})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// BenchmarkHouseholds asks as clients of random households do.
func BenchmarkHouseholds(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		d := compiled(b, many(n))
		addresses := make([]netip.Addr, 1<<16)
		for _, kind := range []struct {
			name string
			make func(household int) netip.Addr
		}{
			{"network4", address4},
			{"network6", func(i int) netip.Addr { return address6(i, 99) }},
			{"device6", func(i int) netip.Addr { return address6(i, 20) }},
		} {
			for i := range addresses {
				addresses[i] = kind.make(rand.IntN(n)) //nolint:gosec // a benchmark
			}
			b.Run(fmt.Sprintf("Identify/%s/%d", kind.name, n), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					d.Identify(addresses[i%len(addresses)])
				}
			})
			a := asker{d: d}
			q := a.question(b, "www.other.test")
			at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
			b.Run(fmt.Sprintf("Decide/%s/%d", kind.name, n), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					d.Identify(addresses[i%len(addresses)]).Profile.Decide(q, at)
				}
			})
		}
	}
}

// BenchmarkCompile says what a household costs at the start, and while it is served.
func BenchmarkCompile(b *testing.B) {
	const n = 100_000
	c := many(n)
	ix, err := new(Scenario).index(b.Context(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var d *Directory
	for b.Loop() {
		if d, err = Compile(CompileConfig{Config: c, Index: ix}); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/household")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/household")
	runtime.KeepAlive(d)
	runtime.KeepAlive(c)
}

// BenchmarkDecide asks for people of three bands what their day is made of.
func BenchmarkDecide(b *testing.B) {
	a := asker{d: busy(b)}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, member := range []string{"Tom", "Mia", "Anna"} {
		p := a.member(b, "h", member)
		for _, name := range []string{"www.other.test", "www.known.test", "porn.test", "tube.test", "www.n1.rule1.test"} {
			q := a.question(b, name)
			b.Run(p.Band().String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Decide(q, noon)
				}
			})
		}
	}
	p, q := a.member(b, "h", "Mia"), a.question(b, "www.other.test")
	b.Run("preteen/chain", func(b *testing.B) {
		b.ReportAllocs()
		hashes := AppendTarget(AppendTarget(nil, q.Hashes), q.Hashes)
		asked := p.Decide(q, noon)
		for b.Loop() {
			p.DecideChain(asked, q, blocklists.Match{}, hashes)
		}
	})
}

// BenchmarkDecideBusy decides for a client with 200 own rules, ten windows and five quotas, without and with things
// that people did, and counts what is allowed.
func BenchmarkDecideBusy(b *testing.B) {
	a := asker{d: busy(b)}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	c, err := a.d.LocateDevice("phone")
	if err != nil {
		b.Fatal(err)
	}
	for _, state := range []string{"alone", "acts"} {
		if state == "acts" {
			if err := a.d.Apply("h", busyState(noon)); err != nil {
				b.Fatal(err)
			}
		}
		for _, name := range []string{"www.other.test", "porn.test", "tube.test", "www.n1.rule1.test"} {
			q := a.question(b, name)
			b.Run(state+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					who := c.Now(noon)
					who.Decide(q, noon)
				}
			})
		}
	}
	q := a.question(b, "tube.test")
	d := c.Decide(q, noon)
	b.Run("count", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Count(q, d, noon)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	d := busy(b)
	for _, text := range []string{"192.168.1.20", "10.1.2.3", "8.8.8.8", "2001:db8::20", "2001:db8::21"} {
		addr := netip.MustParseAddr(text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Identify(addr)
			}
		})
	}
}
