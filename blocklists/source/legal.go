package source

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/hearthdns/hearth/blocklists"
)

// isLegal reports whether the names of s are what the law forbids. Such lists come by contract, and nobody may read them
// here: they never lie among the kept copies, but as keyed hashes in a folder of their own.
func (s Source) isLegal() bool {
	return slices.ContainsFunc(s.allCategories(), blocklists.IsLegal)
}

// legal checks what holds for legal lists alone.
func (v *validation) legal(path string, s Source, popular string) {
	if !s.isLegal() {
		return
	}
	for _, m := range s.Map {
		if slices.ContainsFunc(m.To, blocklists.IsLegal) {
			v.fail(path+".map", "directories of a public list are no legal list: illegal.* is for feeds that come by contract; write them as sources of their own, with categories")
			return
		}
	}
	if slices.ContainsFunc(s.allCategories(), func(id string) bool { return !blocklists.IsLegal(id) }) {
		v.fail(path+".categories", "illegal.* cannot stand beside other categories: legal lists are kept sealed and shown to nobody; split the source into two")
	}
	switch {
	case s.Format == UT1:
		v.fail(path+".format", "a legal list has no directories: write the format of the contracted feed, such as domains or rpz")
	case s.PublicSuffixes:
		v.fail(path+".public_suffixes", "no legal list may block a public suffix: leave it out")
	case s.Name != "" && s.Name == popular:
		v.fail(path+".categories", "the list of popular names cannot be a legal list: write another source as popular")
	}
	v.contracted(path, s)
}

// contracted holds that a legal list is not one that anybody can read.
func (v *validation) contracted(path string, s Source) {
	u, err := url.Parse(s.URL)
	switch {
	case s.Zone.Name != "" && s.Zone.TSIG.Name == "":
		v.fail(path+".zone.tsig", "a legal zone is transferred with a key only: write tsig: {name: …, secret_file: …} as its provider gave it")
	case s.URL == "" || err != nil:
	case u.Scheme != "https":
		v.fail(path+".url", "a legal list is fetched by https only: write https://…, or path for a file that you bring yourself")
	case s.TokenFile == "" && (s.CertFile == "" || s.KeyFile == ""):
		v.fail(path+".url", "a legal list comes by contract, with credentials: write token_file, or cert_file and key_file, as its provider gave them; a list that everybody may fetch cannot be illegal.*")
	}
}

// vault is what a Library has of its legal sources.
type vault struct {
	all     []Source       // the sources of the configuration, legal or not
	sources []Source       // the legal ones
	key     blocklists.Key // of the second stage

	reading sync.Mutex // held while a source on a path is read

	mu    sync.Mutex                        // held while something in the folder is read or replaced
	lists map[string]*blocklists.SealedList // the last good ones under the Library's keys, by source
}

func (l *Library) vaultFolder() string { return filepath.Join(l.config.Dir, "legal") }
func (l *Library) legalPath(name string) string {
	return filepath.Join(l.vaultFolder(), fileStem(name)+".hls")
}
func (l *Library) heldPath(name string) string {
	return filepath.Join(l.vaultFolder(), fileStem(name)+".held.hls")
}
func (l *Library) sealedPath(name string) string {
	return filepath.Join(l.vaultFolder(), fileStem(name)+".json")
}
func (l *Library) heldRecordPath(name string) string {
	return filepath.Join(l.vaultFolder(), fileStem(name)+".held.json")
}

// openVault takes the legal sources out of those that are kept and compiled, and opens the folder of theirs.
func (l *Library) openVault() error {
	l.vault.lists = make(map[string]*blocklists.SealedList)
	l.vault.all = l.lists.Sources
	var open []Source
	for _, s := range l.vault.all {
		if s.isLegal() {
			l.vault.sources = append(l.vault.sources, s)
			if err := l.wipe(s.Name); err != nil {
				return fmt.Errorf("removing the names of %s, which is a legal list now: %w", s.Name, err)
			}
		} else {
			open = append(open, s)
		}
	}
	l.lists.Sources = open
	if len(l.vault.sources) == 0 {
		return nil
	}
	if err := os.MkdirAll(l.vaultFolder(), 0o700); err != nil {
		return fmt.Errorf("opening legal lists: %w", err)
	}
	l.tighten(l.vaultFolder(), 0o700)
	sweep(l.vaultFolder(), l.config.Now())
	path := filepath.Join(l.config.Dir, "legal.key")
	var err error
	if l.vault.key, err = readKey(path); err != nil {
		return fmt.Errorf("opening legal lists: %w", err)
	}
	l.tighten(path, 0o600)
	l.readSealed()
	return nil
}

// wipe removes what is kept in the open of a source from a time when it was no legal list: its copies, held or not, what
// was parsed of them and what a crash left. Nearly always there is none.
func (l *Library) wipe(name string) error {
	left, err := fs.Glob(os.DirFS(l.folder()), fileStem(name)+".*")
	for _, file := range left {
		err = errors.Join(err, os.Remove(filepath.Join(l.folder(), file)))
	}
	return err
}

// tighten takes from others what they may do with a file or folder of legal lists.
func (l *Library) tighten(path string, mode fs.FileMode) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&^mode == 0 {
		return
	}
	l.config.Log.Warn("others could read what belongs to legal lists; made private. If others use this machine, remove legal.key: the lists are then fetched anew",
		"file", filepath.Base(path), "mode", info.Mode().Perm().String())
	if err := os.Chmod(path, mode); err != nil {
		l.config.Log.Error("cannot be made private", "file", filepath.Base(path), "error", err)
	}
}

// hasLegal reports whether a source of that name is a legal one.
func (l *Library) hasLegal(name string) bool {
	return slices.ContainsFunc(l.vault.sources, func(s Source) bool { return s.Name == name })
}

// seal is the pair of keys for the library's own index.
func (l *Library) seal() blocklists.Seal { return blocklists.Seal{Index: l.key, Legal: l.vault.key} }
