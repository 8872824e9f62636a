package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
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

// TestReadersAgree: what is decoded is the tree that the YAML library reads by
// itself, with every name as it was written and a place for every value.
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
			at := newPlaces("f")
			doc, found := parseDocument("f", []byte(text))
			if len(found) > 0 {
				t.Fatal(found)
			}
			tree, found, whole := checkDocument(doc, typeOfConfig(), "", at)
			if len(found) > 0 || !whole {
				t.Fatal(found)
			}
			v, err := readTree(tree, nil)
			if err != nil {
				t.Fatal(err)
			}
			number := cmp.FilterValues(func(a, b any) bool { return isNumber(a) && isNumber(b) },
				cmp.Transformer("number", func(v any) string { return fmt.Sprint(v) }))
			if diff := cmp.Diff(want, v.AllSettings(), number); diff != "" {
				t.Errorf("the readers differ (-goccy +checker and viper):\n%s", diff)
			}
			for _, path := range leaves("", want) {
				if _, ok := at.at[path]; !ok {
					t.Errorf("%s has a value and no place", path)
				}
			}
		})
	}
}

func isNumber(v any) bool {
	r := reflect.ValueOf(v)
	return r.CanInt() || r.CanUint()
}

// decodeYAML reads YAML by the library alone. Keys without a value are left
// out: a section whose lines are all commented out means its defaults.
func decodeYAML(b []byte, into map[string]any) error {
	var raw map[string]any
	if err := yaml.Unmarshal(b, &raw); err != nil {
		return err
	}
	for k, v := range raw {
		if v = withoutNulls(v); v != nil {
			into[k] = v
		}
	}
	return nil
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if item = withoutNulls(item); item == nil {
				delete(v, k)
			} else {
				v[k] = item
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
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
	if err := decodeInto(&c, map[string]any{"nam": "x"}, nil); err == nil || !strings.Contains(err.Error(), "nam") {
		t.Errorf("decoding an unknown key gives %v, want an error that names it", err)
	}
}
