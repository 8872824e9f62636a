package transfer

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	zoneName   = "policy.test."
	testSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" // 0123…def twice
)

func testKey(t *testing.T) *Key {
	t.Helper()
	k, err := ParseKey("feed-key", "", testSecret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// primary is a server by TCP alone that says what a test tells it to. It signs by its own reading of RFC 8945, so that
// the client's is checked against another one.
type primary struct {
	t      *testing.T
	addr   netip.AddrPort
	secret []byte        // of answers; nil: the right one
	skew   time.Duration // of its clock
	serial uint32        // of its SOA answers
	answer func(q *dns.Msg, c *exchange)

	mu    sync.Mutex
	asked []string // types of the questions, in their order
}

func (p *primary) questions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// exchange is one request that is being answered.
type exchange struct {
	p     *primary
	conn  *dns.Conn
	query *dns.Msg
	mac   string
	raw   [][]byte // sent since the last signature
	first bool
	err   error
}

func newPrimary(t *testing.T, serial uint32, answer func(q *dns.Msg, c *exchange)) *primary {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("0123456789abcdef0123456789abcdef")
	p := &primary{t: t, addr: netip.MustParseAddrPort(listener.Addr().String()), serial: serial, secret: secret, answer: answer}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.serve(&dns.Conn{Conn: conn})
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return p
}

func (p *primary) serve(conn *dns.Conn) {
	defer conn.Close()
	buf := make([]byte, dns.MaxMsgSize)
	n, err := conn.Read(buf)
	q := new(dns.Msg)
	if err != nil || q.Unpack(buf[:n]) != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, dns.TypeToString[q.Question[0].Qtype])
	p.mu.Unlock()
	c := &exchange{p: p, conn: conn, query: q, first: true}
	if t := q.IsTsig(); t != nil {
		c.mac = t.MAC
	}
	if q.Question[0].Qtype == dns.TypeSOA {
		c.send(soaAt(p.serial))
		return
	}
	p.answer(q, c)
}

// message is an answer with the records.
func (c *exchange) message(records ...string) *dns.Msg {
	m := new(dns.Msg).SetReply(c.query)
	m.Authoritative = true
	for _, text := range records {
		m.Answer = append(m.Answer, record(c.p.t, text))
	}
	return m
}

// send sends the records in one message, signed where the question was.
func (c *exchange) send(records ...string) {
	c.transmit(c.message(records...), c.query.IsTsig() != nil)
}

// sendUnsigned leaves the signature to a later message.
func (c *exchange) sendUnsigned(records ...string) { c.transmit(c.message(records...), false) }

func (c *exchange) transmit(m *dns.Msg, signed bool) {
	raw, err := m.Pack()
	if err != nil {
		c.p.t.Error(err)
		return
	}
	if signed {
		raw = c.sign(raw)
	} else {
		c.raw = append(c.raw, raw)
	}
	if c.err == nil {
		_, c.err = c.conn.Write(raw)
	}
}

// sign appends a TSIG record: RFC 8945 sections 4.3 and 5.3.1.
func (c *exchange) sign(raw []byte) []byte {
	asked := c.query.IsTsig()
	now := time.Now().Add(c.p.skew).Unix()
	times := binary.BigEndian.AppendUint16(nil, uint16(now>>32))
	times = binary.BigEndian.AppendUint32(times, uint32(now))
	times = binary.BigEndian.AppendUint16(times, 300)
	h := hmac.New(sha256.New, c.p.secret)
	mac, _ := hex.DecodeString(c.mac)
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(mac))))
	h.Write(mac)
	for _, earlier := range c.raw {
		h.Write(earlier)
	}
	h.Write(raw)
	if c.first {
		name := make([]byte, 300)
		n, _ := dns.PackDomainName(asked.Hdr.Name, name, 0, nil, false)
		h.Write(name[:n])
		h.Write([]byte{0, 255, 0, 0, 0, 0}) // class ANY, TTL 0
		n, _ = dns.PackDomainName(asked.Algorithm, name, 0, nil, false)
		h.Write(name[:n])
		h.Write(times)
		h.Write([]byte{0, 0, 0, 0}) // no error, no other data
	} else {
		h.Write(times)
	}
	sum := h.Sum(nil)
	t := &dns.TSIG{Hdr: dns.RR_Header{Name: asked.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY}, Algorithm: asked.Algorithm,
		TimeSigned: uint64(now), Fudge: 300, MACSize: uint16(len(sum)), MAC: hex.EncodeToString(sum), OrigId: c.query.Id}
	out := make([]byte, len(raw)+512)
	copy(out, raw)
	n, err := dns.PackRR(t, out, len(raw), nil, false)
	if err != nil {
		c.p.t.Error(err)
	}
	binary.BigEndian.PutUint16(out[10:], binary.BigEndian.Uint16(out[10:])+1)
	c.mac, c.raw, c.first = t.MAC, nil, false
	return out[:n]
}

func soaAt(serial uint32) string {
	soa := &dns.SOA{Hdr: dns.RR_Header{Name: zoneName, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60}, Ns: "ns.test.", Mbox: "m.test.",
		Serial: serial, Refresh: 300, Retry: 60, Expire: 86400, Minttl: 60}
	return soa.String()
}

func blocked(name string) string { return name + "." + zoneName + " 60 IN CNAME ." }

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// client asks p with small limits.
func client(p *primary, key *Key) *Client {
	return &Client{Zone: "Policy.test", Primaries: []netip.AddrPort{p.addr}, Key: key, MaxBytes: 1 << 20, MaxText: 4 << 20, Timeout: 20 * time.Second}
}

// update runs c with a kept copy of these records, and returns what it wrote, in order without the TTLs.
func update(t *testing.T, c *Client, kept ...string) (Result, []string, error) {
	t.Helper()
	dir := t.TempDir()
	old := ""
	if len(kept) > 0 {
		old = filepath.Join(dir, "kept")
		var text strings.Builder
		for _, r := range kept {
			line, err := lineOf(record(t, r))
			if err != nil {
				t.Fatal(err)
			}
			text.WriteString(line + "\n")
		}
		if err := os.WriteFile(old, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	to, err := os.Create(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	r, err := c.Update(context.Background(), old, to)
	if err != nil || r.Type == "" {
		return r, nil, err
	}
	return r, keys(t, to.Name()), nil
}

// keys are the records of a master file but for their TTLs, sorted; the SOA record must be the first.
func keys(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		key, ok := keyOf(strings.TrimSpace(line))
		if !ok || (len(all) == 0) != strings.Contains(key, "\tSOA\t") {
			t.Errorf("line %q", line)
		}
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// same compares what was written with the records wanted.
func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	var all []string
	for _, w := range want {
		line, err := lineOf(record(t, w))
		if err != nil {
			t.Fatal(err)
		}
		key, _ := keyOf(line)
		all = append(all, key)
	}
	slices.Sort(all)
	if !slices.Equal(got, all) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(all, "\n"))
	}
}
