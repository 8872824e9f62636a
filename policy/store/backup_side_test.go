package store_test

import (
	"io"
	"sync"
	"testing"
	"time"
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
