package transfer

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// listen serves until the test ends.
func listen(t *testing.T, zones map[string]Peer, address string, heard func(string)) *Listener {
	t.Helper()
	l, err := NewListener(zones, heard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, []string{address}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return l
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// notice is a NOTIFY of a zone.
func notice(zone string) *dns.Msg { return new(dns.Msg).SetNotify(zone) }

// TestListener: who is heard, and what the others are told, by UDP and TCP.
func TestListener(t *testing.T) {
	loopback := netip.MustParseAddr("127.0.0.1")
	heard := make(chan string, 10)
	address := freeAddress(t)
	l := listen(t, map[string]Peer{
		"signed.test": {Primaries: []netip.Addr{loopback}, Key: testKey(t)},
		"Plain.test":  {Primaries: []netip.Addr{loopback}},
		"far.test":    {Primaries: []netip.Addr{netip.MustParseAddr("192.0.2.1")}},
	}, address, func(zone string) { heard <- zone })
	for name, tt := range map[string]struct {
		m       *dns.Msg
		key     string
		secret  string
		rcode   int
		tsig    int // error of the answer's TSIG record
		outcome Outcome
	}{
		"signed":             {notice("Signed.test."), "feed-key.", testSecret, dns.RcodeSuccess, 0, Accepted},
		"plain":              {notice("plain.test."), "", "", dns.RcodeSuccess, 0, Accepted},
		"signed not at all":  {notice("signed.test."), "", "", dns.RcodeRefused, 0, Stranger},
		"another secret":     {notice("signed.test."), "feed-key.", "b3RoZXI=", dns.RcodeNotAuth, dns.RcodeBadSig, BadSignature},
		"another key":        {notice("signed.test."), "other-key.", testSecret, dns.RcodeNotAuth, dns.RcodeBadKey, BadSignature},
		"from elsewhere":     {notice("far.test."), "", "", dns.RcodeRefused, 0, Stranger},
		"of no zone":         {notice("no.test."), "", "", dns.RcodeNotAuth, 0, OtherZone},
		"beneath a zone":     {notice("a.plain.test."), "", "", dns.RcodeNotAuth, 0, OtherZone},
		"of another type":    {func() *dns.Msg { m := notice("plain.test."); m.Question[0].Qtype = dns.TypeA; return m }(), "", "", dns.RcodeFormatError, 0, Malformed},
		"a query":            {new(dns.Msg).SetQuestion("plain.test.", dns.TypeSOA), "", "", dns.RcodeNotImplemented, 0, Malformed},
		"without a question": {func() *dns.Msg { m := notice("plain.test."); m.Question = nil; return m }(), "", "", dns.RcodeFormatError, 0, Malformed},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" by "+network, func(t *testing.T) {
				before := l.Count(tt.outcome)
				m := tt.m.Copy()
				if tt.key != "" {
					m.SetTsig(tt.key, dns.HmacSHA256, 300, time.Now().Unix())
				}
				c := dns.Client{Net: network, TsigSecret: map[string]string{tt.key: tt.secret}}
				r, _, err := c.Exchange(m, address)
				if r == nil || r.Rcode != tt.rcode || tt.tsig == 0 && err != nil {
					t.Fatalf("%v, %v; want %s", r, err, dns.RcodeToString[tt.rcode])
				}
				if sig := r.IsTsig(); (sig != nil) != (tt.key != "") || sig != nil && int(sig.Error) != tt.tsig {
					t.Errorf("TSIG of the answer: %v", sig)
				}
				if got := l.Count(tt.outcome); got != before+1 {
					t.Errorf("%s counted %d times", tt.outcome, got-before)
				}
				if tt.outcome == Accepted { // the answer is sent before anybody hears of it
					select {
					case zone := <-heard:
						if !strings.EqualFold(zone, tt.m.Question[0].Name) {
							t.Errorf("heard of %s", zone)
						}
					case <-time.After(10 * time.Second):
						t.Error("nobody heard of it")
					}
				}
				if n := len(heard); n > 0 {
					t.Errorf("heard %d times too many", n)
				}
			})
		}
	}
}

// TestListenerTime: a NOTIFY played back later is told the time, signed (RFC 8945 section 5.2.3).
func TestListenerTime(t *testing.T) {
	address := freeAddress(t)
	l := listen(t, map[string]Peer{"signed.test": {Primaries: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Key: testKey(t)}},
		address, func(string) { t.Error("an old message is heard") })
	m := notice("signed.test.")
	m.SetTsig("feed-key.", dns.HmacSHA256, 300, time.Now().Add(-time.Hour).Unix())
	c := dns.Client{TsigSecret: map[string]string{"feed-key.": testSecret}}
	r, _, _ := c.Exchange(m, address)
	if r == nil || r.Rcode != dns.RcodeNotAuth || r.IsTsig() == nil || r.IsTsig().Error != dns.RcodeBadTime || r.IsTsig().OtherLen != 6 || r.IsTsig().MACSize != 32 {
		t.Errorf("%v", r)
	}
	if l.Count(BadSignature) != 1 {
		t.Errorf("counted %d times", l.Count(BadSignature))
	}
}

// TestListenerFlood: strangers are answered seldom and take nothing from primaries.
func TestListenerFlood(t *testing.T) {
	heard := make(chan string, 10)
	address := freeAddress(t)
	l := listen(t, map[string]Peer{"far.test": {Primaries: []netip.Addr{netip.MustParseAddr("127.0.0.2")}}}, address, func(z string) { heard <- z })
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := notice("far.test.").Pack()
	if err != nil {
		t.Fatal(err)
	}
	for l.Count(Dropped) == 0 {
		if _, err := conn.Write(raw); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // so that the system's own buffer does not fill
	}
	c := dns.Client{Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}}}
	if r, _, err := c.Exchange(notice("far.test."), address); err != nil || r.Rcode != dns.RcodeSuccess {
		t.Fatalf("%v, %v", r, err)
	}
	select { // the answer is sent before anybody hears of it
	case <-heard:
	case <-time.After(10 * time.Second):
		t.Error("nobody heard of it")
	}
	if n := len(heard); n > 0 {
		t.Errorf("heard %d times too many", n)
	}
}

// TestListenerErrors: mistakes that are seen before anything is heard.
func TestListenerErrors(t *testing.T) {
	other, err := ParseKey("feed-key", "", "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyMTI=")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewListener(map[string]Peer{"a.test": {Key: testKey(t)}, "b.test": {Key: other}}, nil); err == nil || !strings.Contains(err.Error(), "feed-key") {
		t.Errorf("two keys of one name: %v", err)
	}
	l, err := NewListener(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.LocalAddr().String()
	if err := l.Serve(context.Background(), []string{freeAddress(t), address}); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("an address in use: %v", err)
	}
}
