package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

const leased = `
resolve: {upstreams: [192.0.2.1]LOCAL}
presence: {neighbours: falseOWN}
households:
  - id: home
    consent: {by: test, at: 2026-01-01}
    networks: [203.0.113.0/24]
    members: [{name: Kim, band: child}]
    devices: [{name: tablet, member: Kim, macs: ["aa:bb:cc:dd:ee:01"]}]
`

// TestLeaseTellsTheDevice: a device is known by the MAC of its lease as soon as the file is written, whichever key
// names the file.
func TestLeaseTellsTheDevice(t *testing.T) {
	for _, key := range []string{"LOCAL", "OWN"} {
		path := filepath.Join(t.TempDir(), "dnsmasq.leases")
		set := map[string]string{"LOCAL": "", "OWN": "", key: ", leases: [" + path + "]"}
		if key == "LOCAL" {
			set[key] = ", local: {leases: [" + path + "]}"
		}
		s, out, _ := testServer(t, strings.NewReplacer("LOCAL", set["LOCAL"], "OWN", set["OWN"]).Replace(leased))
		go func() { _ = s.presence.Run(t.Context()) }()
		device := func(addr string) string {
			f := policy.Facts{Addr: netip.MustParseAddr(addr)}
			s.presence.Find(&f)
			if v := s.directory().IdentifyBy(&f).Device; v != nil {
				return v.Name
			}
			return ""
		}
		for _, last := range []string{"5", "6"} { // the device gets another address
			if err := os.WriteFile(path, []byte("0 aa:bb:cc:dd:ee:01 203.0.113."+last+" kims-tablet *\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(20 * time.Second); device("203.0.113."+last) != "tablet"; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: the device is not known at 203.0.113.%s\n%s", key, last, out)
				}
			}
		}
		if got := device("203.0.113.5"); got != "" {
			t.Errorf("%s: the old address is still %q", key, got)
		}
	}
}

// TestPresenceIsChecked: what could tell nothing is refused, with what to write instead.
func TestPresenceIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"presence: {reverse: true}": "presence.reverse", "presence: {neighbours: false, mdns: true}": "presence.neighbours",
		"presence: {reverse: true}\nresolve: {local: {upstreams: [tls://192.0.2.1]}}":                              "presence.reverse",
		"presence: {reverse: true, mdns: true}\nresolve: {local: {upstreams: [\"udp://[2001:db8::1]:53\"]}}":       "",
		"presence: {reverse: true}\nresolve: {local: {zones: [lan], upstreams: [192.168.1.1, \"[2001:db8::1]\"]}}": "",
	} {
		_, err := load(writeConfig(t, text+"\n"), nil)
		if got := err != nil; got != (want != "") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
