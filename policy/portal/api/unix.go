package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/hearthdns/hearth/policy/portal"
)

// socketMode lets the owner and its group use the control socket and nobody else.
const socketMode = 0o660

// maxSocketPath is what fits into sun_path with its closing zero octet (unix(7)); 104 on the BSDs.
const maxSocketPath = 103

// Errors of ListenUnix.
var (
	// ErrSocketLive says that a process answers on the control socket already.
	ErrSocketLive = errors.New("another process answers there")
	// ErrNotSocket says that something other than a socket has the name of the control socket.
	ErrNotSocket = errors.New("a file that is not a socket has this name")
)

// Limits of the servers. Requests are short, and nobody waits for a body that does not come.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 16 << 10
)

// ServeUnix serves the API on a control socket (ListenUnix) until ctx ends, then removes the socket.
func (a *API) ServeUnix(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           a.Local(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:          slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	if err := portal.Run(ctx, server, ln); err != nil {
		return fmt.Errorf("serving the control socket: %w", err)
	}
	return nil
}

// ListenUnix opens the control socket. The file is readable and writable by its owner and group only, and goes when the
// listener is closed. A socket that a dead process left behind is removed; one that is answered on, or a file of another
// kind, is left alone and named in the error.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("opening the control socket %s: the path has %d octets and a socket's may have %d; choose a shorter one with `control`",
			path, len(path), maxSocketPath)
	}
	if err := clearStale(ctx, path); err != nil {
		return nil, err
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w; create its folder for this user, or choose another path with `control`", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	return ln, nil
}

// clearStale removes a socket on which nobody answers. Only a refused connection proves that; whatever
// else goes wrong leaves the file alone.
func clearStale(ctx context.Context, path string) error {
	st, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("opening the control socket: %w", err)
	case st.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("opening the control socket %s: %w; move it away, or choose another path with `control`", path, ErrNotSocket)
	}
	dialer := net.Dialer{Timeout: time.Second}
	c, err := dialer.DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = c.Close()
		return fmt.Errorf("opening the control socket %s: %w; stop it, or give this one another path with `control`", path, ErrSocketLive)
	case !errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("asking whether the control socket %s is in use: %w; remove it if no hearth runs here", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing a stale control socket: %w", err)
	}
	return nil
}
