package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// watched runs a watcher of one file and gives a channel of its calls.
func watched(t *testing.T, file string) <-chan struct{} {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	calls, done := make(chan struct{}, 16), make(chan error, 1)
	files := func() []string { return []string{file} }
	w := &watcher{
		files: files, dirs: func() []string { return foldersOf(files()) }, log: slog.New(slog.DiscardHandler),
		changed: func(context.Context) { calls <- struct{}{} }, started: make(chan struct{}),
	}
	go func() { done <- w.Run(ctx) }()
	<-w.started
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return calls
}

// await waits for a call; the bound only ends a hopeless wait.
func await(t *testing.T, calls <-chan struct{}) {
	t.Helper()
	select {
	case <-calls:
	case <-time.After(30 * time.Second):
		t.Fatal("the change is not seen")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWatchEdits: writing in place and replacing by rename are seen.
func TestWatchEdits(t *testing.T) {
	file := writeConfig(t, "version: 1\n")
	calls := watched(t, file)
	write(t, file, "version: 1\n# in place\n")
	await(t, calls)
	write(t, file+".new", "version: 1\n# renamed\n")
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	await(t, calls)
}

// TestWatchLists: an edited list is seen, as a file and within a folder.
func TestWatchLists(t *testing.T) {
	dir := writeFiles(t, map[string]string{"config.yaml": `
lists:
  sources:
    - {name: file, path: one/list.txt, format: domains, categories: [piracy]}
    - {name: folder, path: many, format: domains, categories: [piracy]}
`, "one/list.txt": "a.example\n", "many/list.txt": "b.example\n"})
	l, err := load(filepath.Join(dir, "config.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{file: l.File}
	s.config.Store(l)
	calls := make(chan struct{}, 16)
	w := &watcher{
		files: s.files, lists: s.localLists, dirs: s.folders, log: slog.New(slog.DiscardHandler),
		changed: func(context.Context) { calls <- struct{}{} }, started: make(chan struct{}),
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	<-w.started
	write(t, filepath.Join(dir, "one", "list.txt"), "longer.example\n")
	await(t, calls)
	write(t, filepath.Join(dir, "many", "more.txt"), "more.example\n")
	await(t, calls)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestWatchMountedFolder: Kubernetes keeps the file behind two symbolic links
// and swaps the one of the folder.
func TestWatchMountedFolder(t *testing.T) {
	dir := writeFiles(t, map[string]string{"..1/config.yaml": "version: 1\n", "..2/config.yaml": "version: 1\n# new\n"})
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..1", "..data")
	link("..data/config.yaml", "config.yaml")
	calls := watched(t, filepath.Join(dir, "config.yaml"))
	link("..2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	await(t, calls)
	write(t, filepath.Join(dir, "..2/config.yaml"), "version: 1\n# newer\n")
	await(t, calls) // the folder that the link leads to now is watched as well
}

// TestWatchIgnoresOthers: other files of the folder, and the same content
// again, call nobody.
func TestWatchIgnoresOthers(t *testing.T) {
	file := writeConfig(t, "version: 1\n")
	calls := watched(t, file)
	write(t, filepath.Join(filepath.Dir(file), "other.yaml"), "x")
	write(t, file, "version: 1\n")
	write(t, file, "version: 1\n# changed\n")
	await(t, calls)
	select {
	case <-calls:
		t.Error("the watcher calls twice for one change")
	default:
	}
}
