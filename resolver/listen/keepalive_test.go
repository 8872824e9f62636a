package listen_test

import (
	"net"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// keepalive asks with EDNS and an option of code 11 that holds value, unless that is nil.
func keepalive(t *testing.T, value []byte) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("a.test.", dns.TypeAAAA)
	m.SetEdns0(1232, false)
	if value != nil {
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: dns.EDNS0TCPKEEPALIVE, Data: value}}
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// told finds the idle time in a reply, in units of 100 ms; -1: there is none.
func told(m *dns.Msg) int {
	for _, o := range m.IsEdns0().Option {
		if k, ok := o.(*dns.EDNS0_TCP_KEEPALIVE); ok {
			return int(k.Timeout)
		}
	}
	return -1
}

// TestKeepalive is RFC 7828: an empty option asks for the idle time, in units of 100 ms;
// a client that tells one itself is in error; over UDP the option is nothing.
func TestKeepalive(t *testing.T) {
	limits := listen.Limits{TCP: listen.TCPLimits{Idle: 12300 * time.Millisecond}}
	plain := start(t, listen.Config{Handler: newStub(), Limits: limits})
	secure, client := startTLS(t, listen.Config{Handler: newStub(), Limits: limits})
	for network, c := range map[string]net.Conn{"udp": plain.dial("udp"), "tcp": plain.dial("tcp"), "tls": secure.dialTLS(client)} {
		for _, tt := range []struct {
			value []byte
			rcode int
			told  int
		}{{nil, dns.RcodeSuccess, -1}, {[]byte{}, dns.RcodeSuccess, 123}, {[]byte{0, 9}, dns.RcodeFormatError, -1}, {[]byte{9}, dns.RcodeFormatError, -1}} {
			b := keepalive(t, tt.value)
			if network == "udp" {
				tt.rcode, tt.told = dns.RcodeSuccess, -1
			} else {
				b = frame(b)
			}
			send(t, c, b)
			if m := recv(t, c); m.Rcode != tt.rcode || tt.rcode == dns.RcodeSuccess && told(m) != tt.told {
				t.Errorf("%x over %s: %s and %d, want %s and %d", tt.value, network, dns.RcodeToString[m.Rcode], told(m), dns.RcodeToString[tt.rcode], tt.told)
			}
		}
	}
}

func TestKeepaliveFallsWhenConnectionsRunShort(t *testing.T) {
	s := start(t, listen.Config{Handler: newStub(), Limits: listen.Limits{TCP: listen.TCPLimits{Connections: 4, Idle: time.Hour, BusyIdle: 10 * time.Second}}})
	c := s.dial("tcp")
	ask := func() int {
		send(t, c, frame(keepalive(t, []byte{})))
		return told(recv(t, c))
	}
	if got := ask(); got != 36000 {
		t.Errorf("told %d, want 36000", got)
	}
	s.dial("tcp")
	s.dial("tcp")
	eventually(t, "three of four are open", func() bool { return s.metric(`hearth_listen_connections{transport="tcp"}`) == 3 })
	if got := ask(); got != 100 {
		t.Errorf("told %d, want 100", got)
	}
}
