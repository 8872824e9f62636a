package policytest

import (
	"bytes"
	"context"
	"os"

	"github.com/hearthdns/hearth/blocklists"
)

// Index compiles lists: of each category, by its id, the names. More of it may be added. It panics where they cannot be
// compiled, so that one index serves all tests of a package.
func Index(listed map[string][]string, add ...func(*blocklists.Builder, *blocklists.Taxonomy) error) *blocklists.Index {
	dir := must(os.MkdirTemp("", "hearth-index"))
	defer func() { _ = os.RemoveAll(dir) }()
	taxonomy := must(blocklists.NewTaxonomy())
	b := must(blocklists.NewBuilder(blocklists.BuilderConfig{Dir: dir, Taxonomy: taxonomy, Key: blocklists.NewKey(), Memory: 1 << 16}))
	defer func() { _ = b.Close() }()
	for id, names := range listed {
		list := b.List(must(taxonomy.Select(id)))
		for _, text := range names {
			must(0, b.Add(list, blocklists.Entry{Name: must(blocklists.ParseName(text))}))
		}
	}
	for _, more := range add {
		must(0, more(b, taxonomy))
	}
	var file bytes.Buffer
	must(b.Build(context.Background(), &file))
	return must(blocklists.ReadIndex(file.Bytes()))
}

// Lists gives what Index takes, of the category of each name.
func Lists(category map[string]string) map[string][]string {
	listed := map[string][]string{}
	for name, id := range category {
		listed[id] = append(listed[id], name)
	}
	return listed
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
