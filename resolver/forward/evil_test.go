package forward

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// evil is a hostile upstream on loopback, UDP and TCP on one port: its script
// gets each query and may send anything, at any time, as often as it likes.
type evil struct {
	t    testing.TB
	addr netip.AddrPort
	udp  *net.UDPConn
	tcp  net.Listener

	mu     sync.Mutex
	script func(*visit)
	seen   []*visit
}

// visit is one query that reached evil.
type visit struct {
	network string
	from    netip.AddrPort
	raw     []byte
	query   *dns.Msg
	number  int // of the query, from 1
	conn    net.Conn
	out     func(raw []byte) // how a host answers
	evil    *evil
	bake    string // the server's cookie in what say sends, in hexadecimal, behind the query's own; "": none
	stamp   string // the whole cookie instead
}

// newEvil starts an upstream that follows script.
func newEvil(t testing.TB, script func(*visit)) *evil {
	t.Helper()
	e := &evil{t: t, script: script}
	for range 20 { // both protocols must get the same port
		var err error
		if e.tcp, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		e.addr = e.tcp.Addr().(*net.TCPAddr).AddrPort()
		if e.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(e.addr)); err == nil {
			break
		}
		_ = e.tcp.Close()
	}
	var wg sync.WaitGroup
	wg.Go(func() { e.serveUDP(&wg) })
	wg.Go(func() { e.serveTCP(&wg) })
	t.Cleanup(func() {
		_, _ = e.udp.Close(), e.tcp.Close()
		wg.Wait()
	})
	return e
}

func (e *evil) serveUDP(wg *sync.WaitGroup) {
	for buf := make([]byte, 4096); ; {
		n, from, err := e.udp.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // ICMP for a socket that a client has closed
		}
		v := &visit{network: "udp", from: from, raw: slices.Clone(buf[:n]), evil: e}
		wg.Go(func() { e.visited(v) })
	}
}

func (e *evil) serveTCP(wg *sync.WaitGroup) {
	for {
		conn, err := e.tcp.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer func() { _ = conn.Close() }()
			raw, err := readFrame(conn)
			if err != nil {
				return
			}
			from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
			e.visited(&visit{network: "tcp", from: from, raw: raw, conn: conn, evil: e})
		})
	}
}

func (e *evil) visited(v *visit) {
	v.query = new(dns.Msg)
	if err := v.query.Unpack(v.raw); err != nil {
		e.t.Errorf("the query % x does not unpack: %v", v.raw, err)
		return
	}
	e.mu.Lock()
	e.seen = append(e.seen, v)
	v.number = len(e.seen)
	script := e.script
	e.mu.Unlock()
	script(v)
}

// become changes the script.
func (e *evil) become(script func(*visit)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.script = script
}

// visits returns the queries so far.
func (e *evil) visits() []*visit {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.seen)
}

// send sends raw octets back where the query came from.
func (v *visit) send(raw []byte) {
	if v.out != nil {
		v.out(raw)
		return
	}
	if v.network == "udp" {
		_, _ = v.evil.udp.WriteToUDPAddrPort(raw, v.from)
		return
	}
	_, _ = v.conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
}

// reply returns a reply to the query with one A record.
func (v *visit) reply(address string) *dns.Msg {
	m := new(dns.Msg).SetReply(v.query)
	m.RecursionAvailable = true
	m.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
		A:   net.ParseIP(address),
	}}
	if v.query.IsEdns0() != nil {
		m.SetEdns0(1232, true)
	}
	return m
}

// fault returns a reply with a response code and no records.
func (v *visit) fault(rcode int) *dns.Msg {
	m := v.reply("192.0.2.66")
	m.Answer, m.Rcode = nil, rcode
	return m
}

// say packs and sends m.
func (v *visit) say(m *dns.Msg) { v.send(v.pack(m)) }

// cookie returns the query's cookie in hexadecimal, "" if it has none.
func (v *visit) cookie() string {
	if o := v.query.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if c, ok := option.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

func (v *visit) pack(m *dns.Msg) []byte {
	own, o := v.stamp, m.IsEdns0()
	if c := v.cookie(); own == "" && v.bake != "" && len(c) >= 16 {
		own = c[:16] + v.bake
	}
	if own != "" && o != nil {
		o.Option = append(o.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: own})
	}
	raw, err := m.Pack()
	if err != nil {
		v.evil.t.Errorf("packing a reply: %v", err)
	}
	return raw
}

// The scripts of upstreams that are simply there.
func truth(v *visit)  { v.say(v.reply("192.0.2.1")) }
func silent(*visit)   {}
func second(v *visit) { v.say(v.reply("192.0.2.2")) }

func says(rcode int) func(*visit) { return func(v *visit) { v.say(v.fault(rcode)) } }

// deadPort returns an address on which nobody listens, for UDP and TCP.
func deadPort(t testing.TB) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// forwarder asks the addresses, over UDP, and is impatient: as if all had answered
// at once before.
func forwarder(t testing.TB, addrs ...netip.AddrPort) *Forwarder {
	t.Helper()
	cfg := Config{}
	for _, a := range addrs {
		cfg.Upstreams = append(cfg.Upstreams, a.String())
	}
	return impatient(t, cfg)
}

func impatient(t testing.TB, cfg Config) *Forwarder {
	t.Helper()
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range f.upstreams {
		u.health.srtt = 1
		u.udp = twin(u.udp)
	}
	return f
}

// query is a client's query for name, parsed.
func query(t testing.TB, name string, change func(*dns.Msg)) *wire.Query {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeA)
	if change != nil {
		change(m)
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	q := new(wire.Query)
	if fault := q.Parse(raw); fault != wire.None {
		t.Fatalf("parsing the query: %v", fault)
	}
	return q
}

// answer asks and waits for what the forwarder has.
func answer(f *Forwarder, q *wire.Query) ([]byte, error) {
	w := make(wait, 1)
	f.Exchange(asked(q), func(raw []byte, err error) { w.landed(reply{raw: raw}, err) })
	r := <-w
	return r.raw, r.err
}

// asked is the question of a query.
func asked(q *wire.Query) wire.Question {
	return wire.Question{Name: q.Name(), Type: q.Type, Class: q.Class, CD: q.CD}
}

// ask asks for www.example.com and returns the reply.
func ask(t testing.TB, f *Forwarder) (*dns.Msg, error) {
	t.Helper()
	return askFor(t, f, "www.example.com.")
}

// long has so many letters that chance does not leave all of them small.
const long = "a.name.with.more.than.forty.letters.so.that.chance.plays.no.part.example.com."

func askFor(t testing.TB, f *Forwarder, name string) (*dns.Msg, error) {
	t.Helper()
	raw, err := answer(f, query(t, name, nil))
	if err != nil {
		return nil, err
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		t.Fatalf("the reply does not unpack: %v", err)
	}
	return m, nil
}

// want fails the test unless the next answer is address.
func want(t testing.TB, f *Forwarder, address string) {
	t.Helper()
	wantFor(t, f, "www.example.com.", address)
}

func wantFor(t testing.TB, f *Forwarder, name, address string) {
	t.Helper()
	m, err := askFor(t, f, name)
	if err != nil {
		t.Fatalf("no answer: %v; want %s", err, address)
	}
	if len(m.Answer) != 1 || !m.Answer[0].(*dns.A).A.Equal(net.ParseIP(address)) {
		t.Fatalf("answer = %v, want %s", m, address)
	}
}
