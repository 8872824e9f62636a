//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestScanList(t *testing.T) {
	got, err := scanList(strings.NewReader("# a list\nOne.Example. # a comment\nlocalhost\n192.0.2.1\nbad_.example\n\n-x.example\nxn--p1ai.example\ntwo.example\n"))
	if want := []string{"one.example", "xn--p1ai.example", "two.example"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v (%v), want %v", got, err, want)
	}
}

// TestMadeUpNames holds that the names of a list are different, that none covers
// another, and that each is one.
func TestMadeUpNames(t *testing.T) {
	var all []string
	for i := range uint64(50_000) {
		all = append(all, madeUp(i))
	}
	listed := newSet(all)
	if len(listed) != len(all) {
		t.Errorf("%d names, want %d", len(listed), len(all))
	}
	deep := 0
	for _, name := range all {
		if _, parent, _ := strings.Cut(name, "."); listed.covers(parent) {
			t.Fatalf("%s lies beneath another name", name)
		}
		if _, ok := dns.IsDomainName(name); !ok || strings.HasSuffix(name, ".net") {
			t.Fatalf("%q is no name, or one of those that are allowed", name)
		}
		if strings.Count(name, ".") > 1 {
			deep++
		}
	}
	if deep < len(all)/4 || deep > len(all)/2 {
		t.Errorf("%d of %d names have three labels or more", deep, len(all))
	}
}

func write(t *testing.T, path, text string, pack bool) {
	t.Helper()
	var b bytes.Buffer
	if b.WriteString(text); pack {
		b.Reset()
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestReadLists holds that what one list allows is on no list, and that nothing
// above it is asked for.
func TestReadLists(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "adult.txt.gz"), "bad.example\nmixed.example\nallowed.example\n", true)
	write(t, filepath.Join(dir, "url_shorteners.txt"), "bad.example\nother.example\nwww.allowed.example\n", false)
	write(t, filepath.Join(dir, "allow_child.txt"), "allowed.example\ngood.mixed.example\n", false)
	n, err := readLists(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"bad.example", "mixed.example", "other.example"}; !slices.Equal(n.listed, want) {
		t.Errorf("lists %v, want %v", n.listed, want)
	}
	if want := []string{"bad.example", "other.example"}; !slices.Equal(n.blocked, want) {
		t.Errorf("asks for %v, want %v", n.blocked, want)
	}
	want := []source{
		{"adult", filepath.Join(dir, "adult.txt.gz"), "adult.porn"}, {"allow-child", filepath.Join(dir, "allow_child.txt"), "ok.kids"},
		{"url-shorteners", filepath.Join(dir, "url_shorteners.txt"), "list.url-shorteners"},
	}
	if !slices.Equal(n.sources, want) {
		t.Errorf("sources %v, want %v", n.sources, want)
	}
	if got := newSource("/d/fun.video.txt").category; got != "fun.video" {
		t.Errorf("a file named after a category is loaded as %s", got)
	}
}

// TestAllowedNamesAreOnNoList holds it for lists that would cover them.
func TestAllowedNamesAreOnNoList(t *testing.T) {
	n, err := newNames(plan{names: 10, hits: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, parent, _ := strings.Cut(n.allowed[0], ".")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "adult.txt"), "a.example\nb.example\n"+parent+"\n"+n.allowed[1]+"\n", false)
	if n, err = newNames(plan{lists: dir, hits: 1}); err != nil {
		t.Fatal(err)
	}
	listed := newSet(n.listed)
	if len(n.allowed) != universe || slices.ContainsFunc(n.allowed, listed.covers) {
		t.Error("a name that is on the list is asked for as an allowed one")
	}
}

// TestHearthBlocksEverySource holds that the profile blocks what no band does by
// itself, says nothing of what it may not change, and defines what is not hearth's.
func TestHearthBlocksEverySource(t *testing.T) {
	p := place{addr: netip.MustParseAddrPort("127.0.0.1:5301"), upstream: netip.MustParseAddrPort("127.0.0.1:5302"), dir: "/d", keep: "/k", list: "/k/list"}
	sources := []source{{"games", "/games", "fun.games"}, {"more", "/more", "fun.games"}, {"kids", "/kids", "ok.kids"}, {"bad", "/bad", "sec.malware"}, {"news", "/news", "list.news"}}
	text := hearthConfig(p, sources, benchHousehold)
	for line, want := range map[string]int{
		"      - {id: fun.games, action: block}\n": 1, "      - {id: list.news, action: block}\n": 1, "  - {id: list.news, group: ads, title: news}\n": 1,
		"{id: ok.kids": 0, "{id: sec.malware": 0, "categories: [ok.kids]": 1, "path: \"/more\"": 1, "/k/list": 0,
	} {
		if got := strings.Count(text, line); got != want {
			t.Errorf("%d times %q, want %d, in\n%s", got, line, want, text)
		}
	}
}
