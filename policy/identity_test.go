package policy

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestDeviceIDs: what anybody could guess is no id, and no error repeats one.
func TestDeviceIDs(t *testing.T) {
	for id, good := range map[string]bool{
		"k4t9w2mzr7qx5bvd":                        true, // 80 bits of base32
		"4f1c9ad27be0563894c1d2e0aa31f7b5":        true, // 128 bits in hexadecimal
		"0b0d1b6e-50a4-4bd7-8fb0-3a51f0c3c7b8":    true, // a UUID of version 4
		strings.Repeat("k4t9w2mz", 7) + "q7x5bvd": true, // 63
		strings.Repeat("k4t9w2mz", 8):             false,
		"":                                        false,
		"k4t9w2mzr7qx5bv":                         false, // 15
		"k4t9-w2mz-r7qx5":                         false,
		"k4t9-w2mz-r7qx-5b":                       false, // 14 without its hyphens
		"K4T9W2MZR7QX5BVD":                        false,
		"k4t9w2mzr7qx5bv_":                        false,
		"k4t9w2mzr7qx5bvü":                        false,
		"-k4t9w2mzr7qx5bvd":                       false,
		"k4t9w2mzr7qx5bvd-":                       false,
		"xn--w2mzr7qx5bvd":                        false, // reserved (RFC 5890 section 2.3.1)
		"aaaaaaaaaaaaaaaa":                        false,
		"a1a1a1a1a1a1a1a1":                        false,
		"abcdefghijklmnop":                        false,
		"1234567890123456":                        false,
		"kims-phone-at-home":                      false,
		"kims-phone-at-home-2024":                 false,
		"2012-04-17-kims-old-phone-2":             true, // the rule has its limits: digits in two places
	} {
		err := CheckDeviceID(id)
		if (err == nil) != good {
			t.Errorf("%q: %v, want good %v", id, err, good)
		}
		if err != nil && (!strings.Contains(err.Error(), "hearth enrol --new") || id != "" && strings.Contains(err.Error(), id)) {
			t.Errorf("%q: %q must say what makes one and not repeat it", id, err)
		}
	}
}

// TestIDsAreOneDevices: over all households, also those that have not opted in.
func TestIDsAreOneDevices(t *testing.T) {
	const id = "k4t9w2mzr7qx5bvd"
	var c Config
	err := yaml.Unmarshal([]byte(`
households:
  - id: h-1
    consent: {by: Anna, at: 2026-01-10}
    members: [{name: Mia, band: preteen}]
    devices: [{name: phone, id: `+id+`, member: Mia}, {name: lamp, profile: things}, {name: tv, id: abc, member: Mia}]
  - id: h-2
    enabled: false
    members: [{name: Ben, band: preteen}]
    devices: [{name: phone, id: `+id+`, member: Ben}]
`), &c)
	if err != nil {
		t.Fatal(err)
	}
	got := errorsOf(t, c.Validate(nil))
	for path, want := range map[string]string{
		"households[1].devices[0].id":        "households[0].devices[0].id",
		"households[0].devices[1].addresses": "hearth enrol --new",
		"households[0].devices[2].id":        "hearth enrol --new",
	} {
		if !strings.Contains(got[path], want) {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
		delete(got, path)
	}
	if len(got) > 0 {
		t.Errorf("also: %v", got)
	}
}

const roaming = `Roaming.
-- config.yaml --
households:
  - id: h-home
    consent: {by: Anna, at: 2026-01-10}
    networks: [192.168.1.0/24]
    members: [{name: Mia, band: preteen}]
    devices: [{name: phone, id: k4t9w2mzr7qx5bvd, member: Mia}]
`

func TestIdentifyDevice(t *testing.T) {
	d := story(t, roaming)
	c, known := d.IdentifyDevice("k4t9w2mzr7qx5bvd")
	if !known || c.Status != Known || c.Device.Name != "phone" || c.Member.Name != "Mia" || c.Profile.Name() != "preteen" {
		t.Errorf("the phone's id: %+v, %v", c, known)
	}
	for _, id := range []string{"", "k4t9w2mzr7qx5bv", "p7s3n8fyc6hj2gwa"} {
		if c, known := d.IdentifyDevice(id); known || c != (Client{}) {
			t.Errorf("%q: %+v, want nobody", id, c)
		}
	}
	for _, id := range []string{"k4t9w2mzr7qx5bvd", "p7s3n8fyc6hj2gwa", ""} {
		if n := testing.AllocsPerRun(100, func() { d.IdentifyDevice(id) }); n != 0 {
			t.Errorf("%q: %v allocations, want none", id, n)
		}
	}
}

// TestMissesKeepTheSecret: what `hearth test` prints of a row that came out differently has no id in it.
func TestMissesKeepTheSecret(t *testing.T) {
	s, err := ParseScenario([]byte(roaming + "-- expect --\nnews.test, 192.0.2.1 id:k4t9w2mzr7qx5bvd, -, block\n"))
	if err != nil {
		t.Fatal(err)
	}
	misses, err := s.Run(t.Context(), CompileConfig{})
	if err != nil || len(misses) != 1 || strings.Contains(misses[0].String(), "k4t9") || !strings.Contains(misses[0].String(), "192.0.2.1 id:…") {
		t.Errorf("%v, %v", misses, err)
	}
	s.Expect[0].Client = "nowhere id:k4t9w2mzr7qx5bvd"
	if _, err = s.Run(t.Context(), CompileConfig{}); err == nil || strings.Contains(err.Error(), "k4t9") {
		t.Errorf("%v", err)
	}
}
