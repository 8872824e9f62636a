package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// withTraces is a store in which something of Toni was, in the state and in the Journal.
func withTraces(t *testing.T) *store.Bolt {
	t.Helper()
	b := open(t)
	for i := range 300 { // so that the names lead through the pages of the file too
		put(t, b, set(fmt.Sprintf("home/log/Toni%d", i), `{"member":"Toni"}`), set(fmt.Sprintf("home/pin/Mia%d", i), `1`))
	}
	day := store.Partition{Kind: "month", Day: "2026-11-18", Household: "home", Person: "Toni"}
	if _, err := b.Append(store.Addition{Partition: day, Records: []store.Record{{Key: "totals", Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		put(t, b, drop(fmt.Sprintf("home/log/Toni%d", i)))
	}
	if _, err := b.Erase("home", "Toni"); err != nil {
		t.Fatal(err)
	}
	return b
}

func octets(t *testing.T, path string) []byte {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBackupNamesNobodyWhoIsGone: no key of what was deleted is in a backup, and a restored store serves on.
func TestBackupNamesNobodyWhoIsGone(t *testing.T) {
	b := withTraces(t)
	var backup bytes.Buffer
	if err := b.Backup(&backup); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(backup.Bytes(), []byte("Toni")) || !bytes.Contains(backup.Bytes(), []byte("Mia299")) {
		t.Error("the backup has somebody who is gone, or not who is there")
	}
	path := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(path, backup.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, "restored", state(t, openAt(t, path), ""), state(t, b, ""))
}

// TestScrub: nothing of what was deleted is in the file, while others read and write it; and a watcher that has not
// seen the deletions is told so.
func TestScrub(t *testing.T) {
	for system, renamesOpen := range map[string]bool{"renames open files": true, "as Windows": false} {
		t.Run(system, func(t *testing.T) {
			was := store.RenamesOpen(renamesOpen)
			defer store.RenamesOpen(was)
			scrubs(t)
		})
	}
}

func scrubs(t *testing.T) {
	t.Helper()
	b := withTraces(t)
	if !bytes.Contains(octets(t, b.Path()), []byte("Toni")) {
		t.Fatal("the file forgets by itself: the test shows nothing")
	}
	before := state(t, b, "")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 20 {
				if _, err := b.Put(t.Context(), set(fmt.Sprintf("home/busy/%d-%d", i, n), `1`)); err != nil {
					t.Error(err)
				}
				if _, err := b.Snapshot(t.Context(), "home/pin/"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		if err := b.Scrub(); err != nil {
			t.Fatal(err)
		}
	}
	all.Wait()
	if bytes.Contains(octets(t, b.Path()), []byte("Toni")) {
		t.Error("the file has somebody who is gone")
	}
	want(t, "what holds", state(t, b, "home/pin/"), before)
	s, err := b.Snapshot(t.Context(), "home/busy/")
	want(t, "what was written meanwhile", fmt.Sprint(len(s.Entries), err), "80 <nil>")
	for _, err := range b.Watch(t.Context(), "", 1) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Errorf("got %v, want ErrCompacted", err)
		}
		break
	}
	last := put(t, b, set("home/pin/Leo", `1`))
	put(t, b, drop("home/pin/Leo"))
	seen, _ := watch(t, b, "", last, 1)
	want(t, "who is up to date", seen, []string{"-home/pin/Leo"})
	path := b.Path()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Scrub(); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a closed one: %v", err)
	}
	want(t, "after a start", state(t, openAt(t, path), "home/pin/"), before)
}

// TestRunScrubs: while it runs, the file is scrubbed when somebody erased something, and when the last time was a day ago.
func TestRunScrubs(t *testing.T) {
	b := withTraces(t)
	want(t, "never scrubbed, it waits", b.ScrubIn(time.Now()), time.Duration(0))
	if err := b.Scrub(); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for after, least := range map[time.Duration]time.Duration{0: 23 * time.Hour, 20 * time.Hour: 3 * time.Hour} {
		if got := b.ScrubIn(now.Add(after)); got < least || got > least+time.Hour {
			t.Errorf("%s after it the file waits for %s", after, got)
		}
	}
	want(t, "a day later it waits", b.ScrubIn(now.Add(24*time.Hour)), time.Duration(0))
	put(t, b, set("home/pin/Toni", `1`))
	put(t, b, drop("home/pin/Toni"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	b.Erased()
	go func() { ended <- b.Run(ctx, slog.New(slog.DiscardHandler)) }()
	stop()
	if err := <-ended; err != nil || bytes.Contains(octets(t, b.Path()), []byte("Toni")) {
		t.Errorf("the file has somebody who was erased (%v)", err)
	}
	leftover := b.Path() + ".scrubbed"
	if err := errors.Join(b.Close(), os.WriteFile(leftover, []byte("Toni"), 0o600)); err != nil {
		t.Fatal(err)
	}
	openAt(t, b.Path())
	if _, err := os.Stat(leftover); err == nil {
		t.Error("what a killed process left stays")
	}
}
