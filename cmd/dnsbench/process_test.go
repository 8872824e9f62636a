//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStartIsTriedAgain holds that a server which ends at once is started on
// other ports, and that the error names it and tells what it said last.
func TestStartIsTriedAgain(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	ports := filepath.Join(b.dir, "ports")
	s := server{name: "hasty", path: "/bin/sh", bare: true, prepare: func(p place) (map[string]string, []string) {
		return nil, []string{"-c", "echo " + p.addr.String() + " >>" + ports + "; echo much; echo the port is taken >&2; exit 3"}
	}}
	r, _, err := b.launch(t.Context(), s, b.readiness(s))
	if r != nil || err == nil {
		t.Fatal("a server that ended has started")
	}
	for _, want := range []string{"hasty", "exit status 3", "much | the port is taken"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	text, err := os.ReadFile(ports)
	if err != nil {
		t.Fatal(err)
	}
	if got := newSet(strings.Fields(string(text))); len(got) != tries {
		t.Errorf("it was started on %d ports, want %d", len(got), tries)
	}
}

// TestTailKeepsTheEnd holds that what a server says cannot fill the memory.
func TestTailKeepsTheEnd(t *testing.T) {
	var said tail
	for range 10_000 {
		_, _ = said.Write([]byte("a line that says nothing\n"))
	}
	_, _ = said.Write([]byte("the last one\n"))
	if len(said.text) > 4096 || !strings.HasSuffix(said.lines(), "| the last one") {
		t.Errorf("keeps %d octets that end in %q", len(said.text), said.lines())
	}
}
