package source

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	many := func(line string, n int) string { return strings.Repeat(line+"\n", n) }
	tests := []struct {
		why, list string
		want      Format
		lines     int
	}{
		{"hosts", "# head\n0.0.0.0 a.example\n127.0.0.1 b.example c.example # why\n", Hosts, 2},
		{"hosts with a few bare names", many("0.0.0.0 a.example", 9) + "b.example\n", Hosts, 10},
		{"names", "! head\na.example\n.b.example\nbücher.example # why\n192.0.2.1\n", Domains, 4},
		{"wildcards", "*.a.example\nb.example\n", Wildcard, 2},
		{"adblock", "[Adblock Plus]\n! head\n||a.example^\n@@||b.example^$important\n|c.example^\nd.example\n0.0.0.0 e.example\n", Adblock, 5},
		{"cosmetic rules", "a.example##.ad\nb.example#@#.ad\n##.ad\n", Adblock, 3},
		{"expressions", `/^ads[0-9]+\.example$/` + "\n||a.example^\n", Adblock, 2},
		{"dnsmasq", "# head\nserver=/a.example/\naddress=/b.example/0.0.0.0\n--local=/c.example/\n", Dnsmasq, 3},
		{"unbound", "server:\nlocal-zone: \"a.example\" static\n  local-data: \"b.example A 0.0.0.0\"\n", Unbound, 3},
		{"a policy zone", "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n  NS a.\n; head\na.example CNAME .\n*.a.example 60 IN CNAME .\nb.example A 192.0.2.1\n", RPZ, 6},
		{"v2fly", "# head\ninclude:other\nfull:www.a.example @ads\nb.example @cn &c\nd.example\n", V2fly, 4},
		{"v2fly expressions", "regexp:^a\\.example$\nkeyword:ads\na.example\n", V2fly, 3},
		{"a byte order mark and CRLF", "\ufeff0.0.0.0 a.example\r\n0.0.0.0 b.example\r\n", Hosts, 2},
		{"a fifth that fits nothing", many("a.example", 8) + many("what is this", 2), Domains, 10},
		{"the first 500 lines", many("0.0.0.0 a.example", maxSample) + many("||b.example^", maxSample), Hosts, maxSample},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			d, err := Detect(strings.NewReader(tt.list), 0)
			if err != nil || d.Format != tt.want || d.Lines != tt.lines || d.Fits[tt.want] == 0 {
				t.Errorf("%v, %v; want %s of %d lines", d, err, tt.want, tt.lines)
			}
			if !strings.HasPrefix(d.String(), string(tt.want)+": ") {
				t.Errorf("it says %q", d)
			}
		})
	}
}

// TestDetectDoubt: what cannot be told is an error that says what to write.
func TestDetectDoubt(t *testing.T) {
	for why, c := range map[string]struct{ list, want string }{
		"half and half":   {"0.0.0.0 a.example\nlocal=/b.example/\n", "1 fit hosts, 1 fit dnsmasq; write hosts or dnsmasq as its format"},
		"pages of hosts":  {"a.example/page\nb.example/page\n", "none of its first 2 lines fits a format"},
		"a web page":      {"<html>\n<body>\n</body>\n", "none of its first 3 lines"},
		"comments":        {"# nothing\n! nothing\n", "no line but comments; write one of hosts, domains"},
		"nothing":         {"", "no line but comments"},
		"a foreign tar":   {string(tarOf(t, tarFile{name: "data/list.txt", text: "a.example\n"})), "unpack it"},
		"a torn archive":  {string(tarOf(t, tarFile{name: "README", text: "a.example\n"}))[:512], "unpack it"},
		"a text of words": {"one two three\nfour five six\n", "none of its first 2 lines"},
	} {
		t.Run(why, func(t *testing.T) {
			report, err := Parse(strings.NewReader(c.list), Auto, Options{}, func(Item) error { return nil })
			var doubt *DetectError
			if !errors.As(err, &doubt) || !strings.Contains(err.Error(), c.want) || report.Detection == nil || report.Detection.Format != "" {
				t.Errorf("%v, %+v; want words with %q", err, report.Detection, c.want)
			}
		})
	}
}

// TestAutoReads: with Auto, and with no format at all, every list of testdata gives what it gives with its format, from
// a file, packed and in a folder.
func TestAutoReads(t *testing.T) {
	for file, format := range map[string]Format{
		"hosts.txt": Hosts, "hosts-crlf-bom.txt": Hosts, "wildcard.txt": Wildcard, "unbound.txt": Unbound,
		"adblock.txt": Adblock, "dnsmasq.txt": Dnsmasq, "rpz.txt": RPZ, "v2fly/casino": V2fly, "v2fly": V2fly, "ut1": UT1,
	} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join("testdata", file)
			want := items(t, path, format)
			for _, auto := range []Format{Auto, ""} {
				if got := items(t, path, auto); len(want) == 0 || !slices.Equal(got, want) {
					t.Errorf("%q reads %q, want %q", auto, got, want)
				}
			}
			if d, err := DetectPath(path, 0); err != nil || d.Format != format {
				t.Errorf("%v, %v; want %s", d, err, format)
			}
			text, err := os.ReadFile(path)
			if err != nil || format == V2fly {
				return // a folder; a file that includes others of its folder
			}
			folder := t.TempDir()
			write(t, filepath.Join(folder, "list"), string(gzipOf(t, text)))
			if got := items(t, folder, Auto); len(got) != len(want) {
				t.Errorf("in a folder: %q", got)
			}
		})
	}
}

func items(t *testing.T, path string, f Format) []string {
	t.Helper()
	var got []string
	report, err := ParsePath(path, f, Options{}, func(i Item) error { got = append(got, spell(i)); return nil })
	if err != nil || report.Statements() != len(got) {
		t.Fatalf("%v, %+v", err, report)
	}
	return got
}

// TestAutoUT1: a source without a format that turns out to be a UT1 list blocks nothing that the list means to allow.
func TestAutoUT1(t *testing.T) {
	archive := write(t, t.TempDir()+"/blacklists.tar.gz", string(ut1Archive(t)))
	for _, path := range []string{archive, ut1Folder(t)} {
		source := Source{Name: "ut1", Path: path, Categories: []string{"misinfo"}}
		ix := compile(t, open(t, LibraryConfig{Lists: Config{Sources: []Source{source}}}), taxonomy(t))
		wantCategories(t, ix, "porn.example", "misinfo")
		wantCategories(t, ix, "kids.example")
	}
}

// TestDetectWild: the shared lists are taken for what they are.
func TestDetectWild(t *testing.T) {
	entries, err := os.ReadDir(shared(t, "wild"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]Format{"adblock": Adblock, "dnsmasq": Dnsmasq, "hosts": Hosts, "plain": Domains, "rpz": RPZ, "v2fly": V2fly}
	seen := map[Format]bool{}
	for _, entry := range entries {
		kind, _, _ := strings.Cut(entry.Name(), "-")
		want, known := kinds[kind]
		d, err := DetectPath(shared(t, "wild", entry.Name()), 0)
		if !known { // pages of hosts; lines of JSON
			if err == nil {
				t.Errorf("%s is taken for %v", entry.Name(), d)
			}
			continue
		}
		seen[want] = true
		if err != nil || d.Format != want {
			t.Errorf("%s: %v, %v; want %s", entry.Name(), d, err, want)
		}
	}
	if len(seen) != len(kinds) {
		t.Errorf("only %v were seen", slices.Sorted(maps.Keys(seen)))
	}
	if d, err := DetectPath(shared(t, "ut1"), 0); err != nil || d.Format != UT1 {
		t.Errorf("ut1: %v, %v", d, err)
	}
	if d, err := DetectPath(shared(t, "categories"), 0); err != nil || d.Format != Domains {
		t.Errorf("categories: %v, %v", d, err)
	}
}
