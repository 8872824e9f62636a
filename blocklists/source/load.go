package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hearthdns/hearth/blocklists"
)

// ErrStale means that the index on disk is not that of the lists, categories and settings as they are now, or that
// there is none: Compile makes it.
var ErrStale = errors.New("the compiled index is not of the lists as they are now")

// parserVersion is raised when the same list gives other entries than before, so that indexes are compiled anew.
const parserVersion = 2

// built lies beside the index and says of what it was compiled.
type built struct {
	Index       string `json:"index"` // Index.ID
	Fingerprint string `json:"fingerprint"`
	Version     int    `json:"version"` // parserVersion
}

// Load opens the compiled index without network and without reading the lists. Errors: blocklists.ErrCorrupt or
// blocklists.ErrVersion for a file that must not be used, ErrStale for one that Compile has to make anew. With
// ErrStale the index is returned too where it is sound and of the same taxonomy: better than the starter lists
// while Compile runs.
func (l *Library) Load(t *blocklists.Taxonomy) (*blocklists.Index, error) {
	ix, err := blocklists.OpenIndex(l.indexPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is none yet", ErrStale)
	}
	if err != nil {
		return nil, fmt.Errorf("loading lists: %w", err)
	}
	if !ix.Taxonomy().Equal(t) {
		return nil, fmt.Errorf("%w: the categories have changed", ErrStale)
	}
	l.readAll()
	why := l.staleness(ix, t)
	ix = l.WithLegal(ix)
	if why != "" {
		return ix, fmt.Errorf("%w: %s", ErrStale, why)
	}
	return ix, nil
}

// staleness says why ix is not of the lists as they are; "" means that it is.
func (l *Library) staleness(ix *blocklists.Index, t *blocklists.Taxonomy) string {
	var b built
	text, err := os.ReadFile(l.builtPath())
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	switch {
	case err != nil:
		return "it is not known of what it was compiled"
	case b.Index != ix.ID():
		return "its description is of another file"
	case ix.Key() != l.key:
		return "it has another key"
	case b.Version != parserVersion:
		return "it was compiled by another version of the program"
	}
	mark, err := l.fingerprint(t)
	if err != nil || mark != b.Fingerprint {
		return "a list or a setting has changed"
	}
	return ""
}

// fingerprint names everything that an index is made of: taxonomy, starter lists, settings and content of the sources.
func (l *Library) fingerprint(t *blocklists.Taxonomy) (string, error) {
	type part struct {
		Source  Source
		Content string
	}
	of := struct {
		Taxonomy []blocklists.Definition
		Starter  string
		Popular  string
		MaxBytes int64
		Sources  []part
	}{Taxonomy: t.All(), Starter: starterVersion(l.starters()), Popular: l.lists.Popular, MaxBytes: l.lists.MaxBytes}
	for _, s := range l.lists.Sources {
		content := l.version(s)
		s.Refresh, s.URL, s.Zone.Primaries, s.Zone.TSIG = 0, "", nil, TSIG{} // how content comes does not change what it is
		s.Private, s.TokenFile, s.CertFile, s.KeyFile, s.CAFile = false, "", "", "", ""
		of.Sources = append(of.Sources, part{s, content})
	}
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// version names the content of a source as it is now; "" where there is none. The files of a path are read only
// where their sizes or times are not those of the record.
func (l *Library) version(s Source) string {
	k := l.recall(s.Name)
	if s.Path == "" {
		return k.SHA256
	}
	now, err := stat(s.Path)
	if err != nil {
		return ""
	}
	if k.sameOrigin(s) && (now.stamp == k.Stamp || k.Held != nil && now.stamp == k.Held.Record.Stamp) {
		return k.SHA256
	}
	hash, err := digest(s.Path)
	if err != nil {
		return ""
	}
	return hash
}
