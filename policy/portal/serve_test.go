package portal

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()

	ask := func(request string) string {
		t.Helper()
		c, err := net.Dial("tcp4", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		reply, _ := io.ReadAll(c)
		return string(reply)
	}
	page := ask("GET / HTTP/1.1\r\nHost: naked.example\r\nAccept: text/html\r\n\r\n")
	if !strings.HasPrefix(page, "HTTP/1.1 200 ") || !strings.Contains(page, "Connection: close") {
		t.Errorf("the page of a stranger on loopback begins with %.60q", page)
	}
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: <svg onload=alert(1)>\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "\x16\x03\x01\x00\x05hello\r\n\r\n",
	} {
		if reply := ask(request); !strings.HasPrefix(reply, "HTTP/1.1 400 ") || strings.Contains(reply, "svg") {
			t.Errorf("%q is answered with %.80q, want 400 without an echo", request, reply)
		}
	}
	if reply := ask("GET / HTTP/1.1\r\nHost: a.example\r\nX: " + strings.Repeat("x", 2*MaxHeaderBytes) + "\r\n\r\n"); !strings.HasPrefix(reply, "HTTP/1.1 431 ") {
		t.Errorf("a header beyond the limit is answered with %.60q, want 431", reply)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("an ordered end gives %v", err)
	}
	if _, err := net.Dial("tcp4", ln.Addr().String()); err == nil {
		t.Error("the listener is still open after the end")
	}
}

// socket serves the control API until the test ends and waits for it to answer.
func socket(t *testing.T, h *home, path string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.ServeUnix(ctx, path) }()
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
			break
		}
		select {
		case err := <-done:
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return func() error { cancel(); return <-done }
}

func TestControlSocket(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	path := filepath.Join(t.TempDir(), "control")
	stop := socket(t, h, path)
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o660 {
		t.Errorf("the socket's mode is %v (%v), want 0660", st.Mode().Perm(), err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	reply, err := client.Get("http://hearth/v1/explain?name=naked.example&client=" + tom)
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		t.Errorf("status %d, want %d", reply.StatusCode, http.StatusOK)
	}
	client.CloseIdleConnections()

	if err := h.ServeUnix(t.Context(), path); !errors.Is(err, ErrSocketLive) || !strings.Contains(err.Error(), "`control`") {
		t.Errorf("a second server on the socket: %v, want %v and what to do", err, ErrSocketLive)
	}
	if err := stop(); err != nil {
		t.Errorf("an ordered end gives %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there after the end: %v", err)
	}
}

func TestStaleControlSocketIsReplaced(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	path := filepath.Join(t.TempDir(), "control")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	if err := socket(t, h, path)(); err != nil {
		t.Error(err)
	}
}

func TestControlSocketLeavesOtherFilesAlone(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	path := filepath.Join(t.TempDir(), "control")
	if err := os.WriteFile(path, []byte("diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.ServeUnix(t.Context(), path); !errors.Is(err, ErrNotSocket) {
		t.Errorf("got %v, want %v", err, ErrNotSocket)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "diary" {
		t.Errorf("the file is gone: %q, %v", kept, err)
	}
	if err := h.ServeUnix(t.Context(), "/tmp/"+strings.Repeat("x", 120)); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path that is too long: %v", err)
	}
	if err := h.ServeUnix(t.Context(), filepath.Join(t.TempDir(), "no", "control")); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
