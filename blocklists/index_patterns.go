package blocklists

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// patterns are those of an index, ready to be matched.
type patterns struct {
	count int
	rules []rule
	words map[gram][]word // each under its rarest three octets
	open  []word          // of what has to be looked at for every name
}

// rule is an expression and what the lists say of the names that match it.
type rule struct {
	expr *regexp.Regexp
	rows []patternRow
}

// word is one that has to be in a name for a rule to match; "" if nothing has to be.
type word struct {
	text string
	rule int
}

// gram is three octets of a word.
type gram [minWord]byte

// compilePatterns makes ready what was read from a file. Rows with one expression are side by side, or else
// are compiled more than once.
func compilePatterns(rows []patternRow) (*patterns, error) {
	ps := &patterns{count: len(rows), words: make(map[gram][]word)}
	var all []word
	for begin := 0; begin < len(rows); {
		end := begin + 1
		for end < len(rows) && rows[end].Expr == rows[begin].Expr {
			end++
		}
		x, err := readExpression(rows[begin].Expr)
		if err != nil {
			return nil, err
		}
		expr, err := regexp.Compile(rows[begin].Expr)
		if err != nil {
			return nil, fmt.Errorf("compiling a pattern: %w", err)
		}
		if len(x.words) == 0 {
			x.words = []string{""}
		}
		for _, text := range x.words {
			all = append(all, word{strings.Clone(text), len(ps.rules)})
		}
		ps.rules = append(ps.rules, rule{expr: expr, rows: rows[begin:end]})
		begin = end
	}
	ps.file(all)
	return ps, nil
}

// file puts every word under the three octets of it that the fewest words have: what is in one of all names, as
// "com" and "www" are, is in many words too.
func (ps *patterns) file(all []word) {
	frequency := make(map[gram]int)
	for _, w := range all {
		for at := range max(0, len(w.text)-minWord+1) {
			frequency[gram([]byte(w.text[at:at+minWord]))]++
		}
	}
	for _, w := range all {
		if len(w.text) < minWord {
			ps.open = append(ps.open, w)
			continue
		}
		rarest := gram([]byte(w.text[:minWord]))
		for at := range len(w.text) - minWord + 1 {
			if g := gram([]byte(w.text[at : at+minWord])); frequency[g] < frequency[rarest] {
				rarest = g
			}
		}
		ps.words[rarest] = append(ps.words[rarest], w)
	}
}

// candidates returns the rules that may match text, by ascending number.
func (ps *patterns) candidates(text string) []int {
	var found []int
	look := func(words []word) {
		for _, w := range words {
			if strings.Contains(text, w.text) {
				found = append(found, w.rule)
			}
		}
	}
	look(ps.open)
	for at := range max(0, len(text)-minWord+1) {
		if words, ok := ps.words[gram([]byte(text[at:at+minWord]))]; ok {
			look(words)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// match returns what each list says of text. typed says that some row for some types only has an expression that matches.
func (ps *patterns) match(text string, qtype uint16) (said []statements, typed bool) {
	for _, number := range ps.candidates(text) {
		r := &ps.rules[number]
		if !r.expr.MatchString(text) {
			continue
		}
		for i := range r.rows {
			row := &r.rows[i]
			typed = typed || len(row.Types) > 0
			if len(row.Types) == 0 || slices.Contains(row.Types, qtype) != row.Except {
				said = say(said, ListID(row.list), Entry{Exception: row.Exception, Important: row.Important}.statement())
			}
		}
	}
	return said, typed
}

// say adds a statement to those of its list.
func say(said []statements, list ListID, x statement) []statements {
	i := slices.IndexFunc(said, func(s statements) bool { return s.list == list })
	if i < 0 {
		i, said = len(said), append(said, statements{list: list})
	}
	said[i].add(x)
	return said
}

// Patterns returns the number of patterns in ix. With none, MatchPatterns has nothing to add.
func (ix *Index) Patterns() int {
	if ix.patterns == nil {
		return 0
	}
	return ix.patterns.count
}

// PatternCategories returns the categories that some pattern of ix can give.
func (ix *Index) PatternCategories() Categories { return ix.given }

// MatchPatterns returns m, which ix.Match gave for name, with what the patterns say of name for a query of type
// qtype; it is then Whole. typed says that a pattern for some types only has a part in it, so that it holds for
// this qtype alone. It may allocate: it is for the path of a name that is not in the cache.
func (ix *Index) MatchPatterns(name Name, qtype uint16, m Match) (out Match, typed bool) {
	m.Whole = true
	if ix.patterns == nil {
		return m, false
	}
	said, typed := ix.patterns.match(name.String(), qtype)
	for _, s := range said {
		made := s.made
		if made&(plainBlock|firmBlock) != 0 {
			made |= ix.spared(name, uint16(s.list))
		}
		if !weigh(made, silent).lists() {
			continue
		}
		m.Categories = m.Categories.Or(ix.sets[s.list])
		m.Labels = uint8(name.Labels())
		m.Open = true // nobody knows which of the names beneath match as well
	}
	runtime.KeepAlive(ix)
	return m, typed
}
