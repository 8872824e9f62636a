package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const exampleConfig = "../../config.example.yaml"

// TestExampleEqualsDefaults: the example says what happens without a file,
// key by key; only the households are not a default.
func TestExampleEqualsDefaults(t *testing.T) {
	l, err := load(exampleConfig, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := l.Config
	if len(got.Households) == 0 {
		t.Error("the example has no household")
	}
	got.Households = nil
	if diff := cmp.Diff(Default(), got, cmp.Comparer(sameText)); diff != "" {
		t.Errorf("config.example.yaml differs from the defaults (-default +example):\n%s", diff)
	}
}

// TestExampleIsBuiltIn: what serves without a file is the example.
func TestExampleIsBuiltIn(t *testing.T) {
	written, err := load(exampleConfig, nil)
	if err != nil {
		t.Fatal(err)
	}
	builtIn, err := load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if changes := compareSettings(&builtIn.Config, &written.Config); len(changes) > 0 {
		t.Errorf("the built-in example and config.example.yaml differ: %v", changes)
	}
	if w := written.Config.warnings(written.at); len(w) > 0 {
		t.Errorf("the example has warnings: %v", w)
	}
}

// TestExampleIsComplete: every key that is not inside a list item stands in
// the example, with its place.
func TestExampleIsComplete(t *testing.T) {
	l, err := load(exampleConfig, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keysOf(typeOfConfig()) {
		if strings.Contains(k.Path, "[]") {
			continue
		}
		if at := l.at.of(k.Path); at == l.at.root || l.at.at[k.Path].Line == 0 {
			t.Errorf("config.example.yaml does not show %s", k.Path)
		}
	}
}

// TestExampleItemsLoad: the items that stand in comments load as well.
func TestExampleItemsLoad(t *testing.T) {
	text, err := os.ReadFile(exampleConfig)
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for _, item := range []struct{ empty, comment string }{
		{"  sources: []\n", "  # - name: my-list"},
		{"profiles: []\n", "# - name: kids"},
	} {
		start := strings.Index(config, item.comment)
		end := strings.Index(config, item.empty)
		if start < 0 || end < start {
			t.Fatalf("config.example.yaml has no commented item %q before %q", item.comment, item.empty)
		}
		var lines string
		for line := range strings.Lines(config[start:end]) {
			lines += strings.Replace(line, "# ", "", 1)
		}
		config = config[:start] + strings.Replace(item.empty, " []", "", 1) + lines + config[end+len(item.empty):]
	}
	if _, err := load(writeConfig(t, config), nil); err != nil {
		t.Errorf("with its commented items config.example.yaml is refused:\n%v", err)
	}
}

// TestExampleClients: who is who on a developer's machine.
func TestExampleClients(t *testing.T) {
	l, err := load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJudge(&l.Config)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1": "preteen", "::1": "preteen", "192.168.1.77": "preteen", "10.1.2.3": "preteen",
		"172.20.0.1": "preteen", "fe80::1": "preteen", "fd00::1": "preteen", "169.254.3.3": "preteen",
		"127.0.0.2": "child", "127.0.0.3": "teen", "127.0.0.4": "adult",
	} {
		c := j.directory.Identify(mustAddr(t, addr))
		if c.Profile == nil || c.Profile.Band().String() != want {
			t.Errorf("%s is %v, want the band %s", addr, c, want)
		}
	}
	if c := j.directory.Identify(mustAddr(t, "203.0.113.9")); c.Profile != nil {
		t.Errorf("a client from the internet has the profile %s, want none", c.Profile.Name())
	}
}

// TestPublishedIDsAreNoSecrets: who copies the example of encrypted DNS for others than this
// machine is told that everybody knows its ids.
func TestPublishedIDsAreNoSecrets(t *testing.T) {
	text, err := os.ReadFile("../../deploy/examples/encrypted.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]int{"127.0.0.1": 0, "192.168.1.2": 3} {
		file := filepath.Join(t.TempDir(), "hearth.yaml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), `"127.0.0.1:`, `"`+address+":")), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, w := range l.Config.warnings(l.at) {
			if strings.HasSuffix(w.Path, ".id") {
				got++
			}
		}
		if got != want {
			t.Errorf("at %s: %d warnings of ids, want %d", address, got, want)
		}
	}
}
