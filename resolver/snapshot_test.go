package resolver

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func newCacheOf(cfg cache.Config) *cache.Cache { return cache.New(cfg) }

func counted(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newDying(t, "www.school.example. 60 IN A 192.0.2.7")
		h := newBridged(t, u, bridged)
		h.r.World().Upstreams.profiles[0].Name = "all"
		fill := func() {
			u.instead = nil
			for _, name := range []string{"school.example", "www.school.example", "a.b.school.example", "xschool.example", "help.example"} {
				h.ask(pat, name, dns.TypeA)
				h.ask(pat, name, dns.TypeTXT)
			}
			u.instead = failing
			h.ask(pat, "gone.school.example", dns.TypeA)
		}
		for _, tt := range []struct {
			name    string
			subtree bool
			want    int // those for TXT are NODATA without a SOA, and not kept
		}{
			{"school.example", false, 0},
			{"www.school.example", false, 1},
			{"gone.school.example", false, 1},
			{"school.example", true, 2},
			{"example", true, 2},
			{"chool.example", true, 0},
			{".", true, 2},
			{"help.example", false, 0},
		} {
			h.r.Flush(parse(t, "."), true)
			time.Sleep(time.Hour)
			fill()
			if got := h.r.Flush(parse(t, tt.name), tt.subtree); got != tt.want {
				t.Errorf("%s, subtree %v: %d flushed, want %d", tt.name, tt.subtree, got, tt.want)
			}
		}
	})
}

// TestFlushIsSilentOfHelp: the count does not tell that somebody asked for it.
func TestFlushIsSilentOfHelp(t *testing.T) {
	h := newHouse(t, records(t, "help.example. 60 IN A 192.0.2.1", "core.help.example. 60 IN A 192.0.2.1",
		"sad.example. 60 IN A 192.0.2.1", "front.example. 60 IN CNAME help.example.", "open.example. 60 IN A 192.0.2.1"))
	for _, name := range []string{"help.example", "core.help.example", "sad.example", "front.example", "open.example"} {
		h.ask(pat, name, dns.TypeA)
		want := 0
		if name == "open.example" {
			want = 1
		}
		if got := h.r.Flush(parse(t, name), true); got != want {
			t.Errorf("%s: %d told, want %d", name, got, want)
		}
		if n := h.r.cfg.Cache.Stats().Entries; n != 0 {
			t.Errorf("%s: %d entries left", name, n)
		}
	}
}

// TestFlushWhileAsking: what was asked before a flush is not kept after it, and who asks
// after it is not given it.
func TestFlushWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, address := newDying(t), "192.0.2.1"
		u.instead = func(q dns.Question) (*dns.Msg, error) {
			rr, err := dns.NewRR(q.Name + " 60 IN A " + address)
			time.Sleep(time.Second)
			return &dns.Msg{Answer: []dns.RR{rr}}, err
		}
		h := newBridged(t, u, bridged)
		first := make(chan string)
		go func() { first <- answers(h.ask(guest, "www.school.example", dns.TypeA)) }()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		address = "192.0.2.2"
		h.r.Flush(parse(t, "school.example"), true)
		second := make(chan string)
		go func() { second <- answers(h.ask(guest, "www.school.example", dns.TypeA)) }()
		if got := <-first; !strings.HasSuffix(got, "192.0.2.1") {
			t.Errorf("who asked before: %q", got)
		}
		if n := h.r.cfg.Cache.Stats().Entries; n != 0 {
			t.Errorf("%d entries kept of it", n)
		}
		if got := <-second; !strings.HasSuffix(got, "192.0.2.2") {
			t.Errorf("who asked after: %q", got)
		}
		if got := answers(h.ask(guest, "www.school.example", dns.TypeA)); !strings.HasSuffix(got, "192.0.2.2") {
			t.Errorf("later: %q", got)
		}
	})
}

// kept gives the records that a house would write.
func (h *house) kept() []cache.Record { return slices.Collect(h.r.Answers()) }

// restarted is another house at the same time, with the records of h.
func (h *house) restarted(t *testing.T, u Exchanger, view string, records []cache.Record) (*house, int) {
	next := newHouse(t, u)
	next.r.cfg.Cache, next.clock = newCacheOf(bridged), h.clock
	next.r.World().Upstreams.profiles[0].Name = view
	return next, next.r.Restore(records)
}

func TestSnapshot(t *testing.T) {
	zone := []string{"www.school.example. 60 IN CNAME a.school.example.", "a.school.example. 60 IN A 192.0.2.7", "porn.example. 60 IN A 192.0.2.9",
		"cloak.example. 60 IN CNAME x.tracker.example.", "x.tracker.example. 60 IN A 192.0.2.4",
		"help.example. 60 IN A 192.0.2.1", "core.help.example. 60 IN A 192.0.2.1", "sad.example. 60 IN A 192.0.2.1",
		"front.example. 60 IN CNAME help.example.", "bound.example. 60 IN A 192.168.1.1"}
	h := newHouse(t, records(t, zone...))
	h.r.cfg.Cache = newCacheOf(bridged)
	h.r.World().Upstreams.profiles[0].Name = "all"
	for _, name := range []string{"www.school.example", "porn.example", "cloak.example", "help.example", "core.help.example", "sad.example", "front.example", "bound.example"} {
		h.ask(pat, name, dns.TypeA)
	}
	all := h.kept()
	var names []string
	for _, rec := range all {
		var m dns.Msg
		if err := m.Unpack(rec.Message); err != nil {
			t.Fatal(err)
		}
		names = append(names, m.Question[0].Name)
	}
	slices.Sort(names)
	if want := []string{"cloak.example.", "porn.example.", "www.school.example."}; !slices.Equal(names, want) {
		t.Errorf("written: %v, want %v", names, want)
	}

	dead := newDying(t)
	dead.instead = failing
	for _, tt := range []struct {
		age time.Duration
		ttl uint32
	}{{20 * time.Second, 40}, {time.Hour, 30}} {
		h.clock = now.Add(tt.age)
		next, taken := h.restarted(t, dead, "all", all)
		if taken != 3 {
			t.Errorf("%d taken, want 3", taken)
		}
		if r := next.ask(pat, "www.school.example", dns.TypeA); answers(r) != "www.school.example. CNAME a.school.example.\na.school.example. A 192.0.2.7" || r.Answer[0].Header().Ttl != tt.ttl {
			t.Errorf("after %v: %s", tt.age, r)
		}
		// The facts are of the index that serves, and so are the verdicts.
		if got := answers(next.ask(guest, "porn.example", dns.TypeA)); got != "porn.example. A 10.0.0.1" {
			t.Errorf("a guest: %q", got)
		}
		if got := answers(next.ask(guest, "cloak.example", dns.TypeA)); got != "cloak.example. A 10.0.0.1" {
			t.Errorf("a guest, by the chain: %q", got)
		}
	}
	if _, taken := h.restarted(t, dead, "others", all); taken != 0 {
		t.Errorf("%d taken of a view that is no more", taken)
	}
	h.clock = now.Add(25 * time.Hour)
	if next, _ := h.restarted(t, dead, "all", all); next.ask(pat, "porn.example", dns.TypeA).Rcode != dns.RcodeServerFailure {
		t.Error("an answer of yesterday is used")
	}
}

// TestHostileSnapshot: what is on disk is believed no more than an upstream is.
func TestHostileSnapshot(t *testing.T) {
	h := newHouse(t, records(t))
	h.r.World().Upstreams.profiles[0].Name = "all"
	mark := h.r.World().Upstreams.profiles[0].mark()
	pack := func(question string, qtype uint16, lines ...string) []byte {
		m := new(dns.Msg).SetQuestion(question, qtype)
		m.Response = true
		for _, line := range lines {
			rr, err := dns.NewRR(line)
			if err != nil {
				t.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := pack("www.school.example.", dns.TypeA, "www.school.example. 60 IN A 192.0.2.7")
	chaos := pack("c.example.", dns.TypeTXT, "c.example. 60 IN A 192.0.2.7")
	chaos[len("c.example.")+1+12+3] = 3 // the class of the question
	for name, tt := range map[string]struct {
		stored int64
		msg    []byte
	}{
		"of the future":       {now.Unix() + 1, good},
		"of the beginning":    {-1 << 63, good},
		"of long ago":         {1, good},
		"nothing":             {now.Unix(), nil},
		"a header":            {now.Unix(), good[:12]},
		"half":                {now.Unix(), good[:len(good)-3]},
		"another class":       {now.Unix(), chaos},
		"many questions":      {now.Unix(), append([]byte{0, 0, 0x80, 0, 0, 9}, good[6:]...)},
		"a pointer in a loop": {now.Unix(), append(bytes.Clone(good[:12]), 0xc0, 12, 0, 1, 0, 1)},
	} {
		_ = h.r.Restore([]cache.Record{{View: mark, Stored: tt.stored, Message: tt.msg}})
		for e := range h.r.cfg.Cache.Entries() {
			t.Errorf("%s: kept %x", name, e.Name())
		}
		h.r.Flush(parse(t, "."), true)
	}
	h.r.Restore([]cache.Record{{View: mark, Stored: now.Unix(), Message: pack("www.school.example.", dns.TypeA,
		"www.school.example. 60 IN A 192.168.1.1", "www.school.example. 60 IN A 192.0.2.7", "other.example. 60 IN A 192.0.2.8")}})
	if got := answers(h.ask(pat, "www.school.example", dns.TypeA)); got != "www.school.example. A 192.0.2.7" {
		t.Errorf("a record too many and an address at home: %q", got)
	}
}
