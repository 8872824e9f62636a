package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
)

// TestReference reads every real list a second time, naively, and compares counts, and the verdicts of 20,000 names:
// those of the index that the built program compiles, and those of a running server.
func TestReference(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	all := readAll(t, dir)
	t.Run("counts", func(t *testing.T) { countsAgree(t, all) })
	t.Run("detection", func(t *testing.T) { detectionAgrees(t, all) })
	t.Run("look-ups", func(t *testing.T) {
		s := &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), log: &lockedBuffer{}}
		s.config = filepath.Join(s.dir, "hearth.yaml")
		read := slices.DeleteFunc(slices.Clone(all), func(a alone) bool { return a.category == "" })
		referenceConfig(t, s, read)
		s.compileAndAccept()
		ix, err := blocklists.OpenIndex(filepath.Join(s.state(), "lists", "index.hix"))
		if err != nil {
			t.Fatal(err)
		}
		asked := makeLookups(t, dir, all)
		for i, l := range asked {
			asked[i].lists = verdict(read, l.name)
		}
		indexAgrees(t, ix, asked)
		s.start()
		s.serverAgrees(read, asked)
		s.explainAgrees(read, asked)
	})
}

// compileAndAccept compiles the lists, and accepts those that are held back because they hit names of systems that
// everybody uses: they do, and the test is about what they say.
func (s *server) compileAndAccept() {
	s.t.Helper()
	out, _ := s.hearth("lists", "compile", "--config", s.config)
	for _, name := range heldBack {
		if !strings.Contains(out, "held back: list "+name+":") {
			s.t.Errorf("lists compile does not hold %s back:\n%s", name, out)
		}
		if out, code := s.hearth("lists", "accept", "--config", s.config, name); code != 0 {
			s.t.Errorf("lists accept %s: exit %d\n%s", name, code, out)
		}
	}
	if n := strings.Count(out, "held back: list "); n != len(heldBack) {
		s.t.Errorf("%d lists are held back, want %d:\n%s", n, len(heldBack), out)
	}
}

// heldBack are the lists that have push services, certificate authorities, update servers or captive portals in them.
var heldBack = []string{"c-ads_trackers", "w-v2fly-google", "services"}

// referenceConfig writes a configuration with every list, and four devices with another part of them blocked each.
func referenceConfig(t *testing.T, s *server, all []alone) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
listen: [{addresses: ["%s"]}]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: ["%s"]}
resolve: {upstreams: ["%s"]}
metrics: {listen: "%s"}
lists:
  starter: false
  sources:
`, s.dns, s.http, newUpstream(t).addr, s.metrics)
	device, folders := make(map[string]int), ""
	for _, a := range all {
		switch {
		case a.format != "ut1":
			fmt.Fprintf(&b, "    - {name: %s, path: %q, format: %s, categories: [%s], public_suffixes: %v}\n", a.name, a.path, a.format, a.category, a.options.PublicSuffixes)
		case folders == "":
			folders = fmt.Sprintf("    - name: ut1\n      path: %q\n      format: ut1\n      categories: [data.rest]\n      map:\n", a.path)
			fallthrough
		case !slices.Contains(unmapped, a.name):
			folders += fmt.Sprintf("        - {from: %s, to: [%s]}\n", a.name, a.category)
		}
		device[a.category] = a.device
	}
	b.WriteString(folders + "categories:\n")
	categories := slices.DeleteFunc(slices.Sorted(maps.Keys(device)), func(c string) bool { return device[c] == allowing })
	for _, c := range categories {
		fmt.Fprintf(&b, "  - {id: %s, group: ads}\n", c)
	}
	b.WriteString("profiles:\n")
	for d := range allowing {
		fmt.Fprintf(&b, "  - name: quarter%d\n    band: adult\n    categories:\n", d)
		for _, c := range categories {
			fmt.Fprintf(&b, "      - {id: %s, action: %s}\n", c, map[bool]string{true: "block", false: "allow"}[device[c] == d])
		}
	}
	b.WriteString("households:\n  - id: real\n    consent: {by: parents, at: 2026-01-01}\n    networks: [127.0.0.0/8]\n    members:\n")
	for d := range allowing {
		fmt.Fprintf(&b, "      - {name: M%[1]d, profile: quarter%[1]d}\n", d)
	}
	b.WriteString("    devices:\n")
	for d := range allowing {
		fmt.Fprintf(&b, "      - {name: d%[1]d, addresses: [127.0.0.%[2]d], member: M%[1]d}\n", d, d+2)
	}
	s.write(b.String())
}

// lookup is a name as somebody types it, and as it is in lower case and A-labels.
type lookup struct {
	kind, text, name string
	lists            []string // the categories of the lists that have it, sorted
}

// howMany of each kind are asked: 20,000 together.
var howMany = []struct {
	kind string
	n    int
}{
	{"exact", 3500}, {"beneath", 2900}, {"pattern", 500}, {"allowed", 100}, {"glued before", 1500}, {"glued behind", 1500}, {"letter", 1500}, {"hyphen", 1500},
	{"parent", 2000}, {"mixed case", 2000}, {"U-labels", 500}, {"A-labels", 500}, {"popular", 2000},
}

// makeLookups makes names of the lists, always the same ones.
func makeLookups(t *testing.T, dir string, all []alone) []lookup {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 20000)) //nolint:gosec // the same names in every run
	var idn, popular, sized, allowed, patterns []string
	for _, l := range all {
		sized = append(sized, l.reading.names...)
		for _, n := range l.reading.names {
			if strings.Contains(n, "xn--") {
				idn = append(idn, n)
			}
			if l.reading.marks[n]&allowTree != 0 {
				allowed = append(allowed, n, "www."+n, "www"+n, strings.SplitN(n, ".", 2)[1])
			}
		}
		for _, p := range l.reading.patterns {
			patterns = append(patterns, p.String())
		}
	}
	for n := range lines(t, filepath.Join(dir, "top.txt.gz")) {
		popular = append(popular, n)
	}
	var out []lookup
	for _, want := range howMany {
		for n := 0; n < want.n; {
			from := sized // as many of a list as it has names, or as many of each list
			if l := all[r.IntN(len(all))]; n%2 == 0 && len(l.reading.names) > 0 {
				from = l.reading.names
			}
			switch want.kind {
			case "U-labels", "A-labels":
				from = idn
			case "popular":
				from = popular
			case "allowed":
				from = allowed
			case "pattern":
				from = patterns
			}
			if l, ok := vary(r, want.kind, from[r.IntN(len(from))]); ok {
				out = append(out, l)
				n++
			}
		}
	}
	return out
}

// vary makes a look-up from a listed name; ok is false where the name is not fit for that.
func vary(r *rand.Rand, kind, listed string) (l lookup, ok bool) {
	if kind == "pattern" {
		listed = matching(r, listed)
	}
	name, letter := listed, string(rune('a'+r.IntN(26)))
	at := r.IntN(max(len(listed), 1))
	switch kind {
	case "beneath":
		name = []string{"www.", letter + ".", "a.b.c." + letter + ".", "_dns." + letter + "1."}[r.IntN(4)] + listed
	case "glued before":
		name = []string{"not", letter, "www-", "_"}[r.IntN(4)] + listed
	case "glued behind":
		name = listed + []string{letter, "-" + letter, "." + letter + "vil", ".com"}[r.IntN(4)]
	case "letter":
		name = listed[:at] + letter + listed[at+1:]
	case "hyphen": // a dot for a hyphen or a hyphen for a dot
		at = max(strings.IndexByte(listed, '.'), 0)
		name = listed[:at] + "-" + listed[at+1:]
		if dashed := strings.IndexByte(listed, '-'); dashed > 0 && r.IntN(2) == 0 {
			name = listed[:dashed] + "." + listed[dashed+1:]
		}
	case "parent":
		_, name, _ = strings.Cut(listed, ".")
	}
	l = lookup{kind: kind, text: name, name: name}
	switch kind {
	case "mixed case":
		l.text = strings.Map(func(c rune) rune {
			if r.IntN(2) == 0 {
				return unicode.ToUpper(c)
			}
			return c
		}, name)
	case "A-labels":
		l.text = strings.ReplaceAll(name, "xn--", []string{"xn--", "XN--", "Xn--"}[r.IntN(3)])
	case "U-labels":
		l.text = unicodeName(name)
	}
	return l, l.text != "" && isName(name)
}

// matching makes a name that an expression matches, or nearly does.
func matching(r *rand.Rand, expr string) string {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return ""
	}
	name := sample(r, parsed.Simplify())
	switch at := r.IntN(max(len(name), 1)); r.IntN(4) {
	case 0:
		return "www." + name
	case 1:
		return name[:at] + string(rune('a'+r.IntN(26))) + name[min(at+1, len(name)):]
	}
	return name
}

func sample(r *rand.Rand, e *syntax.Regexp) (out string) {
	switch e.Op {
	case syntax.OpLiteral:
		return string(e.Rune)
	case syntax.OpCharClass:
		at := 2 * r.IntN(len(e.Rune)/2)
		return string(e.Rune[at] + rune(r.IntN(int(min(e.Rune[at+1]-e.Rune[at], 26)+1))))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpAlternate:
		return sample(r, e.Sub[r.IntN(len(e.Sub))])
	case syntax.OpQuest, syntax.OpStar, syntax.OpPlus:
		for range r.IntN(2) + map[bool]int{true: 1}[e.Op == syntax.OpPlus] {
			out += sample(r, e.Sub[0])
		}
		return out
	default:
		for _, sub := range e.Sub {
			out += sample(r, sub)
		}
		return out
	}
}

// unicodeName spells a name in Unicode; "" where it has letters that UTS 46 maps to others or does not have.
func unicodeName(name string) string {
	labels := strings.Split(name, ".")
	for i, l := range labels {
		labels[i] = fromPunycode(l)
		plain := func(c rune) bool {
			return unicode.In(c, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Han, unicode.Hiragana, unicode.Katakana) &&
				!strings.ContainsRune("ßς", c) && c < 0xF900 && !unicode.IsUpper(c) || c < 0x80
		}
		if labels[i] == "" || strings.ContainsFunc(labels[i], func(c rune) bool { return !plain(c) }) {
			return ""
		}
	}
	return strings.Join(labels, ".")
}

func isName(name string) bool {
	labels := strings.Split(name, ".")
	return len(name) <= 250 && len(labels) > 1 && !slices.ContainsFunc(labels, func(l string) bool { return !isLabel(l) })
}

// verdict lists the categories of the lists that block a name.
func verdict(all []alone, name string) []string {
	var out []string
	for _, l := range all {
		if l.reading.holds(name) {
			out = append(out, l.category)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// indexAgrees compares what the index says of every look-up.
func indexAgrees(t *testing.T, ix *blocklists.Index, asked []lookup) {
	t.Helper()
	differ, listed, kinds := 0, 0, make(map[string]int)
	for _, l := range asked {
		want := l.lists
		name, why := source.Normalise(l.text)
		if why != "" {
			t.Errorf("%s: %s (%s) is refused: %s", l.kind, l.text, l.name, why)
			continue
		}
		var h blocklists.Hashes
		ix.Key().Hash(name, &h)
		m, _ := ix.MatchPatterns(name, dns.TypeA, ix.Match(&h))
		var got []string
		for c := range m.Categories.All() {
			if id := ix.Taxonomy().ID(c); id != "ok.help" && id != "ok.help.core" { // always built in
				got = append(got, id)
			}
		}
		slices.Sort(got)
		kinds[l.kind]++
		if len(want) > 0 {
			listed++
		}
		if !slices.Equal(got, want) {
			differ++
			t.Errorf("%s: %s is in %v, want %v", l.kind, l.text, got, want)
		}
	}
	t.Logf("%d look-ups in an index of %d names and %d patterns: %d listed, %d differ; %v", len(asked), ix.Names(), ix.Patterns(), listed, differ, kinds)
	if differ > 0 {
		t.Log("a single listed name too many may be a collision of hashes (8 in 2^40 for a suffix): another index has another key")
	}
	if len(asked) != 20000 || listed < 8000 || listed > 16000 {
		t.Errorf("%d look-ups, %d of them listed: they do not try both ways", len(asked), listed)
	}
}

// apart are names that mean something to every resolver, whatever the lists say (RFC 6761 and its like, canaries).
var apart = []string{"localhost", "test", "invalid", "local", "onion", "alt", "arpa", "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com", "dns-tunnel-check.googlezip.net"}

func within(name string, above []string) bool {
	return slices.ContainsFunc(above, func(a string) bool { return name == a || strings.HasSuffix(name, "."+a) })
}

// serverAgrees asks the running server for a tenth of the look-ups, one device after the other.
func (s *server) serverAgrees(all []alone, asked []lookup) {
	s.t.Helper()
	protected := helpNames(s.t)
	device := make(map[string]int)
	for _, a := range all {
		device[a.category] = a.device
	}
	differ, blocked, n := 0, 0, 0
	for i := 0; i < len(asked); i += 10 {
		l := asked[i]
		allow := slices.ContainsFunc(l.lists, func(c string) bool { return device[c] == allowing })
		if l.kind == "U-labels" || allow || within(l.name, apart) || within(l.name, protected) {
			continue
		}
		n++
		from, want := n%allowing, "192.0.2.1"
		if len(l.lists) > 0 && n%3 > 0 { // mostly a device that has one of its categories blocked
			from = device[l.lists[n%len(l.lists)]]
		}
		if slices.ContainsFunc(l.lists, func(c string) bool { return device[c] == from }) {
			want = "127.0.0.1"
			blocked++
		}
		r, err := s.try("udp", fmt.Sprintf("127.0.0.%d", from+2), l.text, dns.TypeA)
		if err != nil {
			s.t.Fatal(err)
		}
		if got := addresses(r); got != want || r.Question[0].Name != l.text+"." {
			differ++
			s.t.Errorf("%s: device %d asks for %s: %s, want %s: it is in %v", l.kind, from, l.text, got, want, l.lists)
		}
	}
	s.t.Logf("%d of them asked over DNS: %d blocked, %d differ", n, blocked, differ)
	if n < 1800 || blocked < 500 {
		s.t.Errorf("%d look-ups over DNS, %d blocked: too few", n, blocked)
	}
}

// helpNames are the names that no list can block.
func helpNames(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../../blocklists/help/help.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, "\t"); ok && strings.Contains(name, ".") {
			out = append(out, name)
		}
	}
	return out
}

// explainAgrees asks the server through `hearth explain` for names as people type them.
func (s *server) explainAgrees(all []alone, asked []lookup) {
	s.t.Helper()
	n := 0
	for _, l := range asked {
		at := slices.IndexFunc(all, func(a alone) bool { return slices.Contains(l.lists, a.category) && a.device != allowing })
		if l.kind != "U-labels" || at < 0 || n == 12 {
			continue
		}
		n++
		out, code := s.hearth("explain", "--device", fmt.Sprintf("d%d", all[at].device), l.text)
		if code != 0 || !strings.Contains(out, all[at].category) {
			s.t.Errorf("explain %s: exit %d, does not say %s\n%s", l.text, code, all[at].category, out)
		}
	}
	s.t.Logf("%d of them explained", n)
}
