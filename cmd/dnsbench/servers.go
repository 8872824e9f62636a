//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// server is one program under measurement: how to write what it reads, and how
// to start it.
type server struct {
	name    string
	path    string // of the program; empty or not there: absent
	version []string
	bare    bool     // a responder that answers everything alike
	without []string // workloads that its accounting does not reach
	secure  []protocol
	list    listFile
	keep    string // folder of its state; empty: that of the run
	prepare func(place) (files map[string]string, arguments []string)
}

// listFile is the block list in a server's own format. Several servers may
// share one.
type listFile struct {
	name string
	head string
	line func(w io.Writer, name string)
}

// place is where a server finds everything in one round.
type place struct {
	addr     netip.AddrPort // where it listens
	spare    uint16         // another free port
	upstream netip.AddrPort
	dir      string // of this server and round, empty at first
	keep     string // of all servers and rounds
	list     string // the block list in its format

	*credentials                // nil: it serves no encrypted transport
	private, web netip.AddrPort // of DNS over TLS and over QUIC, and of DNS over HTTPS
}

func (p place) port() uint16 { return p.addr.Port() }

// secured is the part of a configuration that serves the encrypted transports: the text,
// in which CERT, KEY, PRIVATE and WEB stand for the files and the ports. It is empty where
// nothing is encrypted.
func (p place) secured(text string) string {
	if p.credentials == nil {
		return ""
	}
	port := func(a netip.AddrPort) string { return strconv.Itoa(int(a.Port())) }
	return strings.NewReplacer("CERT", p.cert, "KEY", p.key, "PRIVATE", port(p.private), "WEB", port(p.web)).Replace(text)
}

// servers returns every program that dnsbench knows, hearth first. Each blocks
// the list with 127.0.0.1 for the name and all beneath it, forwards the rest to
// the upstream, caches, logs nothing, and has the worker threads of its default,
// or one.
func (b *bench) servers() []server {
	all := []server{
		hearth(b.plan.hearth, b.names.sources),
		unbound(), dnsdist(), kresd(), recursor(), dnsmasq(),
		coreDNS(b.plan.paths["coredns"]), adguardHome(b.plan.paths["adguardhome"]), blocky(b.plan.paths["blocky"]),
	}
	for _, name := range bareNames() {
		all = append(all, bareServer(name))
	}
	return all
}

func peerNames() []string {
	var all []string
	for _, s := range (&bench{}).servers()[1:] {
		all = append(all, s.name)
	}
	return all
}

// installed returns the whole path of the server's program, or why there is none.
func (s server) installed() (string, error) {
	if s.path == "" {
		return "", errors.New("no path given")
	}
	path, err := exec.LookPath(s.path)
	if err != nil {
		return "", errors.New("not installed")
	}
	return filepath.Abs(path)
}

// writeList writes the block list for s, unless another server of the same
// format has done so.
func (b *bench) writeList(s server) (string, error) {
	if s.list.name == "" {
		return "", nil
	}
	path := filepath.Join(b.dir, s.list.name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("writing the block list: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString(s.list.head)
	for _, n := range b.names.listed {
		s.list.line(w, n)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return "", fmt.Errorf("writing the block list: %w", err)
	}
	return path, nil
}

// plain is a name a line.
func plain() listFile {
	return listFile{name: "blocked.txt", line: func(w io.Writer, n string) { fmt.Fprintln(w, n) }}
}

// zone is a response policy zone, or a zone of its own: the name and all beneath it.
func zone() listFile {
	return listFile{
		name: "blocked.zone",
		head: "$TTL 10\n@ SOA localhost. root.localhost. 1 3600 600 86400 10\n@ NS localhost.\n",
		line: func(w io.Writer, n string) { fmt.Fprintf(w, "%s A 127.0.0.1\n*.%s A 127.0.0.1\n", n, n) },
	}
}
