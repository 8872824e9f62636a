package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeConfig writes a configuration into a folder of its own.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// refusals loads a configuration that must be refused and gives its
// problems, one string each, with the folder cut off.
func refusals(t *testing.T, text string, environ ...string) []string {
	t.Helper()
	file := writeConfig(t, text)
	_, err := load(file, environ)
	var found problems
	if !errors.As(err, &found) {
		t.Fatalf("load gives %v, want problems", err)
	}
	var lines []string
	for _, p := range found {
		lines = append(lines, strings.ReplaceAll(p.Error(), filepath.Dir(file)+"/", ""))
	}
	return lines
}

// TestBrokenConfigurations gives each mistake its exact place and what to
// write instead. Places are counted by hand: line and column from 1.
func TestBrokenConfigurations(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "version: 1\nnam: x\n",
			[]string{`config.yaml:2:1: unknown key "nam" at the top level; did you mean "name"?`}},
		{"unknown key in a list item", "listen:\n  - adresses: [127.0.0.1:5300]\n",
			[]string{`config.yaml:2:5: unknown key "adresses" under listen[0]; did you mean "addresses"?`}},
		{"key of another section", "upstreams: [1.1.1.1]\n",
			[]string{`config.yaml:1:1: unknown key "upstreams" at the top level; "upstreams" belongs here: resolve.upstreams, resolve.local.upstreams, profiles[].upstreams`}},
		{"key in capitals", "Name: x.example\n",
			[]string{`config.yaml:1:1: unknown key "Name" at the top level; did you mean "name"?`}},
		{"nothing like it", "metrics:\n  qqqqqq: 1\n",
			[]string{`config.yaml:2:3: unknown key "qqqqqq" under metrics; write one of: listen`}},
		{"duplicate key", "name: a.example\nlog: {level: info}\nname: b.example\n",
			[]string{`config.yaml:3:1: name: duplicate key "name", first written on line 1; keep one of the two`}},
		{"duplicate key in a section", "cache:\n  size: 1MiB\n  size: 2MiB\n",
			[]string{`config.yaml:3:3: cache.size: duplicate key "size", first written on line 2; keep one of the two`}},
		{"text where a number belongs", "resolve:\n  attempts: \"3\"\n",
			[]string{`config.yaml:2:13: resolve.attempts: "3" is text because of its quotes; write 3 without quotes`}},
		{"words where a number belongs", "resolve:\n  attempts: three\n",
			[]string{`config.yaml:2:13: resolve.attempts: "three" is text where a whole number belongs; write a number without quotes`}},
		{"version as text", "version: \"1\"\n",
			[]string{`config.yaml:1:10: version: "1" is text because of its quotes; write 1 without quotes`}},
		{"number where text belongs", "name: 12\n",
			[]string{`config.yaml:1:7: name: 12 is a number where text belongs; write it in quotes: "12"`}},
		{"duration without unit", "landing: {ttl: 10}\n",
			[]string{`config.yaml:1:16: landing.ttl: "10" is not a duration; write 10s, 5m or 24h`}},
		{"size with a wrong unit", "cache:\n  size: 64MB\n",
			[]string{`config.yaml:2:9: cache.size: "64MB" is not a size; write a whole number with KiB, MiB or GiB, such as 64MiB`}},
		{"address without port", "listen:\n  - addresses:\n      - 127.0.0.1\n",
			[]string{`config.yaml:3:9: listen[0].addresses[0]: "127.0.0.1" is not an address and port; write an address and port such as 127.0.0.1:5300 or "[::1]:5300"`}},
		{"value where a list belongs", "resolve:\n  upstreams: 1.1.1.1\n",
			[]string{`config.yaml:2:14: resolve.upstreams: a list belongs here, not text; write [1.1.1.1]`}},
		{"list where a section belongs", "landing:\n  - x\n",
			[]string{`config.yaml:2:3: landing: a section belongs here, not a list; write its keys on the lines below, indented`}},
		{"section where a value belongs", "name:\n  own: x.example\n",
			[]string{`config.yaml:2:3: name: one value belongs here, not a section; write text, in quotes if it looks like a number: "12"`}},
		{"empty item", "resolve:\n  upstreams:\n    - 192.0.2.1\n    -\n",
			[]string{`config.yaml:4:5: resolve.upstreams[1]: this item is empty; write a value or remove the dash`}},
		{"yes is not true", "privacy: {ask_page: yes}\n",
			[]string{`config.yaml:1:21: privacy.ask_page: "yes" is text where true or false belongs; write true or false, without quotes`}},
		{"unknown word", "log: {level: inof}\n",
			[]string{`config.yaml:1:7: log.level: "inof" is not known; did you mean "info"?`}},
		{"out of range", "landing: {ttl: 10m}\n",
			[]string{`config.yaml:1:11: landing.ttl: 10m is out of range; write 1s to 5m`}},
		{"alias without anchor", "name: *who\n",
			[]string{`config.yaml:1:7: the alias *who has no anchor before it; write &who at the value that is meant`}},
		{"tag", "name: !!str x.example\n",
			[]string{`config.yaml:1:7: name: the tag !!str is not supported; write the value alone`}},
		{"two documents", "name: a.example\n---\nname: b.example\n",
			[]string{`config.yaml:3:1: a second document begins here; keep one document a file and remove the --- line`}},
		{"a newer version", "version: 2\nnew_key: x\n",
			[]string{`config.yaml:1:1: version: version 2 is not known to this hearth, which reads version 1; install a newer hearth, or write version: 1 and the keys of docs/configuration.md`}},
		{"brackets without end", "name: " + strings.Repeat("[", 50_000) + "\n",
			[]string{`config.yaml:1:71: this is nested more than 64 levels deep; no key needs that, remove the brackets or dashes`}},
		{"dashes without end", strings.Repeat("- ", 50_000) + "x\n",
			[]string{`config.yaml:1:129: this is nested more than 64 levels deep; no key needs that, remove the brackets or dashes`}},
		{"the same address twice", "listen:\n  - addresses: [127.0.0.1:5300]\n  - addresses: [127.0.0.1:5300]\n    protocol: tcp\n",
			[]string{`config.yaml:3:17: listen[1].addresses[0]: 127.0.0.1:5300 is already used by listen[0].addresses[0]; keep one of the two`}},
		{"zone without upstreams", "resolve:\n  zones:\n    - zone: corp.example\n",
			[]string{`config.yaml:3:7: resolve.zones[0]: the zone "corp.example" has no upstreams; write upstreams: [192.168.1.1]`}},
		{"one zone twice", "resolve:\n  zones:\n    - {zone: lan, upstreams: [192.0.2.1]}\n  local: {zones: [LAN.], upstreams: [192.0.2.1]}\n",
			[]string{`config.yaml:4:19: resolve.local.zones[0]: "LAN." already has upstreams at resolve.zones[0].zone; keep one of the two`}},
		{"IPv6 as IPv4", "landing: {ipv4: \"fd00::1\"}\n",
			[]string{`config.yaml:1:11: landing.ipv4: fd00::1 cannot be reached as an IPv4 host; write the address of this machine that the clients reach, or ""`}},
		{"born in the future", "households:\n  - {id: h, enabled: false, members: [{name: Mia, born: 2999-01-01}]}\n",
			[]string{`config.yaml:2:51: households[0].members[0].born: 2999-01-01 lies in the future; write the day of birth`}},
		{"no folder of households", "households_dir: missing\n",
			[]string{`config.yaml:1:1: households_dir: open missing: no such file or directory; give a readable directory of household files, or remove the key`}},
		{"several at once, in order", "nam: x\ncache:\n  size: 1\n  max_ttl: soon\n",
			[]string{
				`config.yaml:1:1: unknown key "nam" at the top level; did you mean "name"?`,
				`config.yaml:3:3: cache.size: 1 bytes are too few to be of use; write 1MiB or more`,
				`config.yaml:4:12: cache.max_ttl: "soon" is not a duration; write 10s, 5m or 24h`,
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, refusals(t, tt.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSyntaxError has a place too; the wording is the reader's.
func TestSyntaxError(t *testing.T) {
	got := refusals(t, "name: x.example\nlog: {level: info\n")
	if len(got) != 1 || !strings.HasPrefix(got[0], "config.yaml:") || !strings.Contains(got[0], "not valid YAML") {
		t.Errorf("problems = %q, want one with its place that says the YAML is not valid", got)
	}
}

// TestMerging: sections are merged with the defaults, lists replace them, a
// key without a value means its default.
func TestMerging(t *testing.T) {
	l, err := load(writeConfig(t, `
log: {level: debug}
cache:
landing:
  # ttl: 20s
listen:
  - addresses: ["127.0.0.1:5301"]
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.Log.Level != "debug" || c.Log.Format != "text" {
		t.Errorf("log = %+v, want debug as written and text by default", c.Log)
	}
	if c.Cache != Default().Cache || c.Landing.TTL != 10*time.Second {
		t.Errorf("cache = %+v, landing = %+v, want the defaults", c.Cache, c.Landing)
	}
	if len(c.Listen) != 1 || len(c.Listen[0].Addresses) != 1 || c.Listen[0].Protocol != "" {
		t.Errorf("listen = %+v, want the written item alone, without parts of the default", c.Listen)
	}
}

func TestEnvironment(t *testing.T) {
	file := writeConfig(t, "cache:\n  size: 8MiB\n")
	l, err := load(file, []string{
		"HEARTH__CACHE__SIZE=32MiB", "HEARTH__LANDING__IPV4=192.0.2.7", "HEARTH__LANDING__TTL=20s",
		"HEARTH__PRIVACY__ASK_PAGE=false", "HEARTH__RESOLVE__ATTEMPTS=3", "HEARTH_CONFIG=ignored", "PATH=/bin",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.Cache.Size != 32<<20 || c.Landing.IPv4.String() != "192.0.2.7" || c.Landing.TTL != 20*time.Second ||
		c.Privacy.AskPage || c.Resolve.Attempts != 3 {
		t.Errorf("configuration = %+v, want the five values of the environment", c)
	}
}

func TestEnvironmentRefusals(t *testing.T) {
	tests := []struct{ name, entry, want string }{
		{"unknown", "HEARTH__CACHE__SIZ=1MiB", `environment: HEARTH__CACHE__SIZ: there is no key "cache.siz"; did you mean HEARTH__CACHE__SIZE?`},
		{"list", "HEARTH__LISTEN=127.0.0.1:53", `environment: HEARTH__LISTEN: listen is no single value (list of sections), and the environment overrides only those; write it in the configuration file`},
		{"section", "HEARTH__CACHE=1", `environment: HEARTH__CACHE: cache is no single value (section), and the environment overrides only those; write it in the configuration file`},
		{"out of range", "HEARTH__LANDING__TTL=10m", `environment (HEARTH__LANDING__TTL): landing.ttl: 10m is out of range; write 1s to 5m`},
		{"wrong value", "HEARTH__LANDING__TTL=ten", `environment: HEARTH__LANDING__TTL: "ten" is not a duration; write 10s, 5m or 24h`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]string{tt.want}, refusals(t, "version: 1\n", tt.entry)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func asProblems(err error, found *problems) bool { return errors.As(err, found) }
