package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// atSocket serves the control socket of a server without other sockets.
func atSocket(t *testing.T, s *server) (environ []string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	control, err := api.ListenUnix(ctx, controlPath(s.boot, s.state))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.api.ServeUnix(ctx, control); stop() }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return []string{"HEARTH__STATE=" + s.state}
}

// TestCompileBesideServer: without --config the server compiles its own lists;
// with its own file it takes over what was compiled beside it; another file
// leaves its index alone.
func TestCompileBesideServer(t *testing.T) {
	s, _, file := testServer(t, withList(""))
	list := filepath.Join(filepath.Dir(file), "own.txt")
	write(t, list, "first.example\n")
	s.compileMissing(context.Background())
	environ := atSocket(t, s)

	write(t, list, "by-server.example\n")
	r := hearthWith(t, environ, "lists", "compile")
	if r.code != 0 || !strings.Contains(r.out, "done by the running server") || !listed(t, s, "by-server.example") {
		t.Errorf("without --config: exit %d\n%s%s", r.code, r.out, r.err)
	}
	r = hearthWith(t, environ, "lists", "compile")
	if r.code != 0 || !strings.Contains(r.out, "nothing to compile") {
		t.Errorf("without --config, again: exit %d\n%s%s", r.code, r.out, r.err)
	}

	write(t, list, "beside.example\n")
	r = hearthWith(t, environ, "lists", "compile", "--config", file)
	if r.code != 0 || !strings.Contains(r.out, "done by offline, by "+file) || !strings.Contains(r.out, "taken over by the running server") || !listed(t, s, "beside.example") {
		t.Errorf("with --config: exit %d\n%s%s", r.code, r.out, r.err)
	}

	index := filepath.Join(s.state, "lists", "index.hix")
	before, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"compile", "update"} {
		r = hearthWith(t, environ, "lists", verb, "--config", writeConfig(t, "version: 1\n"))
		if r.code != 1 || !strings.Contains(r.err, "serves "+file) || strings.Contains(r.out, "taken over") {
			t.Errorf("lists %s with another configuration: exit %d\n%s%s", verb, r.code, r.out, r.err)
		}
	}
	if after, err := os.ReadFile(index); err != nil || string(before) != string(after) {
		t.Errorf("another configuration replaced the server's index: %v", err)
	}
}

// TestCompileWithoutServer claims no take-over, and without --config does
// nothing at all.
func TestCompileWithoutServer(t *testing.T) {
	r := hearth(t, "lists", "compile", "--config", writeConfig(t, "version: 1\n"))
	if r.code != 0 || strings.Contains(r.out, "taken over") || !strings.Contains(r.out, "done by offline") {
		t.Errorf("with --config: exit %d\n%s%s", r.code, r.out, r.err)
	}
	r = hearth(t, "lists", "compile")
	if r.code != 1 || !strings.Contains(r.err, "start it with hearth serve, or add --config FILE") {
		t.Errorf("without --config: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestCompileNotTakenOver: a server that runs and serves another index on is
// no success, and what it says is passed on.
func TestCompileNotTakenOver(t *testing.T) {
	file := writeConfig(t, "version: 1\n")
	for name, reload := range map[string]func(http.ResponseWriter){
		"refused": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"detail":"no space left on device"}`))
		},
		"another index": func(w http.ResponseWriter) { _, _ = w.Write([]byte("{}")) },
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "c.sock")
			l, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			fake := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/reload" {
					reload(w)
					return
				}
				_ = json.NewEncoder(w).Encode(api.Status{Config: api.ConfigState{Path: file}, Index: api.IndexState{ID: "0ther"}})
			})}
			go func() { _ = fake.Serve(l) }()
			t.Cleanup(func() { _ = fake.Close() })
			r := hearthWith(t, []string{"HEARTH__STATE=" + t.TempDir(), "HEARTH__CONTROL=" + socket}, "lists", "compile", "--config", file)
			want := map[string]string{"refused": "no space left on device", "another index": "serves the index 0ther"}[name]
			if r.code != 1 || !strings.Contains(r.out, "not taken over: ") || !strings.Contains(r.out, want) {
				t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}
