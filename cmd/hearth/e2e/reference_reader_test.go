package e2e

import (
	"regexp"
	"slices"
	"strings"
)

// What a list says of a name: of the name itself, of the names beneath, both ways.
const (
	blockSelf = 1 << iota
	blockBelow
	allowSelf
	allowBelow

	blockTree = blockSelf | blockBelow
	allowTree = allowSelf | allowBelow
)

// reading is a list as the naive reader understands it.
type reading struct {
	suffixes suffixes
	public   bool // public suffixes may be entries

	entries  int // statements about names, repeated ones counted each time
	marks    map[string]uint8
	names    []string // the keys of marks, as they first came
	patterns []*regexp.Regexp
	keywords []string
	networks int
	rejected map[string]int
}

func newReading(s suffixes, public bool) *reading {
	return &reading{suffixes: s, public: public, marks: make(map[string]uint8), rejected: make(map[string]int)}
}

// says notes a statement about what is written as a name.
func (r *reading) says(text string, mark uint8) {
	name, why := r.suffixes.canonical(text)
	if why != "" && (why != "public-suffix" || !r.public) {
		r.rejected[why]++
		return
	}
	r.entries++
	if r.marks[name] == 0 {
		r.names = append(r.names, name)
	}
	r.marks[name] |= mark
}

// holds reports whether the list blocks a name: of the entries that cover it the deepest decides.
func (r *reading) holds(name string) bool {
	covered := r.marks[name]
	block, allow := covered&blockSelf != 0, covered&allowSelf != 0
	for above := name; !block && !allow; {
		_, parent, ok := strings.Cut(above, ".")
		if !ok {
			break
		}
		above = parent
		block, allow = r.marks[above]&blockBelow != 0, r.marks[above]&allowBelow != 0
	}
	if block || allow {
		return !allow
	}
	return slices.ContainsFunc(r.patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) }) ||
		slices.ContainsFunc(r.keywords, func(k string) bool { return strings.Contains(name, k) })
}

// read reads the lines of a list; files gives other files of its folder by name.
func (r *reading) read(format string, lines func(func(string) bool), files func(string) func(func(string) bool)) {
	for line := range lines {
		line = strings.TrimSpace(line)
		switch format {
		case "hosts":
			r.hosts(line)
		case "domains":
			r.plain(line)
		case "dnsmasq":
			r.dnsmasq(line)
		case "adblock":
			r.adblock(line)
		case "v2fly":
			r.v2fly(line, files)
		}
	}
}

func uncomment(line string) string {
	line, _, _ = strings.Cut(line, "#")
	return strings.TrimSpace(line)
}

// machine are the names that hosts files give to the machine itself.
var machine = []string{"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback",
	"ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters", "ip6-allhosts"}

// hosts reads a line of hosts(5): an address, then names.
func (r *reading) hosts(line string) {
	f := strings.Fields(uncomment(line))
	if len(f) == 0 {
		return
	}
	for _, name := range f[1:] {
		if !slices.Contains(machine, name) {
			r.says(name, blockTree)
		}
	}
}

// plain reads one name a line; a dot or a star in front says what holds anyway.
func (r *reading) plain(line string) {
	if line = uncomment(line); line == "" {
		return
	}
	line = strings.TrimPrefix(strings.TrimPrefix(line, "*"), ".")
	r.says(line, blockTree)
}

var dnsmasqLine = regexp.MustCompile(`^(?:server|local|address)=/(.+)/(?:|#|::|0\.0\.0\.0)$`)

// dnsmasq reads server=/a/b/ and its like (dnsmasq(8)): names that are not asked for upstream, or have no address.
func (r *reading) dnsmasq(line string) {
	if line = uncomment(line); line == "" {
		return
	}
	m := dnsmasqLine.FindStringSubmatch(line)
	if m == nil {
		r.rejected["syntax"]++
		return
	}
	for name := range strings.SplitSeq(m[1], "/") {
		r.says(name, blockTree)
	}
}

var (
	adblockRule = regexp.MustCompile(`^(@@)?\|\|([^/^$|*]+)\^?$`)
	cosmetic    = regexp.MustCompile(`#@?#`)
	modified    = regexp.MustCompile(`^(@@)?\|\|[^$]+\$.+$`)
)

// adblock reads the rules that the real files have: ||x^ for DNS, and what is for browsers.
func (r *reading) adblock(line string) {
	switch m := adblockRule.FindStringSubmatch(line); {
	case line == "" || line[0] == '!' || line[0] == '[':
	case cosmetic.MatchString(line):
		r.rejected["cosmetic"]++
	case modified.MatchString(line):
		r.rejected["modifier"]++
	case m == nil:
		r.rejected["syntax"]++
	case m[1] != "":
		r.says(m[2], allowTree)
	default:
		r.says(m[2], blockTree)
	}
}

// v2fly reads a line of domain-list-community's data, of which attributes and affiliations say nothing about the name.
func (r *reading) v2fly(line string, files func(string) func(func(string) bool)) {
	f := strings.Fields(uncomment(line))
	if len(f) == 0 {
		return
	}
	kind, value, ok := strings.Cut(f[0], ":")
	if !ok {
		kind, value = "domain", f[0]
	}
	switch kind {
	case "domain":
		r.says(value, blockTree)
	case "full":
		r.says(value, blockSelf)
	case "keyword":
		r.keywords = append(r.keywords, value)
	case "regexp":
		r.patterns = append(r.patterns, regexp.MustCompile(value))
	case "include":
		lines := files(value)
		if lines == nil {
			r.rejected["include-missing"]++
			return
		}
		for other := range lines {
			r.v2fly(other, files)
		}
	default:
		r.rejected["syntax"]++
	}
}

// zoneRecord is a record of a master file: owner, then TTL and class in either order, type and data.
var zoneRecord = regexp.MustCompile(`^(\S+)\s+(?:[0-9]+\s+)?(?:IN\s+)?(?:[0-9]+\s+)?(CNAME|A|AAAA|TXT|MX|SOA|NS)\s+(.+)$`)

// policyZone reads a response policy zone as draft-vixie-dnsop-dns-rpz describes it.
func (r *reading) policyZone(lines func(func(string) bool)) {
	last := ""
	for line := range lines {
		line, _, _ = strings.Cut(line, ";")
		if strings.TrimSpace(line) == "" || line[0] == '$' {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			line = last + line
		}
		m := zoneRecord.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			r.rejected["syntax"]++
			continue
		}
		if last = m[1]; last != "@" {
			r.trigger(last, m[2], m[3])
		}
	}
}

var otherTrigger = regexp.MustCompile(`\.rpz-(client-ip|nsip|nsdname)$`)

func (r *reading) trigger(owner, kind, target string) {
	mark := uint8(blockSelf)
	switch {
	case otherTrigger.MatchString(owner):
		r.rejected["unsupported-trigger"]++
		return
	case kind == "CNAME" && (target == "rpz-drop." || target == "rpz-tcp-only."):
		r.rejected["unsupported-action"]++
		return
	case strings.HasSuffix(owner, ".rpz-ip"):
		r.networks++
		return
	case kind == "CNAME" && target == "rpz-passthru.":
		mark = allowSelf
	}
	name, star := strings.CutPrefix(owner, "*.")
	if star {
		mark <<= 1
	}
	r.says(name, mark)
}
