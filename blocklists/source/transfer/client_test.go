package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestNewer: RFC 1982 section 3.2 and the examples of section 5.1 carried to 32 bits.
func TestNewer(t *testing.T) {
	for _, tt := range []struct {
		a, b uint32
		want bool
	}{
		{1, 0, true}, {0, 1, false}, {7, 7, false}, {0, 0xFFFFFFFF, true}, {44, 0, true}, {100, 44, true}, {0x7FFFFFFF, 0, true},
		{0x80000000, 0, false}, {0, 0x80000000, false}, {0x80000001, 0, false}, {0, 0x80000001, true},
	} {
		if got := Newer(tt.a, tt.b); got != tt.want {
			t.Errorf("Newer(%d, %d) = %v", tt.a, tt.b, got)
		}
	}
}

// TestWhole: a zone in several messages, signed in the ways that RFC 8945 section 5.3.1 allows.
func TestWhole(t *testing.T) {
	ns := zoneName + " 60 IN NS ns.test."
	for name, answer := range map[string]func(c *exchange){
		"one message": func(c *exchange) { c.send(soaAt(5), ns, blocked("One.example"), blocked("two.example"), soaAt(5)) },
		"SOA alone first": func(c *exchange) {
			c.send(soaAt(5))
			c.send(ns, blocked("one.example"), blocked("two.example"))
			c.send(soaAt(5))
		},
		"unsigned between": func(c *exchange) {
			c.send(soaAt(5), ns)
			c.sendUnsigned(blocked("one.example"))
			c.sendUnsigned(blocked("two.example"))
			c.send(soaAt(5))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []*Key{nil, testKey(t)} {
				p := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) { answer(c) })
				r, got, err := update(t, client(p, key))
				if err != nil || r.Type != "AXFR" || r.SOA.Serial != 5 || r.SOA.Refresh != 300*time.Second || r.Primary != p.addr {
					t.Errorf("%+v, %v", r, err)
				}
				same(t, got, soaAt(5), ns, blocked("one.example"), blocked("two.example"))
			}
		})
	}
}

// kept3 is a copy of the zone at serial 3.
func kept3() []string {
	return []string{soaAt(3), zoneName + " 60 IN NS ns.test.", blocked("one.example"), blocked("two.example"), blocked("three.example")}
}

// TestIncrement: the forms of an answer to IXFR (RFC 1995 section 4).
func TestIncrement(t *testing.T) {
	ns := zoneName + " 60 IN NS ns.test."
	for name, tt := range map[string]struct {
		answer func(c *exchange)
		how    string
		want   []string
	}{
		"one sequence": {
			func(c *exchange) {
				c.send(soaAt(5), soaAt(3), blocked("two.example"), soaAt(5), blocked("new.example"), soaAt(5))
			},
			"IXFR", []string{ns, blocked("one.example"), blocked("three.example"), blocked("new.example")},
		},
		"several sequences, a record comes and goes and comes": {
			func(c *exchange) {
				c.send(soaAt(5), soaAt(3), blocked("ONE.example"), soaAt(4), blocked("passing.example"))
				c.sendUnsigned(soaAt(4), blocked("passing.example"))
				c.send(soaAt(5), blocked("one.example"), soaAt(5))
			},
			"IXFR", []string{ns, blocked("one.example"), blocked("two.example"), blocked("three.example")},
		},
		"another TTL": {
			func(c *exchange) {
				c.send(soaAt(5), soaAt(3), "two.example."+zoneName+" 60 IN CNAME .", soaAt(5), "two.example."+zoneName+" 90 IN CNAME .", soaAt(5))
			},
			"IXFR", []string{ns, blocked("one.example"), blocked("two.example"), blocked("three.example")},
		},
		"the whole zone": {
			func(c *exchange) { c.send(soaAt(5), ns, blocked("only.example"), soaAt(5)) },
			"AXFR", []string{ns, blocked("only.example")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(t, 5, func(q *dns.Msg, c *exchange) {
				if soa, ok := q.Ns[0].(*dns.SOA); !ok || soa.Serial != 3 {
					t.Errorf("the request does not tell the kept serial: %v", q.Ns)
				}
				tt.answer(c)
			})
			r, got, err := update(t, client(p, testKey(t)), kept3()...)
			if err != nil || r.Type != tt.how || r.SOA.Serial != 5 {
				t.Errorf("%+v, %v; want %s", r, err, tt.how)
			}
			same(t, got, append(tt.want, soaAt(5))...)
			if !slices.Equal(p.questions(), []string{"SOA", "IXFR"}) {
				t.Errorf("asked %v", p.questions())
			}
		})
	}
}

// TestFallback: whatever is wrong with an increment, the whole zone is asked for; a wrong signature ends it.
func TestFallback(t *testing.T) {
	rcode := func(code int) func(c *exchange) {
		return func(c *exchange) {
			m := c.message()
			m.Rcode = code
			c.transmit(m, true)
		}
	}
	for name, increment := range map[string]func(c *exchange){
		"NOTIMP":              rcode(dns.RcodeNotImplemented),
		"FORMERR":             rcode(dns.RcodeFormatError),
		"SERVFAIL":            rcode(dns.RcodeServerFailure),
		"REFUSED":             rcode(dns.RcodeRefused),
		"ends at once":        func(*exchange) {},
		"ends in the middle":  func(c *exchange) { c.send(soaAt(5), soaAt(3), blocked("two.example")) },
		"deletes what is not": func(c *exchange) { c.send(soaAt(5), soaAt(3), blocked("no.example"), soaAt(5), soaAt(5)) },
		"adds what is there":  func(c *exchange) { c.send(soaAt(5), soaAt(3), soaAt(5), blocked("one.example"), soaAt(5)) },
		"adds what is there and takes it away": func(c *exchange) {
			c.send(soaAt(5), soaAt(3), soaAt(4), blocked("one.example"), soaAt(4), blocked("one.example"), soaAt(5), soaAt(5))
		},
		"adds twice":        func(c *exchange) { c.send(soaAt(5), soaAt(3), soaAt(5), blocked("a.b"), blocked("A.b"), soaAt(5)) },
		"of another serial": func(c *exchange) { c.send(soaAt(5), soaAt(4), soaAt(5), blocked("new.example"), soaAt(5)) },
		"with a gap": func(c *exchange) {
			c.send(soaAt(5), soaAt(3), soaAt(4), blocked("new.example"), soaAt(3), soaAt(5), soaAt(5))
		},
		"followed by more": func(c *exchange) { c.send(soaAt(5), soaAt(3), soaAt(5), soaAt(5), blocked("new.example")) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(t, 5, func(q *dns.Msg, c *exchange) {
				if q.Question[0].Qtype == dns.TypeIXFR {
					increment(c)
					return
				}
				c.send(soaAt(5), blocked("whole.example"), soaAt(5))
			})
			r, got, err := update(t, client(p, testKey(t)), kept3()...)
			if err != nil || r.Type != "AXFR" {
				t.Errorf("%+v, %v", r, err)
			}
			same(t, got, soaAt(5), blocked("whole.example"))
			if !slices.Equal(p.questions(), []string{"SOA", "IXFR", "AXFR"}) {
				t.Errorf("asked %v", p.questions())
			}
		})
	}
}

// TestLargeIncrement: one that is too large for memory is given up for the whole zone.
func TestLargeIncrement(t *testing.T) {
	var sent atomic.Int64
	p := newPrimary(t, 5, func(q *dns.Msg, c *exchange) {
		if q.Question[0].Qtype == dns.TypeAXFR {
			c.send(soaAt(5), blocked("whole.example"), soaAt(5))
			return
		}
		c.send(soaAt(5), soaAt(3), soaAt(5))
		for ; c.err == nil && sent.Load() < 10*maxDifference; sent.Add(500 * 60) {
			m := c.message()
			for i := range 500 {
				m.Answer = append(m.Answer, &dns.CNAME{Hdr: dns.RR_Header{Name: fmt.Sprintf("n%d-%d.%s", sent.Load(), i, zoneName),
					Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: "."})
			}
			c.transmit(m, false)
		}
	})
	c := client(p, nil)
	c.MaxBytes, c.MaxText = 1<<30, 1<<30
	r, got, err := update(t, c, kept3()...)
	if err != nil || r.Type != "AXFR" || sent.Load() >= 10*maxDifference {
		t.Errorf("%+v, %v; about %d bytes of the increment were read", r, err, sent.Load())
	}
	same(t, got, soaAt(5), blocked("whole.example"))
}

// TestRefused: answers that must never become a zone, and what the operator reads.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(c *exchange)
		why    string
	}{
		"no final SOA":       {func(c *exchange) { c.send(soaAt(5), blocked("one.example")) }, "broke off"},
		"no first SOA":       {func(c *exchange) { c.send(blocked("one.example"), soaAt(5)) }, "where the SOA record must be"},
		"another final SOA":  {func(c *exchange) { c.send(soaAt(5), soaAt(6)) }, "changed while it was transferred"},
		"records after":      {func(c *exchange) { c.send(soaAt(5), soaAt(5), blocked("one.example")) }, "follow the end"},
		"outside":            {func(c *exchange) { c.send(soaAt(5), "bank.example. 60 IN CNAME .", soaAt(5)) }, "outside of the zone"},
		"outside by letters": {func(c *exchange) { c.send(soaAt(5), "notpolicy.test. 60 IN CNAME .", soaAt(5)) }, "outside of the zone"},
		"another class":      {func(c *exchange) { c.send(soaAt(5), "a."+zoneName+" 60 CH CNAME .", soaAt(5)) }, "class CH"},
		"SOA beneath":        {func(c *exchange) { c.send(soaAt(5), strings.Replace(soaAt(5), zoneName, "a."+zoneName, 1), soaAt(5)) }, "not that of the zone"},
		"an empty message":   {func(c *exchange) { c.send(soaAt(5)); c.send() }, "no record"},
		"REFUSED": {func(c *exchange) {
			m := c.message()
			m.Rcode = dns.RcodeRefused
			c.transmit(m, true)
		}, "REFUSED"},
		"another question": {func(c *exchange) {
			m := c.message(soaAt(5), soaAt(5))
			m.Question[0].Name = "other.test."
			c.transmit(m, true)
		}, "another question"},
		"another ID": {func(c *exchange) {
			m := c.message(soaAt(5), soaAt(5))
			m.Id++
			c.transmit(m, true)
		}, "no answer to the question"},
		"an unsigned answer": {func(c *exchange) { c.sendUnsigned(soaAt(5), soaAt(5)) }, "not signed"},
		"unsigned at the end": {func(c *exchange) {
			c.send(soaAt(5))
			c.sendUnsigned(blocked("one.example"), soaAt(5))
		}, "last message is not signed"},
		"changed between signatures": {func(c *exchange) {
			c.send(soaAt(5))
			c.sendUnsigned(blocked("one.example"))
			c.raw[0][3] ^= 0x10 // what is signed is not what was sent
			c.send(soaAt(5))
		}, "signature"},
		"a hundred without": {func(c *exchange) {
			c.send(soaAt(5))
			for i := range 100 {
				c.sendUnsigned(blocked(fmt.Sprint("n", i)))
			}
			c.send(soaAt(5))
		}, "more than 99"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) { tt.answer(c) })
			_, _, err := update(t, client(p, testKey(t)))
			if err == nil || !strings.Contains(err.Error(), tt.why) || !strings.Contains(err.Error(), p.addr.String()) {
				t.Errorf("error %v; want one of %q", err, tt.why)
			}
		})
	}
}

// TestNinetyNineUnsigned: the most that RFC 8945 section 5.3.1 lets come without a signature.
func TestNinetyNineUnsigned(t *testing.T) {
	want := []string{soaAt(5)}
	p := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) {
		c.send(soaAt(5))
		for i := range 99 {
			c.sendUnsigned(blocked(fmt.Sprint("n", i)))
		}
		c.send(soaAt(5))
	})
	for i := range 99 {
		want = append(want, blocked(fmt.Sprint("n", i)))
	}
	_, got, err := update(t, client(p, testKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want...)
}

// TestSignatures: a primary with another secret, another clock, or that does not know the key; no AXFR is tried after.
func TestSignatures(t *testing.T) {
	whole := func(_ *dns.Msg, c *exchange) { c.send(soaAt(5), soaAt(5)) }
	refuse := func(code uint16) func(*dns.Msg, *exchange) {
		return func(q *dns.Msg, c *exchange) {
			m := c.message()
			m.Rcode = dns.RcodeNotAuth
			m.SetTsig(q.IsTsig().Hdr.Name, q.IsTsig().Algorithm, 300, time.Now().Unix())
			m.IsTsig().Error = code
			c.transmit(m, false)
		}
	}
	for name, tt := range map[string]struct {
		change func(*primary)
		why    string
	}{
		"another secret": {func(p *primary) { p.secret = []byte("another") }, "same at both ends"},
		"another clock":  {func(p *primary) { p.skew = time.Hour }, "set the clocks"},
		"BADKEY":         {func(p *primary) { p.answer = refuse(dns.RcodeBadKey) }, "BADKEY"},
		"BADSIG":         {func(p *primary) { p.answer = refuse(dns.RcodeBadSig) }, "BADSIG"},
		"BADTIME":        {func(p *primary) { p.answer = refuse(dns.RcodeBadTime) }, "BADTIME"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPrimary(t, 5, whole)
			tt.change(p)
			_, _, err := update(t, client(p, testKey(t)), kept3()...)
			if err == nil || !strings.Contains(err.Error(), tt.why) || !strings.Contains(err.Error(), "TSIG") {
				t.Errorf("error %v; want one of %q", err, tt.why)
			}
			if slices.Contains(p.questions(), "AXFR") {
				t.Errorf("asked %v", p.questions())
			}
		})
	}
}

// TestSerials: an equal serial changes nothing, an older one is a rollback, whether SOA or transfer say so.
func TestSerials(t *testing.T) {
	never := func(q *dns.Msg, _ *exchange) { t.Errorf("a transfer %v is asked for", q.Question) }
	if r, _, err := update(t, client(newPrimary(t, 3, never), nil), kept3()...); err != nil || r.Type != "" {
		t.Errorf("equal: %+v, %v", r, err)
	}
	for _, old := range []uint32{2, 0x80000004, 0x80000003} {
		if _, _, err := update(t, client(newPrimary(t, old, never), nil), kept3()...); !errors.Is(err, ErrRollback) {
			t.Errorf("serial %d: %v", old, err)
		}
	}
	lying := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) { c.send(soaAt(2), soaAt(2)) })
	if _, _, err := update(t, client(lying, nil), kept3()...); !errors.Is(err, ErrRollback) {
		t.Errorf("an old zone behind a new SOA: %v", err)
	}
	// A second primary that is up to date makes up for one that lags.
	c := client(newPrimary(t, 2, never), nil)
	c.Primaries = append(c.Primaries, newPrimary(t, 3, never).addr)
	if r, _, err := update(t, c, kept3()...); err != nil || r.Type != "" || r.Primary != c.Primaries[1] {
		t.Errorf("a lagging primary: %+v, %v", r, err)
	}
}

// TestBounds: an endless transfer ends at the limit of bytes, one of long names at the limit of the file, a slow or
// silent one at the limit of time.
func TestBounds(t *testing.T) {
	endless := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) {
		c.send(soaAt(5))
		for i := 0; c.err == nil; i++ {
			c.send(blocked(fmt.Sprint("n", i)))
		}
	})
	if _, _, err := update(t, client(endless, testKey(t))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}
	compressed := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) {
		c.send(soaAt(5))
		long := strings.Repeat(strings.Repeat(`\000`, 60)+".", 3)
		for i := 0; c.err == nil; i++ {
			m := c.message()
			m.Compress = true
			for j := range 500 {
				m.Answer = append(m.Answer, record(t, fmt.Sprintf("n%d-%d.%s%s 60 IN CNAME .", i, j, long, zoneName)))
			}
			c.transmit(m, false)
		}
	})
	c := client(compressed, nil)
	c.MaxBytes, c.MaxText = 1<<30, 1<<20
	if _, _, err := update(t, c); !errors.Is(err, ErrTooLarge) {
		t.Errorf("compressed: %v", err)
	}
	slow := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) {
		c.send(soaAt(5))
		for i := 0; c.err == nil; i++ {
			c.send(blocked(fmt.Sprint("n", i)))
			time.Sleep(20 * time.Millisecond)
		}
	})
	c = client(slow, nil)
	c.Timeout = 300 * time.Millisecond
	if _, _, err := update(t, c); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "longer than 300ms") {
		t.Errorf("slow: %v", err)
	}
}

// TestPrimariesInOrder: the next one is asked where one cannot be reached, and all are named where none helps.
func TestPrimariesInOrder(t *testing.T) {
	dead := netip.MustParseAddrPort("127.0.0.1:1")
	p := newPrimary(t, 5, func(_ *dns.Msg, c *exchange) { c.send(soaAt(5), blocked("one.example"), soaAt(5)) })
	c := client(p, nil)
	c.Primaries = []netip.AddrPort{dead, p.addr}
	if r, _, err := update(t, c); err != nil || r.Primary != p.addr {
		t.Errorf("%+v, %v", r, err)
	}
	c.Primaries = []netip.AddrPort{dead, dead}
	if _, _, err := update(t, c); err == nil || strings.Count(err.Error(), dead.String()+": dial") != 2 {
		t.Errorf("%v", err)
	}
}

// TestLines: every record of a transfer becomes one line that can be read again.
func TestLines(t *testing.T) {
	for text, want := range map[string]string{
		"A.Policy.test. 60 IN CNAME Other.Example.":     "a.policy.test.\t60\tIN\tCNAME\tother.example.",
		`a\ b\;c.policy.test. 60 IN CNAME .`:            `a\ b\;c.policy.test.` + "\t60\tIN\tCNAME\t.",
		`a.policy.test. 60 IN TXT "x;y" "Q\"\010"`:      "a.policy.test.\t60\tIN\tTXT\t" + `"x;y" "Q\"\010"`,
		"a.policy.test. 60 IN A 192.0.2.1":              "a.policy.test.\t60\tIN\tA\t192.0.2.1",
		"a.policy.test. 60 IN TYPE65280 \\# 4 0a000001": "a.policy.test.\t60\tIN\tTYPE65280\t\\# 4 0a000001",
		"a.policy.test. 60 IN HINFO x y":                "a.policy.test.\t60\tIN\tTYPE13\t\\# 4 01780179",
	} {
		rr := record(t, text)
		line, err := lineOf(rr)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if line != want {
			t.Errorf("%s: %q, want %q", text, line, want)
		}
		if again, err := dns.NewRR(line); err != nil {
			t.Errorf("%q: %v, %v", line, again, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	clause := `key "feed-key" {
	algorithm hmac-sha512;
	secret "` + testSecret + `";
};
`
	for name, tt := range map[string]struct {
		name, algorithm, text string
		want, why             string
	}{
		"base64":            {"feed-key", "", testSecret + "\n", dns.HmacSHA256, ""},
		"algorithm":         {"Feed-Key.", "hmac-sha384", testSecret, dns.HmacSHA384, ""},
		"tsig-keygen":       {"feed-key", "", clause, dns.HmacSHA512, ""},
		"other name":        {"other", "", clause, "", `the configuration names the key "other"`},
		"other algorithm":   {"feed-key", "hmac-md5", testSecret, "", "write hmac-sha256"},
		"no base64":         {"feed-key", "", "se cret!", "", "tsig-keygen feed-key"},
		"short":             {"feed-key", "", "c2hvcnQ=", "", "16 or more"},
		"empty":             {"feed-key", "", "\n", "", "16 or more"},
		"clause, no secret": {"feed-key", "", `key feed-key { algorithm hmac-sha256; };`, "", "no secret"},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseKey(tt.name, tt.algorithm, tt.text)
			if tt.why != "" {
				if err == nil || !strings.Contains(err.Error(), tt.why) || strings.Contains(err.Error(), "cret!") {
					t.Errorf("error %v, want one of %q", err, tt.why)
				}
				return
			}
			if err != nil || k.algorithm != tt.want || k.name != "feed-key." || string(k.secret) != "0123456789abcdef0123456789abcdef" {
				t.Errorf("%v, %v", k, err)
			}
		})
	}
}

func TestReadSOA(t *testing.T) {
	for _, text := range []string{"", "x", "a.example\n", blocked("a") + "\n", strings.Repeat("x", 1<<20), soaAt(3)} {
		path := t.TempDir() + "/zone"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if soa, err := ReadSOA(path, zoneName); err == nil {
			t.Errorf("%.20q: %+v", text, soa)
		}
	}
}
