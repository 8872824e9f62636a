package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// ground is what all profiles of one Directory stand on: what the categories
// mean to the order of decisions, and the resolver's own names.
type ground struct {
	taxonomy *blocklists.Taxonomy
	key      blocklists.Key
	popular  bool   // a popularity list is loaded
	versions string // end of decision ids: "-policy-lists"

	illegal  blocklists.Categories // step 1
	core     blocklists.Categories // ok.help.core: step 2
	help     blocklists.Categories // ok.help with core: yields only to a deny of exactly that name
	security blocklists.Categories // sec.* without sec.nrd: step 7
	idle     blocklists.Categories // ok.* but what children play with: no use of the internet that a total counts
	silent   blocklists.Categories // illegal.* and security: blocks that give no reason
	ok       blocklists.Categories // ok.*
	quiet    blocklists.Categories // ok.*, meta.* and sec.nrd: do not make a name a listed one
	known    blocklists.Category   // meta.popular
	newNames blocklists.Category   // sec.nrd
	selfharm blocklists.Category

	shown [blocklists.MaxCategories]blocklists.Category // a service's own category; else itself
	fixed table[uint64]                                 // how far the resolver's own names reach
	deep  int                                           // labels of the deepest of them

	engines engines // safe search

	own    uint64             // hash of the own name
	above  int                // its labels
	tests  []blocklists.Match // the first is nobody's
	testAt table[uint64]
}

// reach is how far a fixed name goes.
type reach int32

const (
	reachNone    reach = iota
	reachName          // the name alone
	reachBeneath       // with all beneath
	reachExcept        // taken out, with all beneath
)

func (f FixedName) reach() reach {
	switch {
	case f.Except:
		return reachExcept
	case f.Subtree:
		return reachBeneath
	}
	return reachName
}

func newGround(c CompileConfig) (*ground, error) {
	t := c.Index.Taxonomy()
	g := &ground{taxonomy: t, key: c.Index.Key(), popular: c.Popular}
	if err := g.classify(); err != nil {
		return nil, err
	}
	g.shownAs()
	if err := g.fix(c); err != nil {
		return nil, err
	}
	if err := g.search(); err != nil {
		return nil, err
	}
	return g, nil
}

// classify finds the categories that the order itself knows.
func (g *ground) classify() error {
	for i, row := range g.taxonomy.All() {
		c := blocklists.Category(i) //nolint:gosec // a taxonomy has at most 256 rows
		switch prefix, _, _ := strings.Cut(row.ID, "."); prefix {
		case "illegal":
			g.illegal.Add(c)
		case "sec":
			g.security.Add(c)
		case "ok":
			g.ok.Add(c)
			g.quiet.Add(c)
		case "meta":
			g.quiet.Add(c)
		}
	}
	var missing []error
	one := func(id string) (c blocklists.Category) {
		c, ok := g.taxonomy.Lookup(id)
		if !ok {
			missing = append(missing, fmt.Errorf("the taxonomy has no category %s", id))
		}
		return c
	}
	g.selfharm = one("harm.selfharm")
	g.newNames, g.known = one("sec.nrd"), one("meta.popular")
	g.core.Add(one("ok.help.core"))
	g.help = g.core
	g.help.Add(one("ok.help"))
	var nrd blocklists.Categories
	nrd.Add(g.newNames)
	g.security, g.quiet = g.security.AndNot(nrd), g.quiet.Or(nrd)
	g.silent = g.illegal.Or(g.security)
	var kids blocklists.Categories
	kids.Add(one("ok.kids"))
	g.idle = g.ok.AndNot(kids)
	return errors.Join(missing...)
}

func (g *ground) shownAs() {
	for i, row := range g.taxonomy.All() {
		c := blocklists.Category(i) //nolint:gosec // as above
		g.shown[i] = c
		if parent, ok := g.taxonomy.Lookup(row.Parent); ok && row.Service {
			g.shown[i] = parent
		}
	}
}

// fix hashes the names that the resolver answers itself, and the self-test
// names beneath the own one: test-adult.porn.<own>, or test-adult-porn.<own>.
func (g *ground) fix(c CompileConfig) error {
	var h blocklists.Hashes
	g.tests = make([]blocklists.Match, 1)
	for _, f := range c.Fixed {
		g.hash(f.Name, &h)
		if h.N == 0 {
			return fmt.Errorf("the resolver's own names hold %q, which is no name below the root", f.Name.String())
		}
		g.reach(h.H[h.N-1], f.reach())
	}
	if len(c.Own) < 2 {
		return nil
	}
	g.hash(c.Own, &h)
	g.own, g.above = h.H[h.N-1], h.N
	g.fixed.put(g.own, int32(reachBeneath), itself)
	for i, row := range g.taxonomy.All() {
		m := blocklists.Match{}
		m.Categories.Add(blocklists.Category(i)) //nolint:gosec // as above
		for _, id := range []string{row.ID, strings.ReplaceAll(row.ID, ".", "-")} {
			name, err := blocklists.ParseName("test-" + id + "." + c.Own.String())
			if err != nil {
				continue // the own name is too long for it: no self-test of this category
			}
			g.key.Hash(name, &h)
			m.Labels = uint8(h.N)                                 //nolint:gosec // a name has at most 127 labels
			g.testAt.put(h.H[h.N-1], int32(len(g.tests)), itself) //nolint:gosec // at most two a category
			g.tests = append(g.tests, m)
		}
	}
	return nil
}

// reach enters a name that the resolver answers itself; the furthest reach counts.
func (g *ground) reach(hash uint64, r reach) {
	g.fixed.put(hash, max(int32(r), g.fixed.find(hash, hash)), itself)
}

func (g *ground) hash(n blocklists.Name, h *blocklists.Hashes) {
	g.key.Hash(n, h)
	g.deep = max(g.deep, h.N)
}

// isFixed says whether the resolver answers the name itself.
func (g *ground) isFixed(h *blocklists.Hashes) bool {
	for i := min(h.N, g.deep); i > 0; i-- {
		switch reach(g.fixed.find(h.H[i-1], h.H[i-1])) {
		case reachNone:
			continue
		case reachName:
			if i < h.N {
				continue
			}
		case reachBeneath:
		case reachExcept:
			return false
		}
		return g.test(h) == 0
	}
	return false
}

// test gives the place of a self-test name among the tests, 0 for any other name.
func (g *ground) test(h *blocklists.Hashes) int32 {
	if g.above == 0 || h.N <= g.above || h.H[g.above-1] != g.own {
		return 0
	}
	return g.testAt.find(h.H[h.N-1], h.H[h.N-1])
}
