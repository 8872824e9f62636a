package listen_test

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
)

// patience is how long a test waits for what must come. It is no bound on speed:
// a test that passes waits no longer than it takes.
const patience = 10 * time.Second

// stub is a Handler whose names say what happens to them. Answer replies to all but
// those whose first label starts with "slow": Resolve replies to them when the test
// lets one go.
type stub struct {
	gate    chan struct{}
	waiting atomic.Int64
	seen    func(*listen.Request)                  // called by both, if set
	resolve func(context.Context, *listen.Request) // in place of Resolve, if set; ctx ends when the time is over
	broken  bool                                   // Resolve panics
}

func newStub() *stub { return &stub{gate: make(chan struct{})} }

func (h *stub) Answer(r *listen.Request) bool {
	if h.seen != nil {
		h.seen(r)
	}
	name := r.Query.Name()
	switch {
	case strings.HasPrefix(string(name[1:]), "slow"):
		return false
	case strings.HasPrefix(string(name[1:]), "panic"):
		panic("a broken handler")
	case strings.HasPrefix(string(name[1:]), "silent"):
		r.Reply = nil
	case strings.HasPrefix(string(name[1:]), "long"):
		r.Reply = reply(r, 100)
	default:
		r.Reply = reply(r, 1)
	}
	return true
}

func (h *stub) Resolve(ctx context.Context, r *listen.Request, until time.Time) {
	if h.seen != nil {
		h.seen(r)
	}
	if h.broken {
		panic("a broken handler")
	}
	go func() {
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		if h.resolve != nil {
			h.resolve(ctx, r)
		} else {
			h.wait(ctx, r)
		}
		r.Done()
	}()
}

func (h *stub) wait(ctx context.Context, r *listen.Request) {
	h.waiting.Add(1)
	defer h.waiting.Add(-1)
	select {
	case <-h.gate:
		r.Reply = reply(r, 1)
	case <-ctx.Done():
		r.Reply = nil
	}
}

// reply answers with n addresses, 28 octets each; the first is the one asked.
func reply(r *listen.Request, n int) []byte {
	b := wire.Start(r.Buf(), &r.Query, wire.NoError)
	for range n {
		b = wire.AppendRR(b, wire.Answer, nil, wire.TypeAAAA, wire.ClassIN, 60, local16(r))
	}
	return wire.Finish(b, &r.Query, wire.NoError, nil)
}

func local16(r *listen.Request) []byte {
	a := r.Client.Local.Addr().As16()
	return a[:]
}

// quiet is a log that goes nowhere.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// running is a server under test.
type running struct {
	*listen.Server
	t    testing.TB
	addr netip.AddrPort // of the first listener, as a client dials it
	stop context.CancelFunc
	done chan error
}

// start serves cfg, on a free port of 127.0.0.1 unless it has listeners, until the end
// of the test.
func start(t testing.TB, cfg listen.Config) *running {
	t.Helper()
	if cfg.Listeners == nil {
		cfg.Listeners = []listen.Listener{{Addr: netip.MustParseAddrPort("127.0.0.1:0")}}
	}
	if cfg.Limits.Late == 0 {
		cfg.Limits.Late = patience // a busy machine must not fail a test of something else
	}
	if cfg.Limits.TCP.Resolve == 0 {
		cfg.Limits.TCP.Resolve = patience
	}
	cfg.Log = quiet()
	s, err := listen.New(twin(cfg))
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Server: s, t: t, addr: netip.MustParseAddrPort(s.Addrs()[0].String()), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-r.done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	return r
}

// wait waits for Run to end and gives its error back for the cleanup.
func (r *running) wait() {
	r.t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
	case <-time.After(patience):
		r.t.Fatal("Run does not end")
	}
}

// dial connects to the server.
func (r *running) dial(network string) net.Conn { return r.dialFrom(network, "") }

// dialFrom connects from an address of ours.
func (r *running) dialFrom(network, from string) net.Conn {
	r.t.Helper()
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
		if network == "udp" {
			d.LocalAddr = &net.UDPAddr{IP: net.ParseIP(from)}
		}
	}
	c, err := d.Dial(network, r.addr.String())
	if err != nil {
		r.t.Fatalf("dialling: %v", err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// metric reads one series, named as it is scraped: name{label="value",...}.
func (r *running) metric(series string) float64 {
	r.t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(r.Server)
	families, err := reg.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			if name == series {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	r.t.Fatalf("no series %s", series)
	return 0
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// query packs a question for AAAA with the ID.
func query(t testing.TB, id uint16, name string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(name), dns.TypeAAAA)
	m.Id = id
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// frame puts the length before each message (RFC 1035 4.2.2).
func frame(msgs ...[]byte) []byte {
	var b []byte
	for _, m := range msgs {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(m))), m...)
	}
	return b
}

// send writes or fails.
func send(t *testing.T, c net.Conn, b []byte) {
	t.Helper()
	if _, err := c.Write(b); err != nil {
		t.Fatalf("writing: %v", err)
	}
}

// recv reads one message, over either transport.
func recv(t *testing.T, c net.Conn) *dns.Msg {
	t.Helper()
	b := make([]byte, 65535)
	if _, packet := c.(*net.UDPConn); !packet {
		if _, err := io.ReadFull(c, b[:2]); err != nil {
			t.Fatalf("reading length: %v", err)
		}
		b = b[:binary.BigEndian.Uint16(b)]
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatalf("reading message: %v", err)
		}
	} else {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		b = b[:n]
	}
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		t.Fatalf("unpacking %x: %v", b, err)
	}
	return m
}

// closed requires that the server ends the connection without another octet.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	b, err := io.ReadAll(c)
	if len(b) > 0 {
		t.Errorf("the server sent %x", b)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // as net gives it
		t.Error("the server does not close")
	}
}
