package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/help"
)

// starterFiles are the starter lists: one file a category, named by its id, in the domains format. Those of ok.help and
// ok.help.core come from the table of package help, those of the services from blocklists.Services.
//
//go:embed starter/*.txt
var starterFiles embed.FS

// infra is the category of what machines need.
const infra = "ok.infra"

// starterPrefix begins the names of the starter lists in statistics and findings.
const starterPrefix = "starter:"

// starterList is one embedded list.
type starterList struct {
	category string
	parent   string // of a service: what its names are as well
	text     []byte
}

func (s starterList) name() string { return starterPrefix + s.category }

func (s starterList) categories() []string {
	if s.parent == "" {
		return []string{s.category}
	}
	return []string{s.category, s.parent}
}

func (s starterList) parse(emit func(Item) error) (Report, error) {
	return Parse(bytes.NewReader(s.text), Domains, Options{PublicSuffixes: true}, emit)
}

// starterLists returns the lists of the table of help, and where all is set the embedded ones after them.
func starterLists(all bool, table help.Table) ([]starterList, error) {
	var lists []starterList
	for _, core := range []bool{true, false} {
		category := "ok.help"
		if core {
			category = "ok.help.core"
		}
		lists = append(lists, starterList{category: category, text: namesText(table.Names(core))})
	}
	if !all {
		return lists, nil
	}
	files, err := fs.ReadDir(starterFiles, "starter")
	if err != nil {
		return nil, fmt.Errorf("reading starter lists: %w", err)
	}
	for _, f := range files {
		text, err := starterFiles.ReadFile(path.Join("starter", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading starter lists: %w", err)
		}
		lists = append(lists, starterList{category: strings.TrimSuffix(f.Name(), ".txt"), text: text})
	}
	services, err := blocklists.Services()
	if err != nil {
		return nil, fmt.Errorf("reading starter lists: %w", err)
	}
	for _, s := range services {
		lists = append(lists, starterList{category: s.ID, parent: s.Parent, text: namesText(s.Names)})
	}
	return lists, nil
}

// namesText is a list in the domains format.
func namesText(names []string) []byte { return []byte(strings.Join(names, "\n") + "\n") }

// starterStats counts the lists.
func starterStats(lists []starterList) ([]Stat, error) {
	var stats []Stat
	for _, s := range lists {
		report, err := s.parse(func(Item) error { return nil })
		if err != nil {
			return nil, fmt.Errorf("reading starter list %s: %w", s.category, err)
		}
		stats = append(stats, Stat{Name: s.name(), Format: Domains, Categories: s.categories(),
			Lines: report.Lines, Names: report.Names, Rejected: report.Rejected, Examples: report.Examples,
			Bytes: int64(len(s.text)), Version: shortVersion(starterVersion([]starterList{s})), Kept: true})
	}
	return stats, nil
}

// starterVersion names the content of the embedded lists.
func starterVersion(lists []starterList) string {
	sum := sha256.New()
	for _, l := range lists {
		fmt.Fprintf(sum, "%s %d\n", strings.Join(l.categories(), " "), len(l.text))
		sum.Write(l.text)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// addStarter puts the starter lists into an index in the making.
func addStarter(b *blocklists.Builder, t *blocklists.Taxonomy, lists []starterList, taken []blocklists.Categories) error {
	for _, l := range lists {
		set, err := categories(t, l.categories())
		if err != nil {
			return fmt.Errorf("reading starter lists: %w", err)
		}
		for _, piece := range pieces(set, taken) {
			id := b.List(piece)
			if _, err := l.parse(func(i Item) error { return b.Add(id, i.Entry) }); err != nil {
				return fmt.Errorf("reading starter list %s: %w", l.category, err)
			}
		}
	}
	return nil
}

// Starter compiles the embedded starter lists alone, in memory: what serves while nothing else is there. It needs
// neither files nor network. No name of help is suspended in it.
func Starter(t *blocklists.Taxonomy) (*blocklists.Index, error) {
	return starterIndex(t, blocklists.Key{})
}

// Starter is the function of that name, with the names of the legal sources joined to the index.
func (l *Library) Starter(t *blocklists.Taxonomy) (*blocklists.Index, error) {
	ix, err := starterIndex(t, l.key)
	return l.WithLegal(ix), err
}

func starterIndex(t *blocklists.Taxonomy, key blocklists.Key) (*blocklists.Index, error) {
	table, err := help.Load()
	if err != nil {
		return nil, err
	}
	lists, err := starterLists(true, table)
	if err != nil {
		return nil, err
	}
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Taxonomy: t, Key: key})
	if err != nil {
		return nil, fmt.Errorf("compiling starter lists: %w", err)
	}
	defer func() { _ = b.Close() }() // only temporary files
	if err := addStarter(b, t, lists, nil); err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if _, err := b.Build(context.Background(), &file); err != nil {
		return nil, fmt.Errorf("compiling starter lists: %w", err)
	}
	return blocklists.ReadIndex(file.Bytes())
}

// categories numbers ids; an unknown one is an error.
func categories(t *blocklists.Taxonomy, ids []string) (blocklists.Categories, error) {
	var set blocklists.Categories
	for _, id := range ids {
		c, ok := t.Lookup(id)
		if !ok {
			return set, fmt.Errorf("no category %q: did you mean %q?", id, t.Nearest(id))
		}
		set.Add(c)
	}
	return set, nil
}
