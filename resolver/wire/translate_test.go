package wire

import (
	"net/netip"
	"testing"
)

// The table of RFC 6052 section 2.4: 192.0.2.33 behind prefixes of all lengths.
func TestEmbedIPv4(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.33")
	for prefix, want := range map[string]string{
		"2001:db8::/32":         "2001:db8:c000:221::",
		"2001:db8:100::/40":     "2001:db8:1c0:2:21::",
		"2001:db8:122::/48":     "2001:db8:122:c000:2:2100::",
		"2001:db8:122:300::/56": "2001:db8:122:3c0:0:221::",
		"2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100::",
		"2001:db8:122:344::/96": "2001:db8:122:344::192.0.2.33",
		"64:ff9b::/96":          "64:ff9b::192.0.2.33",
	} {
		p := netip.MustParsePrefix(prefix)
		got := EmbedIPv4(p, v4)
		if !CanEmbed(p) || got != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, want %s", prefix, got, want)
		}
		if back, ok := EmbeddedIPv4(p, got); !ok || back != v4 {
			t.Errorf("%s: %s gives back %s", prefix, got, back)
		}
	}
	if _, ok := EmbeddedIPv4(netip.MustParsePrefix("64:ff9b::/96"), netip.MustParseAddr("64:ff9b:1::1")); ok {
		t.Error("an address beside the prefix is taken for one behind it")
	}
	if _, ok := EmbeddedIPv4(netip.Prefix{}, netip.MustParseAddr("64:ff9b::1")); ok {
		t.Error("without a prefix an address is taken for one behind it")
	}
	for _, prefix := range []string{"2001:db8::/33", "2001:db8::/128", "2001:db8::1/96", "192.0.2.0/32", "::ffff:192.0.2.0/96", "2001:db8:0:0:100::/96"} {
		if CanEmbed(netip.MustParsePrefix(prefix)) {
			t.Errorf("%s is taken", prefix)
		}
	}
	if CanEmbed(netip.Prefix{}) {
		t.Error("the zero prefix is taken")
	}
}
