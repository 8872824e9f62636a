package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
)

// wireFault says how a name is not in canonical wire form; "" means that it is.
func wireFault(name blocklists.Name) string {
	if len(name) > 255 {
		return "longer than 255 octets"
	}
	at := 0
	for at < len(name) && name[at] != 0 {
		size := int(name[at])
		if size > 63 || at+1+size >= len(name) {
			return "a label is too long"
		}
		for _, c := range name[at+1 : at+1+size] {
			if 'A' <= c && c <= 'Z' {
				return "a capital letter"
			}
		}
		at += 1 + size
	}
	switch {
	case at != len(name)-1:
		return "the root is not the last octet"
	case at == 0:
		return "the root"
	}
	return ""
}

// fuzzFormat feeds lists of one format, beginning with that of testdata: no panic, and every name emitted is valid and
// the same after a way through its presentation form.
func fuzzFormat(f *testing.F, format Format, files ...string) {
	for _, file := range files {
		seed, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
		for line := range bytes.Lines(seed) {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, list []byte) { checkParse(t, format, list) })
}

func checkParse(t *testing.T, format Format, list []byte) {
	var names, patterns, networks int
	report, _ := Parse(bytes.NewReader(list), format, Options{MaxInflated: 1 << 20}, func(i Item) error {
		if i.Line < 1 || i.Entry.Scope > blocklists.Below {
			t.Fatalf("item %+v", i)
		}
		if i.Pattern != nil || i.Prefix.IsValid() {
			if i.Pattern != nil {
				patterns++
				checkPattern(t, *i.Pattern)
			} else {
				networks++
			}
			if i.Entry.Name != nil || i.Pattern != nil && i.Prefix.IsValid() || i.Prefix.IsValid() && i.Prefix != i.Prefix.Masked() {
				t.Fatalf("item %+v", i)
			}
			return nil
		}
		names++
		if why := wireFault(i.Entry.Name); why != "" {
			t.Fatalf("%x: %s", []byte(i.Entry.Name), why)
		}
		again, err := blocklists.ParseName(i.Entry.Name.String())
		if err != nil || !bytes.Equal(again, i.Entry.Name) {
			t.Fatalf("%s comes back as %s: %v", i.Entry.Name, again, err)
		}
		return nil
	})
	rejected := 0
	for why, n := range report.Rejected {
		rejected += n
		if report.Examples[why].Line == 0 && why != ReasonUnsafePath {
			t.Fatalf("no example of %s", why)
		}
	}
	if report.Names != names || report.Patterns != patterns || report.Prefixes != networks || patterns > maxPatterns {
		t.Fatalf("%+v for %d names, %d patterns, %d networks", report, names, patterns, networks)
	}
	if names == 0 && rejected == 0 && report.Lines > bytes.Count(list, []byte("\n"))+1 && format != UT1 && isPlainText(list) {
		t.Fatalf("%+v for nothing", report)
	}
}

// checkPattern holds what the index asks of a pattern.
func checkPattern(t *testing.T, p blocklists.Pattern) {
	t.Helper()
	if _, err := regexp.Compile(p.Expr); err != nil || len(p.Expr) > blocklists.MaxExpression || p.Expr == "" || p.Except && len(p.Types) == 0 {
		t.Fatalf("pattern %+v: %v", p, err)
	}
}

func isPlainText(list []byte) bool {
	return packingOf(bufio.NewReader(bytes.NewReader(list))) == unpacked
}

func FuzzHosts(f *testing.F)    { fuzzFormat(f, Hosts, "hosts.txt", "hosts-crlf-bom.txt") }
func FuzzDomains(f *testing.F)  { fuzzFormat(f, Domains, "domains.txt") }
func FuzzWildcard(f *testing.F) { fuzzFormat(f, Wildcard, "wildcard.txt") }
func FuzzAdblock(f *testing.F)  { fuzzFormat(f, Adblock, "adblock.txt") }
func FuzzDnsmasq(f *testing.F)  { fuzzFormat(f, Dnsmasq, "dnsmasq.txt") }
func FuzzUnbound(f *testing.F)  { fuzzFormat(f, Unbound, "unbound.txt") }
func FuzzRPZ(f *testing.F)      { fuzzFormat(f, RPZ, "rpz.txt") }
func FuzzV2fly(f *testing.F)    { fuzzFormat(f, V2fly, "v2fly/casino", "v2fly/bets") }
func FuzzAuto(f *testing.F) {
	fuzzFormat(f, Auto, "hosts.txt", "domains.txt", "wildcard.txt", "adblock.txt", "dnsmasq.txt", "unbound.txt", "rpz.txt", "v2fly/casino")
}

func FuzzUT1(f *testing.F) {
	f.Add(tarOf(f, tarFile{name: "blacklists/gambling/domains", text: "casino.example\n192.0.2.1\n"},
		tarFile{name: "blacklists/gambling/usage", text: "black\n"},
		tarFile{name: "blacklists/gambling/urls", text: "a.example/x\nb.example/\n"}, tarFile{name: "blacklists/porn", link: "adult"}))
	f.Add(gzipOf(f, tarOf(f, tarFile{name: "../../etc/domains", text: "a.example\n"})))
	f.Fuzz(func(t *testing.T, list []byte) {
		checkParse(t, UT1, list)
		_, _ = surveyTar(bytes.NewReader(list), 1<<20) // no panic is what is asked
	})
}

// FuzzNormalise: what comes out is canonical, and normal already.
func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"Porn.Example.", "bücher.example", `a\.b.example`, "http://a.example:80/", "1.2.3.4", "faß。example", "xn--a.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, why := Normalise(text)
		if (name == nil) == (why == "") || why == reasonOdd {
			t.Fatalf("%q gives %v and %q", text, name, why)
		}
		if name == nil {
			return
		}
		if fault := wireFault(name); fault != "" {
			t.Fatalf("%q gives %x: %s", text, []byte(name), fault)
		}
		if again, why := Normalise(name.String()); !bytes.Equal(again, name) {
			t.Fatalf("%q gives %s, and that %s, %s", text, name, again, why)
		}
	})
}

// tarFile is a member of an archive in tests; link makes it a symbolic link, size makes it lie about its size.
type tarFile struct{ name, text, link string }

func tarOf(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if f.link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipOf(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
