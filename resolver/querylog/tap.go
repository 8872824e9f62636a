package querylog

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dnstap/golang-dnstap"
	"github.com/farsightsec/golang-framestream"
	"github.com/hearthdns/hearth/policy"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// backlog is how many messages may wait for the receiver: 5,120 a second at the pace
	// below. What does not fit is dropped and counted: no query waits for a receiver.
	backlog = 512
	pace    = 100 * time.Millisecond
	// largest is the longest message that is sent whole, in octets; 512 of them, twice, are
	// 4 MiB. Of a longer one everything else is sent.
	largest = 4096

	dialTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second // of a receiver that does not read
	retryAfter   = 5 * time.Second // between attempts to reach it
)

// Protocol is how a query came, as dnstap numbers it.
type Protocol = dnstap.SocketProtocol

// The protocols (dnstap.proto). The library does not name the last one.
const (
	UDP   = dnstap.SocketProtocol_UDP
	TCP   = dnstap.SocketProtocol_TCP
	TLS   = dnstap.SocketProtocol_DOT
	HTTPS = dnstap.SocketProtocol_DOH
	QUIC  = Protocol(7)
)

// Config says where the receiver is: the path of a unix socket or an address with a port.
type Config struct {
	Network  string // "unix" or "tcp"
	Address  string
	Identity string // of this server
	Version  string
	Log      *slog.Logger // nil: nothing is logged
}

// Message is one answered query. Its slices are the caller's again after Observe.
type Message struct {
	Memory   policy.Memory
	Protocol Protocol
	Six      bool // over IPv6
	Asked    time.Time
	Answered time.Time
	Reply    []byte
	Action   string // what became of it, such as "block"
	Category string // that did it; "" for none
}

// Tap sends messages to a dnstap receiver as frame streams, as CLIENT_RESPONSE. No message has
// an address of a client. It is a prometheus.Collector (hearth_dnstap_*).
type Tap struct {
	cfg Config

	receiver *framestream.Writer // nil: not reached
	conn     net.Conn
	again    time.Time // when to try to reach it again
	silent   bool      // that it is not reached was said

	mu      sync.Mutex
	waiting []kept
	spare   []kept

	sent    atomic.Uint64
	dropped atomic.Uint64
	failed  atomic.Uint64
}

// kept is a message with memory of its own.
type kept struct {
	Message
	reply []byte
}

// New returns a Tap; it reaches for the receiver once Run runs.
func New(cfg Config) (*Tap, error) {
	if cfg.Network != "unix" && cfg.Network != "tcp" {
		return nil, fmt.Errorf("preparing dnstap: %q is no network; write unix or tcp", cfg.Network)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Tap{cfg: cfg, waiting: make([]kept, 0, backlog), spare: make([]kept, 0, backlog)}, nil
}

// Observe takes a message for the receiver, if its names may be told: a stream of messages
// without names would still tell when somebody was at which device. It does not wait, and
// after the first messages it does not allocate.
func (t *Tap) Observe(m *Message) {
	if m.Memory != policy.Names {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.waiting)
	if n == cap(t.waiting) {
		t.dropped.Add(1)
		return
	}
	t.waiting = t.waiting[:n+1]
	k := &t.waiting[n]
	k.Message, k.reply = *m, k.reply[:0]
	k.Reply = nil
	if len(m.Reply) <= largest {
		k.reply = append(k.reply, m.Reply...)
	}
}

// Run sends what waits until ctx ends. A receiver that is not there is tried again; what was
// meant for it meanwhile is lost and counted.
func (t *Tap) Run(ctx context.Context) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	defer t.hangUp()
	for {
		select {
		case <-ctx.Done():
			t.deliver(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
			t.deliver(ctx)
		}
	}
}

// deliver sends what waits now, or loses it.
func (t *Tap) deliver(ctx context.Context) {
	batch := t.take()
	if len(batch) == 0 {
		return
	}
	sent, err := t.send(ctx, batch)
	t.sent.Add(uint64(sent))                //nolint:gosec // at most backlog
	t.failed.Add(uint64(len(batch) - sent)) //nolint:gosec // as above
	if err != nil && !t.silent {
		t.cfg.Log.Warn("the dnstap receiver is not reached; messages are lost meanwhile", "receiver", t.cfg.Address, "error", err)
	}
	if err != nil {
		t.hangUp()
		t.again = time.Now().Add(retryAfter)
	}
	t.silent = err != nil || t.silent && sent == 0
}

// send writes messages and returns how many the receiver was sent.
func (t *Tap) send(ctx context.Context, batch []kept) (int, error) {
	if t.receiver == nil {
		if time.Now().Before(t.again) {
			return 0, nil
		}
		if err := t.reach(ctx); err != nil {
			return 0, err
		}
	}
	for i := range batch {
		frame, err := t.frame(&batch[i])
		if err != nil {
			return 0, err
		}
		if _, err := t.receiver.WriteFrame(frame); err != nil {
			return 0, fmt.Errorf("writing: %w", err)
		}
	}
	if err := t.receiver.Flush(); err != nil {
		return 0, fmt.Errorf("writing: %w", err)
	}
	return len(batch), nil
}

// reach connects to the receiver and shakes hands with it.
func (t *Tap) reach(ctx context.Context) error {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, t.cfg.Network, t.cfg.Address)
	if err != nil {
		return err
	}
	t.receiver, err = framestream.NewWriter(conn, &framestream.WriterOptions{
		ContentTypes: [][]byte{dnstap.FSContentType}, Bidirectional: true, Timeout: writeTimeout,
	})
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("shaking hands: %w", err)
	}
	t.conn = conn
	return nil
}

// hangUp ends the connection, if there is one.
func (t *Tap) hangUp() {
	if t.receiver != nil {
		_ = t.receiver.Close() // says goodbye
		_ = t.conn.Close()
		t.receiver, t.conn = nil, nil
	}
}

// take returns what waits. It is good until the next take.
func (t *Tap) take() []kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.waiting
	t.waiting, t.spare = t.spare[:0], out
	return out
}

var (
	descSent    = prometheus.NewDesc("hearth_dnstap_sent_total", "Messages handed to the dnstap receiver.", nil, nil)
	descDropped = prometheus.NewDesc("hearth_dnstap_dropped_total", "Messages lost because too many came at once.", nil, nil)
	descFailed  = prometheus.NewDesc("hearth_dnstap_failed_total", "Messages lost because the dnstap receiver was not there or did not read.", nil, nil)
	descLimit   = prometheus.NewDesc("hearth_dnstap_limit", "Messages that may wait for the dnstap receiver.", nil, nil)
)

// Describe implements prometheus.Collector.
func (t *Tap) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descSent, descDropped, descFailed, descLimit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t *Tap) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(descSent, prometheus.CounterValue, float64(t.sent.Load()))
	ch <- prometheus.MustNewConstMetric(descDropped, prometheus.CounterValue, float64(t.dropped.Load()))
	ch <- prometheus.MustNewConstMetric(descFailed, prometheus.CounterValue, float64(t.failed.Load()))
	ch <- prometheus.MustNewConstMetric(descLimit, prometheus.GaugeValue, backlog)
}
