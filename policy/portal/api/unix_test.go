package api_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// socket serves the control API until the test ends.
func socket(t *testing.T, h *house, path string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := api.ListenUnix(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.ServeUnix(ctx, ln) }()
	return func() error { cancel(); return <-done }
}

func TestControlSocket(t *testing.T) {
	h := open(t)
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

	if _, err := api.ListenUnix(t.Context(), path); !errors.Is(err, api.ErrSocketLive) || !strings.Contains(err.Error(), "`control`") {
		t.Errorf("a second server on the socket: %v, want %v and what to do", err, api.ErrSocketLive)
	}
	if err := stop(); err != nil {
		t.Errorf("an ordered end gives %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there after the end: %v", err)
	}
}

func TestStaleControlSocketIsReplaced(t *testing.T) {
	h := open(t)
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
	path := filepath.Join(t.TempDir(), "control")
	if err := os.WriteFile(path, []byte("diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.ListenUnix(t.Context(), path); !errors.Is(err, api.ErrNotSocket) {
		t.Errorf("got %v, want %v", err, api.ErrNotSocket)
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "diary" {
		t.Errorf("the file is gone: %q, %v", kept, err)
	}
	if _, err := api.ListenUnix(t.Context(), "/tmp/"+strings.Repeat("x", 120)); err == nil || !strings.Contains(err.Error(), "shorter") {
		t.Errorf("a path that is too long: %v", err)
	}
	if _, err := api.ListenUnix(t.Context(), filepath.Join(t.TempDir(), "no", "control")); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
}
