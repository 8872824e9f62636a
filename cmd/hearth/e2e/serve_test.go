package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestMainJob is the first page of the README: the example household, a blocked
// name in every form, an allowed one, the page.
func TestMainJob(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	for _, network := range []string{"udp", "tcp"} {
		r := s.ask(network, "127.0.0.1", "pornhub.com", dns.TypeA)
		if got := addresses(r); got != "127.0.0.1" {
			t.Errorf("%s: pornhub.com A = %q, want the landing address 127.0.0.1", network, got)
		}
		if e := ede(r); e == nil || e.InfoCode != 17 || e.ExtraText == "" {
			t.Errorf("%s: pornhub.com A carries %v, want EDE 17 with a text", network, e)
		}
		if r.Authoritative || !r.RecursionAvailable || r.Answer[0].Header().Ttl > 10 {
			t.Errorf("%s: AA %v RA %v TTL %d, want AA clear, RA set, at most 10 s", network, r.Authoritative, r.RecursionAvailable, r.Answer[0].Header().Ttl)
		}
		if got := addresses(s.ask(network, "127.0.0.1", "www.pornhub.com", dns.TypeAAAA)); got != "::1" {
			t.Errorf("%s: www.pornhub.com AAAA = %q, want ::1", network, got)
		}
		r = s.ask(network, "127.0.0.1", "pornhub.com", dns.TypeHTTPS)
		if r.Rcode != dns.RcodeSuccess || len(r.Answer) != 0 || len(r.Ns) != 1 || r.Ns[0].Header().Rrtype != dns.TypeSOA {
			t.Errorf("%s: pornhub.com HTTPS is not NODATA with an SOA: %v", network, r)
		}
		for _, name := range []string{"notpornhub.com", "pornhub.com.example.org", "Example.COM"} {
			r := s.ask(network, "127.0.0.1", name, dns.TypeA)
			if got := addresses(r); got != "192.0.2.1" {
				t.Errorf("%s: %s A = %q, want the upstream's 192.0.2.1", network, name, got)
			}
			if r.Question[0].Name != dns.Fqdn(name) {
				t.Errorf("%s: the question came back as %q, want the client's spelling %q", network, r.Question[0].Name, name)
			}
		}
	}
	status, body := s.page("127.0.0.1", "pornhub.com")
	if status != 403 || !strings.Contains(body, "<h1") || len(body) > 30<<10 {
		t.Errorf("the page answers %d with %d bytes, want 403 and a page under 30 kB", status, len(body))
	}
	s.eventually("lists pornhub.com on ask.hearth.home.arpa", func() bool {
		status, body := s.page("127.0.0.1", "ask.hearth.home.arpa")
		return status == 200 && strings.Contains(body, "pornhub.com")
	})
	if _, body := s.page("127.0.0.3", "ask.hearth.home.arpa"); strings.Contains(body, "pornhub.com") {
		t.Error("ask.hearth.home.arpa shows one device what another asked for")
	}
}

// TestExampleClients asks as each of the example's devices.
func TestExampleClients(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	const landing, upstream = "127.0.0.1", "192.0.2.1"
	for _, tt := range []struct{ from, name, want string }{
		{"127.0.0.1", "pornhub.com", landing},           // guest: preteen
		{"127.0.0.1", "instagram.com", landing},         // social networks are blocked below 13
		{"127.0.0.9", "instagram.com", landing},         // an unknown device gets the same
		{"127.0.0.2", "instagram.com", landing},         // child
		{"127.0.0.3", "instagram.com", upstream},        // teenager: allowed outside the schedule
		{"127.0.0.3", "pornhub.com", landing},           // but not this
		{"127.0.0.4", "pornhub.com", upstream},          // adult
		{"127.0.0.2", "nummergegenkummer.de", upstream}, // help is never blocked
	} {
		if got := addresses(s.ask("udp", tt.from, tt.name, dns.TypeA)); got != tt.want {
			t.Errorf("%s asks for %s: %q, want %q", tt.from, tt.name, got, tt.want)
		}
	}
	txt := s.ask("udp", "127.0.0.3", "whoami.hearth.home.arpa", dns.TypeTXT).String()
	for _, want := range []string{"band=teen", "household=known", "transport=udp"} {
		if !strings.Contains(txt, want) {
			t.Errorf("whoami does not say %s:\n%s", want, txt)
		}
	}
	if got := addresses(s.ask("udp", "127.0.0.3", "test-adult.porn.hearth.home.arpa", dns.TypeA)); got != landing {
		t.Errorf("test-adult.porn = %q, want the landing address", got)
	}
	if e := ede(s.ask("udp", "127.0.0.3", "test-adult.porn.hearth.home.arpa", dns.TypeA)); e == nil || e.InfoCode != 17 {
		t.Errorf("test-adult.porn carries %v, want EDE 17", e)
	}
	if e := ede(s.ask("udp", "127.0.0.4", "test-sec.malware.hearth.home.arpa", dns.TypeA)); e == nil || e.InfoCode != 15 {
		t.Errorf("test-sec.malware carries %v for the adult, want EDE 15", e)
	}
}

// load keeps asking until stopped and counts what was lost or wrong.
type load struct {
	sent, wrong, lost atomic.Int64
	stop              chan struct{}
	wg                sync.WaitGroup
	first             atomic.Value
}

func (s *server) load(workers int, ask map[string]string) *load {
	l := &load{stop: make(chan struct{})}
	for w := range workers {
		l.wg.Go(func() {
			network := []string{"udp", "tcp"}[w%2]
			for {
				for name, want := range ask {
					select {
					case <-l.stop:
						return
					default:
					}
					r, err := s.try(network, "127.0.0.1", name, dns.TypeA)
					l.sent.Add(1)
					switch {
					case err != nil:
						l.lost.Add(1)
						l.first.CompareAndSwap(nil, fmt.Sprintf("%s %s: %v", network, name, err))
					case addresses(r) != want:
						l.wrong.Add(1)
						l.first.CompareAndSwap(nil, fmt.Sprintf("%s %s: %v", network, name, r))
					}
				}
			}
		})
	}
	return l
}

func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	if l.lost.Load() > 0 || l.wrong.Load() > 0 {
		t.Errorf("of %d queries %d were lost and %d wrong; the first: %v", l.sent.Load(), l.lost.Load(), l.wrong.Load(), l.first.Load())
	}
	t.Logf("%d queries, none lost", l.sent.Load())
}

// TestReloadUnderLoad reloads by signal, by file and by the control socket while
// clients ask.
func TestReloadUnderLoad(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	l := s.load(4, map[string]string{"pornhub.com": "127.0.0.1", "wikipedia.org": "192.0.2.1", "sub.notpornhub.com": "192.0.2.1"})
	plain := s.read()
	for i := range 6 {
		before := strings.Count(s.log.String(), "reload")
		changed := strings.Replace(plain, "ttl: 10s", fmt.Sprintf("ttl: %ds", 11+i), 1)
		if changed == plain {
			t.Fatal("config.example.yaml has no `ttl: 10s` to change")
		}
		switch i % 3 {
		case 0:
			s.write(changed)
			s.signal(syscall.SIGHUP)
		case 1:
			s.write(changed)
		case 2:
			if out, code := s.hearth("lists", "compile", "--config", s.config); code != 0 {
				t.Errorf("lists compile: exit %d\n%s", code, out)
			}
		}
		s.eventually("logged the reload", func() bool { return strings.Count(s.log.String(), "reload") > before || i%3 == 2 })
	}
	l.end(t)
}

// TestBrokenConfiguration breaks the file and sees the last good one serve on.
func TestBrokenConfiguration(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	good := s.read()
	s.write(strings.Replace(good, "band: teen", "band: teeen", 1))
	if s.read() == good {
		t.Fatal("config.example.yaml has no `band: teen` to break")
	}
	s.signal(syscall.SIGHUP)
	s.eventually("shows the failed reload in its gauge", func() bool { return s.metric("hearth_config_last_reload_success", "0") })
	s.eventually("names file and line in the log", func() bool { return strings.Contains(s.log.String(), "hearth.yaml:") })
	if got := addresses(s.ask("udp", "127.0.0.3", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
		t.Errorf("after a broken reload pornhub.com = %q, want it still blocked", got)
	}
	if out, code := s.hearth("check-config", s.config); code != 1 || !strings.Contains(out, "teen") {
		t.Errorf("check-config: exit %d, want 1 and a suggestion:\n%s", code, out)
	}
	s.write(good)
	s.signal(syscall.SIGHUP)
	s.eventually("is well again", func() bool { return s.metric("hearth_config_last_reload_success", "1") })
}

// TestUpstreamDeadAndBack kills the upstream: blocks and pages work on, the rest
// fails with a reason, and recovers.
func TestUpstreamDeadAndBack(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	addr := u.addr
	u.stop()
	r := s.ask("udp", "127.0.0.1", "never-asked-before.example.com", dns.TypeA)
	if e := ede(r); r.Rcode != dns.RcodeServerFailure || e == nil || e.InfoCode != 22 && e.InfoCode != 23 {
		t.Errorf("with no upstream alive: %v, want SERVFAIL with EDE 22 or 23", r)
	}
	if got := addresses(s.ask("udp", "127.0.0.1", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
		t.Errorf("with no upstream alive pornhub.com = %q, want it blocked", got)
	}
	if status, _ := s.page("127.0.0.1", "pornhub.com"); status != 403 {
		t.Errorf("with no upstream alive the page answers %d, want 403", status)
	}
	u.start(t, addr)
	s.eventually("resolves again", func() bool {
		return addresses(s.ask("udp", "127.0.0.1", "never-asked-before.example.com", dns.TypeA)) == "192.0.2.1"
	})
}

// TestIndexTorn cuts the compiled index and flips a bit of it: the server starts,
// blocks, and has a whole one again.
func TestIndexTorn(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	s := example(t, u).start()
	index := filepath.Join(s.state(), "lists", "index.hix")
	s.eventually("has written its index", func() bool { _, err := os.Stat(index); return err == nil })
	s.signal(syscall.SIGTERM)
	if err := <-s.exited; err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
	whole, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 1
	for what, torn := range map[string][]byte{"cut": whole[:len(whole)/2], "flipped": flipped, "empty": nil} {
		if err := os.WriteFile(index, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		s.start()
		if got := addresses(s.ask("udp", "127.0.0.1", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
			t.Errorf("%s index: pornhub.com = %q, want it blocked", what, got)
		}
		s.eventually("has a whole index again", func() bool { fi, err := os.Stat(index); return err == nil && fi.Size() == int64(len(whole)) })
		s.signal(syscall.SIGTERM)
		<-s.exited
		s.exited <- nil
	}
}

// TestTermDrains ends the server while a query waits for a slow upstream: the
// answer still comes and the exit is clean.
func TestTermDrains(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u).start()
	u.delay.Store(int64(700 * time.Millisecond))
	got := make(chan string, 2)
	for _, network := range []string{"udp", "tcp"} {
		go func() {
			r, err := s.try(network, "127.0.0.1", network+".slow.example.com", dns.TypeA)
			if err != nil {
				got <- err.Error()
				return
			}
			got <- addresses(r)
		}()
	}
	s.eventually("has asked the upstream", func() bool { return u.asked.Load() >= 2 })
	s.signal(syscall.SIGTERM)
	for range 2 {
		if a := <-got; a != "192.0.2.1" {
			t.Errorf("a query in flight at SIGTERM got %q, want its answer", a)
		}
	}
	if err := <-s.exited; err != nil {
		t.Errorf("exit after SIGTERM: %v, want 0", err)
	}
	s.exited <- nil
}
