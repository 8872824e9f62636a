package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (h *legalHouse) file(name string) string { return filepath.Join(h.dir, "lists", name) }

func (h *legalHouse) sealedFile() string { return h.file("legal/" + fileStem("court") + ".hls") }

// TestLegalKeysLost: without a key the names are unknown, which is said, and the list is read anew.
func TestLegalKeysLost(t *testing.T) {
	for _, lost := range []string{"legal.key", "key"} {
		t.Run(lost, func(t *testing.T) {
			h := newLegalHouse(t, "one-order.example\n")
			h.update()
			h.blocks(h.inForce(), "one-order.example")
			feed, err := os.ReadFile(h.path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(h.path); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(h.file(lost)); err != nil {
				t.Fatal(err)
			}
			h.reopen()
			h.leaves(h.inForce(), "one-order.example", "legal-selftest."+ownName) // nobody can know them any more
			if log := h.log.String(); !strings.Contains(log, "fetched anew") || !strings.Contains(log, "another key") {
				t.Errorf("the log does not report it: %s", log)
			}
			stat := h.l.Stats()[len(h.l.Stats())-1]
			if stat.Kept || stat.LastError == "" || stat.Names != 0 {
				t.Errorf("the statistics do not report it: %+v", stat)
			}
			if h.update(); strings.Contains(h.log.String(), "<nil>") || strings.Contains(h.log.String(), "names=1") || h.l.Stats()[len(h.l.Stats())-1].Names != 0 {
				t.Errorf("names count that nobody has: %s", h.log.String())
			}
			write(t, h.path, string(feed))
			if r := h.update(); r.Status != Updated || r.Names != 1 {
				t.Errorf("read anew: %+v", r)
			}
			h.blocks(h.inForce(), "one-order.example", "legal-selftest."+ownName)
			h.wantSecret("one-order.example")
		})
	}
}

// TestLegalFileTampered: a file that was changed is refused; what is in memory stays, and the list is read anew.
func TestLegalFileTampered(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\ntwo-order.example\n")
	h.update()
	ix := h.inForce()
	b, err := os.ReadFile(h.sealedFile())
	if err != nil {
		t.Fatal(err)
	}
	b[45] ^= 1
	write(t, h.sealedFile(), string(b))
	if err := os.Rename(h.path, h.path+".away"); err != nil {
		t.Fatal(err)
	}
	again := h.inForce()
	h.blocks(again, "one-order.example", "two-order.example")
	if !again.Same(ix) {
		t.Error("other names are in force")
	}
	if log := h.log.String(); !strings.Contains(log, "changed or damaged") {
		t.Errorf("the log does not report it: %s", log)
	}
	if err := os.Rename(h.path+".away", h.path); err != nil {
		t.Fatal(err)
	}
	if r := h.update(); r.Status != Updated || r.Names != 2 {
		t.Errorf("read anew: %+v", r)
	}
	h.reopen()
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
}

// TestLegalModes: what others may read is made private, and that is said.
func TestLegalModes(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.update()
	h.inForce()
	for path, mode := range map[string]fs.FileMode{h.file("legal.key"): 0o644, h.sealedFile(): 0o640, h.file("legal"): 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	h.reopen()
	h.blocks(h.inForce(), "one-order.example")
	for path, want := range map[string]fs.FileMode{h.file("legal.key"): 0o600, h.sealedFile(): 0o600, h.file("legal"): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v", path, info.Mode(), want)
		}
	}
	if n := strings.Count(h.log.String(), "others could read"); n != 3 {
		t.Errorf("the log reports it %d times, want 3", n)
	}
}

// TestLegalKeyStandsAlone: the key is in no other file of the state folder.
func TestLegalKeyStandsAlone(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.update()
	h.inForce()
	text, err := os.ReadFile(h.file("legal.key"))
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(text))
	found := 0
	err = filepath.WalkDir(h.file(""), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, part := range []string{secret, secret[:16], secret[16:]} {
			if strings.Contains(string(b), part) && filepath.Base(path) != "legal.key" {
				t.Errorf("%s has the key", path)
			}
		}
		found++
		return err
	})
	if err != nil || found < 4 {
		t.Errorf("%d files looked at, %v", found, err)
	}
}

// TestLegalUpdateCutShort: a process that ends between two files leaves a state that serves.
func TestLegalUpdateCutShort(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.update()
	h.inForce()
	record, err := os.ReadFile(h.l.sealedPath("court"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, h.path, "one-order.example\ntwo-order.example\n")
	h.update()
	write(t, h.l.sealedPath("court"), string(record)) // the names were written, the record was not
	write(t, h.sealedFile()+tempMark+"123", "HEARTHSL torn")
	h.reopen()
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
	if err := os.Remove(h.l.sealedPath("court")); err != nil {
		t.Fatal(err)
	}
	h.reopen()
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
	write(t, h.l.sealedPath("court"), "{torn")
	h.reopen()
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
	if r := h.update(); r.Why != "" || r.Names != 2 {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestLegalListIsInForceOnTheStarterLists: they serve while there is no index, and the law holds then too.
func TestLegalListIsInForceOnTheStarterLists(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.update()
	h.reopen()
	write(t, h.l.indexPath(), "torn")
	ix, err := h.l.Starter(h.tax)
	if err != nil {
		t.Fatal(err)
	}
	h.blocks(ix, "one-order.example", "legal-selftest."+ownName)
}

func TestLegalSelfTest(t *testing.T) {
	h := newLegalHouse(t, "")
	h.leaves(h.inForce(), "legal-selftest."+ownName) // nothing is in force yet, and so it must not say that something is
	write(t, h.path, "one-order.example\n")
	start := time.Now()
	ix := h.inForce() // as a reload does after the watcher saw the file
	t.Logf("from the change of the file to names in force: %.3f s", time.Since(start).Seconds())
	h.blocks(ix, "one-order.example", "legal-selftest."+ownName)
	h.leaves(ix, ownName, "x.legal-selftest."+ownName)
	plain := taxonomy(t)
	l := open(t, LibraryConfig{Own: ownName})
	h.leaves(compile(t, l, plain), "legal-selftest."+ownName)
}
