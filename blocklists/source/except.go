package source

import (
	"fmt"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
)

// A list's own exceptions never lift what another list says. A source with Except does: it is the operator's word against
// the lists that have one of the categories which the source names, and for those categories alone: a list that has others
// as well is compiled in as two.

// maxExcepted bounds the names that one source takes out of others: each costs an entry in every list of its categories.
const maxExcepted = 20_000

// except checks a source whose names are taken out of others.
func (v *validation) except(path string, s Source) {
	if !s.Except {
		return
	}
	if s.Format == UT1 {
		v.fail(path+".except", "a ut1 list has directories with categories of their own: write another format")
	}
	for i, id := range s.Categories {
		if !isBlocking(id) {
			v.fail(fmt.Sprintf("%s.categories[%d]", path, i), "%s is nothing that names are taken out of: write a category that blocks, such as money.gambling", id)
		}
	}
}

// excepted are the categories of each source with Except.
func excepted(t *blocklists.Taxonomy, inputs []input) (all []blocklists.Categories, err error) {
	for _, in := range inputs {
		if !in.source.Except {
			continue
		}
		from, err := categories(t, in.source.Categories)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", in.source.Name, err)
		}
		all = append(all, from)
	}
	return all, nil
}

// except takes the names of the sources with Except out of all lists that b has.
func (l *Library) except(b *blocklists.Builder, t *blocklists.Taxonomy, inputs []input, sum *Summary) error {
	for _, in := range inputs {
		if !in.source.Except {
			continue
		}
		from, err := categories(t, in.source.Categories)
		if err != nil {
			return fmt.Errorf("list %s: %w", in.source.Name, err)
		}
		taken := 0
		err = in.state.Each(func(r blocklists.Record) error {
			if r.Entry.Name == nil || r.Entry.Exception || r.Entry.Cancel {
				return nil
			}
			if taken++; taken > maxExcepted {
				return nil
			}
			return b.Except(r.Entry.Name, from)
		})
		if taken > maxExcepted {
			l.note(sum, in.source, Whole, fmt.Errorf("of its %d names, only %d are taken out of other lists", taken, maxExcepted))
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", in.source.Name, err)
		}
	}
	return nil
}

// excepted marks what a source with Except says of the name: the findings from the first on.
func (q *query) excepted(s Source, first int) {
	for i := range q.found.Entries[first:] {
		f := &q.found.Entries[first+i]
		f.Categories = s.Categories
		if f.Pattern != "" || f.Exception || f.Cancel {
			f.Covers = false // nothing is taken out of others by it
			continue
		}
		f.Exception, f.Covers = true, true
		q.spared = append(q.spared, s.Categories...)
	}
}

// except takes back what lists say that a source with Except speaks against.
func (q *query) except() {
	for i, v := range q.votes {
		q.votes[i].categories = slices.DeleteFunc(slices.Clone(v.categories), func(id string) bool { return slices.Contains(q.spared, id) })
	}
	q.votes = slices.DeleteFunc(q.votes, func(v vote) bool { return len(v.categories) == 0 })
}
