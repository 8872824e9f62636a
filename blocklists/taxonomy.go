package blocklists

import (
	"fmt"
	"slices"
	"strings"
)

// Definition is one row of a Taxonomy.
type Definition struct {
	// ID is the stable dotted name of the category: "adult.porn", "service.tiktok". Octets a-z,
	// 0-9, "-" and ".", at most 64 of them, no empty part.
	ID string
	// Group is the key of the group under which parents see the category, one of Groups, or ""
	// for what no parent switches (ok.*, illegal.*, meta.*).
	Group string
	// Service marks a single service with a switch of its own.
	Service bool
	// Parent is the id of the category that an allow of this service lifts; "" if not a service.
	Parent string
}

// IsLegal says whether a category is one of what the law forbids (illegal.*): never shown, logged or exported.
func IsLegal(id string) bool { return strings.HasPrefix(id, "illegal.") }

// Taxonomy is the set of categories that an Index is compiled for, numbered. It is immutable and
// safe for concurrent use.
type Taxonomy struct {
	rows []Definition
	byID map[string]Category
}

// NewTaxonomy numbers the built-in categories and then those of the operator, in order. An id that is
// malformed or taken, an unknown group or parent, and more than MaxCategories rows are errors.
func NewTaxonomy(own ...Definition) (*Taxonomy, error) {
	if _, err := readServices(); err != nil {
		return nil, err
	}
	return taxonomyOf(slices.Concat(Builtin(), own))
}

func taxonomyOf(rows []Definition) (*Taxonomy, error) {
	if len(rows) > MaxCategories {
		return nil, fmt.Errorf("%d categories, at most %d fit: remove %d of your own",
			len(rows), MaxCategories, len(rows)-MaxCategories)
	}
	t := &Taxonomy{rows: rows, byID: make(map[string]Category, len(rows))}
	for i, row := range rows {
		if err := t.checkRow(row); err != nil {
			return nil, err
		}
		t.byID[row.ID] = Category(i)
	}
	for _, row := range rows {
		if _, known := t.byID[row.Parent]; row.Parent != "" && !known {
			return nil, fmt.Errorf("category %q: parent %q is not a category, did you mean %q?",
				row.ID, row.Parent, t.Nearest(row.Parent))
		}
	}
	return t, nil
}

// checkRow checks what can be checked of one row while those before it are known.
func (t *Taxonomy) checkRow(row Definition) error {
	if !validID(row.ID) {
		return fmt.Errorf(`category %q: an id is words of a-z, 0-9 and "-" joined by dots, at most 64 octets: `+
			`write one like "family.pets"`, row.ID)
	}
	if _, taken := t.byID[row.ID]; taken {
		return fmt.Errorf("category %q exists already: choose another id, or use the existing one", row.ID)
	}
	if row.Group != "" && !slices.Contains(Groups(), row.Group) {
		return fmt.Errorf("category %q: group %q is unknown: write one of %s, or none",
			row.ID, row.Group, strings.Join(Groups(), ", "))
	}
	return nil
}

// validID reports whether id has the form that Definition.ID states.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for part := range strings.SplitSeq(id, ".") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Lookup returns the number of the category called id.
func (t *Taxonomy) Lookup(id string) (Category, bool) {
	c, ok := t.byID[id]
	return c, ok
}

// ID returns the id of category c, or "" if t has no such number.
func (t *Taxonomy) ID(c Category) string { return t.Definition(c).ID }

// Definition returns the row of category c; it is zero if t has no such number.
func (t *Taxonomy) Definition(c Category) Definition {
	if int(c) >= len(t.rows) {
		return Definition{}
	}
	return t.rows[c]
}

// Len returns the number of categories.
func (t *Taxonomy) Len() int { return len(t.rows) }

// All returns the rows in the order of their numbers. The caller owns the slice.
func (t *Taxonomy) All() []Definition { return slices.Clone(t.rows) }

// Equal reports whether both number the same rows alike, so that sets of one can be read with the other.
func (t *Taxonomy) Equal(other *Taxonomy) bool { return slices.Equal(t.rows, other.rows) }

// open returns the set of the category that marks the values of Match.Open; it is empty in a taxonomy of a
// file that was written before there was one.
func (t *Taxonomy) open() (set Categories) {
	if c, ok := t.Lookup(openID); ok {
		set.Add(c)
	}
	return set
}

// lifting returns the categories that can make a name more allowed: ok.* and the services.
func (t *Taxonomy) lifting() (set Categories) {
	for i, row := range t.rows {
		if row.Service || strings.HasPrefix(row.ID, "ok.") {
			set.Add(Category(i))
		}
	}
	return set
}
