package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthdns/hearth/blocklists/source/transfer"
)

// origin says where the content of a source comes from, and how it is written, as the configuration has it.
type origin struct {
	URL    string `json:"url,omitempty"`
	Path   string `json:"path,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Format Format `json:"format"`
	Key    string `json:"key,omitempty"` // that its signature was checked with
}

func (s Source) origin() origin { return origin{s.URL, s.Path, s.Zone.Name, s.Format, s.Key} }

// sameOrigin reports whether what is known came from the source as it is configured now.
func (o *origin) sameOrigin(s Source) bool { return *o == s.origin() }

// kept is what is known of a source; it lies as JSON beside the last good copy.
type kept struct {
	origin

	Name         string               `json:"name"`
	Serial       uint32               `json:"serial,omitempty"`  // of a zone
	ReadAs       Format               `json:"read_as,omitempty"` // what the content was read as
	ETag         string               `json:"etag,omitempty"`
	LastModified string               `json:"last_modified,omitempty"`
	SHA256       string               `json:"sha256,omitempty"` // of the last good content; "" = none
	Stamp        string               `json:"stamp,omitempty"`  // of a path: sizes and times under which SHA256 was taken
	Bytes        int64                `json:"bytes"`            // as downloaded, or as it lies there
	Fetched      time.Time            `json:"fetched"`          // when the last good content came; a path: its newest change
	Checked      time.Time            `json:"checked"`          // when the origin was last asked
	Confirmed    time.Time            `json:"confirmed"`        // when it last said that this is its content
	Lines        int                  `json:"lines"`
	Names        int                  `json:"names"`
	Rejected     map[Reason]int       `json:"rejected,omitempty"`
	Examples     map[Reason]Rejection `json:"examples,omitempty"`
	SOA          transfer.SOA         `json:"soa,omitzero"`       // of a legal zone: all that is kept of it
	Guards       string               `json:"guards,omitempty"`   // of a legal list: what its names were held against
	Failures     int                  `json:"failures,omitempty"` // attempts that failed since the last good one
	LastError    string               `json:"last_error,omitempty"`
	Asked        time.Time            `json:"asked,omitzero"`    // when the origin was first asked
	Popular      int                  `json:"popular,omitempty"` // popular names that the list hits
	Held         *heldCopy            `json:"held,omitempty"`    // a newer version that waits for the operator
}

// count notes what a parse of the content found.
func (k *kept) count(r Report) {
	k.ReadAs, k.Lines, k.Names = r.Format, r.Lines, r.Names
	k.Rejected, k.Examples = maps.Clone(r.Rejected), maps.Clone(r.Examples)
}

// newKept is the record of a source of which nothing is known.
func newKept(s Source) kept {
	return kept{Name: s.Name, origin: s.origin()}
}

// fileStem names the files of a source. It is a hash, so that no name can lead out of the folder.
func fileStem(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func (l *Library) listPath(name string) string {
	return filepath.Join(l.folder(), fileStem(name)+".list")
}

func (l *Library) recordPath(name string) string {
	return filepath.Join(l.folder(), fileStem(name)+".json")
}

func (l *Library) folder() string { return filepath.Join(l.config.Dir, "sources") }

// contentPath is where the content of a source lies.
func (l *Library) contentPath(s Source) string {
	if s.Path != "" {
		return s.Path
	}
	return l.listPath(s.Name)
}

// readRecord reads what is known of a source; one that is not there is as new.
func readRecord(path, name string) (kept, error) {
	fresh := kept{Name: name}
	text, err := os.ReadFile(path) //nolint:gosec // the library's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil || k.Name != name {
		return fresh, fmt.Errorf("the record %s is damaged and counts as missing", filepath.Base(path))
	}
	return k, nil
}

// readKept reads the record of a source. One that is missing or unreadable is as new; so is one whose list is gone, but
// for what is known of the origin.
func (l *Library) readKept(s Source) (kept, error) {
	k, err := readRecord(l.recordPath(s.Name), s.Name)
	if err != nil {
		return k, err
	}
	if k.Held != nil && s.Path == "" {
		if _, err := os.Stat(l.candidatePath(s.Name)); err != nil {
			k.Held = nil
		}
	}
	if s.Path == "" {
		if _, err := os.Stat(l.listPath(s.Name)); err != nil {
			fresh := kept{Name: s.Name}
			fresh.Checked, fresh.Asked, fresh.Failures, fresh.LastError, fresh.Held = k.Checked, k.Asked, k.Failures, k.LastError, k.Held
			return fresh, nil
		}
	}
	return k, nil
}

func (l *Library) writeKept(k kept) error {
	return writeJSON(l.recordPath(k.Name), k)
}

// equalKept reports whether two records say the same.
func equalKept(a, b kept) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, 0o640, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}
