package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestParseMAC(t *testing.T) {
	for text, want := range map[string]string{
		"a4:cf:12:00:4d:91":    "a4:cf:12:00:4d:91",
		"A4-CF-12-00-4D-91":    "a4:cf:12:00:4d:91",
		"a4cf12004d91":         "a4:cf:12:00:4d:91",
		"02:00:00:00:00:01":    "02:00:00:00:00:01",
		"01:00:5e:00:00:01":    "", // a group (IEEE 802: the lowest bit of the first octet)
		"ff:ff:ff:ff:ff:ff":    "",
		"00:00:00:00:00:00":    "",
		"a4:cf:12:00:4d":       "",
		"a4:cf:12:00:4d:91:00": "",
		"a4:cf-12:00:4d:91":    "",
		"a4:cf:12:00:4d:9g":    "",
		"a4:cf:12:00:4d:9\x11": "",
		"a4:cf:12:00:4d:9":     "",
		"":                     "",
		"a4cf.1200.4d91":       "",
	} {
		m, err := ParseMAC(text)
		if got := m.String(); (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "write ") {
			t.Errorf("%q: %q does not say what to write", text, err)
		}
	}
	for text, local := range map[string]bool{"a4:cf:12:00:4d:91": false, "02:00:00:00:00:01": true, "da:a1:19:00:00:01": true} {
		if m := mac(t, text); m.Local() != local || (m.Vendor() == "") != local {
			t.Errorf("%s: local %v with the maker %q", text, m.Local(), m.Vendor())
		}
	}
}

func mac(t testing.TB, text string) MAC {
	t.Helper()
	if text == "" {
		return MAC{}
	}
	m, err := ParseMAC(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// recognised has a child, a grown-up, and devices known in every way. Its guests may do more than the child.
const recognised = `
households:
  - id: h-1
    consent: {by: Anna, at: 2026-01-10}
    networks: [192.168.1.0/24, "2001:db8:1::/64"]
    guest: teen
    members: [{name: Mia, band: child}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, member: Mia, macs: ["a4:cf:12:00:00:01"], addresses: [192.168.1.20], hostnames: [Mias-Tablet], id: k4t9w2mzr7qx5bvd}
      - {name: laptop, member: Anna, macs: ["a4:cf:12:00:00:02"], addresses: [192.168.1.30], hostnames: [annas-laptop]}
      - {name: reader, member: Mia, addresses: [192.168.1.40]}
      - {name: desk, member: Anna, addresses: [192.168.1.50]}
      - {name: box, member: Mia, tokens: [cpe-1]}
      - {name: printer, profile: things, addresses: [192.168.1.60]}
    recognise:
      - {mac: "b8:27:eb", hostname: "cast*", profile: little}
      - {mac: "b8:27:eb", profile: things}
      - {hostname: "*-school", profile: adult}
  - id: h-2
    consent: {by: Ben, at: 2026-01-10}
    networks: [192.168.2.0/24]
    members: [{name: Ben, band: adult}]
    devices: [{name: phone, member: Ben, macs: ["a4:cf:12:00:00:01"]}]
  - id: h-3
    enabled: false
    networks: [192.168.3.0/24]
    members: [{name: Eva, band: child}]
    devices: [{name: phone, member: Eva, macs: ["a4:cf:12:00:00:03"]}]
`

// directoryOf compiles households without lists.
func directoryOf(t testing.TB, text string) *Directory {
	t.Helper()
	var c Config
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return compiled(t, c)
}

// TestWhoIsAsking goes through the order of proofs and their conflicts, as docs/devices.md has them.
func TestWhoIsAsking(t *testing.T) {
	d := directoryOf(t, recognised)
	const tablet, laptop, stranger = "a4:cf:12:00:00:01", "a4:cf:12:00:00:02", "a4:cf:12:99:99:99"
	for _, tt := range []struct {
		story                string
		addr, id, mac, token string
		name                 string
		want                 string // household/device, guest, stranger; "?" behind what is assumed
		band                 Band
	}{
		{"a device's address", "192.168.1.20", "", "", "", "", "h-1/tablet", Child},
		{"an id before all", "192.168.1.30", "k4t9w2mzr7qx5bvd", laptop, "", "", "h-1/tablet", Child},
		{"an unknown id counts as none", "192.168.1.30", "k4t9w2mzr7qx5bvx", laptop, "", "", "h-1/laptop", Adult},
		{"a new address of a known MAC", "192.168.1.99", "", tablet, "", "", "h-1/tablet", Child},
		{"a privacy address of a known MAC", "2001:db8:1::abcd", "", tablet, "", "", "h-1/tablet", Child},
		{"an address in nobody's network: the stricter of two homes that know the MAC", "2001:db8:99::1", "", tablet, "", "", "h-1/tablet", Child},
		{"a link-local address of a known MAC", "fe80::1", "", laptop, "", "", "h-1/laptop", Adult},
		{"another home's MAC counts there", "192.168.2.7", "", tablet, "", "", "h-2/phone", Adult},
		{"a MAC that only another home knows is a guest", "192.168.2.7", "", laptop, "", "", "h-2 guest", Adult},
		{"a MAC wins over an address whose device has another", "192.168.1.20", "", laptop, "", "", "h-1/laptop", Adult},
		{"the child's device at the grown-up's address", "192.168.1.30", "", tablet, "", "", "h-1/tablet", Child},
		{"the child's MAC at an address that alone tells a grown-up's", "192.168.1.50", "", tablet, "", "", "h-1/tablet", Child},
		{"a grown-up's MAC at an address that alone tells the child's", "192.168.1.40", "", laptop, "", "", "h-1/reader", Child},
		{"a grown-up's MAC at a thing's address", "192.168.1.60", "", laptop, "", "", "h-1/printer", Things},
		{"the child's MAC at a thing's address", "192.168.1.60", "", tablet, "", "", "h-1/tablet", Child},
		{"an unknown MAC at an address whose device has another", "192.168.1.30", "", stranger, "", "", "h-1/laptop?", Teen},
		{"the same for the child, whose rules stay", "192.168.1.20", "", stranger, "", "", "h-1/tablet?", Child},
		{"an unknown MAC at an address that alone tells the device", "192.168.1.40", "", stranger, "", "", "h-1/reader", Child},
		{"a token", "192.168.1.99", "", stranger, "cpe-1", "", "h-1/box", Child},
		{"a token of another home", "192.168.2.99", "", stranger, "cpe-1", "", "h-2 guest", Adult},
		{"a name", "192.168.1.99", "", stranger, "", "mias-tablet", "h-1/tablet?", Child},
		{"a grown-up's name gives no more than a guest has", "192.168.1.99", "", stranger, "", "annas-laptop", "h-1/laptop?", Teen},
		{"a name against a MAC", "192.168.1.99", "", tablet, "", "annas-laptop", "h-1/tablet", Child},
		{"a maker and a name", "192.168.1.99", "", "b8:27:eb:00:00:01", "", "cast-1", "h-1 guest", Little},
		{"a maker alone", "192.168.1.99", "", "b8:27:eb:00:00:01", "", "other", "h-1 guest", Teen},
		{"a rule gives no more than a guest has", "192.168.1.99", "", stranger, "", "mias-school", "h-1 guest", Teen},
		{"nothing fits", "192.168.1.99", "", stranger, "", "other", "h-1 guest", Teen},
		{"who opted out is known by nothing", "192.168.3.9", "", "a4:cf:12:00:00:03", "", "", "h-3 opted-out", NoBand},
		{"nor elsewhere", "192.168.9.9", "", "a4:cf:12:00:00:03", "", "", "stranger", NoBand},
		{"nobody's address, nobody's MAC", "192.168.9.9", "", stranger, "", "mias-tablet", "stranger", NoBand},
	} {
		f := Facts{Addr: netip.MustParseAddr(tt.addr), ID: tt.id, MAC: mac(t, tt.mac), Token: tt.token, Name: tt.name}
		c := d.IdentifyBy(&f)
		if got := said(c); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.story, got, tt.want)
		}
		if c.Profile != nil && c.Profile.Band() != tt.band {
			t.Errorf("%s: the band %s, want %s", tt.story, c.Profile.Band(), tt.band)
		}
		if n := testing.AllocsPerRun(20, func() { _ = d.IdentifyBy(&f) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", tt.story, n)
		}
	}
}

// said is a client in words.
func said(c Client) string {
	switch {
	case c.Status == Stranger:
		return "stranger"
	case c.Device == nil:
		return c.Household.ID + " " + c.Status.String()
	case c.Assumed:
		return c.Household.ID + "/" + c.Device.Name + "?"
	}
	return c.Household.ID + "/" + c.Device.Name
}
