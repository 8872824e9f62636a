package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// watchedList is a library with a list of 100 names at a server and a popularity list, updated once.
func watchedList(t *testing.T, change func(*Config, *LibraryConfig)) (*Library, *listServer) {
	t.Helper()
	server := newListServer(t)
	server.set(text(numbered(100)))
	config := Config{Popular: "popular", Sources: []Source{
		{Name: "list", URL: server.URL, Format: Adblock, Categories: []string{"ads.trackers"}, Private: true},
		{Name: "popular", Path: write(t, t.TempDir()+"/top", "first.example\nwww.second.example\nthird.co.uk\nlast.example\n"), Format: Domains},
	}}
	c := LibraryConfig{Own: "hearth.house.example", Upstreams: []string{"dns.upstream.example"}}
	config.Guards.PopularTop = 3
	if change != nil {
		change(&config, &c)
	}
	c.Lists = config
	l := open(t, c)
	wantOne(t, l, Updated)
	return l, server
}

// wantOne updates the list of watchedList.
func wantOne(t *testing.T, l *Library, status Status, why ...string) Result {
	t.Helper()
	results, err := l.Update(t.Context(), "list")
	if err != nil || len(results) != 1 || results[0].Status != status {
		t.Fatalf("Update: %+v, %v; want %s", results, err, status)
	}
	for _, w := range why {
		if !strings.Contains(results[0].Why, w) {
			t.Errorf("%q does not speak of %q", results[0].Why, w)
		}
	}
	return results[0]
}

// TestCanary: which new lines of a list hold it back, by what its entries mean together.
func TestCanary(t *testing.T) {
	for _, tt := range []struct {
		why, lines string
		hits       []string // none: the version is taken
	}{
		{"other names", "||else.example^\n||first.example.else.example^\n", nil},
		{"a popular name", "||first.example^\n", []string{"first.example"}},
		{"an ancestor of one", "||second.example^\n", []string{"www.second.example"}},
		{"a look-alike", "||notfirst.example^\n||irst.example^\n", nil},
		{"a name beneath one", "||ads.first.example^\n", nil},
		{"less popular than the limit", "||last.example^\n", nil},
		{"the name alone", "|first.example^\n", []string{"first.example"}},
		{"the ancestor alone", "|second.example^\n", nil},
		{"all beneath the name", "||*.first.example^\n", nil},
		{"all beneath the ancestor", "||*.second.example^\n", []string{"www.second.example"}},
		{"an exception from the list", "||second.example^\n@@||www.second.example^\n", nil},
		{"an exception that loses", "||second.example^$important\n@@||www.second.example^\n", []string{"www.second.example"}},
		{"taken back", "||first.example^\n||first.example^$badfilter\n", nil},
		{"own name", "||hearth.house.example^\n", []string{"hearth.house.example"}},
		{"the house of the own name", "||house.example^\n", []string{"hearth.house.example"}},
		{"an upstream", "||dns.upstream.example^\n", []string{"dns.upstream.example"}},
		{"certificates", "||ocsp.apple.com^\n", []string{"ocsp.apple.com"}},
		{"time", "||time.cloudflare.com^\n", []string{"time.cloudflare.com"}},
		{"all beneath a public suffix, which is no entry", "||*.co.uk^\n", nil},
		{"an expression", "/^first[.]example$/\n", []string{"first.example"}},
		{"an expression about all beneath a public suffix", "/[.]co[.]uk$/\n", []string{"co.uk", "third.co.uk"}},
		{"an expression about others", "/^ads[0-9]+[.]/\n", nil},
		{"for one record type", "||first.example^$dnstype=A\n", []string{"first.example"}},
		{"for another record type", "||first.example^$dnstype=AAAA\n", []string{"first.example"}},
		{"for a record type that nobody asks for", "||first.example^$dnstype=NAPTR\n", nil},
		{"several", "||first.example^\n||captive.apple.com^\n||hearth.house.example^\n", []string{"hearth.house.example", "captive.apple.com", "first.example"}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			l, server := watchedList(t, nil)
			server.set(text(numbered(100) + tt.lines))
			if tt.hits == nil {
				wantOne(t, l, Updated)
				return
			}
			r := wantOne(t, l, Held, tt.hits...)
			if !slices.Equal(r.Held.Hits, tt.hits) {
				t.Errorf("hits %v, want %v", r.Held.Hits, tt.hits)
			}
			if r.Names != 100 {
				t.Errorf("%d names in force", r.Names)
			}
			if _, err := l.Accept(t.Context(), "list"); err != nil {
				t.Fatal(err)
			}
			server.set(text(numbered(101) + tt.lines))
			wantOne(t, l, Updated) // not newly any more
		})
	}
}

// TestCanaryWithoutState: what a version newly hits is told from the good copy where the state in force is lost; where
// that is all there was, the version is looked at as a first one.
func TestCanaryWithoutState(t *testing.T) {
	lose := func(l *Library) {
		for _, path := range l.slots("list") {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	l, server := watchedList(t, nil)
	server.set(text(numbered(100) + "||www.second.example^\n"))
	wantOne(t, l, Held, "www.second.example")
	if _, err := l.Accept(t.Context(), "list"); err != nil {
		t.Fatal(err)
	}
	lose(l)
	server.set(text(numbered(100) + "||www.second.example^\n||first.example^\n"))
	if r := wantOne(t, l, Held, "first.example"); !slices.Equal(r.Held.Hits, []string{"first.example"}) {
		t.Errorf("hits %v", r.Held.Hits)
	}

	path := write(t, t.TempDir()+"/list", numbered(100))
	l = open(t, LibraryConfig{Own: "hearth.house.example", Lists: Config{Sources: []Source{
		{Name: "list", Path: path, Format: Domains, Categories: []string{"ads.trackers"}}}}})
	wantOne(t, l, Updated)
	lose(l)
	write(t, path, numbered(100)+"house.example\n")
	wantOne(t, l, Held, "hearth.house.example")
}

// TestCanaryOfFirstVersion: a first version is not held for the popular names that it hits, which are counted, unless
// they are a large part of all; nor for names of machines that the starter lists keep reachable. It is held for others
// that no list is to hit.
func TestCanaryOfFirstVersion(t *testing.T) {
	top := "first.example\nwww.second.example\n" + numbered(398)
	for _, tc := range []struct {
		lines   string
		starter bool
		hits    []string
		popular int
	}{
		{"||first.example^\n||second.example^\n", false, nil, 2},
		{numbered(100), false, nil, 100}, // a quarter
		{numbered(101), false, strings.Fields(numbered(20)), 101},
		{"||ocsp.apple.com^\n", false, []string{"ocsp.apple.com"}, 0},
		{"||ocsp.apple.com^\n", true, nil, 0},
		{"||hearth.house.example^\n", true, []string{"hearth.house.example"}, 0},
	} {
		hits := tc.hits
		server := newListServer(t)
		server.set(text("||a.other.example^\n" + tc.lines))
		l := open(t, LibraryConfig{Own: "hearth.house.example", Lists: Config{Starter: tc.starter, Popular: "popular", Sources: []Source{
			{Name: "list", URL: server.URL, Format: Adblock, Categories: []string{"ads.trackers"}, Private: true},
			{Name: "popular", Path: write(t, t.TempDir()+"/top", top), Format: Domains}}}})
		if hits == nil {
			if r := wantOne(t, l, Updated); r.Popular != tc.popular {
				t.Errorf("%d popular names, want %d", r.Popular, tc.popular)
			}
			continue
		}
		if r := wantOne(t, l, Held); !slices.Equal(r.Held.Hits, hits) || r.Names != 0 {
			t.Errorf("result %+v, want hits %v", r, hits)
		}
		if due := l.due(l.lists.Sources[0], l.recall("list")); time.Until(due) < minRefresh {
			t.Errorf("asked again at %s, although it is held", due)
		}
		again := open(t, LibraryConfig{Dir: l.config.Dir, Lists: l.lists})
		if _, err := again.Accept(t.Context(), "list"); err != nil {
			t.Fatal(err)
		}
		want := []string{"ads.trackers"}
		if tc.popular > 0 {
			want = append(want, popularCategory)
		}
		wantCategories(t, compile(t, again, taxonomy(t)), hits[0], want...)
	}
}

// TestCanaryByCategory: lists that allow or only describe are not looked at, and one of ways round the resolver may hit
// the names of public resolvers.
func TestCanaryByCategory(t *testing.T) {
	lines := "||first.example^\n||dns.upstream.example^\n||dns.google^\n||ocsp.apple.com^\n||hearth.house.example^\n"
	for _, tt := range []struct {
		ids  []string
		hits []string
	}{
		{[]string{"ok.school"}, nil},
		{[]string{"ok.kids", "meta.new"}, nil},
		{[]string{"bypass.dns"}, []string{"hearth.house.example", "ocsp.apple.com", "first.example"}},
		{[]string{"bypass.vpn"}, []string{"hearth.house.example", "dns.upstream.example", "ocsp.apple.com", "dns.google", "first.example"}},
		{[]string{"ok.school", "piracy"}, []string{"hearth.house.example", "dns.upstream.example", "ocsp.apple.com", "dns.google", "first.example"}},
	} {
		l, server := watchedList(t, func(c *Config, _ *LibraryConfig) {
			c.Sources[0].Categories = tt.ids
			c.Sources[1].Path = write(t, t.TempDir()+"/top", "dns.google\nfirst.example\n")
		})
		server.set(text(numbered(100) + lines))
		if tt.hits == nil {
			wantOne(t, l, Updated)
			continue
		}
		if r := wantOne(t, l, Held); !slices.Equal(r.Held.Hits, tt.hits) {
			t.Errorf("%v: hits %v, want %v", tt.ids, r.Held.Hits, tt.hits)
		}
	}
}

// TestCanaryOfRegistries: a list that may have public suffixes is held for a new one of a registry alone.
func TestCanaryOfRegistries(t *testing.T) {
	l, server := watchedList(t, func(c *Config, _ *LibraryConfig) { c.Sources[0].PublicSuffixes = true })
	server.set(text(numbered(100) + "||duckdns.org^\n||github.io^\n"))
	wantOne(t, l, Updated)
	server.set(text(numbered(100) + "||duckdns.org^\n||github.io^\n||casino^\n"))
	if r := wantOne(t, l, Held); !slices.Equal(r.Held.Hits, []string{"casino"}) {
		t.Errorf("hits %v", r.Held.Hits)
	}
}

// TestCanaryShowsABoundedNumber: a list that hits everything says so in a few names.
func TestCanaryShowsABoundedNumber(t *testing.T) {
	var top, list strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&top, "p%d.example\n", i)
		fmt.Fprintf(&list, "||p%d.example^\n", i)
	}
	l, server := watchedList(t, func(c *Config, _ *LibraryConfig) {
		c.Sources[1].Path = write(t, t.TempDir()+"/top", top.String())
		c.Guards.PopularTop = 500
		c.Guards.Growth = 10_000
	})
	server.set(text(numbered(100) + list.String()))
	r := wantOne(t, l, Held, "newly hits 500 names", "popular: p0.example, p1.example", "p19.example and more")
	if len(r.Held.Hits) != 20 || strings.Contains(r.Why, "p20.example") {
		t.Errorf("%d hits: %s", len(r.Held.Hits), r.Why)
	}
}

// TestCanaryByDirectory: the directories of a UT1 list are lists of their own; an exception in one does not hide what
// another hits, and one that allows is not looked at.
func TestCanaryByDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/games/domains", "game.example\n")
	write(t, dir+"/safe/domains", "ocsp.apple.com\n")
	write(t, dir+"/safe/usage", "white\n")
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "list", Path: dir, Format: UT1,
		Map: []Mapping{{"games", []string{"fun.games"}}, {"safe", []string{"ok.school"}}}}}}})
	wantOne(t, l, Updated)
	other := t.TempDir()
	write(t, other+"/games/domains", "game.example\napple.com\n")
	l = open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "list", Path: other, Format: UT1, Categories: []string{"fun.games"}}}}})
	wantOne(t, l, Held, "captive.apple.com")
}
