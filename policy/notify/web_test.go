package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ntfyServer is a stand-in of ntfy, by docs.ntfy.sh ("Publish as JSON", "Action buttons", "Limitations"): it takes a topic of
// 1 to 64 of -_A-Za-z0-9, a message of up to 4096 octets, a priority of 1 to 5 and at most three actions, at its root alone.
func ntfyServer(t *testing.T, token string, got *[]map[string]any) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(read(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var m map[string]any
		if jsonInto(body, &m) != nil || r.URL.Path != "/" || r.Method != http.MethodPost && r.Method != http.MethodPut {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Header.Get("Authorization") != token {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		topic, _ := m["topic"].(string)
		message, _ := m["message"].(string)
		priority, _ := m["priority"].(float64)
		actions, _ := m["actions"].([]any)
		if !regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`).MatchString(topic) || len(message) > 4096 || priority < 1 || priority > 5 || len(actions) > 3 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		*got = append(*got, m)
		_, _ = w.Write([]byte(`{"id":"sPs71M8A2T","event":"message"}`))
	}))
	t.Cleanup(s.Close)
	return s
}

// TestNtfy: what is published is what ntfy documents; every button only opens the console.
func TestNtfy(t *testing.T) {
	var got []map[string]any
	server := ntfyServer(t, "", &got)
	p := post(t, nil, func(c *Config) { c.Settings.Ntfy.Server = server.URL + "/" })
	c := add(t, p, Channel{Kind: Ntfy, To: "smith-Kq3_x81LmZ"})
	if f := p.send(t.Context(), p.letter(c, "1", Message{Household: "h-home", Kind: Request, Member: "Kim", Path: "/requests/7"}, 1, false)); f != nil {
		t.Fatal(f)
	}
	want := map[string]any{"topic": "smith-Kq3_x81LmZ", "title": "1 request", "message": "Kim", "priority": 4.0, "click": home + "/requests/7",
		"actions": []any{map[string]any{"action": "view", "label": "Answer", "url": home + "/requests"}}}
	if diff := cmp.Diff([]map[string]any{want}, got); diff != "" {
		t.Error(diff)
	}
	if f := p.send(t.Context(), p.letter(c, "1", Message{Household: "h-home", Kind: Notice}, 1, false)); f != nil {
		t.Fatal(f)
	}
	if got[1]["priority"] != 3.0 || got[1]["message"] != "1 notice" {
		t.Errorf("a notice: %v", got[1])
	}
	p.cfg.Words = func(Draft) Text {
		long := strings.Repeat("\u6f22", 5000)
		return Text{long, long, []Action{{long, "/a"}, {long, "/b"}, {long, "/c"}, {long, "/d"}}}
	}
	if err := p.Test(t.Context(), "h-home", c); err != nil {
		t.Errorf("the longest message: %v", err)
	}
}

// TestNtfyToken: a token is shown to the server, and a wrong one is told of.
func TestNtfyToken(t *testing.T) {
	var header string
	server, roots := secure(t, func(w http.ResponseWriter, r *http.Request) {
		if header = r.Header.Get("Authorization"); header != "Bearer tk_right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	for token, want := range map[string]Why{"tk_right": "", "tk_wrong": Login} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := post(t, roots, func(c *Config) { c.Settings.Ntfy = NtfySettings{server.URL, file} })
		err := p.Test(t.Context(), "h-home", Channel{Kind: Ntfy, To: "smith"})
		if why(t, err) != want || header != "Bearer "+token {
			t.Errorf("%s: %v with %q", token, err, header)
		}
	}
}

// TestWebhook: what is posted is signed by RFC 2104 with the secret that was shown once, and has the documented form.
func TestWebhook(t *testing.T) {
	var body []byte
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		header = r.Header
	}))
	defer server.Close()
	p := post(t, nil, private)
	p.cfg.Now = func() time.Time { return time.Date(2026, 3, 2, 20, 0, 0, 5e8, time.FixedZone("", 3600)) }
	c := add(t, p, Channel{Kind: Webhook, To: server.URL + "/api/webhook/x"})
	if len(c.Secret) < 20 {
		t.Fatalf("the secret is %q", c.Secret)
	}
	if f := p.send(t.Context(), p.letter(c, "one", Message{Household: "h-home", Kind: Request, Member: "Kim", Site: "games.example", Path: "/requests/7"}, 1, true)); f != nil {
		t.Fatal(f)
	}
	sum := hmac.New(sha256.New, []byte(c.Secret))
	sum.Write(body)
	if want := "sha256=" + hex.EncodeToString(sum.Sum(nil)); header.Get("Hearth-Signature") != want {
		t.Errorf("signed %q, want %q", header.Get("Hearth-Signature"), want)
	}
	if got := header.Get("Content-Type"); got != "application/json" {
		t.Errorf("it is %s", got)
	}
	var got map[string]any
	decode(t, body, &got)
	want := map[string]any{"id": "one", "at": "2026-03-02T19:00:00Z", "kind": "request", "household": "h-home", "count": 1.0, "member": "Kim", "site": "games.example",
		"title": "1 request", "body": "Kim games.example", "url": home + "/requests/7", "actions": []any{map[string]any{"label": "Answer", "url": home + "/requests"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	found, err := p.Channels(t.Context(), "h-home")
	if err != nil || len(found) != 1 || found[0].Secret != "" || strings.Contains(found[0].To, "webhook/x") {
		t.Errorf("what people are shown: %+v, %v", found, err)
	}
}

// TestHostileReceivers: what the other side does costs bounded time and memory, leads nowhere, and tells the household no more
// than a number.
func TestHostileReceivers(t *testing.T) {
	var reached, chunks atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		want    Why
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}, Refused},
		"redirect that is followed with GET": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusSeeOther) }, Refused},
		"endless body": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil && chunks.Add(1) < 1024 { // far more than buffers hold
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, ""},
		"endless error": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("opensesame of the inner network")); err != nil {
					return
				}
			}
		}, Refused},
		"huge header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, Unreachable},
		"hangs up":    {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable},
		"later": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "999999999999")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, Busy},
		"no webhook there": {http.NotFound, Gone},
	} {
		server := httptest.NewServer(read(tt.handler))
		p := post(t, nil, private)
		err := p.Test(t.Context(), "h-home", Channel{Kind: Webhook, To: server.URL + "/opensesame"})
		if got := why(t, err); got != tt.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "opensesame") || strings.Contains(err.Error(), "127.0.0.1")) {
			t.Errorf("%s: the error tells too much: %v", name, err)
		}
		server.Close()
	}
	if reached.Load() != 0 {
		t.Error("a redirect was followed")
	}
	if chunks.Load() >= 1024 {
		t.Error("64 MiB of an answer were read")
	}
}

// TestSlowReceiver: who does not answer is left after the time of one try.
func TestSlowReceiver(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	p := post(t, nil, private)
	ctx, stop := contextWithin(t, 200*time.Millisecond)
	defer stop()
	if got := why(t, p.Test(ctx, "h-home", Channel{Kind: Webhook, To: server.URL})); got != Late {
		t.Errorf("%q", got)
	}
}

// TestCertificates: a receiver that does not prove its name gets nothing.
func TestCertificates(t *testing.T) {
	var reached atomic.Int32
	server, roots := secure(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for name, tt := range map[string]struct {
		p  *Post
		to string
	}{
		"unknown authority": {post(t, nil, private), server.URL},
		"another name":      {post(t, roots, func(c *Config) { private(c); c.Resolve = inHouse }), "https://other.home.example:" + portOf(t, server.URL)},
	} {
		if got := why(t, tt.p.Test(t.Context(), "h-home", Channel{Kind: Webhook, To: tt.to})); got != Certificate {
			t.Errorf("%s: %q", name, got)
		}
	}
	if reached.Load() != 0 {
		t.Error("something was posted")
	}
}
