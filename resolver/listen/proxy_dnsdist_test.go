package listen_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/miekg/dns"
)

// dnsdist runs one in front of a server, at an address that it returns, until the end of
// the test. backend are settings of its newServer beside the address.
func dnsdist(t *testing.T, server netip.AddrPort, backend string) netip.AddrPort {
	t.Helper()
	program, err := exec.LookPath("dnsdist")
	if err != nil {
		t.Skip("no dnsdist on this machine: install it to test against it")
	}
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := addrPort(free.Addr())
	_ = free.Close()
	file := filepath.Join(t.TempDir(), "dnsdist.conf")
	conf := fmt.Sprintf("setLocal(%q)\nnewServer({address=%q, %s})\n", at, server, backend)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	run := exec.CommandContext(t.Context(), program, "--supervised", "--disable-syslog", "-C", file)
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return at
}

// askFrom asks a server from an address of ours until it answers.
func askFrom(t *testing.T, network, from string, server netip.AddrPort) {
	t.Helper()
	c := &dns.Client{Net: network, Timeout: time.Second, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}}
	if network == "tcp" {
		c.Dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	m := new(dns.Msg)
	m.SetQuestion("a.test.", dns.TypeAAAA)
	eventually(t, network+" through dnsdist", func() bool {
		reply, _, err := c.Exchange(m, server.String())
		return err == nil && reply.Rcode == dns.RcodeSuccess
	})
}

// seenOf collects the clients that ask for a.test: dnsdist asks for names of its own.
func seenOf(h *stub) <-chan listen.Client {
	got := make(chan listen.Client, 100)
	h.seen = func(r *listen.Request) {
		if string(r.Query.Name()) == "\x01a\x04test\x00" {
			select {
			case got <- r.Client:
			default:
			}
		}
	}
	return got
}

func TestDnsdistNamesItsClients(t *testing.T) {
	h := newStub()
	got := seenOf(h)
	s := start(t, listen.Config{Handler: h, Listeners: trusting()})
	at := dnsdist(t, s.addr, "useProxyProtocol=true")
	for _, network := range []string{"udp", "tcp"} {
		askFrom(t, network, "127.0.0.9", at)
		c := <-got
		for c.Transport.String() != network { // what was asked again
			c = <-got
		}
		if c.Addr.Addr() != netip.MustParseAddr("127.0.0.9") {
			t.Errorf("%s: client %+v, want 127.0.0.9", network, c)
		}
	}
	for _, network := range []string{"udp", "tcp"} {
		if n := s.metric(`hearth_listen_shed_total{reason="bad_proxy_header",transport="` + network + `"}`); n != 0 {
			t.Errorf("%v bad headers over %s", n, network)
		}
	}
}

func TestDnsdistAsksOverTLS(t *testing.T) {
	const id = "k4q2x7m9d3w8r5t1"
	h := newStub()
	got := seenOf(h)
	s, client := startTLS(t, listen.Config{Handler: h, Listeners: trusting()})
	file := filepath.Join(t.TempDir(), "ca.pem")
	c := s.dialTLS(client)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	backend := fmt.Sprintf(`tls="openssl", subjectName=%q, caStore=%q, validateCertificates=true`, id+"."+tlsName, file)
	for settings, client := range map[string]string{backend: "127.0.0.1", backend + ", useProxyProtocol=true": "127.0.0.9"} {
		at := dnsdist(t, s.addr, settings)
		for _, network := range []string{"udp", "tcp"} {
			askFrom(t, network, "127.0.0.9", at)
			if c := <-got; c.Identity != id || c.Transport != listen.TLS || c.Addr.Addr() != netip.MustParseAddr(client) {
				t.Errorf("%s, %s: client %+v, want identity %s of %s over TLS", network, settings, c, id, client)
			}
			for len(got) > 0 { // what was asked again
				<-got
			}
		}
	}
}
