package policy

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
)

// Transform is what an allowed answer is turned into: the name becomes an alias of the
// host at which the engine answers safely. It belongs to the profile and holds for
// whatever is answered, whoever allowed it: no grant, no own rule, no observing and no
// filter that is off lifts it, only its own switch.
type Transform struct {
	Target blocklists.Name   // the safe host
	Hashes blocklists.Hashes // of Target, with the key of the Directory's Index
	Chain  []uint64          // Target alone, as DecideChain reads it
}

// Transform gives what becomes of the answer about a name that is not blocked, nil for
// nothing, as for nearly all names. 0 allocations.
func (p *Profile) Transform(q *Question) *Transform {
	if h := q.Hashes; h.N > 0 && p.transforms() {
		return p.becomes(h.H[h.N-1])
	}
	return nil
}

// Behind gives what becomes of an allowed answer because its chain, made as that of
// DecideChain, leads to an engine's host: another name of an engine is held as the
// engine is. nil for nothing. 0 allocations.
func (p *Profile) Behind(chain []uint64) *Transform {
	if !p.transforms() {
		return nil
	}
	for len(chain) > 0 {
		n := chain[0]
		if n&addressMark != 0 && len(chain) >= addressWords {
			chain = chain[addressWords:]
			continue
		}
		if n == 0 || n >= uint64(len(chain)) {
			return nil
		}
		if t := p.becomes(chain[n]); t != nil {
			return t
		}
		chain = chain[1+n:]
	}
	return nil
}

func (p *Profile) transforms() bool { return p.safeSearch || p.youtube != youtubeOff }

// becomes gives what becomes of the host whose name has a hash.
func (p *Profile) becomes(host uint64) *Transform {
	e := &p.ground.engines.all[p.ground.engines.at.find(host, host)]
	switch {
	case e.moderate == nil:
		if p.safeSearch {
			return e.strict
		}
	case p.youtube == youtubeModerate:
		return e.moderate
	case p.youtube != youtubeOff:
		return e.strict
	}
	return nil
}

// SafeSearch says that search engines answer with safe results alone.
func (p *Profile) SafeSearch() bool { return p.safeSearch }

// YouTube is how YouTube is held: off, moderate, strict or blocked.
func (p *Profile) YouTube() string { return youtubeNames[p.youtube] }

// youtubeMode is how YouTube is held, in order of strictness. Where it is blocked, what
// is let through all the same is strict.
type youtubeMode uint8

const (
	youtubeOff youtubeMode = iota
	youtubeModerate
	youtubeStrict
	youtubeBlocked
)

var youtubeNames = [...]string{"off", "moderate", "strict", "blocked"}

func parseYouTube(word string) (youtubeMode, bool) {
	for i, name := range youtubeNames {
		if name == word {
			return youtubeMode(i), true //nolint:gosec // one of four
		}
	}
	return youtubeOff, false
}

const (
	youtube     = "service.youtube"
	otherSearch = "search.other" // engines that cannot be held to safe search
)

// engines are the hosts that a transform may concern.
type engines struct {
	all []engine // the first is none
	at  table[uint64]
}

// engine is what a host may become. YouTube alone has a moderate mode.
type engine struct{ strict, moderate *Transform }

//go:embed engines.yaml
var engineFile []byte

// EngineHosts is a row of the table of engines.
type EngineHosts struct {
	Title    string   `yaml:"title"`
	Target   string   `yaml:"target"`
	Moderate string   `yaml:"moderate"` // "" but for YouTube
	Source   string   `yaml:"source"`
	Forms    []string `yaml:"forms"`
	Names    string   `yaml:"names"`
}

// Hosts lists the names that become an alias, in presentation form.
func (e EngineHosts) Hosts() []string {
	var hosts []string
	for name := range strings.FieldsSeq(e.Names) {
		for _, form := range e.Forms {
			hosts = append(hosts, strings.ReplaceAll(form, "{}", name))
		}
		if len(e.Forms) == 0 {
			hosts = append(hosts, name)
		}
	}
	return hosts
}

// SafeEngines returns the table of engines, read once. It must not be modified. An error
// is a mistake in the program itself, which the tests find.
var SafeEngines = sync.OnceValues(func() ([]EngineHosts, error) {
	var rows []EngineHosts
	if err := yaml.NewDecoder(bytes.NewReader(engineFile), yaml.Strict()).Decode(&rows); err != nil {
		return nil, fmt.Errorf("reading the search engines: %w", err)
	}
	return rows, nil
})

// search hashes the hosts of the engines.
func (g *ground) search() error {
	rows, err := SafeEngines()
	if err != nil {
		return err
	}
	g.engines.all = make([]engine, 1, 1+len(rows))
	for _, row := range rows {
		var e engine
		if e.strict, err = g.transform(row.Title, row.Target); err != nil {
			return err
		}
		if row.Moderate != "" {
			if e.moderate, err = g.transform(row.Title, row.Moderate); err != nil {
				return err
			}
		}
		g.engines.all = append(g.engines.all, e)
		var h blocklists.Hashes
		for _, host := range row.Hosts() {
			name, err := blocklists.ParseName(host)
			if err != nil {
				return fmt.Errorf("search engine %s: %w", row.Title, err)
			}
			g.key.Hash(name, &h)
			g.engines.at.put(h.H[h.N-1], int32(len(g.engines.all)-1), itself) //nolint:gosec // a dozen
		}
	}
	return nil
}

func (g *ground) transform(title, target string) (*Transform, error) {
	name, err := blocklists.ParseName(target)
	if err != nil {
		return nil, fmt.Errorf("search engine %s: %w", title, err)
	}
	t := &Transform{Target: name}
	g.key.Hash(name, &t.Hashes)
	t.Chain = AppendTarget(nil, &t.Hashes)
	return t, nil
}

// search applies the preset's rows about searching to a spec.
func (p *Preset) search(s *spec, t *blocklists.Taxonomy) error {
	s.safeSearch = p.SafeSearch == "on"
	if p.YouTube != "" {
		mode, ok := parseYouTube(p.YouTube)
		if !ok {
			return fmt.Errorf("preset %s: youtube %q", p.Band, p.YouTube)
		}
		s.tube(t, mode)
	}
	if p.OtherSearch != "" {
		to, ok := parseCell(p.OtherSearch)
		c, known := t.Lookup(otherSearch)
		if !ok || !known {
			return fmt.Errorf("preset %s: other_search %q", p.Band, p.OtherSearch)
		}
		s.cells[c] = to
	}
	return nil
}

// search applies a profile's rows about searching; Validate has checked them.
func (s *spec) search(t *blocklists.Taxonomy, p ProfileConfig) {
	if p.SafeSearch != "" {
		s.safeSearch = p.SafeSearch == "on"
	}
	if mode, ok := parseYouTube(p.YouTube); ok {
		s.tube(t, mode)
	}
	if to, ok := parseCell(p.OtherSearch); ok {
		if c, known := t.Lookup(otherSearch); known {
			s.cells[c] = to
		}
	}
}

// tube sets how YouTube is held. Blocked is the switch of the service; another mode takes
// off that block, and no other.
func (s *spec) tube(t *blocklists.Taxonomy, mode youtubeMode) {
	c, known := t.Lookup(youtube)
	switch {
	case !known:
	case mode == youtubeBlocked:
		s.cells[c] = cellBlock
	case s.youtube == youtubeBlocked:
		s.cells[c] = cellNone
	}
	s.youtube = mode
}

// searching checks a profile's rows about searching.
func (v *validator) searching(path string, p ProfileConfig) {
	for _, row := range []struct {
		key, word string
		choices   []string
	}{
		{".safe_search", p.SafeSearch, []string{"on", off}},
		{".youtube", p.YouTube, youtubeNames[:]},
		{".other_search", p.OtherSearch, []string{"allow", "block"}},
	} {
		if row.word != "" && !slices.Contains(row.choices, row.word) {
			v.add(path+row.key, "%q is no choice here: write %s", row.word, oneOf(row.choices...))
		}
	}
	for i, s := range p.Services {
		if p.YouTube == "blocked" && "service."+strings.TrimPrefix(s.ID, "service.") == youtube && s.Action != "block" {
			v.add(v.item(path+".services", i), "youtube: blocked says the opposite: write youtube: strict, or leave this switch out")
		}
	}
}

// Safe gives what becomes of the answer to a question about which a client's decision is
// x: the transform, nil for none, and the decision with what the lists and the people say
// of the safe host, at the instant of x. The resolver does the same with what it has cached
// of that host; this is for explanations.
func (d *Directory) Safe(c *Client, q *Question, x Decision, now time.Time) (Decision, *Transform) {
	t := c.Profile.Transform(q)
	if t == nil || x.Blocks() || x.Action == Fixed {
		return x, nil
	}
	const typeA = 1 // RFC 1035 section 3.2.2
	m, _ := d.index.MatchPatterns(t.Target, typeA, d.index.Match(&t.Hashes))
	x = c.DecideChain(x, q, blocklists.Match{Categories: m.Categories}, t.Chain, now)
	if x.Blocks() {
		return x, nil
	}
	return x, t
}
