package source

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared returns the path of a file of the shared data, or skips the test where it is absent.
func shared(t testing.TB, parts ...string) string {
	t.Helper()
	root := os.Getenv("HEARTH_SHARED")
	if root == "" {
		root = filepath.Join(moduleRoot(t), "..", "shared")
	}
	path := filepath.Join(append([]string{root, "data"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared data at %s: set HEARTH_SHARED to the folder that has it", path)
	}
	return path
}

func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}

// wildLine is a line of a published list with the reading of an independent parser.
type wildLine struct {
	Line     string
	Format   string
	Feature  string
	Expected []wildReading
}

type wildReading struct {
	Kind    string // block, allow, comment, empty, cosmetic, regex, other, include
	Host    string
	Problem string // single, badlabel, ip, numtld, local
	Flags   []string
}

// said is the independent reading in our words: "block x", "allow x", a reason, or nothing.
func (r wildReading) said() string {
	switch {
	case r.Kind == "comment" || r.Kind == "empty":
		return ""
	case r.Kind == "include":
		return string(ReasonMissing) // a line alone has no folder to look in
	case r.Kind != "block" && r.Kind != "allow":
		return r.Kind
	case r.Problem != "":
		return string(map[string]Reason{"single": ReasonSingleLabel, "badlabel": ReasonBadLabel, "ip": ReasonIP}[r.Problem]) +
			map[string]string{"numtld": "numtld", "local": "local"}[r.Problem]
	}
	return r.Kind + " " + r.Host
}

// disagreement is a class of lines that this package reads otherwise, with the reason.
type disagreement struct {
	why   string
	is    func(w wildLine, said, ours string) bool
	lines int // how many of the shared lines are in it, counted with another tool: none may join unseen
}

func disagreements() []disagreement {
	one := func(format, said, ours string) func(wildLine, string, string) bool {
		return func(w wildLine, s, o string) bool {
			return (format == "" || w.Format == format) && strings.HasPrefix(s, said) && o == ours
		}
	}
	return []disagreement{
		{"a page of a host is no reason to block the host: UT1's urls files name pages of tumblr and amazon",
			func(w wildLine, s, o string) bool {
				return w.Format != "hosts" && strings.HasPrefix(s, "block ") && o == "url-path"
			}, 57},
		{"in hosts and plain files # begins a comment however often it is repeated: hosts(5)",
			func(w wildLine, s, o string) bool { return w.Format != "adblock" && s == "cosmetic" && o == "" }, 14},
		{"in v2fly's files too: what follows # is a comment, and they read an empty name",
			one("v2fly", "block ", ""), 12},
		{"the names that a hosts file gives to the machine itself are no mistake to count",
			func(w wildLine, s, o string) bool {
				return w.Format == "hosts" && (s == "single-label" || s == "local") && o == "" &&
					isLocalName([]byte(strings.Fields(w.Line)[1]))
			}, 25},
		{"an address with a path or a length behind it is an address: the reason says more than \"other\"",
			one("plain", "other", "ip"), 8},
		{"no top-level domain is a number (WHATWG URL, \"ends in a number\")",
			one("hosts", "numtld", "bad-label"), 1},
		{"a regular expression with a flag is one",
			one("adblock", "other", "regex"), 1},
		{"$ehide says not to hide elements: reading it as \"allow\" would lift a block that its author did not mean",
			one("adblock", "allow ", "modifier"), 2},
	}
}

// TestWildLines compares every odd line of the shared data with the independent reading.
func TestWildLines(t *testing.T) {
	lines := readWildLines(t, shared(t, "wild", "wild-lines.jsonl.gz"))
	formats := map[string]Format{"plain": Domains, "hosts": Hosts, "adblock": Adblock, "dnsmasq": Dnsmasq, "v2fly": V2fly}
	classes := disagreements()
	counts := make([]int, len(classes))
	compared := 0
	for _, w := range lines {
		format, ok := formats[w.Format]
		if !ok {
			continue
		}
		compared++
		said, ours := theirReading(w), ourReading(t, format, w.Line)
		if said == ours {
			continue
		}
		at := slices.IndexFunc(classes, func(d disagreement) bool { return d.is(w, said, ours) })
		if at < 0 {
			t.Errorf("%s %q: they read %q, we read %q", w.Format, w.Line, said, ours)
			continue
		}
		counts[at]++
	}
	for i, d := range classes {
		if counts[i] != d.lines {
			t.Errorf("%d lines disagree, %d were argued about: %s", counts[i], d.lines, d.why)
		}
	}
	t.Logf("%d of %d lines compared", compared, len(lines))
}

func readWildLines(t *testing.T, path string) []wildLine {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []wildLine
	scan := bufio.NewScanner(plain)
	for scan.Scan() {
		var w wildLine
		if err := json.Unmarshal(scan.Bytes(), &w); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, w)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

func theirReading(w wildLine) string {
	var said []string
	for _, r := range w.Expected {
		if s := r.said(); s != "" {
			said = append(said, s)
		}
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}

func ourReading(t *testing.T, f Format, line string) string {
	t.Helper()
	var ours []string
	report, err := Parse(strings.NewReader(line+"\n"), f, Options{}, func(i Item) error {
		if i.Pattern != nil {
			ours = append(ours, "regex")
			return nil
		}
		verb := "block "
		if i.Entry.Exception {
			verb = "allow "
		}
		ours = append(ours, verb+i.Entry.Name.String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for why, n := range report.Rejected {
		ours = append(ours, slices.Repeat([]string{string(why)}, n)...)
	}
	slices.Sort(ours)
	return strings.Join(ours, ", ")
}

// wildFile is a published list and what it holds.
type wildFile struct {
	file     string
	format   Format
	names    int
	rejected map[Reason]int
	patterns int
	networks int
}

// TestWildFiles reads the published lists whole. The counts of names are those of the lists' own headers ("Entries:") or
// were taken with other tools (one name a line, less what the reasons say).
func TestWildFiles(t *testing.T) {
	tests := []wildFile{
		{"adblock-blp-drugs.txt.gz", Adblock, 26029, nil, 0, 0},
		{"adblock-cosmetic-hugeai.txt.gz", Adblock, 0, map[Reason]int{ReasonCosmetic: 3332, ReasonModifier: 1}, 0, 0},
		{"dnsmasq-blp-drugs.conf.gz", Dnsmasq, 26029, nil, 0, 0},
		{"hosts-blp-drugs.txt.gz", Hosts, 26029, nil, 0, 0},
		{"hosts-blp-tiktok.txt.gz", Hosts, 3725, nil, 0, 0},
		{"hosts-crlf-hugeai.txt.gz", Hosts, 2220, nil, 0, 0},
		{"hosts-sinfonietta-snuff.txt.gz", Hosts, 23, nil, 0, 0},
		{"hosts-sinfonietta-social.txt.gz", Hosts, 3244, map[Reason]int{ReasonSingleLabel: 1}, 0, 0},
		{"plain-blp-drugs.txt.gz", Domains, 26029, nil, 0, 0},
		{"plain-shadowwhisperer-risk-banners.txt.gz", Domains, 1272,
			map[Reason]int{ReasonBadLabel: 2, ReasonSingleLabel: 2, ReasonPublicSuffix: 9}, 0, 0},
		{"plain-shadowwhisperer-shock.txt.gz", Domains, 98, nil, 0, 0},
		{"plain-shadowwhisperer-top-level.txt.gz", Domains, 1, map[Reason]int{ReasonSingleLabel: 1299, ReasonPublicSuffix: 1}, 0, 0},
		{"plain-shadowwhisperer-wild_chat.txt.gz", Domains, 396, map[Reason]int{ReasonPublicSuffix: 1}, 0, 0},
		{"rpz-generated-piracy.txt.gz", RPZ, 13168, map[Reason]int{ReasonAction: 2, ReasonTrigger: 3}, 0, 1},
		{"squidguard-ut1-adult-urls.txt.gz", Domains, 6, map[Reason]int{ReasonURLPath: 1082, ReasonIP: 2}, 0, 0},
		{"v2fly-category-ai-not-cn.txt.gz", V2fly, 51, map[Reason]int{ReasonMissing: 20}, 0, 0},
		{"v2fly-category-porn.txt.gz", V2fly, 4756, map[Reason]int{ReasonMissing: 71, ReasonSingleLabel: 2, ReasonPublicSuffix: 1}, 137, 0},
		{"v2fly-google.txt.gz", V2fly, 624, map[Reason]int{ReasonMissing: 18, ReasonSingleLabel: 12, ReasonPublicSuffix: 8}, 0, 0},
	}
	entries, err := os.ReadDir(shared(t, "wild"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		known := slices.ContainsFunc(tests, func(tt wildFile) bool { return tt.file == entry.Name() })
		if !known && entry.Name() != "wild-lines.jsonl.gz" {
			t.Errorf("%s is read by no test", entry.Name())
		}
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			report, err := ParsePath(shared(t, "wild", tt.file), tt.format, Options{}, func(Item) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if report.Names != tt.names || report.Patterns != tt.patterns || report.Prefixes != tt.networks ||
				!maps.Equal(report.Rejected, tt.rejected) {
				t.Errorf("%d names, %d patterns, %d networks, rejected %v (first %v); want %d, %d, %d, %v", report.Names, report.Patterns,
					report.Prefixes, report.Rejected, report.Examples, tt.names, tt.patterns, tt.networks, tt.rejected)
			}
		})
	}
}
