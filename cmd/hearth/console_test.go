package main

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// oneToken is good for the household home, and for nothing of the machine.
type oneToken struct{}

func (oneToken) Token(_ context.Context, bearer string) (api.Caller, error) {
	if bearer != "hearth.home.good" {
		return api.Caller{}, api.ErrToken
	}
	return api.Caller{ID: "1", Actor: parents.Actor{Role: parents.Parent, Household: "home", Name: "lights"}, Scopes: []string{"households:read", "grants:write", "explain", "activity:read"}}, nil
}

// TestRemoteCommands: commands speak to a server elsewhere over HTTPS with a token, and believe no other server.
func TestRemoteCommands(t *testing.T) {
	s, _, _ := testServer(t, withBand("child")+"console: {listen: [\"127.0.0.1:0\"]}\n")
	s.api.Tokens = oneToken{}
	server := showConsole(t, s)
	foreign := httptest.NewTLSServer(nil)
	defer foreign.Close()
	dir := t.TempDir()
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.pem")
	write(t, token, "hearth.home.good\n")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.keeper.Authority().Certificate.Raw})))
	at := []string{"HEARTH_SERVER=" + server, "HEARTH_TOKEN_FILE=" + token, "HEARTH_CA_FILE=" + ca}

	if r := hearthWith(t, at, "household", "show"); r.code != 0 || !strings.Contains(r.out, "home") {
		t.Fatalf("household show: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearthWith(t, nil, "--server", server, "--token-file", token, "--ca-file", ca, "pause", "--for", "30m"); r.code != 0 || !strings.Contains(r.out, "is paused until") {
		t.Errorf("pause: exit %d\n%s%s", r.code, r.out, r.err)
	}
	der := filepath.Join(dir, "hearth-ca.crt")
	write(t, der, string(s.keeper.Authority().Certificate.Raw))
	if r := hearthWith(t, at, "--ca-file", der, "household", "show"); r.code != 0 || !strings.Contains(r.out, "home") {
		t.Errorf("with the file that browsers are offered: exit %d\n%s%s", r.code, r.out, r.err)
	}
	if r := hearthWith(t, at, "household", "audit"); r.code != 0 || !strings.Contains(r.out, "lights: pause") {
		t.Errorf("who did it: exit %d\n%s%s", r.code, r.out, r.err)
	}
	for _, tt := range []struct {
		code int
		want string
		args []string
	}{
		{1, "the scope operate", []string{"cache", "stats"}},
		{1, "no such household for you", []string{"household", "show", "other-home"}},
		{1, "certificate", []string{"--ca-file", writeConfig(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: foreign.Certificate().Raw}))), "household", "show"}},
		{1, "not good", []string{"--token-file", writeConfig(t, "hearth.other-home.bad\n"), "household", "show"}},
		{1, "holds no token", []string{"--token-file", writeConfig(t, "\n"), "household", "show"}},
		{1, "holds no certificate", []string{"--ca-file", token, "household", "show"}},
		{1, "no such file", []string{"--token-file", filepath.Join(dir, "none"), "household", "show"}},
		{2, "https://hearth.example.org", []string{"--server", "http://127.0.0.1:1", "household", "show"}},
		{2, "write one of them", []string{"--config", writeConfig(t, "version: 1\n"), "household", "show"}},
	} {
		if r := hearthWith(t, at, tt.args...); r.code != tt.code || !strings.Contains(r.err, tt.want) {
			t.Errorf("%v: exit %d, want %d with %q\n%s%s", tt.args, r.code, tt.code, tt.want, r.out, r.err)
		}
	}
	if r := hearthWith(t, []string{"HEARTH_SERVER=" + server}, "household", "show"); r.code != 2 || !strings.Contains(r.err, "--token-file") {
		t.Errorf("without a token: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestTokenStaysWithItsServer: a server that sends the client elsewhere does not have it show its token there.
func TestTokenStaysWithItsServer(t *testing.T) {
	shown := make(chan string, 1)
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { shown <- r.Header.Get("Authorization") }))
	defer thief.Close()
	server := httptest.NewTLSServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	dir := t.TempDir()
	token, ca := filepath.Join(dir, "token"), filepath.Join(dir, "ca.pem")
	write(t, token, "hearth.home.good\n")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	r := hearthWith(t, nil, "--server", server.URL, "--token-file", token, "--ca-file", ca, "household", "list")
	if r.code != 1 || len(shown) > 0 {
		t.Errorf("exit %d, shown to %d others\n%s%s", r.code, len(shown), r.out, r.err)
	}
}
