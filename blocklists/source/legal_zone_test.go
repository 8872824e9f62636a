package source

import (
	"context"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	legalZone   = "rpz.legal.test."
	legalKey    = "legal-key."
	legalSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// legalPrimary is a primary of a policy zone that transfers it to who signs.
type legalPrimary struct {
	address string

	mu     sync.Mutex
	serial uint32
	names  []string
	axfrs  int
}

func (p *legalPrimary) set(serial uint32, names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial, p.names = serial, names
}

func (p *legalPrimary) soa() dns.RR {
	return &dns.SOA{Hdr: dns.RR_Header{Name: legalZone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: 60},
		Ns: "ns.test.", Mbox: "root.test.", Serial: p.serial, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 60}
}

// ServeDNS implements dns.Handler.
func (p *legalPrimary) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := new(dns.Msg).SetReply(q)
	r.Authoritative = true
	switch {
	case q.IsTsig() == nil || w.TsigStatus() != nil:
		r.Rcode = dns.RcodeRefused
		_ = w.WriteMsg(r)
		return
	case q.Question[0].Qtype == dns.TypeSOA:
		r.Answer = []dns.RR{p.soa()}
	default:
		p.axfrs++
		r.Answer = append(r.Answer, p.soa())
		for _, name := range p.names {
			rr, err := dns.NewRR(name + "." + legalZone + " 60 IN CNAME .")
			if err != nil {
				panic(err)
			}
			r.Answer = append(r.Answer, rr)
		}
		r.Answer = append(r.Answer, p.soa())
	}
	r.SetTsig(legalKey, dns.HmacSHA256, 300, time.Now().Unix())
	_ = w.WriteMsg(r)
}

func newLegalPrimary(t *testing.T) *legalPrimary {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &legalPrimary{address: tcp.Addr().String()}
	server := &dns.Server{Listener: tcp, Handler: p, TsigSecret: map[string]string{legalKey: legalSecret}}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = tcp.Close() })
	return p
}

func (p *legalPrimary) source(t *testing.T) func(*Source) {
	secret := write(t, filepath.Join(t.TempDir(), "secret"), legalSecret+"\n")
	return func(s *Source) {
		s.Path, s.Format, s.Private = "", "", true
		s.Zone = Zone{Name: legalZone, Primaries: []string{p.address}, TSIG: TSIG{Name: legalKey, SecretFile: secret}}
	}
}

// TestLegalZone: a zone is transferred into memory, and only when its serial is newer.
func TestLegalZone(t *testing.T) {
	p := newLegalPrimary(t)
	p.set(5, "one-order.example", "*.two-order.example")
	h := newLegalHouse(t, "", p.source(t))
	if r := h.update(); r.Status != Updated || r.Names != 2 {
		t.Fatalf("%+v", r)
	}
	ix := h.inForce()
	h.blocks(ix, "one-order.example", "www.two-order.example")
	h.leaves(ix, "www.one-order.example", "two-order.example")
	if r := h.update("court"); r.Status != Unchanged || p.axfrs != 1 {
		t.Errorf("asked again: %+v after %d transfers", r, p.axfrs)
	}
	if r := h.update(); r.Status != NotDue {
		t.Errorf("not due yet: %+v", r)
	}
	p.set(4, "one-order.example", "*.two-order.example", "three-order.example")
	if r := h.update("court"); r.Status != Refused || !strings.Contains(r.Why, "rollback") {
		t.Errorf("an older serial: %+v", r)
	}
	h.leaves(h.inForce(), "three-order.example")
	h.reopen()
	p.set(6, "one-order.example", "*.two-order.example", "three-order.example")
	if r := h.update("court"); r.Status != Updated || r.Names != 3 {
		t.Errorf("a newer serial after a restart: %+v", r)
	}
	h.blocks(h.inForce(), "three-order.example")
	p.set(7, strings.Repeat("x", 63)+".outside")
	h.source.Zone.TSIG.Name = "other-key."
	h.reopen()
	if r := h.update("court"); r.Status != Failed {
		t.Errorf("with a wrong key: %+v", r)
	}
	h.blocks(h.inForce(), "one-order.example", "three-order.example")
	h.wantSecret("one-order.example", "two-order.example", "three-order.example")
}

// TestLegalNotify measures how long names of a zone take from NOTIFY to be in force.
func TestLegalNotify(t *testing.T) {
	p := newLegalPrimary(t)
	p.set(5, "one-order.example")
	h := newLegalHouse(t, "", p.source(t))
	h.update()
	h.inForce()

	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr).Port
	_ = free.Close()
	h.l.lists.Notify = []string{"127.0.0.1:" + strconv.Itoa(at)}
	ctx, stop := context.WithCancel(context.Background())
	changed := make(chan struct{}, 10)
	ended := make(chan error, 1)
	go func() { ended <- h.l.Run(ctx, func() { changed <- struct{}{} }) }()
	defer func() { stop(); <-ended }()

	p.set(6, "one-order.example", "two-order.example")
	m := new(dns.Msg).SetNotify(legalZone)
	m.Question[0].Qclass = dns.ClassINET
	client := &dns.Client{TsigSecret: map[string]string{legalKey: legalSecret}, Timeout: time.Second}
	var start time.Time
	for try := 0; ; try++ {
		n := m.Copy()
		n.SetTsig(legalKey, dns.HmacSHA256, 300, time.Now().Unix())
		start = time.Now()
		if r, _, err := client.Exchange(n, "127.0.0.1:"+strconv.Itoa(at)); err == nil && r.Rcode == dns.RcodeSuccess {
			break
		} else if try == 50 {
			t.Fatalf("NOTIFY is not answered: %v, %v", r, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	select {
	case <-changed:
	case <-time.After(time.Minute):
		t.Fatal("nothing changed after NOTIFY")
	}
	ix := h.inForce()
	t.Logf("from NOTIFY to names in force: %.3f s", time.Since(start).Seconds())
	h.blocks(ix, "two-order.example")
}
