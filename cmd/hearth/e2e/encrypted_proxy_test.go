package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestBehindBalancer puts dnsdist in front, which tells who asks by PROXY headers over UDP, TCP and
// TLS and by X-Forwarded-For over HTTPS: each device is known by the address that dnsdist saw, and
// a stranger is refused though dnsdist itself is in the house.
func TestBehindBalancer(t *testing.T) {
	dnsdist := program(t, "dnsdist")
	s := newSecure(t, newUpstream(t))
	text := strings.ReplaceAll(s.read(), "networks: [127.0.0.0/8]", "networks: [127.0.0.0/29]")
	for _, protocol := range []string{"dns", "tls", "https"} {
		text = strings.ReplaceAll(text, "protocol: "+protocol+"}", "protocol: "+protocol+", proxies: [127.0.0.1/32]}")
	}
	s.write(text)
	s.begin()
	secured := fmt.Sprintf("tls=\"openssl\", caStore=%q, subjectName=%q", s.ca, ownName)
	for way, server := range map[string]string{
		"plain": fmt.Sprintf("address=%q, useProxyProtocol=true", s.dns),
		"tls":   fmt.Sprintf("address=%q, useProxyProtocol=true, %s", s.tls, secured),
		"https": fmt.Sprintf("address=%q, addXForwardedHeaders=true, dohPath=\"/dns-query\", %s", s.https, secured),
	} {
		t.Run(way, func(t *testing.T) {
			listen, file := freePort(t), filepath.Join(t.TempDir(), "dnsdist.conf")
			must(t, os.WriteFile(file, []byte(fmt.Sprintf("setLocal(%q)\nsetACL({\"127.0.0.0/8\"})\nnewServer({%s, healthCheckMode=\"up\"})\n", listen, server)), 0o600))
			background(t, dnsdist, supervised(file)...)
			s.eventually("listens through dnsdist", func() bool {
				conn, err := net.Dial("tcp", listen)
				if err == nil {
					_ = conn.Close()
				}
				return err == nil
			})
			for _, network := range []string{"udp", "tcp"} {
				s.passed(t, network, listen)
			}
		})
	}
}

// passed asks the balancer from each device's address, and from a stranger's.
func (s *secure) passed(t *testing.T, network, balancer string) {
	t.Helper()
	ask := func(from, name string) *dns.Msg {
		c := dns.Client{Net: network, Timeout: patience, Dialer: dialer(network, from)}
		r, _, err := c.Exchange(question(name, dns.TypeA), balancer)
		if err != nil {
			t.Fatalf("%s from %s over %s: %v", name, from, network, err)
		}
		return r
	}
	for _, n := range names {
		for _, d := range devices {
			if got := addresses(ask(d.address, n.name)); got != wanted(d.name, n.name) {
				t.Errorf("%s of %s over %s is at %q, want %s", n.name, d.name, network, got, wanted(d.name, n.name))
			}
		}
		if r := ask("127.0.0.99", n.name); r.Rcode != dns.RcodeRefused || len(r.Answer) > 0 {
			t.Errorf("a stranger who asks for %s over %s gets %v, want REFUSED", n.name, network, r)
		}
	}
}
