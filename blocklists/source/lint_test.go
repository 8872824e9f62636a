package source

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
)

// lintLists are two lists with one of every fault.
func lintLists(t *testing.T) *Library {
	t.Helper()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for path, text := range map[string]string{
		one: "tax.hmrc.gov.uk\nx.rivm.nl\ncdn.jsdelivr.net\nx.cdn.jsdelivr.net\nchildline.org.uk\n" +
			"casino-eins.example\nwww.casino-eins.example\nonly-here.example\n",
		two: "CASINO-EINS.example\nnot-gambling.example\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := OpenLibrary(LibraryConfig{Dir: t.TempDir(), Lists: Config{Sources: []Source{
		{Name: "one", Path: one, Format: Domains, Categories: []string{"money.gambling"}},
		{Name: "two", Path: two, Format: Domains, Categories: []string{"money.gambling", "adult.dating"}},
		{Name: "other", Path: two, Format: Domains, Categories: []string{"fun.games"}},
		{Name: "never", URL: "https://lists.example/a", Format: Domains, Categories: []string{"fun.games"}},
		{Name: "allow", Path: one, Format: Domains, Categories: []string{"ok.kids"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Compile(context.Background(), taxonomy(t)); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLint(t *testing.T) {
	report, err := lintLists(t).Lint(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []LintFinding{
		{Source: "one", Kind: LintHelp, Count: 1, Of: 8, Examples: []string{"childline.org.uk, line 5"}},
		{Source: "one", Kind: LintSharedHost, Count: 1, Of: 8, Examples: []string{"cdn.jsdelivr.net, line 3"}},
		{Source: "one", Kind: LintGovernment, Count: 1, Of: 8, Examples: []string{"tax.hmrc.gov.uk, line 1"}},
		{Source: "one", Kind: LintHealth, Count: 1, Of: 8, Examples: []string{"x.rivm.nl, line 2"}},
		{Source: "one", Kind: LintRedundant, Count: 2, Of: 8}, // x.cdn.jsdelivr.net, www.casino-eins.example
		{Source: "one", Kind: LintCovered, Count: 2, Of: 8},   // casino-eins.example and what lies beneath it
		{Source: "one", Kind: LintSingle, Count: 6, Of: 8},
		{Source: "two", Kind: LintCovered, Count: 1, Of: 2},
		{Source: "two", Kind: LintSingle, Count: 1, Of: 2},
		{Source: "other", Kind: LintSingle, Count: 2, Of: 2}, // no list of its category has them
	}
	for _, f := range report.Findings {
		if f.Source == "never" {
			if f.Kind != LintUnread || f.Why == "" {
				t.Errorf("a list that was never fetched: %+v", f)
			}
			continue
		}
		i := slices.IndexFunc(want, func(w LintFinding) bool { return w.Source == f.Source && w.Kind == f.Kind })
		if i < 0 {
			t.Errorf("not expected: %+v", f)
			continue
		}
		if w := want[i]; w.Count != f.Count || w.Of != f.Of {
			t.Errorf("%s, %s: %d of %d, want %d of %d", f.Source, f.Kind, f.Count, f.Of, w.Count, w.Of)
		}
		for _, e := range want[i].Examples {
			if !slices.Contains(f.Examples, e) {
				t.Errorf("%s, %s: examples %q, want %q among them", f.Source, f.Kind, f.Examples, e)
			}
		}
		want = slices.Delete(want, i, i+1)
	}
	if len(want) > 0 {
		t.Errorf("not found: %+v", want)
	}
}

// TestLintSets: names are hit by what is beneath them and by what takes them along, and by nothing else.
func TestLintSets(t *testing.T) {
	sets, err := readLintNames([]byte("[government]\ngov\ngov.*\nbund.de\n[shared-host]\ncdn.example.net\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		kind LintKind
		want bool
	}{
		{"irs.gov", LintGovernment, true},
		{"x.gov.au", LintGovernment, true},
		{"gov.museum", LintGovernment, false},
		{"notgov.au", LintGovernment, false},
		{"zoll.bund.de", LintGovernment, true},
		{"abund.de", LintGovernment, false},
		{"cdn.example.net", LintSharedHost, true},
		{"example.net", LintSharedHost, true},
		{"site.cdn.example.net", LintSharedHost, false},
	} {
		name, why := Normalise(tc.name)
		if why != "" {
			t.Fatal(tc.name, why)
		}
		for _, set := range sets {
			if set.kind == tc.kind && set.hit(blocklists.Entry{Name: name}) != tc.want {
				t.Errorf("%s, %s: %t", tc.name, tc.kind, !tc.want)
			}
		}
	}
}
