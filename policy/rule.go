package policy

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"

	"github.com/hearthdns/hearth/blocklists"
)

// ruleSet finds the winning own rule of a name: the most specific name wins,
// deny wins a tie.
type ruleSet struct {
	at    table[uint64] // places in cells by the hash of a name
	cells []ruleCell    // the first is nobody's
	depth int           // labels of the deepest name
}

// ruleCell holds the winner at one name, for each scope.
type ruleCell struct {
	subtree, exact ruleSlot
	above          bool // a name beneath is allowed
}

// ruleSlot is where a rule is, if there is one. A walk holds the slot and not the rule: whatever else a walk points to
// would escape to the heap with a rule that it gives away.
type ruleSlot struct{ *Rule }

// rule is nil where there is none.
func (s *ruleSlot) rule() *Rule {
	if s == nil {
		return nil
	}
	return s.Rule
}

func newRuleSet(rules []ownRule, key blocklists.Key) (*ruleSet, error) {
	set := &ruleSet{cells: make([]ruleCell, 1, 1+len(rules))}
	var h blocklists.Hashes
	for _, r := range rules {
		name, err := blocklists.ParseName(r.name)
		if err != nil {
			return nil, fmt.Errorf("rule for %q: %w", r.name, err)
		}
		key.Hash(name, &h)
		set.depth = max(set.depth, h.N)
		cell := set.cell(h.H[h.N-1])
		slot := &cell.subtree
		if r.exact {
			slot = &cell.exact
		}
		if slot.Rule == nil || !r.allow {
			slot.Rule = &Rule{Name: name.String(), Allow: r.allow, Exact: r.exact}
		}
		for i := 0; r.allow && i < h.N-1; i++ {
			set.cell(h.H[i]).above = true
		}
	}
	return set, nil
}

// cell gives the cell of a name to be written to, until the next call.
func (s *ruleSet) cell(hash uint64) *ruleCell {
	i := s.at.find(hash, hash)
	if i == 0 {
		i = int32(len(s.cells)) //nolint:gosec // far fewer than 2^31 names
		s.cells = append(s.cells, ruleCell{})
		s.at.put(hash, i, itself)
	}
	return &s.cells[i]
}

// itself is the hash of a hash.
func itself(hash uint64) uint64 { return hash }

// winner gives the rule that holds for the name with these suffix hashes (the
// top-level domain first), and whether it is a rule of exactly that name.
func (s *ruleSet) winner(hashes []uint64) (*ruleSlot, bool) {
	n := len(hashes)
	for i := min(n, s.depth); i > 0; i-- {
		at := s.at.find(hashes[i-1], hashes[i-1])
		if at == 0 {
			continue
		}
		cell := &s.cells[at]
		r := &cell.subtree
		if i == n && cell.exact.Rule != nil && (r.Rule == nil || !cell.exact.Allow) {
			r = &cell.exact
		}
		if r.Rule != nil {
			return r, i == n
		}
	}
	return nil, false
}

// anyDeny gives a deny of any of the names, whatever rules lie beneath it.
func (s *ruleSet) anyDeny(hashes []uint64) *Rule {
	for _, h := range hashes {
		cell := &s.cells[s.at.find(h, h)]
		for _, r := range [...]*Rule{cell.subtree.Rule, cell.exact.Rule} {
			if r != nil && !r.Allow {
				return r
			}
		}
	}
	return nil
}

// allowsBeneath says whether a name beneath the one with this hash is allowed.
func (s *ruleSet) allowsBeneath(hash uint64) bool {
	return s.cells[s.at.find(hash, hash)].above
}

// parseRuleName reads the name of a rule as a person writes it, in any script.
func parseRuleName(text string) (string, error) {
	if text == "" || text == "." {
		return "", fmt.Errorf("the name is missing: write one such as example.com")
	}
	if strings.HasPrefix(text, "*.") {
		return "", fmt.Errorf("%q: write %q with scope subdomains", text, strings.TrimPrefix(text, "*."))
	}
	if strings.ContainsAny(text, "/: ") {
		return "", fmt.Errorf("%q is no domain name: write the name alone, such as example.com, without http:// and path", text)
	}
	if !isASCII(text) {
		ascii, err := idna.Lookup.ToASCII(text)
		if err != nil {
			return "", fmt.Errorf("%q cannot be a domain name: %w", text, err)
		}
		text = ascii
	}
	name, err := blocklists.ParseName(text)
	if err != nil {
		return "", fmt.Errorf("%q is no domain name: %w", text, err)
	}
	return name.String(), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
