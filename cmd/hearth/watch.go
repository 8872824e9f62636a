package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the files must be quiet before they are read: editors
// write in several steps.
const settle = 250 * time.Millisecond

// watcher calls changed after the content of the watched files has changed.
// It watches folders, because editors replace files and Kubernetes replaces
// the symbolic link to a whole folder.
type watcher struct {
	files   func() []string // configuration file and household files
	lists   func() []string // files and folders of lists; nil for none
	dirs    func() []string
	changed func(ctx context.Context)
	log     *slog.Logger
	started chan struct{} // closed once changes are seen; nil: nobody waits
}

// Run watches until ctx ends. Where the system cannot watch, it says so and
// waits: SIGHUP still reloads.
func (w *watcher) Run(ctx context.Context) error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("configuration is not watched; send SIGHUP after a change", "error", err)
		<-ctx.Done()
		return nil
	}
	defer notify.Close()
	w.follow(notify)
	last := w.state()
	if w.started != nil {
		close(w.started)
	}
	quiet := time.NewTimer(settle)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-notify.Events:
			if !ok {
				return nil
			}
			quiet.Reset(settle)
		case err := <-notify.Errors:
			w.log.Warn("watching the configuration", "error", err)
			quiet.Reset(settle) // events may have been lost: look
		case <-quiet.C:
			if now := w.state(); now != last {
				last = now
				w.changed(ctx)
				w.follow(notify)
				quiet.Reset(settle) // something may have changed before it was followed
			}
		}
	}
}

// follow adds the folders that hold the files, and those that links lead to.
func (w *watcher) follow(notify *fsnotify.Watcher) {
	for _, dir := range w.dirs() {
		if err := notify.Add(dir); err != nil {
			w.log.Warn("folder is not watched; send SIGHUP after a change", "folder", dir, "error", err)
		}
	}
}

// foldersOf lists the folders whose changes can change the files: where they
// are named and where symbolic links lead.
func foldersOf(files []string) []string {
	var dirs []string
	seen := make(map[string]bool)
	add := func(dir string) {
		if !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	for _, f := range files {
		add(filepath.Dir(f))
		if target, err := filepath.EvalSymlinks(f); err == nil {
			add(filepath.Dir(target))
		}
	}
	return dirs
}

// state sums up everything that is watched: the configuration by its content,
// lists, which are large, by their sizes and times.
func (w *watcher) state() [sha256.Size]byte {
	h := sha256.New()
	for _, f := range w.files() {
		b, err := os.ReadFile(f)
		fmt.Fprintf(h, "%q %d %t\n", f, len(b), err == nil)
		h.Write(b)
	}
	if w.lists != nil {
		for _, path := range w.lists() {
			stamp(h, path)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// stamp writes what shows that a file, or one directly in a folder, changed;
// what cannot be looked at counts as absent.
func stamp(w io.Writer, path string) {
	st, err := os.Stat(path)
	if err != nil {
		return
	}
	fmt.Fprintf(w, "%q %d %d\n", path, st.Size(), st.ModTime().UnixNano())
	if !st.IsDir() {
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, e := range entries {
		if st, err := e.Info(); err == nil {
			fmt.Fprintf(w, "%q %d %d\n", e.Name(), st.Size(), st.ModTime().UnixNano())
		}
	}
}
