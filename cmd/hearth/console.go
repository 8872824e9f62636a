package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/net/netutil"

	"github.com/hearthdns/hearth/policy/portal"
)

// ConsoleConfig is where people and programs reach the server over HTTPS.
type ConsoleConfig struct {
	Listen   []netip.AddrPort `yaml:"listen"`
	Name     string           `yaml:"name"`  // "": that of the encrypted listeners
	Allow    []netip.Prefix   `yaml:"allow"` // who reaches it beside homes
	Provider ProviderConfig   `yaml:"provider"`
}

// consoleConnections bounds those that are open at once: a family has a few browsers with six each, and a provider's
// programs use theirs again and again. More wait in the kernel's queue.
const consoleConnections = 512

func (c *Config) validateConsole(r *report) {
	seen := make(map[netip.AddrPort]bool)
	for i, addr := range c.Console.Listen {
		if seen[addr] && addr.Port() != 0 {
			r.add("console.listen["+strconv.Itoa(i)+"]", "%s is listed twice; keep one", addr)
		}
		seen[addr] = true
	}
	c.validateConsolePlace(r)
}

// consoleHandler is what the listeners of the console serve: the pages of parents, and the API for programs with a token.
func (s *server) consoleHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+authorityPath, s.serveAuthority)
	mux.Handle("/v1/", s.api.Remote())
	mux.Handle("/", s.console)
	return s.forUs(mux)
}

// serveConsole serves them, as one, until ctx ends.
func (s *server) serveConsole(ctx context.Context, l net.Listener) error {
	web := &http.Server{
		Handler:           s.consoleHandler(),
		TLSConfig:         s.tls(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // of each stream of HTTP/2 too; the API sets its own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	web.TLSConfig.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s.probes.came(hello.ServerName)
		return nil, nil //nolint:nilnil // as it is
	}
	web.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	return portal.Run(ctx, web, secured{netutil.LimitListener(s.newGate(l), consoleConnections), web.TLSConfig})
}

// secured is a listener whose connections begin with TLS. http.Server speaks HTTP/2 on them.
type secured struct {
	net.Listener
	config *tls.Config
}

// Accept implements net.Listener.
func (l secured) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("accepting a connection: %w", err)
	}
	return tls.Server(c, l.config), nil
}
