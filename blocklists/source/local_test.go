package source

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// localList is a library with one list at a path, compiled, and where it lies.
func localList(t *testing.T, content string, tax *blocklists.Taxonomy) (*Library, string) {
	t.Helper()
	path := write(t, t.TempDir()+"/list", content)
	l := open(t, LibraryConfig{Lists: Config{MaxBytes: 1 << 10, Sources: []Source{
		{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}}}}})
	wantUpdate(t, l, Updated)
	compile(t, l, tax)
	return l, path
}

// wantUpdate asks for what is due.
func wantUpdate(t *testing.T, l *Library, want Status) {
	t.Helper()
	results, err := l.Update(context.Background())
	if err != nil || len(results) != 1 || results[0].Status != want {
		t.Errorf("Update: %+v, %v; want %s", results, err, want)
	}
}

// TestUpdateSeesEdits: an edited list at a path is read at the next update, long before its refresh time.
func TestUpdateSeesEdits(t *testing.T) {
	l, path := localList(t, "old.example\n", taxonomy(t))
	wantUpdate(t, l, NotDue)
	write(t, path, "new.example\n") // as long as before
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(path, later, later); err != nil {
		t.Fatal(err)
	}
	wantUpdate(t, l, Updated)
	wantUpdate(t, l, NotDue)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantUpdate(t, l, Failed)
}

// brokenContents are what makes a list at a path unusable, and the word that tells why.
var brokenContents = map[string]struct {
	content string
	gone    bool
	why     string
}{
	"too large": {content: "old.example\n" + numbered(1000), why: ErrTooLarge.Error()},
	"no name":   {content: "# nothing\n", why: "no name"},
	"gone":      {gone: true, why: "nothing is at"},
}

// TestBrokenLocalListKeepsItsLastGoodState: a list that grew over its limit, lost all names or is gone is never compiled
// in part and never holds the others back: it stays as it was, the others are as they are. A mended list is compiled again.
func TestBrokenLocalListKeepsItsLastGoodState(t *testing.T) {
	for name, tt := range brokenContents {
		t.Run(name, func(t *testing.T) {
			tax, dir := taxonomy(t), t.TempDir()
			path, other := write(t, dir+"/list", "old.example\n"), write(t, dir+"/other", "first.example\n")
			l := open(t, LibraryConfig{Lists: Config{MaxBytes: 1 << 10, Sources: []Source{
				{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}},
				{Name: "other", Path: other, Format: Domains, Categories: []string{"misinfo"}}}}})
			compile(t, l, tax)
			write(t, other, "second.example\n")
			write(t, path, tt.content)
			if tt.gone {
				_ = os.Remove(path)
			}
			for range 2 { // it does not wear off
				ix, sum, err := l.Compile(context.Background(), tax)
				if err != nil {
					t.Fatalf("Compile: %v", err)
				}
				if p := sum.Problems; len(p) != 1 || p[0].Source != "l" || p[0].Serving != LastGood || !strings.Contains(p[0].Why, tt.why) || !sum.Failed() {
					t.Errorf("problems %+v; want the last good state of l because of %q", p, tt.why)
				}
				wantCategories(t, ix, "old.example", "piracy")
				wantCategories(t, ix, "first.example")
				wantCategories(t, ix, "second.example", "misinfo")
			}
			if _, err := l.Load(tax); err != nil {
				t.Errorf("Load: %v: it would be compiled for ever", err)
			}
			if stat := l.Stats()[len(l.Stats())-2]; stat.Names != 1 || !strings.Contains(stat.LastError, tt.why) {
				t.Errorf("stat %+v", stat)
			}
			write(t, path, "mended.example\n")
			if _, err := l.Load(tax); !errors.Is(err, ErrStale) {
				t.Errorf("Load of a mended list: %v", err)
			}
			ix := compile(t, l, tax)
			wantCategories(t, ix, "mended.example", "piracy")
			wantCategories(t, ix, "old.example")
		})
	}
}

// TestBrokenListWithoutAState: where no parsed state is kept, as after an update of the program, the index that holds
// the list stays.
func TestBrokenListWithoutAState(t *testing.T) {
	for name, tt := range brokenContents {
		t.Run(name, func(t *testing.T) {
			tax := taxonomy(t)
			l, path := localList(t, "old.example\n", tax)
			before, err := os.ReadFile(l.indexPath())
			if err != nil {
				t.Fatal(err)
			}
			for _, slot := range l.slots("l") {
				_ = os.Remove(slot)
			}
			write(t, path, tt.content)
			if tt.gone {
				_ = os.Remove(path)
			}
			ix, _, err := l.Compile(context.Background(), tax)
			if broken := (*BrokenError)(nil); ix != nil || !errors.As(err, &broken) || broken.Source != "l" || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("Compile: %v; want a broken list because of %q", err, tt.why)
			}
			after, err := os.ReadFile(l.indexPath())
			if err != nil || string(before) != string(after) {
				t.Errorf("the last good index was replaced: %v", err)
			}
			kept, err := l.Load(tax)
			if !errors.Is(err, ErrStale) || kept == nil {
				t.Fatalf("Load: %v; want the last good index, stale", err)
			}
			wantCategories(t, kept, "old.example", "piracy")
			if stat := l.Stats()[len(l.Stats())-1]; stat.Names != 1 || !strings.Contains(stat.LastError, tt.why) {
				t.Errorf("stat %+v", stat)
			}
			write(t, path, "mended.example\n")
			wantCategories(t, compile(t, l, tax), "mended.example", "piracy")
		})
	}
}

// TestBrokenListAtFirstUse: without an index that holds it, a broken list is left out as a whole and the others work.
func TestBrokenListAtFirstUse(t *testing.T) {
	dir, tax := t.TempDir(), taxonomy(t)
	large := write(t, dir+"/large", "first.example\n"+numbered(1000))
	good := write(t, dir+"/good", "good.example\n")
	l := open(t, LibraryConfig{Lists: Config{MaxBytes: 1 << 10, Sources: []Source{
		{Name: "good", Path: good, Format: Domains, Categories: []string{"piracy"}},
		{Name: "large", Path: large, Format: Domains, Categories: []string{"piracy"}}}}})
	ix, sum, err := l.Compile(context.Background(), tax)
	if err != nil || len(sum.Problems) != 1 || sum.Problems[0].Source != "large" || !strings.Contains(sum.Problems[0].Why, ErrTooLarge.Error()) {
		t.Fatalf("Compile: problems %v, %v; want the large list", sum.Problems, err)
	}
	wantCategories(t, ix, "good.example", "piracy")
	wantCategories(t, ix, "first.example")
	if sum.Problems[0].Serving != Nothing || !sum.Failed() || len(sum.Read) != 2 {
		t.Errorf("problem %+v, read %q: want that nothing of it serves, and each list read once", sum.Problems[0], sum.Read)
	}
	if stat := l.Stats()[len(l.Stats())-1]; stat.Names != 0 || stat.LastError == "" {
		t.Errorf("stat %+v", stat)
	}
}
