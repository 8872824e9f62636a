package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/policy"
)

// consoleClient bounds the connections of one client to the console: a browser has one by HTTP/2, and six by HTTP/1.1. So a
// tablet that opens all that it can keeps nobody out.
const consoleClient = 32

// gate is a listener that lets in whom the console is for, and no client more often than consoleClient at once. Who is
// refused is told nothing: the connection ends before anything is read.
type gate struct {
	net.Listener
	admits  func(netip.Addr) bool
	refused *prometheus.CounterVec

	mu   *sync.Mutex
	open map[netip.Addr]int
}

// newGate puts a gate before a listener.
func (s *server) newGate(l net.Listener) gate {
	return gate{l, s.admits, s.turnedAway, new(sync.Mutex), map[netip.Addr]int{}}
}

// newTurnedAway counts whom the gates refused.
func newTurnedAway() *prometheus.CounterVec {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hearth_console_refused_total", Help: "Connections and requests to the console's listeners that were refused, by reason.",
	}, []string{"reason"})
	for _, reason := range []string{refusedNetwork, refusedMany, refusedHost} {
		all.WithLabelValues(reason)
	}
	return all
}

// Why the console refuses somebody.
const (
	refusedNetwork = "network" // from no home, and not allowed
	refusedMany    = "many"    // the client has consoleClient connections open
	refusedHost    = "host"    // they asked for a name that is not the console's
)

// Accept implements net.Listener.
func (g gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, fmt.Errorf("accepting a connection: %w", err)
		}
		from := remote(c.RemoteAddr())
		switch {
		case !g.admits(from):
			g.refused.WithLabelValues(refusedNetwork).Inc()
		case !g.enter(from):
			g.refused.WithLabelValues(refusedMany).Inc()
		default:
			return &entered{Conn: c, leave: sync.OnceFunc(func() { g.leave(from) })}, nil
		}
		_ = c.Close()
	}
}

// remote is the address of a client, without what two spellings of it differ in.
func remote(a net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return plainAddr(at.Addr())
}

// enter counts a connection of a client.
func (g gate) enter(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[a] >= consoleClient {
		return false
	}
	g.open[a]++
	return true
}

func (g gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[a]--; g.open[a] <= 0 {
		delete(g.open, a)
	}
}

// entered is a connection that says when it ends.
type entered struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *entered) Close() error {
	c.leave()
	return c.Conn.Close()
}

// admits says whom the console is for: the home, the networks of households, and whom console.allow names.
func (s *server) admits(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	if homely(a) || s.directory().Identify(a).Status != policy.Stranger {
		return true
	}
	for _, p := range s.config.Load().Config.Console.Allow {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forUs refuses requests for other names: a page of theirs, led here by an answer that gives our address to their name,
// is none of ours. Addresses cannot be led here so.
func (s *server) forUs(h http.Handler) http.Handler {
	name := s.boot.consoleName()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOurs(r.Host, name) {
			s.turnedAway.WithLabelValues(refusedHost).Inc()
			http.Error(w, "This is the console of "+name+": open "+s.boot.consoleOrigin(), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isOurs says whether a Host is the console's: its name, this machine by localhost, or an address.
func isOurs(host, name string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	_, err := netip.ParseAddr(host)
	return err == nil || host == name || host == "localhost"
}
