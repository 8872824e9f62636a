package main

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/resolver/listen/certificate"
)

func TestDesignation(t *testing.T) {
	at := func(all ...string) (out []netip.AddrPort) {
		for _, a := range all {
			out = append(out, netip.MustParseAddrPort(a))
		}
		return out
	}
	listen := []ListenConfig{
		{Addresses: at("0.0.0.0:53", "[::]:53")},
		{Addresses: at("0.0.0.0:853", "[::]:853"), Protocol: "tls"},
		{Addresses: at("192.0.2.1:853", "192.0.2.2:853"), Protocol: "quic"},
		{Addresses: at("0.0.0.0:443", "127.0.0.1:0"), Protocol: "https"},
		{Addresses: at("0.0.0.0:8443"), Protocol: "https", Path: "/family"},
	}
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Name: "hearth.home.arpa", Listen: listen[:1]}, " [] []"},
		{Config{Name: "hearth.home.arpa", Listen: listen[:2]}, "hearth.home.arpa [] [{tls 853  invalid IP}]"},
		{Config{Name: "hearth.home.arpa", TLS: certificate.Config{Name: "DNS.Family.Example."}, Listen: listen},
			"dns.family.example [] [{https 443 /dns-query invalid IP} {https 8443 /family invalid IP} {quic 853  192.0.2.1} {quic 853  192.0.2.2} {tls 853  invalid IP}]"},
		{Config{Name: "hearth.home.arpa", TLS: certificate.Config{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}, Listen: listen[2:3]},
			"hearth.home.arpa [192.0.2.9] [{quic 853  invalid IP}]"},
	} {
		d, err := designation(&c.config)
		name := ""
		if len(d.Name) > 0 {
			name = d.Name.String()
		}
		if got := fmt.Sprint(name, " ", d.Addresses, " ", d.Endpoints); err != nil || got != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}
