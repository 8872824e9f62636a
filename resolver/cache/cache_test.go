package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/wire"
)

func answer(t testing.TB, name string, ttl int) []byte {
	t.Helper()
	return upstream(t, name, dns.TypeA, dns.RcodeSuccess, sections{answer: fmt.Sprintf("%s %d IN A 192.0.2.1", name, ttl)})
}

// neighbours are keys that differ from k in one part.
func neighbours(t *testing.T, k *Key) map[string]*Key {
	all := make(map[string]*Key)
	for name, change := range map[string]func(*Key){
		"view":  func(k *Key) { k.View = 2 },
		"type":  func(k *Key) { k.Type = dns.TypeAAAA },
		"class": func(k *Key) { k.Class = dns.ClassCHAOS },
		"CD":    func(k *Key) { k.CD = true },
		"name":  func(k *Key) { k.Name = key(t, "xww.example.com.", dns.TypeA).Name },
		// One label with a dot in it is another name.
		"label boundary": func(k *Key) { k.Name = key(t, `www\.example.com.`, dns.TypeA).Name },
	} {
		other := *k
		change(&other)
		all[name] = &other
	}
	return all
}

// A reply is never served to another question: view, type, class and CD are part
// of the key (RFC 4035 section 4.7 for CD).
func TestKeysAreKeptApart(t *testing.T) {
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeA)
	e := store(t, c, k, answer(t, "www.example.com.", 300))
	if fresh(c, k, 1000) != e {
		t.Fatal("not found under its own key")
	}
	for name, other := range neighbours(t, k) {
		if fresh(c, other, 1000) != nil {
			t.Errorf("found under a key with another %s", name)
		}
	}
}

// Questions with the same hash are told apart by the key.
func TestHashIsNotTrusted(t *testing.T) {
	s := shard{buckets: make([]bucket, 1), limit: 1 << 20}
	k := key(t, "www.example.com.", dns.TypeA)
	put := func() *Entry {
		e, err := newEntry(k, reply(t, answer(t, "www.example.com.", 300)), Facts{}, limits{positive: 300, negative: 300}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		e.hash = 42
		s.put(e, k, 1000)
		return e
	}
	put()
	if e := put(); s.find(42, k) != e || s.count != 1 {
		t.Errorf("%d entries for one key", s.count)
	}
	for name, other := range neighbours(t, k) {
		if s.find(42, other) != nil {
			t.Errorf("found by hash under a key with another %s", name)
		}
	}
}

func TestNewerReplyReplaces(t *testing.T) {
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeA)
	store(t, c, k, answer(t, "www.example.com.", 300))
	before := c.Stats()
	e := store(t, c, k, answer(t, "www.example.com.", 200))
	if fresh(c, k, 1000) != e {
		t.Error("the older reply is still served")
	}
	if after := c.Stats(); after.Entries != 1 || after.Bytes != before.Bytes || after.Evictions != 0 {
		t.Errorf("tally = %+v, want one entry of the same size and no eviction", after)
	}
}

// A record that is not what its type says is not taken.
func TestMalformedRecordsAreRefused(t *testing.T) {
	const at = 33 // behind the question
	question := answer(t, "www.example.com.", 300)[:at]
	pointer := []byte{0xc0, 12}
	for name, rr := range map[string]struct {
		owner []byte
		rtype uint16
		data  string
	}{
		"pointer loop":             {[]byte{0xc0, at}, dns.TypeA, "\x01\x02\x03\x04"},
		"pointer into the header":  {[]byte{0xc0, 2}, dns.TypeA, "\x01\x02\x03\x04"},
		"short A":                  {pointer, dns.TypeA, "\x01\x02\x03"},
		"long A":                   {pointer, dns.TypeA, "\x01\x02\x03\x04\x05"},
		"empty A":                  {pointer, dns.TypeA, ""},
		"AAAA of four octets":      {pointer, dns.TypeAAAA, "\x01\x02\x03\x04"},
		"CNAME with a tail":        {pointer, dns.TypeCNAME, "\xc0\x0c\x00"},
		"CNAME beyond its RDATA":   {pointer, dns.TypeCNAME, "\x03ab"},
		"CNAME that is a loop":     {pointer, dns.TypeCNAME, "\xc0\x2d"},
		"MX without a name":        {pointer, dns.TypeMX, "\x00\x01"},
		"SOA of four numbers":      {pointer, dns.TypeSOA, "\x00\x00" + strings.Repeat("x", 16)},
		"SOA of six numbers":       {pointer, dns.TypeSOA, "\x00\x00" + strings.Repeat("x", 24)},
		"TXT beyond its RDATA":     {pointer, dns.TypeTXT, "\x05abc"},
		"TXT of nothing":           {pointer, dns.TypeTXT, ""},
		"RRSIG without signature":  {pointer, dns.TypeRRSIG, strings.Repeat("x", 18) + "\x00"},
		"NSEC with an open bitmap": {pointer, dns.TypeNSEC, "\x00\x00\x05\x01"},
		"NSEC with windows mixed":  {pointer, dns.TypeNSEC, "\x00\x01\x01\x01\x00\x01\x01"},
		"NSEC3 without a hash":     {pointer, dns.TypeNSEC3, "\x01\x00\x00\x01\x00\x00"},
		"of a type unknown here":   {pointer, dns.TypeSVCB, "\x00\x01\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			msg := append(append([]byte(nil), question...), rr.owner...)
			msg = binary.BigEndian.AppendUint16(msg, rr.rtype)
			msg = append(msg, 0, 1, 0, 0, 1, 0)
			msg = binary.BigEndian.AppendUint16(msg, uint16(len(rr.data)))
			data := len(msg)
			msg = append(msg, rr.data...)
			r := new(Reply)
			x := wire.RR{Type: rr.rtype, Class: 1, TTL: 256, Start: at, Fixed: at + len(rr.owner), Data: data, End: len(msg)}
			if r.Add(msg, x) || r.Len() != 0 {
				t.Errorf("taken: %+v", r.records)
			}
		})
	}
}

func TestReplyBeyondAnyMessageIsRefused(t *testing.T) {
	msg := answer(t, "www.example.com.", 300)
	r, c, k := reply(t, msg), New(Config{}), key(t, "www.example.com.", dns.TypeA)
	for range 5000 {
		r.records = append(r.records, r.records[0])
	}
	if e, err := c.Store(k, r, Facts{}, 1000); !errors.Is(err, ErrTooLarge) || e != nil || fresh(c, k, 1000) != nil {
		t.Errorf("Store = %v, %v; want ErrTooLarge", e, err)
	}
}

// A reply over 8 KiB serves its asker and is not kept, so that none crowds out
// many others.
func TestLargeReplyIsServedNotKept(t *testing.T) {
	var text strings.Builder
	for range 40 {
		fmt.Fprintf(&text, "www.example.com. 300 IN TXT %q\n", strings.Repeat("x", 250))
	}
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeTXT)
	e := store(t, c, k, upstream(t, "www.example.com.", dns.TypeTXT, 0, sections{answer: text.String()}))
	if e.Kept() || fresh(c, k, 1000) != nil {
		t.Error("kept")
	}
	if m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeTXT, nil), 1000, NoCap)); len(m.Answer) != 40 {
		t.Errorf("%d records served, want 40", len(m.Answer))
	}
}

func TestFactsAreReplaced(t *testing.T) {
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeA)
	e, err := c.Store(k, reply(t, answer(t, "www.example.com.", 300)), Facts{Chain: []uint64{1, 2}, Match: blocklists.Match{Labels: 2}}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if f := e.Facts(); f.Chain[0] != 1 || f.Match.Labels != 2 {
		t.Errorf("Facts = %+v, want what was stored", f)
	}
	n := 0
	for e := range c.Entries() {
		e.SetFacts(&Facts{Match: blocklists.Match{Labels: 3}})
		n++
	}
	if got := fresh(c, k, 1000).Facts().Match.Labels; n != 1 || got != 3 {
		t.Errorf("%d entries walked, Labels = %d; want 1 and 3", n, got)
	}
}

func TestHitDoesNotAllocate(t *testing.T) {
	c := New(Config{})
	k := key(t, "www.example.com.", dns.TypeA)
	store(t, c, k, upstream(t, "www.example.com.", dns.TypeA, 0, sections{answer: signed}))
	q := query(t, "www.example.com.", dns.TypeA, withDO)
	buf := make([]byte, 0, 1232)
	absent := key(t, "absent.example.com.", dns.TypeA)
	if n := testing.AllocsPerRun(1000, func() {
		look := Key{View: 1, Name: q.Name(), Type: q.Type, Class: q.Class}
		buf = fresh(c, &look, 1001).AppendReply(buf, q, 1001, NoCap)
		if fresh(c, absent, 1001) != nil {
			t.Fatal("found what was never stored")
		}
	}); n != 0 {
		t.Errorf("%v allocations a hit, want 0", n)
	}
}

// Readers take no lock: whatever writers do meanwhile, an entry found is whole
// and answers the question. Run with -race.
func TestReadersAndWritersTogether(t *testing.T) {
	c := New(Config{MaxBytes: minBytes})
	const names = 3000
	keys, msgs, queries := make([]*Key, names), make([][]byte, names), make([]string, names)
	for i := range names {
		queries[i] = fmt.Sprintf("n%d.example.com.", i)
		keys[i] = key(t, queries[i], dns.TypeA)
		msgs[i] = answer(t, queries[i], 300)
		binary.BigEndian.PutUint32(msgs[i][len(msgs[i])-11-4:], uint32(i)) // the address
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 3 * names {
				n := (i*7 + w*997) % names
				if e, err := c.Store(keys[n], reply(t, msgs[n]), Facts{}, 1000); err != nil || !e.holds(keys[n]) {
					t.Errorf("Store(%d) = %v, %v", n, e, err)
				}
				e := fresh(c, keys[(n+i)%names], 1000)
				if e != nil && !e.holds(keys[(n+i)%names]) {
					t.Errorf("Lookup gave %q", e.Name())
				}
				if i%500 == 0 {
					c.Stats()
				}
			}
		})
	}
	wg.Wait()
	if got := c.Stats(); got.Bytes > minBytes {
		t.Errorf("%d bytes, limit %d", got.Bytes, minBytes)
	}
}

func TestMetrics(t *testing.T) {
	c, g := New(Config{}), new(Group)
	k := key(t, "www.example.com.", dns.TypeA)
	store(t, c, k, answer(t, "www.example.com.", 300))
	c.Lookup(k, 1000)
	c.Lookup(k, 1000)
	c.Lookup(k, 5000)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c, g)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	for name, want := range map[string]float64{
		"hearth_cache_hits_total": 2, "hearth_cache_misses_total": 1, "hearth_cache_entries": 1,
		"hearth_cache_limit_bytes": 64 << 20, "hearth_cache_evictions_total": 0,
		"hearth_cache_merged_total": 0, "hearth_cache_in_flight": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (present: %v), want %v", name, v, ok, want)
		}
	}
	if got["hearth_cache_bytes"] < 300 {
		t.Errorf("hearth_cache_bytes = %v", got["hearth_cache_bytes"])
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    Config
		path string // "" when c is right
	}{
		{"the defaults", Config{}, ""},
		{"all set", Config{MaxBytes: 1 << 20, MaxTTL: time.Hour, MaxNegativeTTL: time.Second}, ""},
		{"too small", Config{MaxBytes: 1000}, "max_bytes"},
		{"negative", Config{MaxTTL: -1}, "max_ttl"},
		{"eternal", Config{MaxNegativeTTL: 1000 * time.Hour}, "max_negative_ttl"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.c.Validate()
			var field interface{ Path() string }
			switch {
			case tt.path == "" && err != nil:
				t.Errorf("Validate = %v", err)
			case tt.path != "" && (!errors.As(err, &field) || field.Path() != tt.path):
				t.Errorf("Validate = %v, want an error at %s", err, tt.path)
			}
		})
	}
}
