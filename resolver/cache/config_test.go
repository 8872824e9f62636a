package cache

import (
	"errors"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestConfigErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		c    Config
		path string // "": none
	}{
		"nothing":                        {Config{}, ""},
		"all of it":                      {Config{MinTTL: time.Minute, MaxFailureTTL: 5 * time.Minute, Stale: Stale{72 * time.Hour, time.Second, time.Minute}, Prefetch: 3}, ""},
		"a least of hours":               {Config{MinTTL: 2 * time.Hour}, "min_ttl"},
		"a least below a second":         {Config{MinTTL: time.Millisecond}, "min_ttl"},
		"a least over the most":          {Config{MinTTL: time.Minute, MaxTTL: 30 * time.Second}, "min_ttl"},
		"a least over the most negative": {Config{MinTTL: time.Minute, MaxNegativeTTL: 30 * time.Second}, "min_ttl"},
		"failures for long":              {Config{MaxFailureTTL: 301 * time.Second}, "max_failure_ttl"},
		"failures for nothing":           {Config{MaxFailureTTL: time.Millisecond}, "max_failure_ttl"},
		"stale for weeks":                {Config{Stale: Stale{For: 8 * 24 * time.Hour}}, "stale.for"},
		"stale below zero":               {Config{Stale: Stale{For: -time.Second}}, "stale.for"},
		"no patience":                    {Config{Stale: Stale{After: -time.Second}}, "stale.after"},
		"too much of it":                 {Config{Stale: Stale{After: 6 * time.Second}}, "stale.after"},
		"stale for clients":              {Config{Stale: Stale{TTL: time.Hour}}, "stale.ttl"},
		"fewer than none":                {Config{Prefetch: -1}, "prefetch"},
	} {
		err := tt.c.Validate()
		var at interface{ Path() string }
		switch {
		case tt.path == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.path != "" && (!errors.As(err, &at) || at.Path() != tt.path):
			t.Errorf("%s: %v, want an error at %s", name, err, tt.path)
		}
	}
}

// A least lifetime holds for what the client sees too, and raises no TTL of 0.
func TestLeastLifetime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rcode int
		s     sections
		want  uint32 // 0: not kept
	}{
		{"an answer", 0, sections{answer: "www.example.com. 5 IN A 192.0.2.1"}, 60},
		{"a longer one", 0, sections{answer: "www.example.com. 61 IN A 192.0.2.1"}, 61},
		{"a chain", 0, sections{answer: "www.example.com. 300 IN CNAME a.example.com.\na.example.com. 5 IN A 192.0.2.1"}, 60},
		{"for this transaction alone", 0, sections{answer: "www.example.com. 0 IN A 192.0.2.1"}, 0},
		{"a chain with such a link", 0, sections{answer: "www.example.com. 300 IN CNAME a.example.com.\na.example.com. 0 IN A 192.0.2.1"}, 0},
		{"no such name", dns.RcodeNameError, sections{authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 5"}, 60},
		{"no such name, by TTL", dns.RcodeNameError, sections{authority: "example.com. 5 IN SOA ns.example.com. root.example.com. 1 2 3 4 900"}, 60},
		{"no such name for now", dns.RcodeNameError, sections{authority: "example.com. 900 IN SOA ns.example.com. root.example.com. 1 2 3 4 0"}, 0},
	} {
		c := New(Config{MinTTL: time.Minute})
		e := store(t, c, key(t, "www.example.com.", dns.TypeA), upstream(t, "www.example.com.", dns.TypeA, tt.rcode, tt.s))
		if e.life != tt.want || e.Kept() != (tt.want > 0) {
			t.Errorf("%s: life %d, want %d", tt.name, e.life, tt.want)
		}
		if tt.want == 0 {
			continue
		}
		m := read(t, e.AppendReply(nil, query(t, "www.example.com.", dns.TypeA, nil), 1000, NoCap))
		for _, rr := range append(m.Answer, m.Ns...) {
			if rr.Header().Ttl < tt.want {
				t.Errorf("%s: TTL %d in the reply", tt.name, rr.Header().Ttl)
			}
		}
	}
}
