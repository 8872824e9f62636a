package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// server is one program under measurement.
type server struct {
	name    string
	command []string
	files   map[string]string // relative to the bench folder
	lists   bool              // its configuration carries the block list itself
}

// servers returns the programs, each configured to block the list with
// 127.0.0.1 for the name and all beneath it, to forward the rest to the
// authority, to cache, and to log nothing.
func (b *bench) servers(port uint16) []server {
	up := b.authority
	return []server{
		{name: "hearth", command: []string{b.plan.hearth, "serve", "--config", filepath.Join(b.dir, "hearth.yaml")}, files: map[string]string{"hearth.yaml": b.hearthYAML(port)}},
		{name: "unbound", command: []string{"unbound", "-d", "-p", "-c", filepath.Join(b.dir, "unbound.conf")}, files: map[string]string{"unbound.conf": fmt.Sprintf(`server:
  interface: 127.0.0.1@%d
  username: ""
  chroot: ""
  directory: %q
  use-syslog: no
  logfile: ""
  verbosity: 0
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  msg-cache-size: 64m
  rrset-cache-size: 128m
  include: %q
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s@%d
`, port, b.dir, filepath.Join(b.dir, "unbound.zones"), up.Addr(), up.Port())}, lists: true},
		{name: "dnsdist", command: []string{"dnsdist", "--supervised", "--disable-syslog", "-C", filepath.Join(b.dir, "dnsdist.lua")}, files: map[string]string{"dnsdist.lua": fmt.Sprintf(`setLocal("127.0.0.1:%d")
newServer{address="%s", checkName="health.net.", maxCheckFailures=100}
setSecurityPollSuffix("")
getPool(""):setCache(newPacketCache(200000))
blocked = newSuffixMatchNode()
for line in io.lines(%q) do blocked:add(newDNSName(line)) end
addAction(SuffixMatchNodeRule(blocked), SpoofAction({"127.0.0.1"}))
`, port, up, filepath.Join(b.dir, "blocked.txt"))}},
	}
}

func (b *bench) hearthYAML(port uint16) string {
	return fmt.Sprintf(`version: 1
state: %q
control: %q
log: {level: error}
listen:
  - addresses: ["127.0.0.1:%d"]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: []}
metrics: {listen: ""}
resolve: {upstreams: ["%s"]}
lists:
  starter: false
  sources:
    - {name: bench, path: %q, format: domains, categories: [adult.porn]}
households:
  - id: bench
    consent: {by: the benchmark, at: 2026-01-01}
    networks: ["127.0.0.0/8"]
    members: [{name: Bench, band: preteen}]
`, filepath.Join(b.dir, "state"), filepath.Join(b.dir, "control.sock"), port, b.authority, filepath.Join(b.dir, "blocked.txt"))
}

// running is a started server.
type running struct {
	server
	cmd  *exec.Cmd
	addr netip.AddrPort
	done chan struct{} // closed when it has ended
}

// start writes the server's files, starts it and waits until it answers a
// blocked name as blocked.
func (b *bench) start(ctx context.Context, s server, addr netip.AddrPort) (*running, error) {
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("configuring %s: %w", s.name, err)
		}
	}
	if s.lists {
		if err := b.unboundZones(); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...) //nolint:gosec // the programs named above
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", s.name, err)
	}
	r := &running{server: s, cmd: cmd, addr: addr, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(r.done)
	}()
	if err := b.ready(ctx, r); err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

func (b *bench) unboundZones() error {
	f, err := os.Create(filepath.Join(b.dir, "unbound.zones"))
	if err != nil {
		return fmt.Errorf("writing unbound's zones: %w", err)
	}
	w := bufio.NewWriter(f)
	for _, n := range b.lists.blocked {
		_, _ = fmt.Fprintf(w, "local-zone: %q redirect\nlocal-data: \"%s 10 A 127.0.0.1\"\n", n, n)
	}
	return errors.Join(w.Flush(), f.Close())
}

// ready asks for a blocked name until it is answered as one.
func (b *bench) ready(ctx context.Context, r *running) error {
	deadline := time.Now().Add(3 * time.Minute)
	w := workload{ask: func(int) string { return b.lists.blocked[0] }, address: [4]byte{127, 0, 0, 1}}
	for time.Now().Before(deadline) && ctx.Err() == nil {
		select {
		case <-r.done:
			return fmt.Errorf("%s ended before it answered: %s", r.name, r.cmd.ProcessState)
		case <-time.After(50 * time.Millisecond):
		}
		if t, err := load(ctx, r.addr, w, 1, 1); err == nil && t.right == 1 {
			return nil
		}
	}
	return fmt.Errorf("%s did not answer in three minutes", r.name)
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

// freePort returns a loopback address that nobody listens on.
func freePort() (netip.AddrPort, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("finding a port: %w", err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort(), nil
}
