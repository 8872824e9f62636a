//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// readiness bounds how long a server may take to load the list.
const readiness = 5 * time.Minute

// running is a started server.
type running struct {
	server
	cmd  *exec.Cmd
	addr netip.AddrPort
	done chan struct{} // closed when it has ended
	said *bytes.Buffer // its last words, to be read once done is closed
}

// begin writes what s reads and executes it.
func (b *bench) begin(ctx context.Context, s server, round int) (*running, error) {
	p, err := b.place(s, round)
	if err != nil {
		return nil, err
	}
	files, arguments := s.prepare(p)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("configuring %s: %w", s.name, err)
		}
	}
	r := &running{server: s, addr: p.addr, done: make(chan struct{}), said: &bytes.Buffer{}}
	r.cmd = exec.CommandContext(ctx, s.path, arguments...)
	r.cmd.Cancel = func() error { return r.cmd.Process.Signal(syscall.SIGTERM) }
	r.cmd.WaitDelay = 5 * time.Second
	r.cmd.Dir = p.dir
	r.cmd.Stdout, r.cmd.Stderr = r.said, r.said
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name, err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	return r, nil
}

func (b *bench) place(s server, round int) (place, error) {
	p := place{upstream: b.authority, keep: b.dir, dir: filepath.Join(b.dir, fmt.Sprintf("%s-%d", s.name, round))}
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return place{}, fmt.Errorf("configuring %s: %w", s.name, err)
	}
	var err error
	if p.addr, err = freePort(); err != nil {
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
	if _, err := b.writeList(s); err != nil { // before the clock runs
		return nil, figure{}, err
	}
	began := time.Now()
	r, err := b.begin(ctx, s, round)
	if err != nil {
		return nil, figure{}, err
	}
	if err := b.ready(ctx, r); err != nil {
		r.stop()
		return nil, figure{}, err
	}
	took := time.Since(began).Seconds()
	f := figure{Server: s.name, Workload: "load", Round: round, Seconds: took}
	if round == 1 {
		f.Workload = "first load"
	}
	f.CPUSeconds, f.RSS, err = r.usage()
	return r, f, err
}

// ready asks until every answer is right.
func (b *bench) ready(ctx context.Context, r *running) error {
	l := b.names.blocked
	t := traffic{count: 3, window: 1, sockets: 1}
	for _, name := range []string{l[0], l[len(l)/2], "sub." + l[len(l)-1]} {
		t.queries = append(t.queries, newQuery(name, typeA, blocked))
	}
	if r.bare {
		t.queries, t.count = []query{newQuery("www.example.net", typeA, allowed)}, 1
	}
	deadline := time.Now().Add(readiness)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		select {
		case <-r.done:
			return fmt.Errorf("it ended before it answered: %s: %s", r.cmd.ProcessState, lastLine(r.said.String()))
		case <-time.After(5 * time.Millisecond):
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

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
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

// freePort returns a loopback address that nobody listens on, with UDP or TCP.
func freePort() (netip.AddrPort, error) {
	for range 100 {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("finding a port: %w", err)
		}
		addr := c.LocalAddr().(*net.UDPAddr).AddrPort()
		l, err := net.Listen("tcp", addr.String())
		_ = c.Close()
		if err == nil {
			_ = l.Close()
			return addr, nil
		}
	}
	return netip.AddrPort{}, errors.New("finding a port: none is free")
}
