package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

const secondFamily = `
  - id: other-home
    consent: {by: test, at: 2026-01-01}
    networks: [10.0.1.0/24]
    members: [{name: Zoe, band: child}]
`

// showConsole serves the console of a server until the test ends, and says where.
func showConsole(t *testing.T, s *server) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.serveConsole(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !strings.Contains(err.Error(), http.ErrServerClosed.Error()) {
			t.Error(err)
		}
	})
	return "https://" + l.Addr().String()
}

// overHTTPS serves the console of a server, and gives what asks it with a token.
func overHTTPS(t *testing.T, s *server) func(token, method, path, body string) (int, string) {
	t.Helper()
	at := showConsole(t, s)
	pool := x509.NewCertPool()
	pool.AddCert(s.keeper.Authority().Certificate)
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(browser.CloseIdleConnections)
	return func(token, method, path, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, at+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Body.Close()
		text, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		return w.StatusCode, string(text)
	}
}

// TestTokensOverHTTPS attacks tokens as accounts make them: of another household, beyond its scopes, changed, ended and
// sent again, past its day, with rights of the machine.
func TestTokensOverHTTPS(t *testing.T) {
	s, _, _ := testServer(t, withBand("child")+secondFamily+"console: {listen: [\"127.0.0.1:0\"]}\n")
	ask := overHTTPS(t, s)
	issue := func(household string, lasts time.Duration, scopes ...account.Scope) (account.Token, string) {
		t.Helper()
		w := account.Wish{Household: household, All: household == account.Operators, Name: "of " + household, Scopes: scopes, Until: time.Now().Add(lasts)}
		k, bearer, err := s.accounts.NewToken(t.Context(), account.Machine(), w)
		if err != nil {
			t.Fatal(err)
		}
		return k, bearer
	}
	want := func(what string, code int, token, method, path, body string) string {
		t.Helper()
		got, text := ask(token, method, path, body)
		if got != code {
			t.Errorf("%s: %d %s, want %d", what, got, text, code)
		}
		return text
	}
	mine, home := issue("home", time.Hour, "households:read", "households:write", "grants:write")
	_, other := issue("other-home", time.Hour, "households:read")
	_, operator := issue(account.Operators, time.Hour, "households:read", "operate")
	want("its own", 200, home, http.MethodGet, "/v1/households/home", "")
	if text := want("another's", 404, home, http.MethodGet, "/v1/households/other-home", ""); strings.Contains(text, "Zoe") {
		t.Errorf("it tells of it: %s", text)
	}
	want("another's pause", 404, home, http.MethodPost, "/v1/households/other-home/pauses", `{}`)
	if text := want("the only one", 200, other, http.MethodGet, "/v1/households/-", ""); !strings.Contains(text, "Zoe") || strings.Contains(text, `"home"`) {
		t.Errorf("of the other token it is %s", text)
	}
	want("beyond its scopes", 403, other, http.MethodPost, "/v1/households/-/pauses", `{}`)
	want("the machine's", 403, home, http.MethodGet, "/v1/status", "")
	want("the machine's, by operators", 200, operator, http.MethodGet, "/v1/status", "")
	want("accounts, by a household", 403, home, http.MethodGet, "/v1/households/-/accounts", "")
	want("a set-up code", 403, operator, http.MethodPost, "/v1/setup", "")
	want("an operator more", 403, operator, http.MethodPost, "/v1/households/operators/account-invitations", `{"role": "operator"}`)
	want("a token more", 400, operator, http.MethodPost, "/v1/households/home/tokens", `{"name": "x", "scopes": ["explain"], "until": "2099-01-01"}`)
	swapped := strings.Replace(home, "home", "other-home", 1)
	for what, bearer := range map[string]string{"renamed": swapped, "cut": home[:len(home)-1], "longer": home + "A", "none": "x"} {
		want(what, 401, bearer, http.MethodGet, "/v1/households/-", "")
	}
	if err := s.accounts.EndToken(t.Context(), account.Machine(), "home", mine.ID); err != nil {
		t.Fatal(err)
	}
	want("ended", 401, home, http.MethodGet, "/v1/households/home", "")
	_, brief := issue("other-home", 2*time.Second, "households:read")
	want("until its end", 200, brief, http.MethodGet, "/v1/households/-", "")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if code, _ := ask(brief, http.MethodGet, "/v1/households/-", ""); code == http.StatusUnauthorized {
			return
		}
	}
	t.Error("a token goes on after its end")
}
