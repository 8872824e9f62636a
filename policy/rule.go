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
	at    map[uint64]ruleCell // by the hash of the rule's name
	above map[uint64]bool     // hashes of the names above an allowed one
	depth int                 // labels of the deepest name
}

// ruleCell holds the winner at one name, for each scope.
type ruleCell struct{ subtree, exact *Rule }

func newRuleSet(rules []ownRule, key blocklists.Key) (ruleSet, error) {
	set := ruleSet{at: make(map[uint64]ruleCell, len(rules)), above: make(map[uint64]bool)}
	var h blocklists.Hashes
	for _, r := range rules {
		name, err := blocklists.ParseName(r.name)
		if err != nil {
			return ruleSet{}, fmt.Errorf("rule for %q: %w", r.name, err)
		}
		key.Hash(name, &h)
		set.depth = max(set.depth, h.N)
		cell := set.at[h.H[h.N-1]]
		slot := &cell.subtree
		if r.exact {
			slot = &cell.exact
		}
		if *slot == nil || !r.allow {
			*slot = &Rule{Name: name.String(), Allow: r.allow, Exact: r.exact}
		}
		set.at[h.H[h.N-1]] = cell
		for i := 0; r.allow && i < h.N-1; i++ {
			set.above[h.H[i]] = true
		}
	}
	return set, nil
}

// winner gives the rule that holds for the name with these suffix hashes (the
// top-level domain first), and whether it is a rule of exactly that name.
func (s *ruleSet) winner(hashes []uint64) (*Rule, bool) {
	n := len(hashes)
	for i := min(n, s.depth); i > 0; i-- {
		cell, ok := s.at[hashes[i-1]]
		if !ok {
			continue
		}
		r := cell.subtree
		if i == n && cell.exact != nil && (r == nil || !cell.exact.Allow) {
			r = cell.exact
		}
		if r != nil {
			return r, i == n
		}
	}
	return nil, false
}

// anyDeny gives a deny of any of the names, whatever rules lie beneath it.
func (s *ruleSet) anyDeny(hashes []uint64) *Rule {
	for _, h := range hashes {
		cell := s.at[h]
		for _, r := range [...]*Rule{cell.subtree, cell.exact} {
			if r != nil && !r.Allow {
				return r
			}
		}
	}
	return nil
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
