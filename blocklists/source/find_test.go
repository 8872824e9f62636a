package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// find asks a library and fails the test on an error.
func find(t testing.TB, l *Library, name string) Found {
	t.Helper()
	found, err := l.Find(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFind: what every list says of a name, with where it stands, since when, and in which version of the list.
func TestFind(t *testing.T) {
	lists, now := t.TempDir(), newClock()
	adblock := "! head\n||Porn.example^\n@@||health.porn.example^$important\n|porn.example^\n||other.example^\n/health[.]po/\n"
	config := Config{Sources: []Source{
		{Name: "adblock", Path: write(t, lists+"/a", adblock), Format: Adblock, Categories: []string{"adult.porn"}},
		{Name: "zone", Path: write(t, lists+"/z", "*.porn.example CNAME .\n"), Format: RPZ, Categories: []string{"sec.scam"}},
		{Name: "ut1", Path: "testdata/ut1", Format: UT1, Map: []Mapping{{From: "porn", To: []string{"adult.mixed"}}}},
	}}
	l := open(t, LibraryConfig{Lists: config, Now: now.Now})
	day := now.now.Format(time.DateOnly)
	want := Found{Name: "www.health.porn.example", Entries: []Finding{
		{Source: "adblock", Format: Adblock, FirstSeen: day, Categories: []string{"adult.porn"}, Name: "porn.example", Scope: "subtree",
			Text: "||Porn.example^", Line: 2, Covers: true},
		{Source: "adblock", Format: Adblock, FirstSeen: day, Categories: []string{"adult.porn"}, Name: "porn.example", Scope: "exact",
			Text: "|porn.example^", Line: 4},
		{Source: "adblock", Format: Adblock, FirstSeen: day, Categories: []string{"adult.porn"}, Name: "health.porn.example", Scope: "subtree",
			Text: "@@||health.porn.example^$important", Line: 3, Exception: true, Important: true, Covers: true},
		{Source: "adblock", Format: Adblock, FirstSeen: day, Categories: []string{"adult.porn"}, Pattern: "health[.]po",
			Text: "/health[.]po/", Line: 6, Covers: true},
		{Source: "zone", Format: RPZ, FirstSeen: day, Categories: []string{"sec.scam"}, Name: "porn.example", Scope: "below",
			Text: "*.porn.example CNAME .", Line: 1, Covers: true},
		{Source: "ut1", Format: UT1, FirstSeen: day, Categories: []string{"adult.mixed"}, Name: "porn.example", Scope: "subtree",
			Text: "porn.example", File: "adult", Line: 1, Covers: true},
	}, Categories: []Agreement{
		{Category: "adult.mixed", Sources: []string{"ut1"}, Independent: 1, SingleSource: true},
		{Category: "sec.scam", Sources: []string{"zone"}, Independent: 1, SingleSource: true},
	}}
	for _, state := range []string{"before the first compilation", "compiled"} {
		got := find(t, l, "WWW.health.porn.example.")
		sum := sha256.Sum256([]byte(adblock))
		if version := got.Entries[0].Version; version != hex.EncodeToString(sum[:4]) {
			t.Errorf("%s: version %s", state, version)
		}
		for i := range got.Entries {
			got.Entries[i].Version = ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
		if left := files(t, l.folder()); state != "compiled" && len(left) > 0 {
			t.Errorf("looking left %v behind", left)
		}
		compile(t, l, taxonomy(t))
	}
	if _, err := l.Find(context.Background(), "192.0.2.1"); err == nil {
		t.Error("an address can be looked for")
	}
	if got := find(t, l, "unlisted.example"); len(got.Entries) != 0 || len(got.Categories) != 0 {
		t.Errorf("an unlisted name: %+v", got)
	}
}

// TestFindCountsIndependentLists: lists of one publisher are one opinion, an exception is none.
func TestFindCountsIndependentLists(t *testing.T) {
	dir := t.TempDir()
	list := func(name, folder, content string) Source {
		return Source{Name: name, Path: write(t, dir+"/"+folder+"/"+name, content), Format: Adblock, Categories: []string{"adult.porn"}}
	}
	config := Config{Sources: []Source{
		list("one", "a", "||x.top.example^\n||only.top.example^\n"), list("two", "a", "||x.top.example^\n||only.top.example^\n"),
		list("three", "b", "||x.top.example^\n"), list("spares", "c", "||top.example^\n@@||x.top.example^\n@@||only.top.example^\n"),
	}}
	l := open(t, LibraryConfig{Lists: config})
	compile(t, l, taxonomy(t))
	for name, want := range map[string][]Agreement{
		"www.x.top.example": {{Category: "adult.porn", Sources: []string{"one", "two", "three"}, Independent: 2}},
		"only.top.example":  {{Category: "adult.porn", Sources: []string{"one", "two"}, Independent: 1, SingleSource: true}},
		"y.top.example":     {{Category: "adult.porn", Sources: []string{"spares"}, Independent: 1, SingleSource: true}},
	} {
		if diff := cmp.Diff(want, find(t, l, name).Categories); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, tt := range []struct {
		families    map[string][]string
		independent int
	}{
		{map[string][]string{"one": {"p"}, "three": {"p"}}, 2},                         // p, and the folder of two
		{map[string][]string{"one": {"p"}, "two": {"q"}, "three": {"r"}}, 3},           // all by themselves
		{map[string][]string{"one": {"p", "q"}, "two": {"q"}, "three": {"r"}}, 2},      // one takes over the names of q
		{map[string][]string{"one": {"p", "q", "r"}, "two": {"q"}, "three": {"r"}}, 2}, // one takes over those of both others
		{map[string][]string{"one": {"p", "x"}, "two": {"q", "x"}, "three": {"x"}}, 1}, // all take over those of x
	} {
		l.config.Families = func(s Source) []string { return tt.families[s.Name] }
		want := []Agreement{{Category: "adult.porn", Sources: []string{"one", "two", "three"}, Independent: tt.independent, SingleSource: tt.independent == 1}}
		if diff := cmp.Diff(want, find(t, l, "x.top.example").Categories); diff != "" {
			t.Errorf("with the publishers %v (-want +got):\n%s", tt.families, diff)
		}
	}
}

func TestFamilyOfURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://raw.githubusercontent.example/Alice/lists/main/hosts": "url:raw.githubusercontent.example/alice",
		"https://RAW.githubusercontent.example/alice/other.txt":        "url:raw.githubusercontent.example/alice",
		"https://raw.githubusercontent.example/Bob/lists/main/hosts":   "url:raw.githubusercontent.example/bob",
		"http://Lists.Example:8080/hosts.txt":                          "url:lists.example/",
		"https://lists.example/domains.txt":                            "url:lists.example/",
	} {
		if got := familyOfURL(text); got != want {
			t.Errorf("%s is of %s, want %s", text, got, want)
		}
	}
}

// TestFindKnowsSinceWhen: an entry keeps the day on which it came, however often the list is read, and is found while
// the list as it was read serves, also where its line has gone.
func TestFindKnowsSinceWhen(t *testing.T) {
	now, path := newClock(), write(t, t.TempDir()+"/list", "old.example\n")
	l := open(t, LibraryConfig{Now: now.Now, Lists: Config{Sources: []Source{{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}}}}})
	compile(t, l, taxonomy(t))
	first := now.now.Format(time.DateOnly)
	for range 3 {
		now.now = now.now.Add(50 * time.Hour)
		write(t, path, "fresh"+now.now.Format("02")+".example\nnew.example\nold.example\n")
		compile(t, l, taxonomy(t))
	}
	last := now.now.Format(time.DateOnly)
	for name, want := range map[string]Finding{
		"old.example": {FirstSeen: first, Line: 3, Text: "old.example"},
		"fresh" + now.now.Format("02") + ".example": {FirstSeen: last, Line: 1, Text: "fresh" + now.now.Format("02") + ".example"},
	} {
		found := find(t, l, name).Entries
		if len(found) != 1 || found[0].FirstSeen != want.FirstSeen || found[0].Line != want.Line || found[0].Text != want.Text {
			t.Errorf("%s: %+v, want %+v", name, found, want)
		}
	}
	write(t, path, "other.example\n")
	if found := find(t, l, "old.example").Entries; len(found) != 1 || found[0].FirstSeen != first || found[0].Text != "" {
		t.Errorf("after an edit that is not compiled: %+v", found)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if found := find(t, l, "old.example").Entries; len(found) != 1 || found[0].Text != "" {
		t.Errorf("without the list: %+v", found)
	}
}
