package listen_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// with packs a question for AAAA that carries options.
func with(t testing.TB, id uint16, name string, options ...dns.EDNS0) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.TypeAAAA)
	m.Id = id
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = options
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cookie(text string) dns.EDNS0 { return &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: text} }

// cookieOf returns the cookie of a reply, "" if it has none.
func cookieOf(m *dns.Msg) string {
	if m.IsEdns0() == nil {
		return ""
	}
	for _, o := range m.IsEdns0().Option {
		if c, ok := o.(*dns.EDNS0_COOKIE); ok {
			return c.Cookie
		}
	}
	return ""
}

const me = "2464c4abcf10c957" // a client cookie

func TestCookiesAreGivenAndKept(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub()})
	for _, network := range []string{"udp", "tcp"} {
		c := s.dial(network)
		ask := func(option dns.EDNS0) *dns.Msg {
			b := with(t, 1, "a.test", option)
			if network == "tcp" {
				b = frame(b)
			}
			send(t, c, b)
			return recv(t, c)
		}
		given := cookieOf(ask(cookie(me)))
		if len(given) != 48 || !strings.HasPrefix(given, me+"01000000") {
			t.Fatalf("%s: a new client gets the cookie %q", network, given)
		}
		if again := cookieOf(ask(cookie(given))); again != given {
			t.Errorf("%s: it brings %s and gets %s", network, given, again)
		}
		wrong := given[:47] + string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", given[47])+1)%16])
		m := ask(cookie(wrong))
		if got := cookieOf(m); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 || len(got) != 48 || got == wrong {
			t.Errorf("%s: with a wrong cookie: %v", network, m)
		}
		if m := ask(cookie(me + strings.Repeat("00", 8+24))); m.Rcode != dns.RcodeSuccess || len(cookieOf(m)) != 48 {
			t.Errorf("%s: with another server's long cookie: %v", network, m)
		}
		for _, bad := range []string{me[2:], me + "00", me + strings.Repeat("00", 33)} {
			if m := ask(cookie(bad)); m.Rcode != dns.RcodeFormatError {
				t.Errorf("%s: with a cookie of %d octets: %v", network, len(bad)/2, m)
			}
		}
		if m := ask(&dns.EDNS0_LOCAL{Code: 65001}); cookieOf(m) != "" {
			t.Errorf("%s: a client that knows no cookies gets %v", network, m)
		}
	}
}

// counted waits until all queries were seen and returns how many were shed for the reason.
func (r *running) counted(t *testing.T, queries float64, transport, reason string) int {
	t.Helper()
	eventually(t, "all queries are read", func() bool {
		return r.metric(`hearth_listen_queries_total{transport="`+transport+`"}`) == queries
	})
	return int(r.metric(`hearth_listen_shed_total{reason="` + reason + `",transport="` + transport + `"}`))
}

// A burst of a limit's worth passes, and what time brings back meanwhile; the rest gets
// no reply over UDP, and another client is served.
func TestRateOfQueriesOverUDP(t *testing.T) {
	const limit, asked = 20, 200
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Queries: limit}}})
	greedy, other := s.dialFrom("udp", "127.0.0.2"), s.dialFrom("udp", "127.0.0.3")
	begun := time.Now()
	for i := range asked {
		send(t, greedy, query(t, uint16(i), "a.test"))
	}
	shed := s.counted(t, asked, "udp", "rate")
	passed := asked - shed
	if most := limit + int(limit*time.Since(begun).Seconds()) + 1; passed < limit || passed > most {
		t.Errorf("%d of %d passed, want %d to %d", passed, asked, limit, most)
	}
	for range passed {
		recv(t, greedy)
	}
	send(t, other, query(t, 1, "a.test"))
	if m := recv(t, other); m.Id != 1 {
		t.Errorf("another client gets %v", m)
	}
}

func TestRateOfAPrefix(t *testing.T) {
	const limit = 10
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Prefix: limit}}})
	var neighbours []net.Conn
	for _, from := range []string{"127.0.0.2", "127.0.0.3", "127.0.0.4"} {
		neighbours = append(neighbours, s.dialFrom("udp", from))
	}
	begun := time.Now()
	for i := range 90 {
		send(t, neighbours[i%3], query(t, uint16(i), "a.test"))
	}
	passed := 90 - s.counted(t, 90, "udp", "prefix")
	if most := limit + int(limit*time.Since(begun).Seconds()) + 1; passed < limit || passed > most {
		t.Errorf("%d of 90 passed, want %d to %d", passed, limit, most)
	}
	other := s.dialFrom("udp", "127.0.1.2")
	send(t, other, query(t, 1, "a.test"))
	if m := recv(t, other); m.Id != 1 {
		t.Errorf("another network gets %v", m)
	}
}

// Over TCP there is somebody to tell.
func TestRateOfQueriesOverTCP(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Queries: 1}}})
	c := s.dial("tcp")
	send(t, c, frame(with(t, 1, "a.test"), with(t, 2, "a.test"), with(t, 3, "a.test")))
	if m := recv(t, c); m.Rcode != dns.RcodeSuccess {
		t.Errorf("the first: %v", m)
	}
	m := recv(t, c)
	if m.Rcode != dns.RcodeRefused || m.IsEdns0() == nil || len(m.IsEdns0().Option) != 1 {
		t.Fatalf("over the limit: %v", m)
	}
	if ede, ok := m.IsEdns0().Option[0].(*dns.EDNS0_EDE); !ok || ede.ExtraText == "" {
		t.Errorf("over the limit: %v", m)
	}
}

// What is forged in a client's name does not use up what it may have over a connection.
func TestRateOfForgedQueriesIsApart(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Queries: 5, Prefix: 5}}})
	u, c := s.dial("udp"), s.dial("tcp")
	for i := range 100 {
		send(t, u, query(t, uint16(i), "a.test"))
	}
	s.counted(t, 100, "udp", "rate")
	send(t, c, frame(query(t, 1, "a.test")))
	if m := recv(t, c); m.Rcode != dns.RcodeSuccess {
		t.Errorf("over TCP: %v", m)
	}
}

func TestExemptNetworks(t *testing.T) {
	limits := listen.DefaultLimits()
	limits.Rate.Queries, limits.Rate.Prefix, limits.Rate.Replies = 1, 1, 1
	s := start(t, listen.Config{Handler: newStub(), Limits: limits})
	u := s.dial("udp")
	for i := range 50 {
		send(t, u, query(t, uint16(i), "a.test"))
		if m := recv(t, u); len(m.Answer) != 1 {
			t.Fatalf("reply %d: %v", i, m)
		}
	}
}

// TestSlip is response rate limiting: of the replies held back every second goes out cut,
// with the cookie that frees a real client of it.
func TestSlip(t *testing.T) {
	const limit, asked = 10, 100
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Replies: limit, Slip: 2}}})
	u := s.dial("udp")
	for i := range asked {
		send(t, u, with(t, uint16(i), "a.test", cookie(me)))
	}
	dropped := s.counted(t, asked, "udp", "rrl_dropped")
	slipped := s.counted(t, asked, "udp", "rrl_slipped")
	if dropped-slipped < 0 || dropped-slipped > 1 || dropped+slipped > asked-limit || slipped == 0 {
		t.Errorf("of %d replies %d were dropped and %d slipped", asked, dropped, slipped)
	}
	var given string
	for range asked - dropped {
		m := recv(t, u)
		if m.Truncated {
			slipped--
			if len(m.Answer) != 0 || m.Rcode != dns.RcodeSuccess {
				t.Errorf("slipped: %v", m)
			}
		} else if len(m.Answer) != 1 {
			t.Errorf("passed: %v", m)
		}
		if given = cookieOf(m); len(given) != 48 {
			t.Fatalf("no cookie in %v", m)
		}
	}
	if slipped != 0 {
		t.Errorf("%d more replies are truncated than were counted", -slipped)
	}
	for i := range asked {
		send(t, u, with(t, uint16(i), "a.test", cookie(given)))
		if m := recv(t, u); m.Truncated || len(m.Answer) != 1 {
			t.Fatalf("with a cookie: %v", m)
		}
	}
	send(t, s.dial("tcp"), frame(query(t, 1, "a.test"))) // and TCP is open to all others
}

// A reply that is held back is never more than the query that asked for it, but for the
// cookie: we are no use to who forges the address.
func TestSlipDoesNotAmplify(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{Rate: listen.RateLimits{Replies: 1, Slip: 1}}})
	u := s.dial("udp")
	for _, msg := range [][]byte{query(t, 1, "long.test"), with(t, 1, "long.test")} {
		for range 5 {
			send(t, u, msg)
			buf := make([]byte, 4096)
			n, err := u.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if buf[2]&2 != 0 && n > len(msg) {
				t.Errorf("a query of %d octets gets %d", len(msg), n)
			}
		}
	}
}

func TestKeepaliveIsTold(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Idle: 25 * time.Second}}})
	option := &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}
	timeout := func(m *dns.Msg) int {
		for _, o := range m.IsEdns0().Option {
			if k, ok := o.(*dns.EDNS0_TCP_KEEPALIVE); ok {
				return int(k.Timeout)
			}
		}
		return -1
	}
	c, u := s.dial("tcp"), s.dial("udp")
	send(t, c, frame(with(t, 1, "a.test", option), with(t, 2, "a.test")))
	if got := timeout(recv(t, c)); got != 250 { // units of 100 ms
		t.Errorf("over TCP: %d, want 250", got)
	}
	if got := timeout(recv(t, c)); got != -1 {
		t.Errorf("a client that did not ask: %d", got)
	}
	send(t, u, with(t, 1, "a.test", option)) // RFC 7828 section 3.2.1: ignored over UDP
	if got := timeout(recv(t, u)); got != -1 {
		t.Errorf("over UDP: %d", got)
	}
}
