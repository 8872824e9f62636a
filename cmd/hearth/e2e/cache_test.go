package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestOutage: while no upstream answers, what was known is served with its reason, what was
// not fails once and is remembered, blocks stay blocks, and the operator can have names
// forgotten.
func TestOutage(t *testing.T) {
	u := newUpstream(t)
	u.replies(func(m *dns.Msg) {
		for _, rr := range m.Answer {
			rr.Header().Ttl = 1
		}
	})
	s := example(t, u).start()
	s.ask("udp", "127.0.0.1", "known.example.org", dns.TypeA)
	u.stop()
	time.Sleep(1100 * time.Millisecond) // its time to live is over
	for _, network := range []string{"udp", "tcp"} {
		r := s.ask(network, "127.0.0.1", "known.example.org", dns.TypeA)
		if e := ede(r); addresses(r) != "192.0.2.1" || e == nil || e.InfoCode != 3 || r.Answer[0].Header().Ttl != 30 {
			t.Errorf("%s: %s; want the answer with EDE 3 for 30 s", network, r)
		}
	}
	for i := range 2 { // the second is remembered
		r := s.ask("tcp", "127.0.0.1", "unknown.example.org", dns.TypeA)
		if o := r.IsEdns0(); r.Rcode != dns.RcodeServerFailure || o == nil || len(o.Option) != i+1 {
			t.Errorf("ask %d of an unknown name: %s; want SERVFAIL with %d errors", i, r, i+1)
		}
	}
	if got := addresses(s.ask("udp", "127.0.0.1", "pornhub.com", dns.TypeA)); got != "127.0.0.1" {
		t.Errorf("a blocked name: %q", got)
	}
	s.eventually("counts a stale answer", func() bool { return strings.Contains(s.scrape(), "hearth_cache_stale_total 2") })

	if out, code := s.hearth("cache", "stats"); code != 0 || !strings.Contains(out, "2 served after they had run out") {
		t.Errorf("stats: exit %d\n%s", code, out)
	}
	if out, code := s.hearth("cache", "flush", "Known.Example.org"); code != 0 || !strings.HasPrefix(out, "1 answers forgotten") {
		t.Errorf("flush: exit %d\n%s", code, out)
	}
	if r := s.ask("tcp", "127.0.0.1", "known.example.org", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("after the flush: %s", r)
	}
	for _, args := range [][]string{{"cache", "flush"}, {"cache", "flush", "a.example", "--all"}, {"cache", "flush", "--all", "--subtree"}, {"cache", "flush", "a..b"}} {
		if out, code := s.hearth(args...); code != 2 {
			t.Errorf("%v: exit %d, want 2\n%s", args, code, out)
		}
	}
	if out, code := s.hearth("cache", "flush", "--all", "--json"); code != 0 || !strings.Contains(out, `"flushed": 2`) {
		t.Errorf("flush --all: exit %d\n%s", code, out)
	}
	if out, code := s.hearth("cache", "stats", "--config", s.config); code != 0 || !strings.Contains(out, "answered by the running server") {
		t.Errorf("of the server of a configuration: exit %d\n%s", code, out)
	}
}

// TestWarmStart: with cache.snapshot the answers outlive the process, and an outage of the
// upstream at the start with them; without it there is no file.
func TestWarmStart(t *testing.T) {
	u := newUpstream(t)
	s := example(t, u)
	cold := s.read()
	s.write(strings.Replace(cold, "snapshot: false", "snapshot: true", 1))
	s.start()
	s.ask("udp", "127.0.0.1", "known.example.org", dns.TypeA)
	s.ask("udp", "127.0.0.1", "childline.org.uk", dns.TypeA)
	stop := func() {
		t.Helper()
		s.signal(syscall.SIGTERM)
		if err := <-s.exited; err != nil {
			t.Fatalf("the server ended with %v", err)
		}
	}
	restart := func() { stop(); s.start() }
	u.stop()
	restart()
	file := filepath.Join(s.state(), "answers.snapshot")
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
		t.Fatalf("the file: %v, %v; want mode 0600", info, err)
	}
	if r := s.ask("udp", "127.0.0.1", "known.example.org", dns.TypeA); addresses(r) != "192.0.2.1" {
		t.Errorf("after the restart: %s", r)
	}
	if r := s.ask("tcp", "127.0.0.1", "childline.org.uk", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("a name of help was written down: %s", r)
	}

	// A broken file is one line in the log, and no reason not to start.
	stop()
	if err := os.WriteFile(file, []byte("hearth answers 1\nbut not for long"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	if n := strings.Count(s.log.String(), "answers on disk are not used"); n != 1 {
		t.Errorf("%d lines about the broken file, want 1", n)
	}

	s.write(cold)
	restart()
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file is still there when it is not wanted: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(s.state(), "answers.snapshot*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	stop()
	close(s.exited) // for whoever waits for one of its runs
}
