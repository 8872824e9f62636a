package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keysOfProblems gives "line key" of each problem, and the message of those
// without a key.
func keysOfProblems(t *testing.T, text string, environ ...string) []string {
	t.Helper()
	var got []string
	for _, line := range refusals(t, text, environ...) {
		place, said, _ := strings.Cut(line, ": ")
		key, _, _ := strings.Cut(said, ": ")
		if strings.Contains(key, " ") {
			key = strings.SplitN(key, ";", 2)[0]
		}
		place = strings.TrimPrefix(place, "config.yaml:")
		number, _, _ := strings.Cut(place, ":")
		got = append(got, number+" "+key)
	}
	return got
}

// TestAllMistakesAtOnce: mistakes of form, of single values, of categories, of
// lists, of people and of the environment are reported together.
func TestAllMistakesAtOnce(t *testing.T) {
	got := keysOfProblems(t, `version: 1
nam: foo
name: "bad name!"
log: {level: loud, fromat: json}
listen:
  - addresses: [127.0.0.1:99999, 127.0.0.1:5300]
    protocol: dtls
    guest: kidz
landing: {ipv4: "::1", ttl: 10}
lists:
  sources:
    - {name: a, path: /a, format: host, categories: [adult.prn]}
    - {name: b, path: /b, format: hosts, categories: [home.chores]}
categories:
  - {id: "Adult", group: games, title: x}
  - {id: home.chores, group: sexy, title: x}
  - {id: "Pets", group: sexy, title: x}
profiles:
  - {name: kids, band: kid}
households:
  - id: Home!
    consent: {by: x, at: 2026-01-01}
    networks: [10.0.0.0/33, 192.168.1.5/24]
    members: [{name: A, band: child}, {name: B, band: 7}]
    devices: [{name: d, member: Z, addresses: [1.2.3]}]
name: again.example
`, "HEARTH__CACHE__SIZE=none", "HEARTH__CACH__SIZE=1MiB")
	want := []string{
		"2 unknown key \"nam\" at the top level",
		"3 name",
		"4 log.level",
		"4 unknown key \"fromat\" under log",
		"6 listen[0].addresses[0]",
		"7 listen[0].protocol",
		"8 listen[0].guest",
		"9 landing.ipv4",
		"9 landing.ttl",
		"12 lists.sources[0].format",
		"12 lists.sources[0].categories[0]",
		"15 categories[0].id",
		"16 categories[1].group",
		"17 categories[2].group",
		"17 categories[2].id",
		"19 profiles[0].band",
		"21 households[0].id",
		"23 households[0].networks[0]",
		"23 households[0].networks[1]",
		"24 households[0].members[1].band",
		"25 households[0].devices[0].member",
		"25 households[0].devices[0].addresses[0]",
		"26 name",
		"environment HEARTH__CACHE__SIZE",
		"environment HEARTH__CACH__SIZE",
	}
	sortLines := cmp.Transformer("lines", func(lines []string) map[string]int {
		all := make(map[string]int)
		for _, l := range lines {
			all[l]++
		}
		return all
	})
	if diff := cmp.Diff(want, got, sortLines); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestNoFollowUps: what only follows from a mistake that is reported is not.
func TestNoFollowUps(t *testing.T) {
	const head = "households:\n  - id: h\n    consent: {by: x, at: 2026-01-01}\n"
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"band misspelt":       {head + "    members: [{name: A, bnad: child}]\n", []string{`4 unknown key "bnad" under households[0].members[0]`}},
		"name without quotes": {head + "    members: [{name: 7, band: child}]\n    devices: [{name: d, member: \"7\", addresses: [10.0.0.1]}]\n", []string{"4 households[0].members[0].name"}},
		"consent misspelt":    {"households:\n  - id: h\n    consnt: {by: x, at: 2026-01-01}\n", []string{`3 unknown key "consnt" under households[0]`}},
		"addresses as text":   {"listen:\n  - addresses: 127.0.0.1:53\n", []string{"2 listen[0].addresses"}},
		"unknown alias":       {"listen:\n  - addresses: *mine\n", []string{"2 the alias *mine has no anchor before it"}},
		"an empty zone":       {"resolve: {zones: [{zone: , upstreams: [192.0.2.1]}, lan]}\n", []string{"1 resolve.zones[0].zone", "1 resolve.zones[1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, keysOfProblems(t, tt.text)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// bomb nests lists of aliases: nine in each of the levels.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString("x0: &l0 [x]\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&b, "x%d: &l%d [%s*l%d]\n", i, i, strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 8), i-1)
	}
	return b.String()
}

// TestAliasBombs are refused with a clear message, and without counting them
// out: where no list belongs, and as lists of what belongs there.
func TestAliasBombs(t *testing.T) {
	deep := bomb(60) + "households: *l59\n"
	if got := keysOfProblems(t, deep); len(got) != 60+9 {
		t.Errorf("a bomb of 60 levels gives %d problems, want the 60 unknown keys and 9 items that are no household", len(got))
	}
	wide := "version: 1\nhouseholds:\n  - &h {id: a, networks: &n [" + strings.Repeat("10.0.0.0/8,", 999) + "10.0.0.0/8]}\n" +
		strings.Repeat("  - *h\n", 200)
	got := refusals(t, wide)
	want := "config.yaml:103:5: the aliases of this file stand for more than 100000 values; use fewer: where many share settings, name one profile"
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("problems of a wide bomb (-want +got):\n%s", diff)
	}
}

// TestAliasesWithinBounds: sharing what people share is no bomb.
func TestAliasesWithinBounds(t *testing.T) {
	text := "households:\n"
	for i := range 1000 {
		consent := "*c"
		if i == 0 {
			consent = "&c {by: x, at: 2026-01-01}"
		}
		text += fmt.Sprintf("  - {id: h%d, consent: %s, networks: [10.%d.%d.0/24]}\n", i, consent, i/250, i%250)
	}
	l, err := load(writeConfig(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Config.Households[999].Consent.By; got != "x" {
		t.Errorf("the last household's consent is by %q, want x", got)
	}
}

// TestManyMistakes: the first hundred are shown and the others counted.
func TestManyMistakes(t *testing.T) {
	file := writeConfig(t, "resolve:\n  upstreams:\n"+strings.Repeat("    - [x]\n", 250))
	r := hearth(t, "check-config", file)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 102 || lines[100] != "and 150 more, shown once these are corrected" || !strings.Contains(lines[101], "refused, 250 errors") {
		t.Errorf("%d lines, the last:\n%s", len(lines), strings.Join(lines[max(0, len(lines)-3):], "\n"))
	}
	var result struct {
		Errors []any
		More   int `json:"more_errors"`
	}
	r = hearth(t, "check-config", "--json", file)
	if err := json.Unmarshal([]byte(r.out), &result); err != nil || len(result.Errors) != 100 || result.More != 150 {
		t.Errorf("--json shows %d errors and %d more, %v; want 100 and 150", len(result.Errors), result.More, err)
	}
	if r = hearth(t, "serve", "--config", file); strings.Count(r.err, "\n") != 101 {
		t.Errorf("serve prints %d lines, want 101", strings.Count(r.err, "\n"))
	}
}

// TestListenersThatCannotBe: what is wrong with encrypted listeners is said of each.
func TestListenersThatCannotBe(t *testing.T) {
	got := keysOfProblems(t, `version: 1
listen:
  - {addresses: ["127.0.0.1:853"], protocol: tls, path: /x}
  - {addresses: ["127.0.0.1:853"], protocol: quic, proxies: [10.0.0.1/32]}
  - {addresses: ["127.0.0.1:443"], protocol: https, path: dns-query, proxies: ["::ffff:10.0.0.0/104"]}
  - {addresses: ["127.0.0.1:853"], protocol: tcp}
limits: {rate: {exempt: ["::ffff:10.0.0.0/104"], slip: -1}, tcp: {reads: -2}}
resolve: {dns64: {prefix: "64:ff9b::/95"}, strategy: quickest, servers: [{url: "tls://192.0.2.1"}]}
telemetry: {dnstap: {unix: a, tcp: "127.0.0.1:1"}, traces: {endpoint: "collector:4318"}}
`)
	want := []string{
		"3 listen[0].path", "4 listen[1].proxies", "5 listen[2].path", "5 listen[2].proxies[0]", "6 listen[3].addresses[0]",
		"7 limits.rate.exempt[0]", "7 limits.rate.slip", "7 limits.tcp.reads",
		"8 resolve.dns64.prefix", "8 resolve.strategy", "8 resolve.servers[0].url",
		"9 telemetry.dnstap", "9 telemetry.traces.endpoint",
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s is not reported; reported are %q", w, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d: %q", len(got), len(want), got)
	}
}

// TestMissingFilesAreToldAtOnce: files that are not there are told together with what is wrong, as warnings.
func TestMissingFilesAreToldAtOnce(t *testing.T) {
	const good = `events: {webhook: "https://home.example/", secret_file: hook.secret}
lists: {sources: [{name: mine, path: mine.txt, format: domains, categories: [ads.trackers]}]}
`
	const wrong = good + "landing: {nonsense: 1}\nhouseholds: [{id: h, members: [{name: Kim, band: 7}]}]\n"
	for text, errors := range map[string]bool{good: false, wrong: true} {
		r := hearth(t, "check-config", writeConfig(t, text))
		if (r.code != 0) != errors || strings.Contains(r.out, "nonsense") != errors {
			t.Errorf("%d: %s%s", r.code, r.out, r.err)
		}
		for _, want := range []string{"events.secret_file", "lists.sources[0].path", "mine.txt: no such file"} {
			line := ""
			for one := range strings.Lines(r.out) {
				if strings.Contains(one, want) {
					line = one
				}
			}
			if !strings.Contains(line, "(warning)") {
				t.Errorf("no warning says %s:\n%s%s", want, r.out, r.err)
			}
		}
	}
}

// TestSecretsAreLookedAt: check-config tells of files of secrets that are missing, empty or readable for others, and the
// server of the last at its start.
func TestSecretsAreLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string // "" for nothing
	}{
		"missing": {want: "no such file"}, "empty": {mode: 0o600, want: "is empty"}, "open": {"x", 0o644, "chmod 600"}, "writable": {"x", 0o620, "chmod 600"},
		"good": {"x", 0o600, ""}, "the group's": {"x", 0o640, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeConfig(t, "events: {webhook: \"https://home.example/\", secret_file: hook.secret}\nhouseholds: [{id: h, consent: {by: x, at: 2026-01-01}, timezone: Europe/Berlin, networks: [10.0.0.0/8], members: [{name: Kim, band: child}]}]\n")
			secret := filepath.Join(filepath.Dir(file), "hook.secret")
			if c.mode != 0 {
				if err := errors.Join(os.WriteFile(secret, []byte(c.text), c.mode), os.Chmod(secret, c.mode)); err != nil {
					t.Fatal(err)
				}
			}
			r := hearth(t, "check-config", file)
			if r.code != 0 || strings.Contains(r.out, "events.secret_file") != (c.want != "") || !strings.Contains(r.out, c.want) || c.want != "" && !strings.Contains(r.out, file+":1:") {
				t.Errorf("code %d, want %q:\n%s", r.code, c.want, r.out)
			}
			var log bytes.Buffer
			_, err := eventSecret(secret, slog.New(slog.NewTextHandler(&log, nil)))
			if refused := name == "missing" || name == "empty"; (err != nil) != refused || strings.Contains(log.String(), "others") != (c.want == "chmod 600") {
				t.Errorf("the server: %v, %s", err, &log)
			}
		})
	}
}
