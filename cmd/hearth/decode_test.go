package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tricky holds what YAML readers and viper are known to bend: dots and
// capitals in names, words that older YAML took for booleans, times and dates
// that look like numbers, an anchor.
const tricky = `
version: 1
name: &own Hearth.Home.ARPA
resolve:
  upstreams: ["192.0.2.1:5353"]
  zones:
    - {zone: Khan.Academy.org, upstreams: [192.0.2.2]}
    - {zone: "no", upstreams: [192.0.2.3]}
  local: {zones: [off.example, "1e3"], upstreams: [192.0.2.4]}
profiles:
  - name: On
    band: child
    rules:
      - {name: Sub.Example.COM, action: allow}
      - {name: *own, action: deny}
    schedule:
      windows: [{days: [mon], from: 06:30, to: 21:00, kind: bedtime}]
households:
  - id: "007"
    consent: {by: A. B., at: 2026-01-02}
    timezone: Europe/Berlin
    language: "no"
    members: [{name: Zoë.X, born: 2015-02-28, profile: On}]
`

// TestReadersAgree: viper sees the tree that the reader of places sees, with
// every name as it was written.
func TestReadersAgree(t *testing.T) {
	example, err := os.ReadFile(exampleConfig)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"example": string(example), "tricky": tricky} {
		t.Run(name, func(t *testing.T) {
			want := make(map[string]any)
			if err := decodeYAML([]byte(text), want); err != nil {
				t.Fatal(err)
			}
			v, err := readTree([]byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, v.AllSettings()); diff != "" {
				t.Errorf("the readers differ (-goccy +viper):\n%s", diff)
			}
			at := newPlaces("f")
			doc, found := parseDocument("f", []byte(text))
			if len(found) == 0 {
				found = checkDocument(doc, typeOfConfig(), "", at)
			}
			if len(found) > 0 {
				t.Fatal(found)
			}
			for _, path := range leaves("", want) {
				if _, ok := at.at[path]; !ok {
					t.Errorf("%s has a value and no place", path)
				}
			}
		})
	}
}

// leaves lists the paths of all values of a decoded tree.
func leaves(path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		var all []string
		for k, item := range v {
			all = append(all, leaves(joinPath(path, k), item)...)
		}
		return all
	case []any:
		var all []string
		for i, item := range v {
			all = append(all, leaves(path+"["+string(rune('0'+i))+"]", item)...)
		}
		return all
	}
	return []string{path}
}

func TestTrickyValues(t *testing.T) {
	l, err := load(writeConfig(t, tricky), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	got := []string{
		c.Name, c.Resolve.Zones[0].Zone, c.Resolve.Zones[1].Zone, c.Resolve.Local.Zones[0], c.Resolve.Local.Zones[1],
		c.Profiles[0].Name, c.Profiles[0].Rules[0].Name, c.Profiles[0].Rules[1].Name,
		c.Profiles[0].Schedule.Windows[0].From, c.Profiles[0].Schedule.Windows[0].To,
		c.Households[0].ID, c.Households[0].Language, c.Households[0].Members[0].Name, c.Households[0].Members[0].Born.String(),
	}
	want := []string{
		"Hearth.Home.ARPA", "Khan.Academy.org", "no", "off.example", "1e3",
		"On", "Sub.Example.COM", "Hearth.Home.ARPA", "06:30", "21:00", "007", "no", "Zoë.X", "2015-02-28",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values changed on the way (-written +read):\n%s", diff)
	}
}

// TestDecodeIsExact: what the checks would let through by mistake, decoding
// refuses.
func TestDecodeIsExact(t *testing.T) {
	var c Config
	if err := decodeInto(&c, []byte("nam: x\n"), nil); err == nil || !strings.Contains(err.Error(), "nam") {
		t.Errorf("decoding an unknown key gives %v, want an error that names it", err)
	}
}
