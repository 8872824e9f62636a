package forward

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// Every upstream is told the one network that is configured, as RFC 7871 section 6 writes it,
// over UDP and TCP; without one no option is sent (TestQueryIsBuiltAnew).
func TestClientSubnet(t *testing.T) {
	t.Parallel()
	for text, address := range map[string]string{
		"192.0.2.0/24": "192.0.2.0", "198.51.0.0/17": "198.51.0.0", "2001:db8:1234::/48": "2001:db8:1234::", "0.0.0.0/0": "0.0.0.0",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			prefix := netip.MustParsePrefix(text)
			e := newEvil(t, func(v *visit) {
				m := v.reply("192.0.2.1")
				if v.network == "udp" {
					m.Truncated = true
				}
				v.say(m)
			})
			want(t, impatient(t, Config{Upstreams: []string{e.addr.String()}, ClientSubnet: prefix}), "192.0.2.1")
			for _, v := range e.visits() {
				var got *dns.EDNS0_SUBNET
				for _, o := range v.query.IsEdns0().Option {
					if s, ok := o.(*dns.EDNS0_SUBNET); ok {
						got = s
					}
				}
				if got == nil || int(got.SourceNetmask) != prefix.Bits() || got.SourceScope != 0 || got.Address.String() != address {
					t.Errorf("over %s: %v, want %s", v.network, got, text)
				}
			}
			if n := len(e.visits()); n != 2 {
				t.Errorf("%d queries, want one over UDP and one over TCP", n)
			}
		})
	}
}

// A reply about another network is junk; the scope is the upstream's to choose (RFC 7871
// section 7.3).
func TestReplyAboutAnotherNetwork(t *testing.T) {
	t.Parallel()
	about := func(v *visit, m *dns.Msg, address string, scope uint8) {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_SUBNET{
			Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, SourceScope: scope, Address: netip.MustParseAddr(address).AsSlice(),
		})
		v.say(m)
	}
	e := newEvil(t, func(v *visit) {
		about(v, v.reply("192.0.2.66"), "198.51.100.0", 0)
		about(v, v.reply("192.0.2.1"), "192.0.2.0", 20)
	})
	f := impatient(t, Config{Upstreams: []string{e.addr.String()}, ClientSubnet: netip.MustParsePrefix("192.0.2.0/24")})
	want(t, f, "192.0.2.1")
	if got := scrape(t, f)["hearth_upstream_junk_total"]; got != 1 {
		t.Errorf("%v packets counted as junk, want 1", got)
	}
}

func TestSubnetsThatTellTooMuch(t *testing.T) {
	for text, good := range map[string]bool{
		"192.0.2.0/24": true, "192.0.2.0/25": false, "192.0.2.1/24": false, "2001:db8::/56": true, "2001:db8::/57": false, "::ffff:192.0.2.0/120": false,
	} {
		if err := checkSubnet(netip.MustParsePrefix(text)); (err == nil) != good {
			t.Errorf("checkSubnet(%s) = %v, want an error: %v", text, err, !good)
		}
	}
}
