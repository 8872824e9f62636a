package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRelativeState: a relative state folder belongs to the file that names it, wherever the
// command runs; that of the environment to where it runs.
func TestRelativeState(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hearth.yaml")
	if err := os.WriteFile(file, []byte("version: 1\nstate: ./state\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{nil, filepath.Join(dir, "state")},
		{[]string{"HEARTH__STATE=./here"}, "./here"},
	} {
		l, err := load(file, tt.env)
		if err != nil {
			t.Fatal(err)
		}
		if l.Config.State != tt.want {
			t.Errorf("with %q the state is in %s, want %s", tt.env, l.Config.State, tt.want)
		}
	}
}
