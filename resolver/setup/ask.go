package setup

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// patience is how long somebody is waited for who does not answer; asked twice, since a packet may be lost.
const patience = time.Second

// What the check claims to be, to see whether a router believes it: addresses that nobody has (RFC 7042 section
// 2.1.2, RFC 5737).
const forgedMAC = "02:00:5e:00:53:01"

var (
	forgedAddr = netip.MustParseAddr("192.0.2.77")
	forged     = []dns.EDNS0{
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("\x02\x00\x5e\x00\x53\x01")},
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: forgedAddr.AsSlice()},
	}
)

// self is what the server says of who asks.
type self struct {
	node      string // "" if it is not the server that answered
	client    netip.Addr
	told, mac string
	address   netip.Addr
}

// whoami asks who we are taken for. No answer at all is an error.
func (c *check) whoami(at netip.AddrPort, network string, options []dns.EDNS0) (me self, err error) {
	r, err := c.ask(at, network, "whoami."+c.Name, dns.TypeTXT, options)
	if err != nil {
		return me, err
	}
	for _, rr := range r.Answer {
		txt, ok := rr.(*dns.TXT)
		if !ok {
			continue
		}
		switch key, value, _ := strings.Cut(strings.Join(txt.Txt, ""), "="); key {
		case "node":
			me.node = value
		case "client":
			me.client, _ = netip.ParseAddr(value)
		case "told":
			me.told = value
		case "mac":
			me.mac = value
		case "address":
			me.address, _ = netip.ParseAddr(value)
		}
	}
	return me, nil
}

// page gives the addresses of the server's own page.
func (c *check) page(at netip.AddrPort) (all []netip.Addr) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		r, err := c.ask(at, "udp", "ask."+c.Name, qtype, nil)
		if err != nil {
			continue
		}
		for _, rr := range r.Answer {
			switch a := rr.(type) {
			case *dns.A:
				addr, _ := netip.AddrFromSlice(a.A)
				all = append(all, addr.Unmap())
			case *dns.AAAA:
				addr, _ := netip.AddrFromSlice(a.AAAA)
				all = append(all, addr)
			}
		}
	}
	return all
}

func (c *check) ask(at netip.AddrPort, network, name string, qtype uint16, options []dns.EDNS0) (r *dns.Msg, err error) {
	client := dns.Client{Net: network, Timeout: patience}
	for range 2 {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
		q.SetEdns0(1232, false).IsEdns0().Option = options
		if r, err = c.exchange(&client, q, at.String()); err == nil {
			return r, nil
		}
	}
	return nil, fmt.Errorf("asking %s: %w", at, err)
}

// ReadResolvers lists the resolvers of a file such as /etc/resolv.conf; a file that is not there has none. Those of
// this machine itself are left out: who they ask stands elsewhere.
func ReadResolvers(path string) ([]Resolver, error) {
	f, err := os.Open(path) //nolint:gosec // the two that systems have
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the resolvers: %w", err)
	}
	defer f.Close()
	c, err := dns.ClientConfigFromReader(f)
	if err != nil {
		return nil, fmt.Errorf("reading the resolvers of %s: %w", path, err)
	}
	var all []Resolver
	for _, server := range c.Servers {
		if a, err := netip.ParseAddr(server); err == nil && !a.IsLoopback() {
			all = append(all, Resolver{At: netip.AddrPortFrom(a, 53), From: path})
		}
	}
	return all, nil
}
