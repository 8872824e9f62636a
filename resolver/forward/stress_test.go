package forward

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// addressOf is the address that honest hosts of TestStress give a name.
func addressOf(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(dns.CanonicalName(name)))
	sum := h.Sum32()
	return fmt.Sprintf("192.%d.%d.%d", byte(sum>>16), byte(sum>>8), byte(sum))
}

// While upstreams of all kinds die, hang, lie and come back, and the Forwarder is closed, each
// question is told its end once, and no reply of another one.
func TestStress(t *testing.T) {
	once(t)
	ca := newAuthority(t, nil)
	for _, strategy := range []string{Strict, Fastest, Race, Hedge} {
		t.Run(strategy, func(t *testing.T) {
			before := runtime.NumGoroutine()
			t.Run("ask", func(t *testing.T) { stress(t, ca, strategy) })
			await(t, func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

func right(v *errand) { v.say(v.reply(addressOf(v.query.Question[0].Name))) }

// moods are what a host of TestStress does, one after the other.
var moods = []func(*errand){
	right, right, right,
	func(v *errand) { time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond); right(v) },
	func(v *errand) { v.hangUp() },
	func(v *errand) {
		m := v.reply("203.0.113.66")
		m.Question[0].Name, m.Answer[0].Header().Name = "elsewhere.example.", "elsewhere.example."
		v.say(m)
		right(v)
	},
	hang,
}

func stress(t *testing.T, ca *authority, strategy string) {
	const workers, questions = 16, 12
	cfg := Config{Strategy: strategy, Timeout: 3 * time.Second}
	var hosts []*host
	for _, network := range []string{"tcp", "tls", "https", "https1", "h3", "quic"} {
		h := newHost(t, network, ca.issue(nil), right)
		hosts = append(hosts, h)
		cfg.Upstreams = append(cfg.Upstreams, h.url())
		cfg.Servers = append(cfg.Servers, servers(h, Server{CAFile: ca.file})...)
	}
	e := newEvil(t, func(v *visit) {
		if rand.IntN(5) > 0 {
			v.say(v.reply(addressOf(v.query.Question[0].Name)))
		}
	})
	cfg.Upstreams = append(cfg.Upstreams, "udp://"+e.addr.String(), "udp://"+deadPort(t).String())
	rand.Shuffle(len(cfg.Upstreams), func(i, j int) { cfg.Upstreams[i], cfg.Upstreams[j] = cfg.Upstreams[j], cfg.Upstreams[i] })
	f := impatient(t, cfg)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				hosts[rand.IntN(len(hosts))].become(moods[rand.IntN(len(moods))])
				if rand.IntN(20) == 0 {
					f.Close()
				}
			}
		}
	})
	var ends atomic.Int64
	var asking sync.WaitGroup
	for worker := range workers {
		asking.Go(func() {
			for i := range questions {
				name := fmt.Sprintf("n%d-%d.example.com.", worker, i)
				told := make(chan error, 2)
				f.Exchange(asked(query(t, name, nil)), func(raw []byte, err error) {
					ends.Add(1)
					told <- check(name, raw, err)
				})
				if err := <-told; err != nil {
					t.Error(err)
				}
			}
		})
	}
	asking.Wait()
	close(stop)
	wg.Wait()
	f.Close()
	for _, h := range hosts {
		h.become(right)
	}
	await(t, func() bool { return scrape(t, f)["hearth_upstream_connection_queries"] == 0 })
	await(t, func() bool { return scrape(t, f)["hearth_upstream_connections"] == 0 })
	want := addressOf("www.example.com.")
	for range 3 {
		wantFor(t, f, "www.example.com.", want)
	}
	if n := ends.Load(); n != workers*questions {
		t.Errorf("%d ends of %d questions", n, workers*questions)
	}
}

// check returns what is wrong with an end of an Exchange.
func check(name string, raw []byte, err error) error {
	if err != nil {
		return nil //nolint:nilerr // that nobody answered is an end as well
	}
	var m dns.Msg
	if err := m.Unpack(raw); err != nil {
		return err
	}
	if len(m.Answer) != 1 || m.Question[0].Name != name || !m.Answer[0].(*dns.A).A.Equal(net.IP(netip.MustParseAddr(addressOf(name)).AsSlice())) {
		return fmt.Errorf("%s got %v", name, m.Answer)
	}
	return nil
}
