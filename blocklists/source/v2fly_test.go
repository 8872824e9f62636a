package source

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// v2flyFolder lays out a small list.
func v2flyFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"top":    "top.example\nads.top.example @ads\ncn.top.example @cn @ads\ninclude:part\ninclude:part-ads @ads\ninclude:Rest @-cn @-!cn\n",
		"part":   "part.example\nads.part.example @ads\n",
		"rest":   "rest.example\ncn.rest.example @cn\nnot.rest.example @!cn\nboth.rest.example @ads @x\n",
		"ring":   "ring.example\ninclude:ring-b\n",
		"ring-b": "b.ring.example\ninclude:ring\n",
		// what part-ads includes is taken by both selections
		"part-ads": "include:part\ninclude:rest @x\n",
	} {
		write(t, filepath.Join(folder, name), text)
	}
	return folder
}

// TestV2flySelection: attributes select lines, those of an include hold for all that it brings.
func TestV2flySelection(t *testing.T) {
	folder := v2flyFolder(t)
	tests := []struct {
		attributes []string
		want       string
	}{
		{nil, "top ads.top cn.top part ads.part ads.part both.rest rest both.rest"},
		{[]string{"ads"}, "ads.top cn.top ads.part ads.part both.rest both.rest"},
		{[]string{"-ads"}, "top part rest"},
		{[]string{"ads", "-cn"}, "ads.top ads.part ads.part both.rest both.rest"},
		{[]string{"cn", "x"}, "cn.top both.rest both.rest"},
		{[]string{"none"}, ""},
	}
	for _, tt := range tests {
		var got []string
		report, err := ParsePath(filepath.Join(folder, "top"), V2fly, Options{Attributes: tt.attributes}, func(i Item) error {
			got = append(got, strings.TrimSuffix(i.Entry.Name.String(), ".example"))
			return nil
		})
		if err != nil || strings.Join(got, " ") != tt.want || len(report.Rejected) > 0 {
			t.Errorf("%q gives %q, %v, %v; want %q", tt.attributes, got, report.Rejected, err, tt.want)
		}
	}
}

// TestV2flyIncludes: what includes itself, is not there, or lies outside of the folder is counted and named; a folder is
// read whole, each file once.
func TestV2flyIncludes(t *testing.T) {
	folder := v2flyFolder(t)
	report, err := ParsePath(filepath.Join(folder, "ring"), V2fly, Options{}, func(Item) error { return nil })
	if err != nil || report.Names != 2 || report.Rejected[ReasonCycle] != 1 ||
		report.Examples[ReasonCycle] != (Rejection{File: "ring-b", Line: 2, Text: "include:ring"}) {
		t.Errorf("a ring: %+v, %v", report, err)
	}
	if got := items(t, folder, V2fly); len(got) != 3+2+4+1+1 || !slices.Contains(got, "cn.rest.example subtree") {
		t.Errorf("the folder: %q", got)
	}
	outside := write(t, filepath.Join(t.TempDir(), "secret"), "secret.example\n")
	if err := os.Symlink(outside, filepath.Join(folder, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	write(t, filepath.Join(folder, "out"), "include:link\ninclude:../secret\ninclude:nowhere\ninclude:"+outside+"\n")
	report, err = ParsePath(filepath.Join(folder, "out"), V2fly, Options{}, func(Item) error { return nil })
	if err != nil || report.Names != 0 || report.Rejected[ReasonMissing] != 4 {
		t.Errorf("outside: %+v, %v", report, err)
	}
}

// TestV2flyBounds: files that include one another in every way are each read once, and all together count against the
// limit of the list.
func TestV2flyBounds(t *testing.T) {
	folder := t.TempDir()
	for _, name := range strings.Split("abcdefghijklmno", "") {
		text := strings.Repeat("# nothing\n", 1000)
		for next := name[0] + 1; next <= 'o'; next++ {
			text += "include:" + string(next) + "\n"
		}
		write(t, filepath.Join(folder, name), text+name+".example\n")
	}
	path := filepath.Join(folder, "a")
	report, err := ParsePath(path, V2fly, Options{}, func(Item) error { return nil })
	if err != nil || report.Names != 15 {
		t.Errorf("%d names of 15 files: %v", report.Names, err)
	}
	if _, err := ParsePath(path, V2fly, Options{MaxInflated: 100_000}, func(Item) error { return nil }); !errors.Is(err, ErrTooLarge) {
		t.Errorf("150,000 bytes of a limit of 100,000: %v", err)
	}
	stop := errors.New("stop")
	if _, err := ParsePath(path, V2fly, Options{}, func(Item) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("an error of emit comes back as %v", err)
	}
}
