package listen

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// holder is a handler whose replies come when they are let go, all at once.
type holder struct{ held []*Request }

func (h *holder) Answer(*Request) bool { return false }

func (h *holder) Resolve(_ context.Context, r *Request, _ time.Time) { h.held = append(h.held, r) }

func (h *holder) release() {
	for _, r := range h.held {
		fail(r)
		r.Done()
	}
	h.held = nil
}

// sink is a socket that counts what is sent.
type sink struct{ sent int }

func (m *sink) serve() error        { return nil }
func (m *sink) send(*Request) error { m.sent++; return nil }
func (m *sink) stop()               {}

// bench is a server without sockets, and a UDP socket of it that goes nowhere.
func bench(limits Limits) (*holder, *sink, *udpSocket) {
	h, m := new(holder), new(sink)
	cfg := Config{Handler: h, Limits: limits, Log: slog.New(slog.DiscardHandler)}.withDefaults()
	counts := newSketch()
	s := &Server{
		cfg: cfg, workers: newNumbers(1, cfg.Limits.InFlight), waiting: newCensus(cfg.Limits.PerClient),
		rates: newRates(cfg.Limits.Rate, counts), handshakes: newHandshakes(cfg.Limits.Handshakes, counts), base: context.Background(),
	}
	return h, m, &udpSocket{server: s, mover: m, tally: &tally{transport: UDP}}
}

// ask lets one query come in by u, from an address over a transport.
func (u *udpSocket) ask(t testing.TB, from string, over Transport, edit func(*dns.Msg)) *Request {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("a.test.", dns.TypeA)
	if edit != nil {
		edit(m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	r := u.server.take()
	r.Client = Client{Addr: netip.AddrPortFrom(netip.MustParseAddr(from), 53), Transport: over}
	r.origin = u
	if u.server.first(u.tally, r, b) == missed {
		u.server.hand(u.tally, r)
	}
	return r
}

// TestPulseOfNamesThatAreHeld is CVE-2024-33655 (DNSBomb): one query a second, for names
// that an authority holds back, then all at once. What reaches the victim is bounded by
// the queries that may wait for it, and by the age of a reply that is still sent.
func TestPulseOfNamesThatAreHeld(t *testing.T) {
	for what, tt := range map[string]struct {
		limits Limits
		names  int
		pace   time.Duration
		most   int
	}{
		"a query a second":        {DefaultLimits(), 300, time.Second, 2},
		"patient with late ones":  {Limits{Late: time.Hour}, 300, time.Second, 100},
		"a thousand in a second":  {Limits{}, 1000, time.Millisecond, 100},
		"limits of less":          {Limits{PerClient: 10}, 1000, time.Millisecond, 10},
		"limits of rate (public)": {DefaultLimits(), 1000, time.Millisecond, 100},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, m, u := bench(tt.limits)
				for range tt.names {
					u.ask(t, "192.0.2.1", UDP, nil)
					time.Sleep(tt.pace)
				}
				before := m.sent
				h.release()
				if burst := m.sent - before; burst > tt.most {
					t.Errorf("a burst of %d replies, want at most %d", burst, tt.most)
				}
				if used := u.server.workers.used(); used != 0 {
					t.Errorf("%d queries are still in hand", used)
				}
			})
		})
	}
}

// A client that proved its address may have more in flight, but never all of it.
func TestInFlightOfProvedClients(t *testing.T) {
	for _, tt := range []struct {
		limits Limits
		over   Transport
		want   int
	}{
		{Limits{}, UDP, 100},
		{Limits{}, TLS, 500},
		{Limits{PerClient: 10}, UDP, 10},
		{Limits{PerClient: 10}, QUIC, 100},
		{Limits{PerClient: 10, CookieFactor: 3}, HTTPS, 30},
		{Limits{InFlight: 100, PerClient: 80}, TCP, 80},
	} {
		_, _, u := bench(tt.limits)
		for range 2000 {
			u.ask(t, "192.0.2.1", tt.over, nil)
		}
		if got := u.server.workers.used(); got != tt.want {
			t.Errorf("%+v over %s: %d in flight, want %d", tt.limits, tt.over, got, tt.want)
		}
	}
}

// A cookie proves an address as a connection does, and what somebody else piled up in a
// client's name without one leaves it its room.
func TestInFlightWithACookie(t *testing.T) {
	_, _, u := bench(Limits{PerClient: 10})
	now := time.Now()
	v := u.server.cookies.current(now).bake([]byte("hearthed"), netip.MustParseAddr("192.0.2.1"), now)
	good := func(m *dns.Msg) {
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: wire.OptionCookie, Data: v[:]}}
	}
	for range 100 {
		u.ask(t, "192.0.2.1", UDP, nil)
	}
	for range 200 {
		u.ask(t, "192.0.2.1", UDP, good)
	}
	if got := u.server.workers.used(); got != 100 {
		t.Errorf("%d in flight, want 100", got)
	}
	for range 100 {
		u.ask(t, "192.0.2.2", UDP, good) // of another address
	}
	if got := u.server.workers.used(); got != 110 {
		t.Errorf("%d in flight, want 110", got)
	}
}

// A connection's worker number is that of the next once it ended, so that a query that is
// still in hand must not be counted by it.
func TestDeskIsLeftForGood(t *testing.T) {
	_, _, u := bench(Limits{})
	s := u.server
	s.connections[HTTPS] = quota{workers: newNumbers(7, 1), clients: newCensus(1)}
	s.cfg.Handler = prompt{}
	d, ok := s.seat(HTTPS, u.tally)
	if !ok || !d.welcome(netip.MustParseAddr("192.0.2.1")) {
		t.Fatal("there is no room")
	}
	q, _ := new(dns.Msg).SetQuestion("a.test.", dns.TypeA).Pack()
	r := s.take()
	r.Client = Client{Addr: netip.MustParseAddrPort("192.0.2.1:53"), Transport: HTTPS}
	if got := d.first(r, q); got != ready || len(r.Reply) == 0 || r.Worker != 7 {
		t.Errorf("outcome %d, worker %d, reply %x", got, r.Worker, r.Reply)
	}
	d.leave()
	d.leave()
	if got := d.first(r, q); got != hostile {
		t.Errorf("after the end: outcome %d, reply %x", got, r.Reply)
	}
	if n := s.connections[HTTPS].workers.used(); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

// RFC 7830 section 6 and RFC 8467 section 4.1: who pads gets padding, on a line that
// nobody reads along; nobody else does.
func TestPadding(t *testing.T) {
	_, _, u := bench(Limits{})
	u.server.connections[TLS].workers = newNumbers(0, 1)
	for _, over := range []Transport{UDP, TLS, QUIC, HTTPS} {
		for _, asks := range []bool{false, true} {
			r := u.ask(t, "192.0.2.1", over, func(m *dns.Msg) {
				m.SetEdns0(1232, false)
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"}}
				if asks {
					m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_PADDING{Padding: make([]byte, 40)})
				}
			})
			fail(r)
			u.server.dress(r)
			m := new(dns.Msg)
			if err := m.Unpack(r.Reply); err != nil {
				t.Fatalf("%s: %v", over, err)
			}
			if padded := len(r.Reply) == 468; padded != (asks && over.Encrypted()) {
				t.Errorf("%s, client pads: %v; reply of %d octets", over, asks, len(r.Reply))
			}
			if c, ok := m.IsEdns0().Option[0].(*dns.EDNS0_COOKIE); !ok || len(c.Cookie) != 48 {
				t.Errorf("%s: cookie %v", over, m.IsEdns0().Option)
			}
		}
	}
}

// A cookie is kept for half an hour and then replaced (RFC 9018 section 4.3).
func TestCookieIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, u := bench(Limits{})
		cookie := func(brought string) string {
			r := u.ask(t, "192.0.2.1", UDP, func(m *dns.Msg) {
				m.SetEdns0(1232, false)
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: brought}}
			})
			fail(r)
			u.server.dress(r)
			m := new(dns.Msg)
			if err := m.Unpack(r.Reply); err != nil {
				t.Fatal(err)
			}
			return m.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie
		}
		first := cookie("2464c4abcf10c957")
		time.Sleep(30 * time.Minute)
		if got := cookie(first); got != first {
			t.Errorf("after half an hour: %s in place of %s", got, first)
		}
		time.Sleep(time.Second)
		second := cookie(first)
		if second == first {
			t.Error("it is not renewed after half an hour")
		}
		if got := cookie(second); got != second {
			t.Errorf("the renewed one: %s in place of %s", got, second)
		}
	})
}

// A client without EDNS gets no OPT record, whatever the transport.
func TestDressWithoutEDNS(t *testing.T) {
	_, _, u := bench(Limits{})
	for over := range Transport(transports) {
		r := u.ask(t, "192.0.2.1", over, nil)
		fail(r)
		before := bytes.Clone(r.Reply)
		u.server.dress(r)
		if !bytes.Equal(before, r.Reply) {
			t.Errorf("%s: %x became %x", over, before, r.Reply)
		}
	}
}

// The path of a query that is answered at once allocates nothing, whoever asks.
func TestFirstStrokeAllocatesNothing(t *testing.T) {
	limits := DefaultLimits()
	limits.Rate.Queries, limits.Rate.Prefix, limits.Rate.Replies = 1e6, 1e6, 1e6
	_, _, u := bench(limits)
	s := u.server
	s.cfg.Handler = prompt{}
	now := time.Now()
	good := s.cookies.current(now).bake([]byte("hearthed"), netip.MustParseAddr("192.0.2.1"), now)
	for what, value := range map[string][]byte{"no cookie": nil, "a new client": good[:8], "a cookie": good[:], "a wrong cookie": append(good[:23:23], good[23]^1)} {
		m := new(dns.Msg)
		m.SetQuestion("a.test.", dns.TypeA)
		m.SetEdns0(1232, false)
		if value != nil {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: wire.OptionCookie, Data: value}}
		}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		for over := range Transport(transports) {
			r := s.take()
			r.Client = Client{Addr: netip.MustParseAddrPort("192.0.2.1:53"), Transport: over}
			if n := testing.AllocsPerRun(100, func() {
				s.first(u.tally, r, b)
				s.dress(r)
			}); n != 0 {
				t.Errorf("%s over %s: %v allocations, want 0", what, over, n)
			}
		}
	}
}

// prompt answers every query at once.
type prompt struct{}

func (prompt) Answer(r *Request) bool {
	r.Reply = wire.Finish(wire.Start(r.Buf(), &r.Query, wire.NoError), &r.Query, wire.NoError, nil)
	return true
}
func (prompt) Resolve(context.Context, *Request, time.Time) {}

// BenchmarkFirstStroke is a query that is answered at once, without its socket: of a
// client that no limit holds for, and of ten thousand that they hold for.
func BenchmarkFirstStroke(b *testing.B) {
	limits := DefaultLimits()
	limits.Rate.Queries, limits.Rate.Prefix, limits.Rate.Replies = 1e6, 1e6, 1e6
	_, _, u := bench(limits)
	s := u.server
	s.cfg.Handler = prompt{}
	m := new(dns.Msg)
	m.SetQuestion("www.example.com.", dns.TypeA)
	m.SetEdns0(1232, false)
	plain, _ := m.Pack()
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "2464c4abcf10c957"}}
	asking, _ := m.Pack()
	for _, bm := range []struct {
		name, addr string
		clients    uint32
		msg        []byte
	}{
		{"home", "192.168.1.2", 1, plain}, {"home-new-cookie", "192.168.1.2", 1, asking},
		{"public", "192.0.2.1", 10000, plain}, {"public-new-cookie", "192.0.2.1", 10000, asking},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r, n := s.take(), uint32(0)
			r.Client = Client{Addr: netip.AddrPortFrom(netip.MustParseAddr(bm.addr), 53)}
			b.ReportAllocs()
			for b.Loop() {
				if n++; bm.clients > 1 {
					r.Client.Addr = netip.AddrPortFrom(stranger(n%bm.clients), 53)
				}
				s.first(u.tally, r, bm.msg)
				u.fit(r)
			}
		})
	}
}

// Whoever asks in a client's name, at whatever pace, does not keep the client from learning
// that it may come over TCP or with the cookie that it is given.
func TestForgedFloodLeavesItsVictimAWay(t *testing.T) {
	for what, rate := range map[string]RateLimits{
		"all limits": DefaultLimits().Rate, "queries": {Queries: 200, Slip: 2}, "prefix": {Prefix: 1000, Slip: 2}, "replies": {Replies: 50, Slip: 2},
		"replies over queries": {Queries: 50, Replies: 200, Slip: 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, victim := newRates(rate, newSketch()), netip.MustParseAddr("192.0.2.1")
			told := 0
			for range 20 { // once a second
				for range 10000 {
					time.Sleep(100 * time.Microsecond)
					l.judge(victim, false)
				}
				if why := l.judge(victim, false); why == none || why == replySlipped {
					told++
				}
			}
			if told < 5 { // the slip is for every other one
				t.Errorf("%s: of 20 questions %d are replied to", what, told)
			}
			if why := l.judge(victim, true); why != none {
				t.Errorf("%s: what is proved is %s", what, why)
			}
		})
	}
}
