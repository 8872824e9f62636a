package source

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/hearthdns/hearth/blocklists"
)

// selfTest is the label beneath the resolver's own name that is blocked like a name on a legal list, so that an
// operator can see that such lists are in force without asking for anything that is on one.
const selfTest = "legal-selftest."

// errUnsealed is that nothing is in force of a legal list.
var errUnsealed = errors.New("none of its names is kept")

// readSealed reads the records and the names of all legal sources anew: another process may have updated them.
func (l *Library) readSealed() {
	l.vault.mu.Lock()
	defer l.vault.mu.Unlock()
	for _, s := range l.vault.sources {
		k, err := readRecord(l.sealedPath(s.Name), s.Name)
		if err != nil {
			l.config.Log.Warn("record of a legal list unreadable, the list is fetched anew", "list", s.Name, "error", err)
		}
		list, err := l.openSealed(l.legalPath(s.Name), l.seal())
		if err == nil {
			l.vault.lists[s.Name] = list
			k.Names, k.SHA256 = list.Names(), list.Version()
		} else {
			l.lose(s, &k, err)
		}
		l.remember(k)
	}
}

// lose notes that the file of a legal source is of no use: the source is asked again at once, and for all of it.
func (l *Library) lose(s Source, k *kept, why error) {
	if l.vault.lists[s.Name] == nil {
		k.Names = 0
	}
	if k.SHA256 == "" {
		return // it was never there, or that is known
	}
	k.SHA256, k.ETag, k.LastModified, k.Stamp, k.Failures = "", "", "", "", 0
	k.LastError = "its sealed names cannot be read and are fetched anew: " + discreet(s, why).Error()
	l.config.Log.Error("sealed names of a legal list cannot be read; they are fetched anew", "list", s.Name, "error", why,
		"in_force", l.vault.lists[s.Name] != nil)
	if err := writeJSON(l.sealedPath(s.Name), k); err != nil {
		l.config.Log.Error("the record of a legal list cannot be written", "list", s.Name, "error", err)
	}
}

func (l *Library) openSealed(path string, seal blocklists.Seal) (*blocklists.SealedList, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the library's own folder
	if err != nil {
		return nil, err
	}
	l.tighten(path, 0o600)
	return blocklists.ReadSealedList(b, seal)
}

// WithLegal joins the names of the legal sources to an index, after reading those on a path whose file has changed.
// What cannot be joined is logged, and stands in the statistics.
func (l *Library) WithLegal(ix *blocklists.Index) *blocklists.Index {
	if len(l.vault.sources) == 0 || ix == nil {
		return ix
	}
	l.readSealed()
	for _, s := range l.vault.sources {
		if k := l.asked(s); s.Path != "" && (k.SHA256 == "" || changedOnDisk(s, k)) {
			l.updateSealed(context.Background(), s) // no wait: it is read where it lies
		}
	}
	sealed, err := blocklists.NewSealed(l.sealedParts(ix.Key())...)
	if err == nil {
		var view *blocklists.Index
		if view, err = ix.WithSealed(sealed); err == nil {
			return view
		}
	}
	l.config.Log.Error("legal lists are not in force", "error", err)
	return ix
}

// sealedParts gives the lists in force for an index with this key, and the self-test where none is missing.
func (l *Library) sealedParts(key blocklists.Key) []blocklists.SealedPart {
	l.vault.mu.Lock()
	defer l.vault.mu.Unlock()
	seal := blocklists.Seal{Index: key, Legal: l.vault.key}
	var parts []blocklists.SealedPart
	whole := true
	for _, s := range l.vault.sources {
		list, err := l.vault.lists[s.Name], error(nil)
		if key != l.key { // an index of an earlier key serves on until it is compiled anew
			list, err = l.openSealed(l.legalPath(s.Name), seal)
		}
		if list == nil || err != nil {
			whole = false
			l.config.Log.Error("a legal list is not in force: its names have to be fetched", "list", s.Name, "error", cmp.Or(err, errUnsealed))
			continue
		}
		parts = append(parts, blocklists.SealedPart{List: list, Categories: s.Categories})
	}
	if whole {
		parts = append(parts, l.selfTestPart(seal))
	}
	return parts
}

// selfTestPart is the self-test name, as a list of its own.
func (l *Library) selfTestPart(seal blocklists.Seal) blocklists.SealedPart {
	sealer := blocklists.NewSealer(seal)
	if name, err := blocklists.ParseName(selfTest + l.config.Own); err == nil && l.config.Own != "" {
		_ = sealer.Add(name, blocklists.Exact) // a name below the root, and the only one
	}
	return blocklists.SealedPart{List: sealer.List(), Categories: l.vault.sources[0].Categories}
}
