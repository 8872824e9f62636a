package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

// grants makes a store with one grant in a state folder, closed again.
func grants(t *testing.T, state, value string) {
	t.Helper()
	s, err := store.Open(storePath(state))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Put(t.Context(), store.Write{Key: store.Key{Household: "home", Kind: "grant", ID: "1"}, Value: json.RawMessage(value)})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBackupRestoreExportOffline walks through the three commands where no server runs.
func TestBackupRestoreExportOffline(t *testing.T) {
	state, file := t.TempDir(), filepath.Join(t.TempDir(), "hearth.backup")
	environ := []string{"HEARTH__STATE=" + state}
	if r := hearthWith(t, environ, "backup", file); r.code != exitRefused || !strings.Contains(r.err, "--config") {
		t.Errorf("a backup of nothing: %+v", r)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused backup left a file: %v", err)
	}
	grants(t, state, `{"minutes":30}`)
	if r := hearthWith(t, environ, "backup", file); r.code != exitDone || !strings.Contains(r.out, storePath(state)) {
		t.Fatalf("backup: %+v", r)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", st, err)
	}
	grants(t, state, `{"minutes":45}`)
	if r := hearthWith(t, environ, "export", "home"); r.code != exitDone || !strings.Contains(r.out, `"minutes": 45`) {
		t.Errorf("export: %+v", r)
	}
	if r := hearthWith(t, environ, "export", "elsewhere"); r.code != exitDone || strings.Contains(r.out, "minutes") {
		t.Errorf("export of another household: %+v", r)
	}
	var done restoreResult
	r := hearthWith(t, environ, "restore", "--json", file)
	if err := json.Unmarshal([]byte(r.out), &done); err != nil || r.code != exitDone {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	if r := hearthWith(t, environ, "export"); !strings.Contains(r.out, `"minutes": 30`) {
		t.Errorf("after the restore: %+v", r)
	}
	if r := hearthWith(t, environ, "restore", done.Kept); r.code != exitDone {
		t.Errorf("restoring what was kept: %+v", r)
	}
	if r := hearthWith(t, environ, "export"); !strings.Contains(r.out, `"minutes": 45`) {
		t.Errorf("after going back: %+v", r)
	}
}

// TestRestoreUnderAServer holds that the state is not taken from under a server.
func TestRestoreUnderAServer(t *testing.T) {
	state, file := t.TempDir(), filepath.Join(t.TempDir(), "hearth.backup")
	environ := []string{"HEARTH__STATE=" + state}
	grants(t, state, `1`)
	if r := hearthWith(t, environ, "backup", file); r.code != exitDone {
		t.Fatalf("backup: %+v", r)
	}
	s, err := store.Open(storePath(state))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r := hearthWith(t, environ, "restore", file); r.code != exitRefused || !strings.Contains(r.err, "stop") || !strings.Contains(r.err, "nothing was changed") {
		t.Errorf("%+v", r)
	}
}

// TestDamagedStateServesTheSnapshot holds that a server starts with a torn store, with what the snapshot has, and says so.
func TestDamagedStateServesTheSnapshot(t *testing.T) {
	state := t.TempDir()
	snapshot := `{"hearth":"state","revision":7,"entries":0,"crc32c":0}` + "\n"
	for name, text := range map[string]string{storePath(state): strings.Repeat("torn", 9000), store.SnapshotPath(storePath(state)): snapshot} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	s, err := openStore(state, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !errors.Is(s.Refused(), store.ErrDamaged) || !strings.Contains(out.String(), "level=ERROR") || strings.Count(out.String(), "\n") != 1 ||
		!strings.Contains(out.String(), "hearth restore FILE") {
		t.Errorf("refused: %v\nlog: %s", s.Refused(), &out)
	}
	if now, err := s.Snapshot(t.Context(), ""); err != nil || now.Revision != 7 {
		t.Errorf("%+v, %v", now, err)
	}
	if text, err := os.ReadFile(storePath(state)); err != nil || !strings.HasPrefix(string(text), "torn") {
		t.Errorf("the torn file was changed: %v", err)
	}
}
