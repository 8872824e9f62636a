package blocklists

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// Pattern is a statement of a list about names that no Entry can make: a regular expression, a wildcard inside a
// name, a keyword, or an entry that holds for some record types only.
type Pattern struct {
	// Expr is an expression of RE2's syntax, looked for in the name's presentation form: lower case, no dot at the
	// end. It is not anchored unless it says so.
	Expr string
	// Types are the record types (RFC 1035 section 3.2.2) that the pattern holds for, at most 255; none means all
	// of them.
	Types []uint16
	// Except turns Types round: they are those that the pattern does not hold for.
	Except bool
	// Exception takes what Expr matches out of the patterns of the same list. It takes no name out of the list's
	// entries. An Entry that is an Exception, and does not yield, takes its names out of the patterns as well.
	Exception bool
	// Important wins over patterns and exceptions of the same list that are not important.
	Important bool
}

const (
	// MaxPatterns is how many patterns an index holds. The lists in use have some hundreds; a name that is not in the
	// cache costs the same whatever their number, as long as they have words that it lacks.
	MaxPatterns = 1 << 13
	// MaxExpression is the longest expression in octets: four times the longest name, whose octets may be escaped.
	MaxExpression = 1024
	// MaxSteps is how many instructions of a compiled expression fit. An expression is run in at most so many steps
	// an octet of the name: 1.6 ms for the longest name there can be.
	MaxSteps = 1000
	// maxAllSteps is how many instructions all patterns have together: 32 on an average, and 80 octets of memory each.
	maxAllSteps = 32 * MaxPatterns
	// maxOpenSteps is how many instructions those patterns have together that every name has to be run through,
	// because no word of minWord octets has to be in what they match.
	maxOpenSteps = 1 << 13
	minWord      = 3
	// maxTypes is how many record types a pattern names: their number has one octet.
	maxTypes = 255
)

// ErrPatternLimit is in the chain of the error about a pattern that is sound, but for which an index has no room.
var ErrPatternLimit = errors.New("no room for the pattern")

// patternRow is a pattern of a list, which is numbered among those that have any.
type patternRow struct {
	list uint16
	Pattern
}

// patternRows are the patterns of a Builder or of an index file.
type patternRows struct {
	rows        []patternRow
	seen        map[string]struct{} // encoded rows
	steps, open int                 // sums over rows
}

// AddPattern adds a pattern to list l. The order in which patterns are added does not matter, and the same one twice
// counts once. An error with ErrPatternLimit in its chain leaves the Builder as it was: whoever reads a list
// counts such a pattern as left out and goes on.
func (b *Builder) AddPattern(l ListID, p Pattern) error {
	number, err := b.outlierList(l)
	if err == nil {
		p.Types = slices.Compact(slices.Sorted(slices.Values(p.Types)))
		err = b.patterns.add(patternRow{list: number, Pattern: p})
	}
	if err != nil {
		return fmt.Errorf("adding a pattern: %w", err)
	}
	return nil
}

// add takes a row that is sound and has room.
func (ps *patternRows) add(row patternRow) error {
	x, err := row.read()
	if err != nil {
		return err
	}
	key := string(row.append(nil))
	if _, known := ps.seen[key]; known {
		return nil
	}
	steps, open := ps.steps+x.steps, ps.open
	if x.open() {
		open += x.steps
	}
	switch {
	case len(ps.rows) == MaxPatterns:
		return fmt.Errorf("%w: at most %d fit: use fewer lists that have any", ErrPatternLimit, MaxPatterns)
	case steps > maxAllSteps:
		return fmt.Errorf("%w: all expressions have more than %d instructions: use fewer lists that have any", ErrPatternLimit, maxAllSteps)
	case open > maxOpenSteps:
		return fmt.Errorf("%w: the expressions that every name has to be run through have more than %d instructions: "+
			"write expressions with a fixed word of %d letters or more in them", ErrPatternLimit, maxOpenSteps, minWord)
	}
	if ps.seen == nil {
		ps.seen = make(map[string]struct{})
	}
	ps.seen[key] = struct{}{}
	ps.rows, ps.steps, ps.open = append(ps.rows, row), steps, open
	return nil
}

// append appends a row as an index file stores it.
func (row *patternRow) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, row.list)
	flags := byte(0)
	for bit, set := range [...]bool{row.Exception, row.Important, row.Except} {
		if set {
			flags |= 1 << bit
		}
	}
	b = append(b, flags, byte(len(row.Types)))
	for _, t := range row.Types {
		b = le.AppendUint16(b, t)
	}
	b = le.AppendUint16(b, uint16(len(row.Expr)))
	return append(b, row.Expr...)
}

// parsePattern reads the first row of b and returns what lies behind it.
func parsePattern(b []byte) (row patternRow, rest []byte, err error) {
	le := binary.LittleEndian
	if len(b) < 4 || len(b) < 6+2*int(b[3]) || b[2] > 7 {
		return row, nil, corrupt("a pattern is cut")
	}
	row.list = le.Uint16(b)
	row.Exception, row.Important, row.Except = b[2]&1 != 0, b[2]&2 != 0, b[2]&4 != 0
	types := int(b[3])
	for b = b[4:]; types > 0; types-- {
		row.Types, b = append(row.Types, le.Uint16(b)), b[2:]
	}
	size := int(le.Uint16(b))
	if b = b[2:]; size > len(b) {
		return row, nil, corrupt("a pattern is cut")
	}
	row.Expr = string(b[:size])
	return row, b[size:], nil
}

// sort puts rows with one expression side by side.
func (ps *patternRows) sort() {
	slices.SortFunc(ps.rows, func(a, b patternRow) int {
		return cmp.Or(strings.Compare(a.Expr, b.Expr), cmp.Compare(a.list, b.list), strings.Compare(string(a.append(nil)), string(b.append(nil))))
	})
}

// expression is what is known of one before it is compiled.
type expression struct {
	steps int      // about how many instructions it has
	words []string // of which at least one is in whatever it matches; none if nothing is sure
}

// read reports what no index can hold, and otherwise what is known of the expression.
func (p *Pattern) read() (expression, error) {
	if len(p.Types) > maxTypes {
		return expression{}, fmt.Errorf("%w: %d record types: write at most %d", ErrPatternLimit, len(p.Types), maxTypes)
	}
	return readExpression(p.Expr)
}

// CheckExpression reports why no pattern can have an expression: it is empty, it is not of RE2's syntax, or, with
// ErrPatternLimit in the chain, it is longer than MaxExpression or compiles to more than MaxSteps.
func CheckExpression(text string) error {
	_, err := readExpression(text)
	return err
}

// readExpression parses an expression. Errors are those of CheckExpression.
func readExpression(text string) (expression, error) {
	switch {
	case text == "":
		return expression{}, errors.New("the expression is empty: it would match every name")
	case len(text) > MaxExpression:
		return expression{}, fmt.Errorf("%w: an expression of %d octets: write one of at most %d", ErrPatternLimit, len(text), MaxExpression)
	}
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return expression{}, fmt.Errorf("%w: write an expression as RE2 has it, without back-references and look-around", err)
	}
	x := expression{steps: steps(re), words: words(re)}
	if x.steps > MaxSteps {
		return x, fmt.Errorf("%w: an expression of %d instructions: at most %d fit, write several shorter ones", ErrPatternLimit, x.steps, MaxSteps)
	}
	return x, nil
}

// open reports whether every name has to be run through the expression.
func (x expression) open() bool { return shortest(x.words) < minWord }

// steps returns how many instructions re compiles to, large classes of characters counted as more than one. An expression of
// MaxExpression octets and the parser's own limit on repetitions keep it from overflowing.
func steps(re *syntax.Regexp) int {
	sum := 1
	for _, sub := range re.Sub {
		sum += 1 + steps(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune)
	case syntax.OpCharClass:
		return 1 + len(re.Rune)/2
	case syntax.OpRepeat:
		return (sum - 1) * max(re.Min+1, re.Max)
	default:
		return sum
	}
}

// maxWords is how many words are looked for because of one expression.
const maxWords = 256

// words returns a set of words of which at least one is in whatever re matches, or none if it knows of no such set.
func words(re *syntax.Regexp) (set []string) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{literal(re)}
	case syntax.OpCapture, syntax.OpPlus:
		return words(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return words(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if other := words(sub); shortest(other) > shortest(set) {
				set = other
			}
		}
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			other := words(sub)
			if len(other) == 0 || len(set)+len(other) > maxWords {
				return nil
			}
			set = append(set, other...)
		}
	default:
	}
	return set
}

// literal returns the text of a literal as it is in a name that matches it: in lower case, if its case does not matter. Names are
// ASCII; the two other letters that fold to one of ASCII are the long s and the sign of the unit kelvin.
func literal(re *syntax.Regexp) string {
	text := string(re.Rune)
	if re.Flags&syntax.FoldCase != 0 {
		text = strings.NewReplacer("ſ", "s", "\u212a", "k").Replace(strings.ToLower(text))
	}
	return text
}

// shortest returns the length of the shortest word, 0 if there is none.
func shortest(words []string) int {
	if len(words) == 0 {
		return 0
	}
	return len(slices.MinFunc(words, func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
}
