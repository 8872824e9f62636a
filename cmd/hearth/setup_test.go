package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestGateways reads lines as Linux writes them: proc(5), net/route and net/ipv6_route.
func TestGateways(t *testing.T) {
	for line, want := range map[string]string{
		"eth0 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0": "192.168.1.1", // on a little-endian machine, as all of ours are
		"eth0 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0": "",
		"eth0 00000000 00000000 0001 0 0 0 00000000 0 0 0":   "",
		"Iface Destination Gateway Flags":                    "",
		"eth0 00000000 01":                                   "",
		"":                                                   "",
	} {
		if a, ok := gateway4(strings.Fields(line)); ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q: %v, %v; want %q", line, a, ok, want)
		}
	}
	const none = "00000000000000000000000000000000"
	for line, want := range map[string]string{
		none + " 00 " + none + " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0": "fe80::1%eth0",
		none + " 00 " + none + " 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003 eth0": "fd00::1",
		none + " 00 " + none + " 00 " + none + " ffffffff 00000001 00000000 00200200 lo":                       "",
		"fd00" + none[4:] + " 40 " + none + " 00 fe800000000000000000000000000001 400 1 0 3 eth0":              "",
		none + " 00 " + none + " 00 fe80 00000400 00000001 00000000 00000003 eth0":                             "",
		none + " 00": "",
	} {
		if a, ok := gateway6(strings.Fields(line)); ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q: %v, %v; want %q", line, a, ok, want)
		}
	}
}

func TestReadAddresses(t *testing.T) {
	got, err := readAddresses("--server", []string{"192.168.1.10", "fd00::10", "[fd00::11]", "192.168.1.10:5300", "[fd00::10]:5300"})
	want := "192.168.1.10:53 [fd00::10]:53 [fd00::11]:53 192.168.1.10:5300 [fd00::10]:5300"
	var all []string
	for _, at := range got {
		all = append(all, at.String())
	}
	if err != nil || strings.Join(all, " ") != want {
		t.Errorf("%v, %v; want %s", all, err, want)
	}
	if _, err := readAddresses("--router", []string{"router.lan"}); err == nil || !strings.Contains(err.Error(), "such as 192.168.1.1") {
		t.Errorf("a name: %v", err)
	}
}

// TestServesPlainly: a listener on all addresses is looked for at those that others reach.
func TestServesPlainly(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.10"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fd00::10")}
	c := Config{Listen: []ListenConfig{
		{Addresses: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:53"), netip.MustParseAddrPort("[::]:53"), netip.MustParseAddrPort("127.0.0.1:5300")}},
		{Addresses: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:853")}, Protocol: "tls"},
	}}
	want := []netip.AddrPort{netip.MustParseAddrPort("192.168.1.10:53"), netip.MustParseAddrPort("[fd00::10]:53"), netip.MustParseAddrPort("127.0.0.1:5300")}
	if got := c.servesPlainly(own); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestServers: no router is told an address that leads each device to itself (RFC 1122, 3.2.1.3, and RFC 4291, 2.5.2 and
// 2.5.3), or to nothing.
func TestServers(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:53 [::1]:5300 [::ffff:127.0.0.1]:53 127.9.9.9:53": "[]",
		"[::ffff:0.0.0.0]:53": "[]",
		"127.0.0.1:53 192.168.1.10:53 [fd00::10]:53 192.168.1.10:5300": "[192.168.1.10 fd00::10]",
	} {
		var l ListenConfig
		for at := range strings.FieldsSeq(listen) {
			l.Addresses = append(l.Addresses, netip.MustParseAddrPort(at))
		}
		if got := fmt.Sprint(servers(&Config{Listen: []ListenConfig{l}})); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}

// TestForwarderWarnings: a profile that gives a child more than it may, as long as the router does not know its
// device, is worth a word.
func TestForwarderWarnings(t *testing.T) {
	const text = `
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: child}, {name: Pat, band: adult}]
    forwarders: [{address: 10.0.0.1, OPTIONS profile: BAND}]
`
	for _, tt := range []struct {
		options, band string
		want          bool
	}{{"options: [mac],", "preteen", true}, {"options: [mac],", "child", false}, {"", "adult", false}} {
		l, err := load(writeConfig(t, strings.NewReplacer("OPTIONS", tt.options, "BAND", tt.band).Replace(text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(l.Config.warnings(l.at), func(p *problem) bool {
			return strings.HasSuffix(p.Path, "forwarders[0].profile") && strings.Contains(p.Text, "Kim (child)")
		})
		if found != tt.want {
			t.Errorf("%s profile %s: warned %v, want %v", tt.options, tt.band, found, tt.want)
		}
	}
}
