package forward

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// forgeries are replies that fit the query but for what a blind forger cannot know, and that
// have an upstream thought ill of.
func forgeries(v *visit) map[string]*dns.Msg {
	bare := func(rcode int) *dns.Msg {
		m := v.fault(rcode)
		m.Extra, m.Question = nil, nil
		return m
	}
	plain := func(rcode int) *dns.Msg {
		m := v.fault(rcode)
		m.Extra = nil
		return m
	}
	cut := v.reply("192.0.2.66")
	cut.Truncated = true
	return map[string]*dns.Msg{
		"FORMERR": plain(dns.RcodeFormatError), "bare FORMERR": bare(dns.RcodeFormatError),
		"NOTIMP": plain(dns.RcodeNotImplemented), "bare NOTIMP": bare(dns.RcodeNotImplemented),
		"REFUSED": v.fault(dns.RcodeRefused), "bare REFUSED": bare(dns.RcodeRefused),
		"BADVERS": v.fault(dns.RcodeBadVers), "NOTAUTH": v.fault(dns.RcodeNotAuth), "TC": cut,
	}
}

// patient is forwarder with upstreams that are known to be slow, so that proof over TCP has time
// on a busy machine.
func patient(t *testing.T, addrs ...netip.AddrPort) *Forwarder {
	t.Helper()
	f := forwarder(t, addrs...)
	for _, u := range f.upstreams {
		u.health.srtt = maxTimeout
	}
	return f
}

// unharmed fails the test unless the upstream's standing is as if it had only answered.
func unharmed(t *testing.T, f *Forwarder) {
	t.Helper()
	h := &f.upstreams[0].health
	if failures(f.upstreams[0]) != 0 || h.down() || !h.knowsEDNS(time.Now()) || !h.keepsSpelling(time.Now()) {
		t.Errorf("the upstream's standing suffered: %d failures, down %v, EDNS %v, spelling %v",
			failures(f.upstreams[0]), h.down(), h.knowsEDNS(time.Now()), h.keepsSpelling(time.Now()))
	}
}

// A10, CVE-2023-26437, CVE-2026-52690: who guesses ID and port can make an upstream neither
// down nor one without EDNS; the truth comes over TCP, and over UDP next time.
func TestForgedErrors(t *testing.T) {
	t.Parallel()
	kinds := make(chan string, 20)
	sample := newEvil(t, func(v *visit) {
		for kind := range forgeries(v) {
			kinds <- kind
		}
		close(kinds)
		truth(v)
	})
	want(t, patient(t, sample.addr), "192.0.2.1")
	for kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				if v.network == "udp" {
					v.say(forgeries(v)[kind])
				}
				truth(v)
			})
			f := patient(t, e.addr)
			for range 5 * failuresToDown {
				want(t, f, "192.0.2.1")
				unharmed(t, f)
				await(t, func() bool { return f.upstreams[0].metrics.traffic.connections.Load() == 0 }) // evil ends each
			}
			e.become(truth)
			before := len(e.visits())
			want(t, f, "192.0.2.1")
			if n := len(e.visits()) - before; n != 1 {
				t.Errorf("%d queries once the forger has gone, want 1", n)
			}
		})
		t.Run(kind+" once, no TCP", func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				if v.network == "tcp" {
					return
				}
				if v.number == 4 {
					v.say(forgeries(v)[kind])
				}
				truth(v)
			})
			f := patient(t, e.addr)
			for range 3 {
				want(t, f, "192.0.2.1")
			}
			_, _ = ask(t, f)
			unharmed(t, f)
			for range 3 {
				want(t, f, "192.0.2.1")
			}
		})
	}
}

// A server that refuses everything is found out all the same, with TCP and without.
func TestRefuserGoesDown(t *testing.T) {
	t.Parallel()
	for name, tcp := range map[string]func(*visit){"with TCP": says(dns.RcodeRefused), "without": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newEvil(t, func(v *visit) {
				if v.network == "tcp" {
					tcp(v)
					return
				}
				v.say(v.fault(dns.RcodeRefused))
			})
			f := patient(t, a.addr, newEvil(t, second).addr)
			for range failuresToDown + 1 {
				want(t, f, "192.0.2.2")
			}
			if !f.upstreams[0].health.down() {
				t.Error("it is asked first as before")
			}
		})
	}
}

// A server without EDNS that does not answer over TCP is taken for one when it was so
// twice in a row.
func TestWithoutEDNSAndTCP(t *testing.T) {
	t.Parallel()
	e := newEvil(t, func(v *visit) {
		switch {
		case v.network == "tcp":
		case v.query.IsEdns0() == nil:
			truth(v)
		default:
			m := v.fault(dns.RcodeFormatError)
			m.Extra = nil
			v.say(m)
		}
	})
	f := patient(t, e.addr)
	for n := range 2 {
		if !f.upstreams[0].health.knowsEDNS(time.Now()) {
			t.Fatalf("it is remembered after %d FORMERR", n)
		}
		want(t, f, "192.0.2.1")
	}
	before := len(e.visits())
	want(t, f, "192.0.2.1")
	if seen := e.visits()[before:]; len(seen) != 1 || seen[0].query.IsEdns0() != nil {
		t.Errorf("%d queries, want one without EDNS", len(seen))
	}
}

// baker gives cookies as RFC 7873 says; what it wants of the next query is in its jar.
func baker(server string, then func(*visit)) func(*visit) {
	return func(v *visit) {
		v.bake = server
		then(v)
	}
}

// cookies returns the cookie of each query, in hexadecimal.
func cookies(e *evil) (all []string) {
	for _, v := range e.visits() {
		all = append(all, v.cookie())
	}
	return all
}

const (
	firstServer  = "0101010101010101aaaaaaaaaaaaaaaa"
	secondServer = "0202020202020202bbbbbbbbbbbbbbbb"
)

// Our cookie is the same in every query to one upstream, another for another, and comes with
// what the server gave last.
func TestCookies(t *testing.T) {
	t.Parallel()
	a, b := newEvil(t, baker(firstServer, truth)), newEvil(t, baker(firstServer, truth))
	f, g := patient(t, a.addr), patient(t, b.addr)
	want(t, f, "192.0.2.1")
	want(t, f, "192.0.2.1")
	a.become(baker(secondServer, truth))
	want(t, f, "192.0.2.1")
	want(t, f, "192.0.2.1")
	want(t, g, "192.0.2.1")
	got := cookies(a)
	ours := got[0]
	if len(ours) != 16 || ours == cookies(b)[0] {
		t.Errorf("our cookies are %s and %s, want eight octets that differ", ours, cookies(b)[0])
	}
	if wanted := []string{ours, ours + firstServer, ours + secondServer}; fmt.Sprint(slices.Compact(got)) != fmt.Sprint(wanted) {
		t.Errorf("cookies %v, want %v", got, wanted)
	}
	unharmed(t, f)
}

// A reply with another's cookie, or one of a size that there is not, is junk: the truth that
// follows is the answer (RFC 7873 section 5.3).
func TestForgedCookieIsJunk(t *testing.T) {
	t.Parallel()
	for name, forged := range map[string]string{
		"another's": "ffffffffffffffff" + firstServer, "another's alone": "ffffffffffffffff", "seven octets": "ffffffffffffff",
		"too long": "OURS" + firstServer + firstServer + firstServer, "half a server's": "OURS" + "010101",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, func(v *visit) {
				if len(forged) > 4 && forged[:4] == "OURS" {
					v.stamp = v.cookie()[:16] + forged[4:]
				} else {
					v.stamp = forged
				}
				v.say(v.reply("192.0.2.66"))
				v.stamp = ""
				baker(firstServer, truth)(v)
			})
			f := patient(t, e.addr)
			want(t, f, "192.0.2.1")
			want(t, f, "192.0.2.1")
			if n, junk := len(e.visits()), scrape(t, f)["hearth_upstream_junk_total"]; n != 2 || junk != 2 {
				t.Errorf("%d queries, %v junk; want two and two", n, junk)
			}
		})
	}
}

// A reply without a cookie from a server that gave one is asked for over TCP; one that gives
// none there either has stopped, and costs nothing from then on.
func TestMissingCookie(t *testing.T) {
	t.Parallel()
	e := newEvil(t, baker(firstServer, truth))
	f := patient(t, e.addr)
	clock := newClock(f)
	want(t, f, "192.0.2.1")
	e.become(func(v *visit) {
		if v.network == "udp" {
			v.say(v.reply("192.0.2.66"))
			return
		}
		baker(firstServer, truth)(v)
	})
	for range 3 {
		want(t, f, "192.0.2.1")
	}
	if n := len(e.visits()); n != 7 {
		t.Errorf("%d queries, want one and three times two", n)
	}
	e.become(truth)
	want(t, f, "192.0.2.1")
	before := len(e.visits())
	want(t, f, "192.0.2.1")
	if seen := cookies(e)[before:]; len(seen) != 1 || seen[0] != "" {
		t.Errorf("the next queries have the cookies %q, want one query without", seen)
	}
	clock.pass(cookielessFor)
	e.become(baker(secondServer, truth))
	want(t, f, "192.0.2.1")
	want(t, f, "192.0.2.1")
	if got := cookies(e); got[len(got)-1] != got[0]+secondServer {
		t.Errorf("cookies %v: the server's new one is not sent", got)
	}
	unharmed(t, f)
}

// The same from a server that cannot be asked over TCP: it is believed the second time.
func TestMissingCookieWithoutTCP(t *testing.T) {
	t.Parallel()
	e := newEvil(t, baker(firstServer, truth))
	f := impatient(t, Config{Upstreams: []string{e.addr.String()}, Attempts: 1})
	want(t, f, "192.0.2.1")
	e.become(func(v *visit) {
		if v.network == "udp" {
			truth(v)
		}
	})
	if m, err := ask(t, f); err == nil {
		t.Errorf("the first is believed: %v", m)
	}
	unharmed(t, f)
	want(t, f, "192.0.2.1")
	want(t, f, "192.0.2.1")
}

// A server without cookies is asked for one once, one that answers FORMERR to them, or
// nothing, is found out.
func TestCookieless(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script  func(*visit)
		queries int // at most, that had a cookie
	}{
		"no cookie": {truth, 1},
		"FORMERR": {func(v *visit) {
			if v.cookie() == "" {
				truth(v)
				return
			}
			v.say(v.fault(dns.RcodeFormatError))
		}, 1},
		"silence": {func(v *visit) {
			if v.cookie() == "" {
				truth(v)
			}
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEvil(t, tt.script)
			f := impatient(t, Config{Upstreams: []string{e.addr.String()}, Attempts: 3})
			for range 5 {
				want(t, f, "192.0.2.1")
			}
			n := 0
			for _, c := range cookies(e) {
				if c != "" {
					n++
				}
			}
			if n > tt.queries {
				t.Errorf("%d queries with a cookie, want %d at most", n, tt.queries)
			}
			unharmed(t, f)
		})
	}
}

// BADCOOKIE is answered once over UDP with the cookie that the server wants, then over TCP
// (RFC 7873 section 5.3).
func TestBadCookie(t *testing.T) {
	t.Parallel()
	wants := func(times int) func(*visit) {
		return baker(firstServer, func(v *visit) {
			if v.network == "udp" && v.number <= times {
				v.say(v.fault(dns.RcodeBadCookie))
				return
			}
			truth(v)
		})
	}
	for times, networks := range map[int]string{1: "[udp udp]", 2: "[udp udp tcp]"} {
		e := newEvil(t, wants(times))
		f := patient(t, e.addr)
		want(t, f, "192.0.2.1")
		var seen []string
		for _, v := range e.visits() {
			seen = append(seen, v.network)
		}
		if fmt.Sprint(seen) != networks {
			t.Errorf("asked over %v, want %s", seen, networks)
		}
		if got := e.visits()[1].cookie(); len(got) != 48 {
			t.Errorf("the second query has the cookie %q", got)
		}
		unharmed(t, f)
	}
}

// What has our cookie needs no proof: a refusal is believed at once.
func TestProvenRefusal(t *testing.T) {
	t.Parallel()
	a := newEvil(t, baker(firstServer, says(dns.RcodeRefused)))
	f := patient(t, a.addr, newEvil(t, second).addr)
	for range failuresToDown {
		want(t, f, "192.0.2.2")
	}
	if n := len(a.visits()); n != failuresToDown || !f.upstreams[0].health.down() {
		t.Errorf("%d queries, down %v; want %d, over UDP alone, and true", n, f.upstreams[0].health.down(), failuresToDown)
	}
}
