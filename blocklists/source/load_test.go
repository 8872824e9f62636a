package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// TestLoadTellsStaleness: what changes the meaning of the index makes it stale, what does not does not.
func TestLoadTellsStaleness(t *testing.T) {
	lists := t.TempDir()
	path := write(t, lists+"/list", "a.example\n")
	base := Config{Sources: []Source{{Name: "list", Path: path, Format: Domains, Categories: []string{"piracy"}, Refresh: 2 * time.Hour}}}
	tests := []struct {
		why    string
		change func(c *Config)
		tax    []blocklists.Definition
		stale  bool
	}{
		{why: "nothing", change: func(*Config) {}},
		{why: "another refresh", change: func(c *Config) { c.Sources[0].Refresh = 3 * time.Hour }},
		{why: "other ways to the content", change: func(c *Config) {
			s := &c.Sources[0]
			s.Private, s.TokenFile, s.CertFile, s.KeyFile, s.CAFile = true, "/token", "/cert", "/key", "/ca"
			s.Zone.Primaries, s.Zone.TSIG = []string{"192.0.2.1"}, TSIG{Name: "key"}
		}},
		{why: "another category", change: func(c *Config) { c.Sources[0].Categories = []string{"misinfo"} }, stale: true},
		{why: "another match", change: func(c *Config) { c.Sources[0].Match = MatchExact }, stale: true},
		{why: "public suffixes", change: func(c *Config) { c.Sources[0].PublicSuffixes = true }, stale: true},
		{why: "starter lists", change: func(c *Config) { c.Starter = true }, stale: true},
		{why: "popular", change: func(c *Config) { c.Popular = "list" }, stale: true},
		{why: "one list less", change: func(c *Config) { c.Sources = nil }, stale: true},
		{why: "another taxonomy", change: func(*Config) {}, tax: []blocklists.Definition{{ID: "own-list"}}, stale: true},
		{why: "touched", change: func(*Config) {
			later := time.Now().Add(time.Minute)
			if err := os.Chtimes(path, later, later); err != nil {
				t.Fatal(err)
			}
		}},
		{why: "other content", change: func(*Config) { write(t, path, "b.example\n") }, stale: true},
		{why: "content gone", change: func(*Config) { _ = os.Remove(path) }, stale: true},
	}
	dir := t.TempDir()
	tax := taxonomy(t)
	compile(t, open(t, LibraryConfig{Dir: dir, Lists: base}), tax)
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			config := base
			config.Sources = slices.Clone(base.Sources)
			tt.change(&config)
			now := tax
			if tt.tax != nil {
				now = taxonomy(t, tt.tax...)
			}
			ix, err := open(t, LibraryConfig{Dir: dir, Lists: config}).Load(now)
			if errors.Is(err, ErrStale) != tt.stale || !tt.stale && err != nil {
				t.Errorf("Load: %v, want stale %t", err, tt.stale)
			}
			if sound := tt.tax == nil; sound != (ix != nil) {
				t.Errorf("index returned: %t, want %t", ix != nil, sound)
			}
		})
	}
}

// TestLoadRefusesDamage: a torn, a foreign and a newer file are refused, and Compile puts a good one in their place.
func TestLoadRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	l, tax := open(t, LibraryConfig{Dir: dir}), taxonomy(t)
	if _, err := l.Load(tax); !errors.Is(err, ErrStale) {
		t.Errorf("without an index: %v, want ErrStale", err)
	}
	compile(t, l, tax)
	good, err := os.ReadFile(l.indexPath())
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string][]byte{"empty": {}, "torn": good[:len(good)/2], "a list": []byte("a.example\n")}
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 1
	damage["flipped bit"] = flipped
	for why, file := range damage {
		t.Run(why, func(t *testing.T) {
			write(t, l.indexPath(), string(file))
			ix, err := l.Load(tax)
			if ix != nil || !errors.Is(err, blocklists.ErrCorrupt) && !errors.Is(err, blocklists.ErrVersion) {
				t.Errorf("Load: %v, %v", ix, err)
			}
			compile(t, l, tax)
			if _, err := l.Load(tax); err != nil {
				t.Errorf("after Compile: %v", err)
			}
		})
	}
}

// TestLostKey: an index whose key is gone is stale, not unusable.
func TestLostKey(t *testing.T) {
	dir := t.TempDir()
	tax := taxonomy(t)
	compile(t, open(t, LibraryConfig{Dir: dir}), tax)
	for _, text := range []string{"", "not hexadecimal", "00ff"} {
		write(t, filepath.Join(dir, "key"), text)
		if ix, err := open(t, LibraryConfig{Dir: dir}).Load(tax); !errors.Is(err, ErrStale) || ix == nil {
			t.Errorf("key %q: %v", text, err)
		}
	}
}
