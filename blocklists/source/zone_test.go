package source

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const feedSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// zonePrimary serves a policy zone on loopback: the whole, and the difference of the last change.
type zonePrimary struct {
	addr string

	mu      sync.Mutex
	serial  uint32
	refresh int
	names   []string
	before  []string // at the serial before
	asked   []string // types of the questions
}

func newZonePrimary(t *testing.T, secret string) *zonePrimary {
	t.Helper()
	p := &zonePrimary{serial: 10, refresh: 3600, names: []string{"one.example", "two.example"}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = listener.Addr().String()
	s := &dns.Server{Listener: listener, Handler: p, TsigSecret: map[string]string{"feed-key.": secret}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return p
}

// change makes the zone another version.
func (p *zonePrimary) change(serial uint32, names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial, p.before, p.names = serial, p.names, names
}

// questions are the types of what was asked since the last call.
func (p *zonePrimary) questions() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := strings.Join(p.asked, " ")
	p.asked = nil
	return asked
}

func (p *zonePrimary) soa(serial uint32) string {
	return fmt.Sprintf("rpz.test. 60 IN SOA ns.test. m.test. %d %d 120 86400 60", serial, p.refresh)
}

// ServeDNS implements dns.Handler.
func (p *zonePrimary) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, dns.TypeToString[q.Question[0].Qtype])
	if w.TsigStatus() != nil {
		r := new(dns.Msg).SetRcode(q, dns.RcodeNotAuth)
		r.SetTsig("feed-key.", dns.HmacSHA256, 300, time.Now().Unix())
		r.IsTsig().Error = dns.RcodeBadSig
		_ = w.WriteMsg(r)
		return
	}
	lines := []string{p.soa(p.serial)}
	policies := func(names []string) {
		for _, name := range names {
			lines = append(lines, name+".rpz.test. 60 IN CNAME .")
		}
	}
	switch q.Question[0].Qtype {
	case dns.TypeAXFR:
		policies(p.names)
		lines = append(lines, p.soa(p.serial))
	case dns.TypeIXFR:
		lines = append(lines, p.soa(q.Ns[0].(*dns.SOA).Serial))
		policies(without(p.before, p.names))
		lines = append(lines, p.soa(p.serial))
		policies(without(p.names, p.before))
		lines = append(lines, p.soa(p.serial))
	}
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		r.Answer = append(r.Answer, rr)
	}
	if sig := q.IsTsig(); sig != nil {
		r.SetTsig(sig.Hdr.Name, sig.Algorithm, 300, time.Now().Unix())
	}
	_ = w.WriteMsg(r)
}

func without(names, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(gone, n) })
}

// zoneSource is a source with the zone of p.
func zoneSource(t *testing.T, p *zonePrimary) Source {
	t.Helper()
	return Source{Name: "zone", Private: true, Categories: []string{"sec.malware"}, Zone: Zone{Name: "RPZ.test", Primaries: []string{p.addr},
		TSIG: TSIG{Name: "feed-key", SecretFile: write(t, t.TempDir()+"/secret", feedSecret+"\n")}}}
}

// updated asks for the zone, due or not.
func updated(t *testing.T, l *Library, want Status) Result {
	t.Helper()
	results, err := l.Update(context.Background(), "zone")
	if err != nil || len(results) != 1 || results[0].Status != want {
		t.Fatalf("Update: %+v, %v; want %s", results, err, want)
	}
	return results[0]
}

// TestZone: a zone is transferred as a whole, then by what has changed, and is what the index says.
func TestZone(t *testing.T) {
	p, tax := newZonePrimary(t, feedSecret), taxonomy(t)
	config := Config{Sources: []Source{zoneSource(t, p)}}
	if err := config.Validate(tax); err != nil {
		t.Fatal(err)
	}
	l := open(t, LibraryConfig{Lists: config})
	if r := updated(t, l, Updated); r.Names != 2 || p.questions() != "SOA AXFR" {
		t.Errorf("%+v", r)
	}
	ix := compile(t, l, tax)
	wantCategories(t, ix, "one.example", "sec.malware")
	wantCategories(t, ix, "www.one.example")
	if r := updated(t, l, Unchanged); r.Names != 2 || p.questions() != "SOA" {
		t.Errorf("%+v", r)
	}
	p.change(11, "one.example", "three.example")
	if r := updated(t, l, Updated); r.Names != 2 || p.questions() != "SOA IXFR" {
		t.Errorf("%+v", r)
	}
	ix = compile(t, l, tax)
	wantCategories(t, ix, "two.example")
	wantCategories(t, ix, "three.example", "sec.malware")
	again := open(t, LibraryConfig{Dir: l.config.Dir, Lists: config})
	if r := updated(t, again, Unchanged); r.Names != 2 {
		t.Errorf("another process: %+v", r)
	}
	if stat := l.Stats()[len(l.Stats())-1]; stat.Origin != "RPZ.test" || !stat.Kept || stat.Format != RPZ {
		t.Errorf("stat %+v", stat)
	}
}

// TestZoneRollback: an older version is held back, and is in force only when the operator accepts it.
func TestZoneRollback(t *testing.T) {
	p, tax := newZonePrimary(t, feedSecret), taxonomy(t)
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{zoneSource(t, p)}}})
	updated(t, l, Updated)
	for _, older := range []uint32{9, 10 + 1<<31} {
		p.change(older, "one.example", "old.example")
		if r := updated(t, l, Held); !strings.Contains(r.Why, "rollback") || !strings.Contains(r.Why, fmt.Sprint(older)) || r.Held == nil {
			t.Errorf("%+v", r)
		}
		wantCategories(t, compile(t, l, tax), "two.example", "sec.malware")
		wantCategories(t, compile(t, l, tax), "old.example")
	}
	p.change(9, "one.example", "old.example")
	updated(t, l, Held)
	if r, err := l.Accept(context.Background(), "zone"); err != nil || r.Status != Updated {
		t.Fatalf("%+v, %v", r, err)
	}
	ix := compile(t, l, tax)
	wantCategories(t, ix, "old.example", "sec.malware")
	wantCategories(t, ix, "two.example")
	p.questions()
	updated(t, l, Unchanged)
	p.change(10, "one.example", "new.example")
	updated(t, l, Updated)
	if asked := p.questions(); asked != "SOA SOA IXFR" {
		t.Errorf("asked %s", asked)
	}
}

// TestZoneAfterCrash: a copy that is not the one that the record speaks of is transferred anew.
func TestZoneAfterCrash(t *testing.T) {
	p := newZonePrimary(t, feedSecret)
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{zoneSource(t, p)}}})
	updated(t, l, Updated)
	record, err := os.ReadFile(l.recordPath("zone"))
	if err != nil {
		t.Fatal(err)
	}
	p.change(11, "one.example", "two.example", "three.example")
	updated(t, l, Updated)
	write(t, l.recordPath("zone"), string(record)) // the list was renamed, the record not yet
	p.questions()
	if r := updated(t, l, Updated); r.Names != 3 || p.questions() != "SOA AXFR" {
		t.Errorf("%+v", r)
	}
}

// TestZoneKeepsLastGood: what a primary must not be able to do to the last good zone, and what the operator reads.
func TestZoneKeepsLastGood(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *zonePrimary, s *Source, c *Config)
		status Status
		why    string
	}{
		"wrong secret": {func(_ *zonePrimary, s *Source, _ *Config) {
			s.Zone.TSIG.SecretFile = write(t, t.TempDir()+"/secret", "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyMTI=")
		}, Failed, "BADSIG"},
		"no secret":        {func(_ *zonePrimary, s *Source, _ *Config) { s.Zone.TSIG.SecretFile += "-gone" }, Failed, "secret_file cannot be read"},
		"bad secret":       {func(_ *zonePrimary, s *Source, _ *Config) { write(t, s.Zone.TSIG.SecretFile, "short") }, Failed, "tsig-keygen"},
		"private primary":  {func(_ *zonePrimary, s *Source, _ *Config) { s.Private = false }, Failed, "private: true"},
		"metadata address": {func(_ *zonePrimary, s *Source, _ *Config) { s.Zone.Primaries = []string{"169.254.169.254"} }, Failed, "no address that lists are fetched from"},
		"too large": {func(p *zonePrimary, _ *Source, c *Config) {
			p.change(11, strings.Fields(numbered(200))...)
			c.MaxBytes = 1 << 10
		}, Refused, "max_bytes"},
		"no policy in it": {func(p *zonePrimary, _ *Source, _ *Config) { p.change(11) }, Refused, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newZonePrimary(t, feedSecret)
			s := zoneSource(t, p)
			l := open(t, LibraryConfig{Lists: Config{Sources: []Source{s}}})
			updated(t, l, Updated)
			config := Config{Sources: []Source{s}}
			tt.change(p, &config.Sources[0], &config)
			l = open(t, LibraryConfig{Dir: l.config.Dir, Lists: config})
			if r := updated(t, l, tt.status); !strings.Contains(r.Why, tt.why) || r.Names != 2 || strings.Contains(r.Why, feedSecret) {
				t.Errorf("%+v; want a reason of %q and 2 names", r, tt.why)
			}
			if text, err := os.ReadFile(l.listPath("zone")); err != nil || !strings.Contains(string(text), "two.example") {
				t.Errorf("the last good zone is gone: %v\n%s", err, text)
			}
			if got := files(t, l.folder()); slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, tempMark) }) {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

// TestZoneDue: the timers of the SOA record within their bounds, and what is stale.
func TestZoneDue(t *testing.T) {
	for _, tt := range []struct {
		refresh  int // of the SOA record, seconds
		source   time.Duration
		failures int
		want     time.Duration
	}{
		{3600, 0, 0, time.Hour},
		{5, 0, 0, time.Minute},
		{30 * 86400, 0, 0, 24 * time.Hour},
		{86400, 2 * time.Hour, 0, 2 * time.Hour},
		{3600, 0, 1, 2 * time.Minute}, // the retry time
	} {
		p, now := newZonePrimary(t, feedSecret), newClock()
		p.refresh = tt.refresh
		s := zoneSource(t, p)
		s.Refresh = tt.source
		l := open(t, LibraryConfig{Lists: Config{Sources: []Source{s}}, Now: now.Now})
		if !l.due(s, l.recall("zone")).IsZero() {
			t.Error("a zone that never came is not due at once")
		}
		updated(t, l, Updated)
		s, k := l.lists.Sources[0], l.recall("zone")
		k.Failures = tt.failures
		if got := l.due(s, k).Sub(now.now); got != tt.want {
			t.Errorf("%+v: due after %s", tt, got)
		}
		now.now = now.now.Add(24 * time.Hour)
		if l.zoneExpired(s, k) {
			t.Error("expired at its expire time")
		}
		now.now = now.now.Add(time.Second)
		if !l.zoneExpired(s, k) {
			t.Error("not expired after its expire time")
		}
	}
}

// notified is a NOTIFY, signed.
func notified(t *testing.T, address string) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetNotify("rpz.test.")
	m.SetTsig("feed-key.", dns.HmacSHA256, 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", TsigSecret: map[string]string{"feed-key.": feedSecret}}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		r, _, err := c.Exchange(m.Copy(), address)
		if err == nil {
			return r
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestZoneNotified: a NOTIFY updates the zone at once, even while the server of another list keeps the line busy.
func TestZoneNotified(t *testing.T) {
	p := newZonePrimary(t, feedSecret)
	asked, release := make(chan struct{}, 10), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(release)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	l := open(t, LibraryConfig{Log: slog.New(slog.DiscardHandler), Lists: Config{Notify: []string{address}, Timeout: time.Hour, Sources: []Source{
		zoneSource(t, p), {Name: "slow", URL: slow.URL, Private: true, Format: Domains, Categories: []string{"piracy"}}}}})
	updated(t, l, Updated)
	p.questions()
	ctx, cancel := context.WithCancel(context.Background())
	changed, ended := make(chan struct{}, 10), make(chan error)
	go func() { ended <- l.Run(ctx, func() { changed <- struct{}{} }) }()
	<-asked
	for i, serial := range []uint32{11, 12} {
		p.change(serial, "one.example", fmt.Sprintf("new%d.example", i))
		from := time.Now()
		if r := notified(t, address); r.Rcode != dns.RcodeSuccess || r.IsTsig() == nil {
			t.Fatalf("answer %v", r)
		}
		select {
		case <-changed:
			t.Logf("the library has the change %s after NOTIFY", time.Since(from).Round(time.Millisecond))
		case <-time.After(30 * time.Second):
			t.Fatal("the zone is not updated")
		}
		if k := l.recall("zone"); k.Serial != serial {
			t.Errorf("serial %d", k.Serial)
		}
	}
	if k := l.recall("slow"); k.Failures != 0 {
		t.Errorf("the list that was interrupted counts as failed: %s", k.LastError)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestZoneMissed: where NOTIFY counts, a start does not wait for the refresh time: nobody listened before.
func TestZoneMissed(t *testing.T) {
	p := newZonePrimary(t, feedSecret)
	l := open(t, LibraryConfig{Lists: Config{Notify: []string{"127.0.0.1:0"}, Sources: []Source{zoneSource(t, p)}}})
	updated(t, l, Updated)
	p.change(11, "one.example", "new.example")
	ctx, cancel := context.WithCancel(context.Background())
	changed, ended := make(chan struct{}, 10), make(chan error)
	go func() { ended <- l.Run(ctx, func() { changed <- struct{}{} }) }()
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		t.Error("the zone is not asked for")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestValidateZone: every mistake says what to write instead.
func TestValidateZone(t *testing.T) {
	good := Source{Name: "z", Zone: Zone{Name: "rpz.test", Primaries: []string{"192.0.2.1"}}, Categories: []string{"piracy"}}
	for name, tt := range map[string]struct {
		change func(*Config, *Source)
		path   string
		why    string
	}{
		"no primary":       {func(_ *Config, s *Source) { s.Zone.Primaries = nil }, "sources[0].zone.primaries", "[192.0.2.1]"},
		"a name":           {func(_ *Config, s *Source) { s.Zone.Primaries = []string{"ns.example"} }, "sources[0].zone.primaries[0]", "names are not looked up"},
		"metadata":         {func(_ *Config, s *Source) { s.Zone.Primaries = []string{"192.0.2.1", "169.254.169.254:53"} }, "sources[0].zone.primaries[1]", "169.254.169.254"},
		"zone name":        {func(_ *Config, s *Source) { s.Zone.Name = "https://rpz.test" }, "sources[0].zone.name", "such as rpz."},
		"another format":   {func(_ *Config, s *Source) { s.Format = Hosts }, "sources[0].format", "format: rpz"},
		"key without file": {func(_ *Config, s *Source) { s.Zone.TSIG.Name = "k" }, "sources[0].zone.tsig.secret_file", "base64"},
		"key without name": {func(_ *Config, s *Source) { s.Zone.TSIG.SecretFile = "/x" }, "sources[0].zone.tsig.name", "primary calls it"},
		"algorithm":        {func(_ *Config, s *Source) { s.Zone.TSIG = TSIG{"k", "hmac-md5", "/x"} }, "sources[0].zone.tsig.algorithm", "hmac-sha256"},
		"the same zone":    {func(c *Config, s *Source) { other := *s; other.Name = "y"; c.Sources = append(c.Sources, other) }, "sources[1].zone.name", "sources[0]"},
		"notify":           {func(c *Config, _ *Source) { c.Notify = []string{"192.0.2.1"} }, "notify[0]", "address:port"},
		"notify of no zone": {func(c *Config, s *Source) {
			c.Notify = []string{":5353"}
			s.Zone, s.URL, s.Format = Zone{}, "https://x.example/", Hosts
		}, "notify", "leave it out"},
		"right": {func(c *Config, s *Source) {
			c.Notify = []string{":5353", "[::1]:5354"}
			s.Format = RPZ
			s.Zone.Primaries = []string{"[2001:db8::1]:5353", "2001:db8::2"}
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{Sources: []Source{good}}
			tt.change(&c, &c.Sources[0])
			err := c.Validate(taxonomy(t))
			if tt.path == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			all, ok := err.(interface{ Unwrap() []error })
			if !ok || len(all.Unwrap()) != 1 {
				t.Fatalf("%v; want one mistake at %s", err, tt.path)
			}
			mistake := all.Unwrap()[0]
			if at := mistake.(interface{ Path() string }).Path(); at != tt.path || !strings.Contains(mistake.Error(), tt.why) {
				t.Errorf("%s: %v; want %s: %q", at, mistake, tt.path, tt.why)
			}
		})
	}
}
