package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
)

// canaryKind says why a list is not to hit a name.
type canaryKind string

const (
	canaryOwn      canaryKind = "own"            // of this server, or a server of lists
	canaryUpstream canaryKind = "upstream"       // of an upstream
	canaryMachine  canaryKind = "infrastructure" // what clocks, certificates, updates and connectivity checks need: ok.infra
	canarySuffix   canaryKind = "public suffix"  // everybody's names end in it
	canaryPopular  canaryKind = "popular"
)

// canary is a name that tells whether a list goes too far.
type canary struct {
	text string
	name blocklists.Name
	kind canaryKind

	resolver bool // of a public resolver: what lists of resolvers are there to hit
}

// canaries are all such names, each once, the gravest kinds first and the popular ones in their order.
type canaries struct {
	names []canary
	above map[string]bool // the names and all their ancestors, in wire form: only entries for these matter
	known map[string]bool // by text

	resolvers map[string]bool // names of public resolvers, in wire form
}

// probeLabel is put before a public suffix to see whether the names beneath it are hit.
const probeLabel = "hearth-canary."

// canaries returns the names of now. They are made once an update.
func (l *Library) canaries() *canaries {
	if l.watched != nil {
		return l.watched
	}
	c := &canaries{above: make(map[string]bool), known: make(map[string]bool), resolvers: make(map[string]bool)}
	for _, name := range starterNames(resolvers) {
		if wire, err := blocklists.ParseName(name); err == nil {
			c.resolvers[string(wire)] = true
		}
	}
	for _, s := range l.lists.Sources {
		if u, err := url.Parse(s.URL); err == nil && s.URL != "" {
			c.add(canaryOwn, u.Hostname())
		}
	}
	c.add(canaryOwn, l.config.Own)
	c.add(canaryUpstream, l.config.Upstreams...)
	c.add(canaryMachine, starterNames(infra)...)
	popular := l.popular()
	for _, name := range append(l.starterNames(), popular...) {
		suffix, _ := publicsuffix.PublicSuffix(name)
		c.add(canarySuffix, suffix)
	}
	c.add(canaryPopular, popular...)
	l.watched = c
	return c
}

// add takes what is a name; addresses, as of a list's server, are none.
func (c *canaries) add(kind canaryKind, names ...string) {
	for _, text := range names {
		name, why := Normalise(text)
		if why != "" && kind == canarySuffix {
			name, _ = blocklists.ParseName(text) // a top-level domain
		}
		if len(name) < 2 || c.known[name.String()] {
			continue
		}
		found := canary{text: name.String(), name: name, kind: kind, resolver: kind == canaryUpstream}
		for above := range ancestors(name) {
			c.above[above] = true
			found.resolver = found.resolver || c.resolvers[above]
		}
		c.known[found.text] = true
		c.names = append(c.names, found)
	}
}

// starterNames lists the names of every embedded list that is compiled in.
func (l *Library) starterNames() (names []string) {
	for _, s := range l.starters() {
		names = append(names, s.names()...)
	}
	return names
}

// starterNames lists the names of one embedded list, configured or not.
func starterNames(category string) []string {
	text, err := starterFiles.ReadFile("starter/" + category + ".txt")
	if err != nil {
		return nil
	}
	return starterList{category: category, text: text}.names()
}

func (s starterList) names() (names []string) {
	_, _ = s.parse(func(i Item) error { // text in memory: what cannot be read is counted elsewhere
		names = append(names, i.Entry.Name.String())
		return nil
	})
	return names
}

// errEnough ends a parse that has seen what it wanted.
var errEnough = errors.New("enough")

// popular lists the most popular names, as the source of them has them; what cannot be read of it is not there.
func (l *Library) popular() (names []string) {
	for _, s := range l.lists.Sources {
		if s.Name != l.lists.Popular {
			continue
		}
		_, _ = ParsePath(l.contentPath(s), s.Format, s.options(l.lists), func(i Item) error {
			if i.Entry.Name != nil && !i.Entry.Exception {
				names = append(names, i.Entry.Name.String())
			}
			if len(names) == l.lists.Guards.PopularTop {
				return errEnough
			}
			return nil
		})
	}
	return names
}

// catch gathers the statements of one version of a list that concern canaries, and judges them as an index would.
type catch struct {
	*canaries
	source  Source
	plan    plan
	builder *blocklists.Builder
	lists   map[string]blocklists.ListID // as the plan names them; those that do not block are not here
	norm    normaliser

	registries map[string]bool // public suffixes of registries that the list has because it may
}

// maxRegistries bounds what is noted of a list that has the suffixes of registries; there are wildcards among them.
const maxRegistries = 10_000

// Categories that stand for all others in the small index: a part of a list either blocks, or blocks ways round the
// resolver, which includes the names of public resolvers.
const (
	blocking  = "sec.malware"
	resolvers = "bypass.dns"
)

// newCatch prepares for a list of which p says what its parts are. Close is due.
func (l *Library) newCatch(s Source, p plan) (*catch, error) {
	t, err := blocklists.NewTaxonomy()
	if err != nil {
		return nil, err
	}
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t, Key: l.key, Memory: 1 << 20, Built: l.config.Now()})
	if err != nil {
		return nil, err
	}
	c := &catch{canaries: l.canaries(), source: s, plan: p, builder: b, lists: make(map[string]blocklists.ListID), registries: make(map[string]bool)}
	for list, ids := range p.lists() {
		if as := stands(ids); as != "" {
			set, err := categories(t, []string{as})
			if err != nil {
				return nil, err
			}
			c.lists[list] = b.List(set)
		}
	}
	return c, nil
}

// stands returns the category that stands for ids in the small index; "" for those that block nothing.
func stands(ids []string) (as string) {
	for _, id := range ids {
		switch {
		case id == resolvers:
			return resolvers
		case isBlocking(id):
			as = blocking
		}
	}
	return as
}

// add takes one statement of the list.
func (c *catch) add(r blocklists.Record) error {
	list, ok := c.lists[c.plan.listOf(r.Part)]
	switch {
	case !ok || r.Prefix.IsValid():
		return nil
	case r.Pattern != nil:
		if err := c.builder.AddPattern(list, *r.Pattern); !errors.Is(err, blocklists.ErrPatternLimit) {
			return err
		}
		return nil
	}
	name := r.Entry.Name
	if !c.above[string(name)] {
		if !c.source.PublicSuffixes || !c.norm.isRegistry(name) {
			return nil
		}
		if len(c.registries) < maxRegistries {
			c.registries[name.String()] = true
		}
	}
	return c.builder.Add(list, r.Entry)
}

// close forgets what was gathered.
func (c *catch) close() { _ = c.builder.Close() }

// isRegistry reports whether a name is a public suffix under which a registry sells names, as co.uk.
func (n *normaliser) isRegistry(name blocklists.Name) bool {
	text, ok := n.presentation(name)
	if !ok {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(text)
	return icann && suffix == text
}

// hits lists the canaries that the list covers, in their order.
func (c *catch) hits() ([]canary, error) {
	var file bytes.Buffer
	if _, err := c.builder.Build(context.Background(), &file); err != nil {
		return nil, fmt.Errorf("looking for names that no list may hit: %w", err)
	}
	ix, err := blocklists.ReadIndex(file.Bytes())
	if err != nil {
		return nil, fmt.Errorf("looking for names that no list may hit: %w", err)
	}
	var hits []canary
	more := canaries{above: make(map[string]bool), known: maps.Clone(c.known)}
	more.add(canarySuffix, slices.Sorted(maps.Keys(c.registries))...)
	for _, name := range slices.Concat(c.names, more.names) {
		if c.hit(ix, name) {
			hits = append(hits, name)
		}
	}
	return hits, nil
}

// askedTypes are the record types that people's machines ask for: A, AAAA and HTTPS (RFC 1035, RFC 3596, RFC 9460).
func askedTypes() []uint16 { return []uint16{1, 28, 65} }

func (c *catch) hit(ix *blocklists.Index, name canary) bool {
	names := []blocklists.Name{name.name}
	if name.kind == canarySuffix {
		if probe, err := blocklists.ParseName(probeLabel + name.text); err == nil {
			names = append(names, probe)
		}
	}
	for _, n := range names {
		var h blocklists.Hashes
		ix.Key().Hash(n, &h)
		m := ix.Match(&h)
		said := m.Categories
		if ix.Patterns() > 0 {
			for _, qtype := range askedTypes() {
				typed, _ := ix.MatchPatterns(n, qtype, m)
				said = said.Or(typed.Categories)
			}
		}
		for found := range said.All() {
			id := ix.Taxonomy().ID(found)
			if id == blocking || id == resolvers && !name.resolver {
				return true
			}
		}
	}
	return false
}

// newHits lists those of a candidate's hits that hold it back: what the last good version, of which before is the state,
// did not hit. Where there is none, or nothing is known of it any more, every list of advertisements hits some popular
// names and some of the machines': the first count only where they are a large part of all, as in a list that is meant to
// allow, the second only where the starter lists do not keep them reachable whatever a list says.
func (l *Library) newHits(s Source, known bool, before *state, hits []canary) ([]canary, error) {
	known = known && before != nil
	few := !tooPopular(countKind(hits, canaryPopular), countKind(l.canaries().names, canaryPopular))
	hits = slices.DeleteFunc(slices.Clone(hits), func(h canary) bool {
		switch h.kind {
		case canarySuffix:
			if !s.PublicSuffixes {
				return false
			}
			_, registry := publicsuffix.PublicSuffix(h.text)
			return !known || !registry
		case canaryPopular:
			return !known && few
		case canaryMachine:
			return !known && l.lists.Starter
		case canaryOwn, canaryUpstream:
		}
		return false
	})
	if len(hits) == 0 || !known {
		return hits, nil
	}
	earlier, err := l.hits(s, before.Directories, before.Parsed)
	if err != nil {
		return nil, err
	}
	already := make(map[string]bool)
	for _, h := range earlier {
		already[h.text] = true
	}
	return slices.DeleteFunc(hits, func(h canary) bool { return already[h.text] }), nil
}

// firstPopular is the percentage of the popular names that a first version of a list may hit. The largest lists of
// advertisements and of services hit a sixth of the first 10,000. Fewer than leastPopular names are no sign of anything.
const (
	firstPopular = 25
	leastPopular = 100
)

// tooPopular reports whether a first version hits too many of the popular names.
func tooPopular(hits, popular int) bool {
	return hits >= leastPopular && hits*100 > popular*firstPopular
}

func countKind(names []canary, kind canaryKind) (n int) {
	for _, c := range names {
		if c.kind == kind {
			n++
		}
	}
	return n
}

// hits lists the canaries that a version of a list hits.
func (l *Library) hits(s Source, found directories, version *blocklists.Parsed) ([]canary, error) {
	caught, err := l.newCatch(s, s.planFor(found, l.lists))
	if err != nil {
		return nil, err
	}
	defer caught.close()
	if len(caught.lists) == 0 {
		return nil, nil
	}
	if err := version.Each(caught.add); err != nil {
		return nil, fmt.Errorf("looking for names that no list may hit: %w", err)
	}
	return caught.hits()
}
