package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestServerOpensNoFileForOthers: who reaches the control socket need not be who may read what the server can, such as
// the keys in its state folder; who compares with --config reads with rights of their own.
func TestServerOpensNoFileForOthers(t *testing.T) {
	s, _, file := testServer(t, withList(""))
	list := filepath.Join(filepath.Dir(file), "own.txt")
	write(t, list, "first.example\n")
	s.compileMissing(context.Background())
	environ := atSocket(t, s)
	other := filepath.Join(filepath.Dir(file), "other.txt")
	write(t, other, "first.example\nsecond.example\n")
	for _, path := range []string{other, filepath.Join(s.state, "lists", "key")} {
		r := hearthWith(t, environ, "lists", "diff", "own", path)
		if r.code != 1 || r.out != "" || !strings.Contains(r.err, "--config") || strings.Contains(r.err, "first line") {
			t.Errorf("%s: exit %d\n%s%s", path, r.code, r.out, r.err)
		}
	}
	if r := hearthWith(t, environ, "lists", "diff", "own", "own"); r.code != 0 || !strings.Contains(r.out, "0 added") {
		t.Errorf("a list with itself: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearthWith(t, environ, "lists", "diff", "own", other, "--config", file); r.code != 0 || !strings.Contains(r.out, "1 added\n  second.example") {
		t.Errorf("offline: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestReloadWithAHeldList: a version that waits for the operator makes no reload fail; one word puts it in force.
func TestReloadWithAHeldList(t *testing.T) {
	s, _, file := testServer(t, withList(""))
	list := filepath.Join(filepath.Dir(file), "own.txt")
	write(t, list, "kept-one.example\n")
	s.compileMissing(context.Background())
	many := &strings.Builder{}
	for i := range 200 {
		fmt.Fprintf(many, "held-%d.example\n", i)
	}
	write(t, list, many.String())
	if _, err := (control{s}).Reload(context.Background()); err != nil {
		t.Errorf("reload: %v", err)
	}
	if !listed(t, s, "kept-one.example") || listed(t, s, "held-7.example") {
		t.Error("the version that is held is in force")
	}
	write(t, list, strings.Repeat("large.example\n", 1000))
	if _, err := (control{s}).Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "larger than its limit") {
		t.Errorf("a reload with a list that broke while a version of it waited says %v", err)
	}
	write(t, list, many.String())
	if _, err := (control{s}).Reload(context.Background()); err != nil {
		t.Errorf("reload with the version that waits: %v", err)
	}
	if u, err := (control{s}).Lists().Accept(context.Background(), "own"); err != nil || u.Added == nil || u.Added.Count != 200 {
		t.Errorf("accept: %+v, %v", u, err)
	}
	if listed(t, s, "kept-one.example") || !listed(t, s, "held-7.example") {
		t.Error("the accepted version is not in force")
	}
}

// TestUpdateIsFollowed: who waits for an update is told which list the server is at.
func TestUpdateIsFollowed(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		fmt.Fprintln(w, "slow-list.example")
	}))
	defer slow.Close()
	s, _, _ := testServer(t, withBand("child")+"lists: {sources: [{name: slow, url: \""+slow.URL+"\", private: true, format: domains, categories: [adult.porn]}]}\n")
	done := make(chan error)
	go func() { _, err := (control{s}).Lists().Update(context.Background()); done <- err }()
	<-asked
	if got := (control{s}).Status(context.Background()).Updating; got != "slow" {
		t.Errorf("while it waits for the list, the server says %q", got)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := (control{s}).Status(context.Background()).Updating; got != "" {
		t.Errorf("afterwards %q", got)
	}
}
