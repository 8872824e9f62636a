package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
)

// jury knows which lists have a name. Each part of each list is a voter with a category of its own in one of several
// indexes, so that a name costs a look-up in each of them and millions of names cost no memory of the heap.
type jury struct {
	key    blocklists.Key
	voters []voter
	panels []*blocklists.Index
	hashes blocklists.Hashes
}

// voter is a part of a list.
type voter struct {
	source, part string
	ids          []string // what it says of its names
	panel        int
	seat         blocklists.Category
	peers        []blocklists.Categories // by panel: the voters of other lists that speak of a category of its own
}

// juryID is the category of a seat. No list of an operator can have it: it is of a taxonomy of its own.
func juryID(seat int) string { return fmt.Sprintf("jury.%d", seat) }

// newJury compiles the indexes.
func (l *Library) newJury(ctx context.Context, inputs []input) (*jury, error) {
	j := &jury{key: l.key}
	seats := blocklists.MaxCategories - len(blocklists.Builtin())
	if seats < 1 {
		return nil, errors.New("the program's own categories leave no room to compare lists")
	}
	for _, in := range inputs {
		plan := in.source.planFor(in.state.Directories, l.lists)
		for _, part := range in.state.Parts() {
			ids := slices.DeleteFunc(slices.Clone(plan.of(part)), func(id string) bool { return !isBlocking(id) })
			if len(ids) > 0 {
				j.voters = append(j.voters, voter{source: in.source.Name, part: part, ids: ids, panel: len(j.voters) / seats})
			}
		}
	}
	for first := 0; first < len(j.voters); first += seats {
		if err := l.seat(ctx, j, inputs, first, min(first+seats, len(j.voters))); err != nil {
			return nil, err
		}
	}
	j.introduce()
	return j, nil
}

// seat compiles the index of the voters from first to end.
func (l *Library) seat(ctx context.Context, j *jury, inputs []input, first, end int) error {
	var own []blocklists.Definition
	for i := range end - first {
		own = append(own, blocklists.Definition{ID: juryID(i)})
	}
	t, err := blocklists.NewTaxonomy(own...)
	if err != nil {
		return err
	}
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Dir: l.config.Dir, Taxonomy: t, Key: j.key})
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }() // only temporary files
	lists := make(map[[2]string]blocklists.ListID)
	for i := first; i < end; i++ {
		v := &j.voters[i]
		set, err := categories(t, []string{juryID(i - first)})
		if err != nil {
			return err
		}
		v.seat, _ = set.First()
		lists[[2]string{v.source, v.part}] = b.List(set)
	}
	for _, in := range inputs {
		if _, err := b.Merge(in.state.Parsed, func(part string) (blocklists.ListID, bool) {
			id, ok := lists[[2]string{in.source.Name, part}]
			return id, ok
		}); err != nil {
			return err
		}
	}
	path := filepath.Join(l.config.Dir, "lint"+tempMark+"index")
	defer func() { _ = os.Remove(path) }() // only tidiness
	if err := writeFile(path, 0o600, func(w io.Writer) error { _, err := b.Build(ctx, w); return err }); err != nil {
		return err
	}
	ix, err := blocklists.OpenIndex(path)
	j.panels = append(j.panels, ix)
	return err
}

// introduce tells every voter who its peers are.
func (j *jury) introduce() {
	for i := range j.voters {
		v := &j.voters[i]
		v.peers = make([]blocklists.Categories, len(j.panels))
		for _, other := range j.voters {
			if other.source != v.source && slices.ContainsFunc(other.ids, func(id string) bool { return slices.Contains(v.ids, id) }) {
				v.peers[other.panel].Add(other.seat)
			}
		}
	}
}

// others reports whether another list has what the record is about, for a category of the record's own list.
func (j *jury) others(source string, r blocklists.Record) bool {
	i := slices.IndexFunc(j.voters, func(v voter) bool { return v.source == source && v.part == r.Part })
	if i < 0 {
		return false
	}
	j.key.Hash(r.Entry.Name, &j.hashes)
	for n, ix := range j.panels {
		if ix.Match(&j.hashes).Categories.Intersects(j.voters[i].peers[n]) {
			return true
		}
	}
	return false
}
