package blocklists

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Merge puts what p says into the lists that list gives for its parts; the parts that it gives none for are left out.
// The names are read from the file while the index is built, which needs p open until then; beside that, and as often as
// one likes, Add adds entries one by one. left is how many patterns and networks do not fit into the index any more.
func (b *Builder) Merge(p *Parsed, list func(part string) (ListID, bool)) (left int, err error) {
	lists := make([]int, len(p.parts))
	wanted := false
	for i, part := range p.parts {
		l, ok := list(part)
		if lists[i] = -1; !ok {
			continue
		}
		if err := b.checkList(l); err != nil {
			return 0, fmt.Errorf("merging a list: %w", err)
		}
		lists[i], wanted = int(l), true
	}
	if !wanted {
		return 0, nil
	}
	b.parsed = append(b.parsed, &parsedStream{tableCursor: p.cursor(nameTable, mergeBuffer), lists: lists, entries: p.Entries()})
	for _, table := range [...]int{patternTable, prefixTable} {
		n, err := b.mergeRules(p, table, lists)
		if left += n; err != nil {
			return left, fmt.Errorf("merging a list: %w", err)
		}
	}
	return left, nil
}

// mergeRules adds the patterns or the networks of p.
func (b *Builder) mergeRules(p *Parsed, table int, lists []int) (left int, err error) {
	c := p.cursor(table, lookBuffer)
	for {
		more, err := c.advance()
		if !more || err != nil {
			return left, err
		}
		if lists[c.part] < 0 {
			continue
		}
		err = p.show(table, c, func(r Record) error {
			if r.Pattern != nil {
				return b.AddPattern(ListID(lists[c.part]), *r.Pattern)
			}
			return b.AddPrefix(ListID(lists[c.part]), r.Prefix, r.Entry.Exception)
		})
		if errors.Is(err, ErrPatternLimit) || errors.Is(err, ErrPrefixLimit) {
			left++
		} else if err != nil {
			return left, err
		}
	}
}

// parsedStream gives the wanted entries of a parsed file as a sorter does those that were added.
type parsedStream struct {
	*tableCursor
	lists   []int // by part; -1 is not wanted
	entries int
}

// advance implements stream.
func (s *parsedStream) advance(h *head) (bool, error) {
	for {
		more, err := s.tableCursor.advance()
		if !more || err != nil {
			return false, err
		}
		if int(s.part) >= len(s.lists) {
			return false, corrupt("part %d of %d", s.part, len(s.lists))
		}
		if l := s.lists[s.part]; l >= 0 {
			h.key, h.payload = s.key, uint64(l)<<8|uint64(s.says)
			return true, nil
		}
	}
}

// streams returns everything that was added and merged.
func (b *Builder) streams() ([]stream, error) {
	streams, err := b.entries.sorted()
	for _, s := range b.parsed {
		streams = append(streams, s)
	}
	return streams, err
}

// merged returns how many entries the merged files have, those of parts that are not wanted included.
func (b *Builder) merged() int {
	sum := 0
	for _, s := range b.parsed {
		sum += s.entries
	}
	return sum
}

// Lists reports whether a list that says just this puts name into its categories, for a query of type A: what Build would
// make of it. The records are of one list.
func Lists(said []Record, name Name) (bool, error) {
	taxonomy, err := NewTaxonomy()
	if err != nil {
		return false, err
	}
	b, err := NewBuilder(BuilderConfig{Taxonomy: taxonomy, Memory: minMemory})
	if err != nil {
		return false, err
	}
	defer func() { _ = b.Close() }() // only temporary files
	var some Categories
	some.Add(0)
	l := b.List(some)
	for _, r := range said {
		if r.Pattern != nil {
			err = b.AddPattern(l, *r.Pattern)
		} else {
			err = b.Add(l, r.Entry)
		}
		if err != nil {
			return false, fmt.Errorf("weighing what a list says: %w", err)
		}
	}
	var file bytes.Buffer
	if _, err := b.Build(context.Background(), &file); err != nil {
		return false, fmt.Errorf("weighing what a list says: %w", err)
	}
	ix, err := ReadIndex(file.Bytes())
	if err != nil {
		return false, fmt.Errorf("weighing what a list says: %w", err)
	}
	var h Hashes
	ix.Key().Hash(name, &h)
	m, _ := ix.MatchPatterns(name, 1, ix.Match(&h))
	return !m.Categories.IsZero(), nil
}
