package main

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/events"
)

// TestAdmissionsByTransport: two listeners of one address keep their own rules, also
// when a reload changes one of them.
func TestAdmissionsByTransport(t *testing.T) {
	at := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:853")}
	one, two := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	config := func(l ...ListenConfig) *Config { return &Config{Listen: l} }
	for _, c := range []struct {
		what      string
		boot, now *Config
		want      string
	}{
		{"each its own",
			config(ListenConfig{Addresses: at, Protocol: "tls", Allow: one}, ListenConfig{Addresses: at, Protocol: "quic", Allow: two}),
			config(ListenConfig{Addresses: at, Protocol: "quic", Allow: nil}, ListenConfig{Addresses: at, Protocol: "tls", Allow: two}),
			"[203.0.113.0/24] []"},
		{"one is gone until the restart",
			config(ListenConfig{Addresses: at, Protocol: "udp", Allow: one}, ListenConfig{Addresses: at, Protocol: "tcp", Allow: two}),
			config(ListenConfig{Addresses: at, Protocol: "udp"}),
			"[] [203.0.113.0/24]"},
		{"two became one, which rules both",
			config(ListenConfig{Addresses: at, Protocol: "udp", Allow: one}, ListenConfig{Addresses: at, Protocol: "tcp", Allow: two}),
			config(ListenConfig{Addresses: at, Protocol: "dns"}),
			"[] []"},
		{"one was split: UDP's rule until the restart",
			config(ListenConfig{Addresses: at, Allow: one}),
			config(ListenConfig{Addresses: at, Protocol: "tcp", Allow: one}, ListenConfig{Addresses: at, Protocol: "udp", Allow: two}),
			"[203.0.113.0/24]"},
	} {
		got := ""
		for i, a := range admissions(c.boot, c.now, nil) {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint(a.Allow)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// TestDiffKeepsTheWebhook: nor does it show a URL that whoever knows may post to.
func TestDiffKeepsTheWebhook(t *testing.T) {
	told := func(to string) *Config { return &Config{Events: events.Receivers{Webhook: to}} }
	got := fmt.Sprint(compareSettings(told(""), told("https://home.example/hook/opensesame")))
	if want := `[events.webhook: "" -> (secret) (needs a restart)]`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestDiffKeepsTheID: what `hearth diff` and the log of a reload say of a changed id does not show it.
func TestDiffKeepsTheID(t *testing.T) {
	family := func(id string) *Config {
		return &Config{Households: []policy.HouseholdConfig{{ID: "h", Devices: []policy.DeviceConfig{{Name: "phone", ID: id}}}}}
	}
	got := fmt.Sprint(compareSettings(family(""), family("k4t9w2mzr7qx5bvd")), compareSettings(family("k4t9w2mzr7qx5bvd"), family("p7s3n8fyc6hj2gwa")))
	want := `[households[h].devices[phone].id: "" -> (secret)] [households[h].devices[phone].id: (secret) -> (secret)]`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
