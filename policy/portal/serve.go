package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of the landing server. A page is under 30 kB and needs no body, so a client that is slow or
// long-winded is not a browser that waits for a page.
const (
	ReadHeaderTimeout = 5 * time.Second
	WriteTimeout      = 10 * time.Second
	IdleTimeout       = 15 * time.Second
	MaxHeaderBytes    = 8 << 10
	MaxConnections    = 256 // open at once; more wait in the kernel's queue
	drain             = 5 * time.Second
)

// Serve shows the landing pages on the listener until ctx ends, then lets running answers finish for at
// most five seconds. It closes the listener. It returns nil after an ordered end.
func (p *Portal) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler:           p.Landing(),
		ReadHeaderTimeout: ReadHeaderTimeout,
		ReadTimeout:       ReadHeaderTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(p.streams.end)
	return Run(ctx, server, netutil.LimitListener(ln, MaxConnections))
}

// Run serves a listener until ctx ends, then lets running answers finish for at most five seconds and closes what is
// open still. It returns nil after an ordered end.
func Run(ctx context.Context, server *http.Server, ln net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if ended := <-served; err == nil && !errors.Is(ended, http.ErrServerClosed) {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("closing %s: %w", ln.Addr(), err)
	}
	return nil
}
