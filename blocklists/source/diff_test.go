package source

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/blocklists"
)

// TestDiff compares lists, their states and files of other formats.
func TestDiff(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir+"/list", "a.example\nb.example\n")
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{
		{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}},
		{Name: "other", Path: write(t, dir+"/other", "b.example\n"), Format: Domains, Match: MatchExact, Categories: []string{"piracy"}},
	}}})
	compile(t, l, taxonomy(t))
	if _, err := l.Diff(context.Background(), "l@previous", "l", nil); err == nil || !strings.Contains(err.Error(), "not changed") {
		t.Errorf("a list without a state before: %v", err)
	}
	write(t, path, "b.example\nc.example\nd.example\n")
	compile(t, l, taxonomy(t))
	file := write(t, dir+"/hosts", "0.0.0.0 c.example\n0.0.0.0 x.example\n")
	for _, tt := range []struct {
		from, to string
		want     []string
	}{
		{"l@previous", "l", []string{"removed a.example", "added c.example", "added d.example"}},
		{"l", "l", nil},
		{"l", "other", []string{"moved b.example", "removed c.example", "removed d.example"}},
		{"l", file, []string{"removed b.example", "removed d.example", "added x.example"}},
	} {
		var got []string
		sum, err := l.Diff(context.Background(), tt.from, tt.to, func(c blocklists.Change) error {
			got = append(got, string(c.Kind)+" "+c.String())
			return nil
		})
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s to %s: %v (-want +got):\n%s", tt.from, tt.to, err, diff)
		}
		counted := map[string]int{"added": sum.Added.Count, "removed": sum.Removed.Count, "moved": sum.Moved.Count}
		for _, line := range tt.want {
			kind, _, _ := strings.Cut(line, " ")
			counted[kind]--
		}
		if counted["added"] != 0 || counted["removed"] != 0 || counted["moved"] != 0 {
			t.Errorf("%s to %s: %+v", tt.from, tt.to, sum)
		}
	}
	for argument, why := range map[string]string{"missing": "neither a list nor a file", "other@held": "held back", dir + "/nothing": "neither"} {
		if _, err := l.Diff(context.Background(), "l", argument, nil); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", argument, err, why)
		}
	}
}

// TestDiffWithWhatIsHeld compares a list with the version of it that lost too much and waits for the operator.
func TestDiffWithWhatIsHeld(t *testing.T) {
	path := write(t, t.TempDir()+"/list", numbered(30))
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "l", Path: path, Format: Domains, Categories: []string{"piracy"}}}}})
	compile(t, l, taxonomy(t))
	write(t, path, numbered(5)+"new.example\n")
	wantUpdate(t, l, Held)
	sum, err := l.Diff(context.Background(), "l", "l@held", nil)
	if err != nil || sum.Removed.Count != 25 || sum.Added.Count != 1 || sum.Moved.Count != 0 || len(sum.Removed.Examples) != 20 {
		t.Errorf("%+v, %v", sum, err)
	}
}
