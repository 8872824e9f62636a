package portal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
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

// Join makes listeners one, so that a bound on connections holds for all of them together. Closing it closes them.
func Join(all []net.Listener) net.Listener {
	if len(all) == 1 {
		return all[0]
	}
	j := &joined{all: all, next: make(chan accepted), closed: make(chan struct{})}
	j.end = sync.OnceValue(func() (err error) {
		close(j.closed)
		for _, l := range all {
			err = errors.Join(err, l.Close())
		}
		return err
	})
	for _, l := range all {
		go j.hand(l)
	}
	return j
}

// joined hands on what its listeners accept, one after the other.
type joined struct {
	all    []net.Listener
	next   chan accepted
	closed chan struct{}
	end    func() error
}

type accepted struct {
	conn net.Conn
	err  error
}

// hand hands on what one of them accepts, until it is closed.
func (j *joined) hand(l net.Listener) {
	for {
		conn, err := l.Accept()
		select {
		case j.next <- accepted{conn, err}:
		case <-j.closed:
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// Accept implements net.Listener.
func (j *joined) Accept() (net.Conn, error) {
	select {
	case a := <-j.next:
		return a.conn, a.err
	case <-j.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (j *joined) Close() error { return j.end() }

// Addr implements net.Listener: that of the first.
func (j *joined) Addr() net.Addr { return j.all[0].Addr() }

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
