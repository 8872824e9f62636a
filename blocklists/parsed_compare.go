package blocklists

import (
	"bytes"
	"slices"
)

// ChangeKind says how two states of a list differ in what they say of a name.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Moved   ChangeKind = "moved" // to another part, or another statement in the same one
)

// Change is what one state of a list says of a name, a pattern or a network, and what the next one does. It is valid
// until the visitor returns.
type Change struct {
	Kind   ChangeKind
	Before []Record // empty if Added
	After  []Record // empty if Removed
}

// String returns what the change is about: the name, the expression between slashes, or the network.
func (c Change) String() string {
	for _, r := range append(c.Before[:len(c.Before):len(c.Before)], c.After...) {
		return r.String()
	}
	return ""
}

// maxExamples bounds Changes.Examples.
const maxExamples = 20

// Changes counts the names, patterns and networks that changed in one way.
type Changes struct {
	Count    int      `json:"count"`
	Examples []string `json:"examples,omitempty"` // the first 20
}

// Diff counts how a state of a list differs from the one before. ParsedWriter.Finish fills in the balances too.
type Diff struct {
	Added   Changes `json:"added"`
	Removed Changes `json:"removed"`
	Moved   Changes `json:"moved"`
	Named   Balance `json:"-"` // what the list says anything of
	Listed  Balance `json:"-"` // what a part of it lists and does not except again
}

// Balance counts names, patterns and networks, each once, in two states of a list.
type Balance struct{ Before, After int }

func (b *Balance) count(before, after bool) {
	if before {
		b.Before++
	}
	if after {
		b.After++
	}
}

// weigh counts what two states say of one key, each in order, for the balances.
func (d *Diff) weigh(before, after []said) {
	d.Named.count(len(before) > 0, len(after) > 0)
	d.Listed.count(lists(before), lists(after))
}

// lists reports whether a part lists the key by what is said of it, in order, and does not except it again.
func lists(all []said) bool {
	for len(all) > 0 {
		part := all[0].part
		var s statements
		for len(all) > 0 && all[0].part == part {
			s.add(all[0].says)
			all = all[1:]
		}
		if weigh(s.made&^s.undone, silent).lists() {
			return true
		}
	}
	return false
}

// IsZero reports whether nothing differs.
func (d *Diff) IsZero() bool { return d.Added.Count+d.Removed.Count+d.Moved.Count == 0 }

// Count adds a change.
func (d *Diff) Count(c Change) {
	if changes := d.of(c.Kind); changes != nil {
		changes.add(c.String)
	}
}

func (d *Diff) of(kind ChangeKind) *Changes {
	switch kind {
	case Added:
		return &d.Added
	case Removed:
		return &d.Removed
	case Moved:
		return &d.Moved
	}
	return nil
}

// add counts a change of what is spelled so.
func (c *Changes) add(spelled func() string) {
	if c.Count++; len(c.Examples) < maxExamples {
		c.Examples = append(c.Examples, spelled())
	}
}

// kindOf returns how what is said of one key differs; "" if it does not. Both are in order.
func kindOf(before, after []said) ChangeKind {
	switch {
	case len(before) == 0:
		return Added
	case len(after) == 0:
		return Removed
	case !slices.EqualFunc(before, after, said.same):
		return Moved
	}
	return ""
}

// Compare visits every change from one state of a list to another, or from one list to another, by table and key: names first,
// as they follow each other when read from the top-level domain on. It stops at the first error of visit.
func Compare(from, to *Parsed, visit func(Change) error) error {
	for table := range tables {
		c := comparison{from: from, to: to, table: table, visit: visit}
		pairs, err := newPairing(from, table, to.parts, c.pair)
		if err != nil {
			return err
		}
		if err := pairs.against(to, table); err != nil {
			return err
		}
	}
	return nil
}

// comparison is that of one table of two files.
type comparison struct {
	from, to      *Parsed
	table         int
	visit         func(Change) error
	before, after []Record
}

// pair visits what both say of one key, where that differs.
func (c *comparison) pair(key []byte, was, is []said) error {
	kind := kindOf(was, is)
	if kind == "" {
		return nil
	}
	about, err := recordAbout(c.table, key)
	if err != nil {
		return err
	}
	c.before, c.after = c.before[:0], c.after[:0]
	for _, s := range was {
		c.before = append(c.before, about.with(s, c.from.partOf(s.part, c.to)))
	}
	for _, s := range is {
		c.after = append(c.after, about.with(s, c.to.parts[s.part]))
	}
	return c.visit(Change{Kind: kind, Before: c.before, After: c.after})
}

// partOf names a part of p by its number in a pairing with the parts of another.
func (p *Parsed) partOf(number uint32, other *Parsed) string {
	if int(number) < len(other.parts) {
		return other.parts[number]
	}
	return p.parts[int(number)-len(other.parts)]
}

// group is all that is said of one key, in order.
type group struct {
	cursor *tableCursor
	begun  bool // the cursor is at the first record of the next group
	more   bool // there is a group
	key    []byte
	said   []said
}

// flush hands on the group at hand and empties it.
func (g *group) flush(to func(key []byte, s []said) error) error {
	if len(g.said) == 0 {
		return nil
	}
	err := to(g.key, g.said)
	g.said = g.said[:0]
	return err
}

// next reads the next group of the cursor, whose file has so many parts.
func (g *group) next(parts int) error {
	if g.said = g.said[:0]; !g.begun {
		more, err := g.cursor.advance()
		if g.more = more; !more || err != nil {
			g.more = false
			return err
		}
	}
	g.key, g.begun = append(g.key[:0], g.cursor.key...), false
	for {
		if int(g.cursor.part) >= parts {
			return corrupt("part %d of %d", g.cursor.part, parts)
		}
		g.said = append(g.said, g.cursor.said)
		more, err := g.cursor.advance()
		if !more || err != nil {
			return err
		}
		if !bytes.Equal(g.cursor.key, g.key) {
			g.begun = true
			return nil
		}
	}
}

// pairing brings together what an older file and a newer one say of the same key.
type pairing struct {
	group           // of the older; without a cursor there is none
	parts  []uint32 // for each part of the older its number in the newer, or one beyond those
	visit  func(key []byte, before, after []said) error
	former int // number of parts of the older
}

// newPairing begins with the first group of previous, which may be nil. parts are those of the newer.
func newPairing(previous *Parsed, table int, parts []string, visit func(key []byte, before, after []said) error) (*pairing, error) {
	p := &pairing{visit: visit}
	if previous == nil {
		return p, nil
	}
	numbers := make(map[string]uint32, len(parts))
	for i, part := range parts {
		numbers[part] = uint32(i)
	}
	for i, part := range previous.parts {
		number, kept := numbers[part]
		if !kept {
			number = uint32(len(parts) + i)
		}
		p.parts = append(p.parts, number)
	}
	p.former, p.cursor = len(previous.parts), previous.cursor(table, mergeBuffer)
	return p, p.advance()
}

// advance makes the older's next group the one at hand, in the numbers and the order of the newer.
func (p *pairing) advance() error {
	if err := p.next(p.former); err != nil || !p.more {
		return err
	}
	for i := range p.said {
		p.said[i].part = p.parts[p.said[i].part]
	}
	if len(p.said) > 1 {
		slices.SortFunc(p.said, said.compare)
	}
	return nil
}

// add takes the newer's next group.
func (p *pairing) add(key []byte, after []said) error {
	for p.more && bytes.Compare(p.key, key) < 0 {
		if err := p.leave(); err != nil {
			return err
		}
	}
	if !p.more || !bytes.Equal(p.key, key) {
		return p.visit(key, nil, after)
	}
	if err := p.visit(key, p.said, after); err != nil {
		return err
	}
	return p.advance()
}

// leave visits a group that only the older has.
func (p *pairing) leave() error {
	if err := p.visit(p.key, p.said, nil); err != nil {
		return err
	}
	return p.advance()
}

// finish visits what is left of the older.
func (p *pairing) finish() error {
	for p.more {
		if err := p.leave(); err != nil {
			return err
		}
	}
	return nil
}

// against pairs the older with all that a newer file has in the table.
func (p *pairing) against(to *Parsed, table int) error {
	g := group{cursor: to.cursor(table, mergeBuffer)}
	for {
		if err := g.next(len(to.parts)); err != nil {
			return err
		}
		if !g.more {
			return p.finish()
		}
		if err := p.add(g.key, g.said); err != nil {
			return err
		}
	}
}
