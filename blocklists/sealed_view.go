package blocklists

import (
	"fmt"
	"weak"
)

// WithSealed returns a view of ix whose matches have the categories of the sealed names too, and ix itself, without
// those of an earlier view, where s is nil. The view has an identity of its own, so that nothing remembered of ix
// counts for it, and the content's ID, which must not tell of legal lists. The error has ErrOtherKey in its chain where s was
// sealed for another index, or names a category that ix does not have.
func (ix *Index) WithSealed(s *Sealed) (*Index, error) {
	plain := ix
	if ix.plain != nil {
		plain = ix.plain
	}
	if s == nil {
		return plain, nil
	}
	if s.seal.Index != ix.Key() {
		return nil, fmt.Errorf("joining sealed names: %w", ErrOtherKey)
	}
	numbered := *s
	for i, id := range s.ids {
		c, ok := ix.taxonomy.Lookup(id)
		if !ok {
			return nil, fmt.Errorf("joining sealed names: the index has no category %q", id)
		}
		numbered.numbers[i] = c
	}
	view := *plain
	view.plain, view.sealed = plain, &numbered // plain keeps the memory: its cleanup gives it back
	view.self = weak.Make(&view)
	return &view, nil
}

// Same reports whether other has the content and the sealed names of ix.
func (ix *Index) Same(other *Index) bool {
	return ix.ID() == other.ID() && ix.Key() == other.Key() && ix.sealed.same(other.sealed)
}

func (s *Sealed) same(other *Sealed) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.digest == other.digest
}
