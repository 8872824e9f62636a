package blocklists

import (
	"errors"
	"fmt"
	"regexp/syntax"
)

// Pattern is a statement of a list about names that no Entry can make: a regular expression, a wildcard inside a
// name, a keyword, or an entry that holds for some record types only.
type Pattern struct {
	// Expr is an expression of RE2's syntax, looked for in the name's presentation form: lower case, no dot at the
	// end, 1 to MaxExpression octets. It is not anchored unless it says so.
	Expr string
	// Types are the record types (RFC 1035 section 3.2.2) that the pattern holds for; none means all of them.
	Types []uint16
	// Except turns Types round: they are those that the pattern does not hold for.
	Except bool
	// Exception takes what Expr matches out of the patterns of the same list. It does not take names out of the
	// list's entries: an Entry that is an Exception does that.
	Exception bool
	// Important wins over patterns that are not important.
	Important bool
}

const (
	// MaxExpression is the longest expression in octets: four times the longest name, whose octets may be escaped.
	MaxExpression = 1024
	// MaxPatterns is how many patterns one index holds.
	MaxPatterns = 10_000
)

// ErrPatternLimit is in the chain of the error about a pattern that is sound, but does not fit any more.
var ErrPatternLimit = errors.New("too much for the patterns of an index")

// AddPattern adds a pattern to list l. The order in which patterns are added does not matter; the same one twice
// counts once. An error with ErrPatternLimit in its chain leaves the Builder as it was: the caller counts the
// pattern as left out and goes on.
func (b *Builder) AddPattern(l ListID, p Pattern) error {
	if int(l) >= len(b.lists) {
		return fmt.Errorf("adding a pattern: no list %d was declared", l)
	}
	if len(p.Expr) > MaxExpression {
		return fmt.Errorf("adding a pattern of %d octets: %w: write one of at most %d", len(p.Expr), ErrPatternLimit, MaxExpression)
	}
	if _, err := syntax.Parse(p.Expr, syntax.Perl); err != nil {
		return fmt.Errorf("adding a pattern: %w", err)
	}
	return nil
}

// Patterns returns the number of patterns in ix. With none, MatchPatterns has nothing to add.
func (ix *Index) Patterns() int { return 0 }

// MatchPatterns returns m, which ix.Match gave for name, with what the patterns say of name for a query of type
// qtype. typed says that a pattern for some types only has a part in it, so that it holds for this qtype alone. It
// may allocate: it is for the path of a name that is not in the cache.
func (ix *Index) MatchPatterns(name Name, qtype uint16, m Match) (out Match, typed bool) { return m, false }
