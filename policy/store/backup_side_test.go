package store_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// TestBackupsSideBySide: backups that are made at once do not disturb each other, and nobody who reads one slowly keeps
// the file from being scrubbed.
func TestBackupsSideBySide(t *testing.T) {
	b := withTraces(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if err := b.Backup(io.Discard); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	r, w := io.Pipe()
	all.Go(func() { w.CloseWithError(b.Backup(w)) })
	if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	scrubbed := make(chan error, 1)
	go func() { scrubbed <- b.Scrub() }()
	select {
	case err := <-scrubbed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the file waits for whoever reads a backup")
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// TestBackupsBesideEnd: what an upgrade or a restore replaced lies beside the store for 30 days, and no more than three
// of them; nothing else there is touched.
func TestBackupsBesideEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	lay := func(age time.Duration, why string) string {
		name := filepath.Base(path) + "." + time.Now().UTC().Add(-age).Format("20060102T150405.000000") + "." + why + ".backup"
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const day = 24 * time.Hour
	old, last, own := lay(31*day, "format-3"), lay(29*day, "replaced"), "hearth.db.mine.backup"
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), own), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lies := func(name string) bool {
		all, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(all, func(f os.DirEntry) bool { return f.Name() == name })
	}
	if err := b.Scrub(); err != nil || lies(old) || !lies(last) || !lies(own) {
		t.Errorf("%v; the old lies there: %v, the last: %v, what somebody put there: %v", err, lies(old), lies(last), lies(own))
	}
	lay(3*day, "replaced")
	newest := lay(2*day, "replaced")
	if err := b.Scrub(); err != nil || lies(last) || !lies(newest) {
		t.Errorf("%v; the fourth lies there: %v, the newest: %v", err, lies(last), lies(newest))
	}
}
