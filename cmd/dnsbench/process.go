//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patienceToLoad bounds how long a server may take to load the list.
const patienceToLoad = 5 * time.Minute

// tries is how often a server is started, each time on another port.
const tries = 3

// errEnded is why another try may help: somebody else took the port between its
// choice and the server's start, or a server that asks from random ports did.
var errEnded = errors.New("it ended before it answered")

// running is a started server.
type running struct {
	server
	place
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	said tail
}

// tail keeps the end of what a server says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const kept = 2048
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = append(t.text[:0], t.text[max(0, len(t.text)-kept):]...)
	return len(p), nil
}

// lines returns the last lines in one.
func (t *tail) lines() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return strings.Join(all[max(0, len(all)-5):], " | ")
}

// begin writes what s reads and executes it.
func begin(ctx context.Context, s server, p place) (*running, error) {
	files, arguments := s.prepare(p)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("configuring %s: %w", s.name, err)
		}
	}
	r := &running{server: s, place: p, done: make(chan struct{})}
	r.cmd = exec.CommandContext(ctx, s.path, arguments...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = 5 * time.Second
	r.cmd.Dir = p.dir
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name, err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	return r, nil
}

// place finds s a new folder and ports that are free.
func (b *bench) place(s server) (p place, err error) {
	p = place{upstream: b.authority, keep: cmp.Or(s.keep, b.dir)}
	if p.dir, err = os.MkdirTemp(b.dir, s.name); err != nil {
		return place{}, fmt.Errorf("configuring %s: %w", s.name, err)
	}
	if p.addr, err = freePort(); err != nil {
		return place{}, err
	}
	if p.credentials = b.credentials; len(s.secure) == 0 {
		p.credentials = nil
	}
	if p.private, err = freePort(); err != nil {
		return place{}, err
	}
	if p.web, err = freePort(); err != nil {
		return place{}, err
	}
	spare, err := freePort()
	p.spare = spare.Port()
	if err != nil {
		return place{}, err
	}
	p.list, err = b.writeList(s)
	return p, err
}

// start starts s and waits until three names of the list are answered as they must be.
func (b *bench) start(ctx context.Context, s server, round int) (*running, figure, error) {
	f := figure{Server: s.name, Workload: "load", Round: round}
	if round == 1 {
		f.Workload = "first load"
	}
	r, took, err := b.launch(ctx, s, b.readiness(s))
	if err != nil {
		return nil, figure{}, err
	}
	f.Seconds = took.Seconds()
	if f.CPUSeconds, f.RSS, err = r.usage(); err == nil && s.name == "hearth" {
		err = r.index(ctx, &f)
	}
	if err != nil {
		r.stop()
	}
	return r, f, err
}

// launch starts s until it answers t right, on another port where that fails. It
// returns how long the start took.
func (b *bench) launch(ctx context.Context, s server, t traffic) (*running, time.Duration, error) {
	var err error
	for range tries {
		var p place
		if p, err = b.place(s); err != nil {
			return nil, 0, err
		}
		began := time.Now()
		var r *running
		if r, err = begin(ctx, s, p); err != nil {
			return nil, 0, err
		}
		if err = r.ready(ctx, t); err == nil {
			return r, time.Since(began), nil
		}
		r.stop()
		err = fmt.Errorf("%s: %w: %s; %s", s.name, err, r.cmd.ProcessState, r.said.lines())
		if !errors.Is(err, errEnded) {
			break
		}
		fmt.Fprintf(os.Stderr, "  %v\n", err)
	}
	return nil, 0, err
}

// readiness is what a server answers once it has loaded the list.
func (b *bench) readiness(s server) traffic {
	t := traffic{count: 3, window: 1, sockets: 1}
	if s.bare {
		t.queries, t.count = []query{newQuery("www.example.net", typeA, allowed)}, 1
		return t
	}
	l := b.names.blocked
	for _, name := range []string{l[0], l[len(l)/2], "sub." + l[len(l)-1]} {
		t.queries = append(t.queries, newQuery(name, typeA, blocked))
	}
	return t
}

// ready asks until every answer is right.
func (r *running) ready(ctx context.Context, t traffic) error {
	deadline := time.Now().Add(patienceToLoad)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		select {
		case <-r.done:
			return errEnded
		case <-time.After(2 * time.Millisecond):
		}
		if r.asks(ctx, t) {
			return nil
		}
	}
	return errors.New("it did not answer in time")
}

// asks reports whether every answer of a short load is right.
func (r *running) asks(ctx context.Context, t traffic) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := load(ctx, r.addr, t)
	return err == nil && got.right == t.count
}

func (r *running) stop() {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(5 * time.Second):
		_ = r.cmd.Process.Kill()
		<-r.done
	}
}

// listenFree listens on a loopback port that nobody uses, with UDP and TCP. It
// lies beneath the ports from which the system lets programs ask, so that no
// client takes it from a server that is yet to start.
func listenFree() (*net.UDPConn, net.Listener, error) {
	for range 100 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(10_000+rand.IntN(20_000)))
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", addr.String())
		if err == nil {
			return c, l, nil
		}
		_ = c.Close()
	}
	return nil, nil, errors.New("finding a port: none is free")
}

// freePort returns an address that nobody listened on a moment ago.
func freePort() (netip.AddrPort, error) {
	c, l, err := listenFree()
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr := addressOf(c)
	return addr, errors.Join(c.Close(), l.Close())
}

func addressOf(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }
