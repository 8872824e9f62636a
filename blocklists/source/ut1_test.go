package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ut1Archive is a UT1 list in the order that hurts: usage last, a link before what it links to.
func ut1Archive(t testing.TB) []byte {
	return gzipOf(t, tarOf(t,
		tarFile{name: "blacklists/README", text: "not.a.list.example\n"},
		tarFile{name: "blacklists/porn", link: "adult"},
		tarFile{name: "blacklists/adult/domains", text: "porn.example\n192.0.2.1\n"},
		tarFile{name: "blacklists/adult/urls", text: "blog.example/porn\nwhole.example/\n"},
		tarFile{name: "blacklists/adult/expressions", text: "(sex|porn)\n"},
		tarFile{name: "blacklists/adult/usage", text: "black\nadult\n"},
		tarFile{name: "blacklists/child/domains", text: "kids.example\n"},
		tarFile{name: "blacklists/child/usage", text: "white\nchild\n"},
		tarFile{name: "blacklists/bank/domains", text: "bank.example\n"},
		tarFile{name: "blacklists/bank/usage", text: "white\nblack\n"},
		tarFile{name: "./blacklists/games/domains.gz", text: string(gzipOf(t, []byte("game.example\n")))},
		tarFile{name: "blacklists/games/usage", text: "# games\nblack\n"},
		tarFile{name: "../../etc/cron.d/domains", text: "traversal.example\n"},
		tarFile{name: "/etc/adult/domains", text: "absolute.example\n"},
		tarFile{name: "blacklists/passwd", link: "../../../etc/passwd"},
	))
}

// ut1Folder lays the same out.
func ut1Folder(t *testing.T) string {
	t.Helper()
	outside := write(t, filepath.Join(t.TempDir(), "secret", "domains"), "outside.example\n")
	root := t.TempDir()
	for name, text := range map[string]string{
		"adult/domains": "porn.example\n192.0.2.1\n", "adult/urls": "blog.example/porn\nwhole.example/\n",
		"adult/expressions": "(sex|porn)\n", "adult/usage": "black\nadult\n",
		"child/domains": "kids.example\n", "child/usage": "white\nchild\n",
		"bank/domains": "bank.example\n", "bank/usage": "white\nblack\n",
		"games/domains.gz": string(gzipOf(t, []byte("game.example\n"))), "games/usage.gz": string(gzipOf(t, []byte("black\n"))),
	} {
		write(t, filepath.Join(root, "blacklists", name), text)
	}
	for link, to := range map[string]string{"porn": "adult", "passwd": filepath.Dir(outside)} {
		if err := os.Symlink(to, filepath.Join(root, "blacklists", link)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(root, "blacklists", "games", "urls")); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestUT1Categories: what a directory is decides; an allow list never blocks unless it is mapped, and links are found.
func TestUT1Categories(t *testing.T) {
	archive := write(t, t.TempDir()+"/blacklists.tar.gz", string(ut1Archive(t)))
	tests := []struct {
		why  string
		s    Source
		want map[string][]string
	}{
		{"categories for all that blocks", Source{Categories: []string{"misinfo"}}, map[string][]string{
			"porn.example": {"misinfo"}, "whole.example": {"misinfo"}, "game.example": {"misinfo"}}},
		{"a mapping by the older name", Source{Map: []Mapping{{From: "porn", To: []string{"adult.porn", "adult.mixed"}}}}, map[string][]string{
			"www.porn.example": {"adult.mixed", "adult.porn"}, "whole.example": {"adult.mixed", "adult.porn"}}},
		{"mapping and the rest", Source{Categories: []string{"misinfo"}, Map: []Mapping{{From: "adult", To: []string{"adult.porn"}}}}, map[string][]string{
			"porn.example": {"adult.porn"}, "whole.example": {"adult.porn"}, "game.example": {"misinfo"}}},
		{"an allow list that is mapped", Source{Map: []Mapping{{From: "child", To: []string{"ok.kids"}}}}, map[string][]string{
			"kids.example": {"ok.kids"}}},
	}
	for origin, path := range map[string]string{"archive": archive, "folder": ut1Folder(t)} {
		for _, tt := range tests {
			t.Run(origin+"/"+tt.why, func(t *testing.T) {
				tt.s.Name, tt.s.Path, tt.s.Format = "ut1", path, UT1
				ix := compile(t, open(t, LibraryConfig{Lists: Config{Sources: []Source{tt.s}}}), taxonomy(t))
				for _, name := range []string{"porn.example", "www.porn.example", "whole.example", "game.example", "kids.example", "bank.example",
					"blog.example", "not.a.list.example", "traversal.example", "absolute.example", "outside.example"} {
					want := tt.want[strings.TrimPrefix(name, "www.")]
					if exact := tt.want[name]; exact != nil || tt.want["www."+name] != nil {
						want = append(exact, tt.want["www."+name]...)
					}
					wantCategories(t, ix, name, want...)
				}
			})
		}
	}
}

func TestUT1Report(t *testing.T) {
	report, err := Parse(strings.NewReader(string(ut1Archive(t))), UT1, Options{}, func(Item) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	want := map[Reason]int{ReasonIP: 1, ReasonURLPath: 1, ReasonRegex: 1, ReasonUnsafePath: 3}
	if diff := cmp.Diff(want, report.Rejected); diff != "" || report.Names != 5 {
		t.Errorf("%d names (-want +got):\n%s", report.Names, diff)
	}
	if got := report.Examples[ReasonURLPath]; got != (Rejection{File: "adult", Line: 1, Text: "blog.example/porn"}) {
		t.Errorf("example %+v", got)
	}
}

// TestUT1MissingDirectory: a mapping that names nothing is a problem that names it, and the rest is in.
func TestUT1MissingDirectory(t *testing.T) {
	config := Config{Sources: []Source{{Name: "ut1", Path: "testdata/ut1", Format: UT1,
		Map: []Mapping{{From: "gambling", To: []string{"money.gambling"}}, {From: "gamblin", To: []string{"money.gambling"}}}}}}
	ix, sum, err := open(t, LibraryConfig{Lists: config}).Compile(context.Background(), taxonomy(t))
	if err != nil || len(sum.Problems) != 1 || !strings.Contains(sum.Problems[0].Why, "gamblin:") {
		t.Errorf("%v, %v", sum.Problems, err)
	}
	wantCategories(t, ix, "casino.example", "money.gambling")
}

// TestUT1Bounds: what an archive decompresses to is bounded, inside its members too.
func TestUT1Bounds(t *testing.T) {
	big := tarOf(t, tarFile{name: "blacklists/adult/domains", text: strings.Repeat("porn.example\n", 10_000)})
	for why, archive := range map[string][]byte{
		"plain":         big,
		"packed":        gzipOf(t, big),
		"packed member": tarOf(t, tarFile{name: "blacklists/adult/domains.gz", text: string(gzipOf(t, []byte(strings.Repeat("porn.example\n", 10_000))))}),
	} {
		_, err := Parse(strings.NewReader(string(archive)), UT1, Options{MaxInflated: 50_000}, func(Item) error { return nil })
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", why, err)
		}
	}
}

// TestBomb: a file that decompresses a thousandfold is left before it does.
func TestBomb(t *testing.T) {
	bomb := gzipOf(t, []byte(strings.Repeat("# nothing\n", 2<<20)))
	report, err := Parse(strings.NewReader(string(bomb)), Domains, Options{}, func(Item) error { return nil })
	if !errors.Is(err, ErrTooLarge) || report.Lines > 1<<20 {
		t.Errorf("%v after %d lines", err, report.Lines)
	}
	twice := gzipOf(t, gzipOf(t, []byte("a.example\n")))
	if entries, _ := read(t, Domains, Options{}, string(twice)); len(entries) != 1 {
		t.Errorf("a list packed twice gives %v", entries)
	}
}
