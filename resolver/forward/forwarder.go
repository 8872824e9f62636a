package forward

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Forwarder asks a set of upstreams. It is safe for concurrent use and is a
// prometheus.Collector (hearth_upstream_*). After the last query it holds no socket
// over UDP open for longer than a second, and no connection for longer than half a minute.
type Forwarder struct {
	upstreams []*upstream
	timeout   time.Duration
	attempts  int
	strategy  string
	now       func() time.Time
	udp       packets
	boot      *bootstrap
	log       *slog.Logger
	metrics   *metrics
}

// New returns a Forwarder for cfg, or all that is wrong with cfg.
func New(cfg Config) (*Forwarder, error) {
	all, err := cfg.endpoints()
	if err != nil {
		return nil, fmt.Errorf("making the forwarder: %w", err)
	}
	f := &Forwarder{timeout: cfg.Timeout, attempts: cfg.Attempts, now: time.Now}
	if f.timeout == 0 {
		f.timeout = DefaultTimeout
	}
	if f.attempts == 0 {
		f.attempts = DefaultAttempts
	}
	if f.strategy = cfg.Strategy; f.strategy == "" {
		f.strategy = Strict
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if f.udp = cfg.Loop; cfg.Loop == nil {
		f.udp = new(Loop)
	}
	f.log, f.metrics = log, newMetrics(cfg.Name)
	f.boot = &bootstrap{cfg: cfg}
	to := channels{cfg: &cfg, self: newSelf(cfg.Own, interfaceAddrs), boot: f.boot, log: log}
	for _, at := range all {
		url := at.shown()
		u := &upstream{
			at: at, url: url, metrics: f.metrics.of(url), log: log, udp: f.udp, trusted: at.encrypted() && cfg.server(at).Validates,
			subnet: subnetOption(cfg.ClientSubnet), now: func() time.Time { return f.now() },
		}
		u.jar.draw()
		if u.place, u.channel, err = to.open(at, &u.metrics); err != nil {
			return nil, fmt.Errorf("making the forwarder: %w", err)
		}
		f.upstreams = append(f.upstreams, u)
	}
	return f, nil
}

// Close lets go of the connections to the upstreams: idle ones at once, others when the queries
// on them are done. The Forwarder still works, and keeps no connection from then on.
func (f *Forwarder) Close() {
	for _, u := range f.upstreams {
		u.channel.close()
	}
	f.boot.close()
}

// Upstreams returns the URLs of the upstreams as they may be shown, in the order configured.
func (f *Forwarder) Upstreams() []string {
	urls := make([]string, len(f.upstreams))
	for i, u := range f.upstreams {
		urls[i] = u.url
	}
	return urls
}

// Addresses returns where the upstreams are, as far as that is known without asking: names that
// have no addresses written are missing until they were found.
func (f *Forwarder) Addresses() []netip.Addr {
	var all []netip.Addr
	for _, u := range f.upstreams {
		for _, a := range u.place.known() {
			all = append(all, a.Addr())
		}
	}
	return all
}

// Exchange asks the upstreams q and calls done, once, with the first usable reply:
// packed, whole (truncation was followed over TCP), with the ID of the upstream
// query, and checked to be well formed and to answer the question; its content is
// not judged. q.Name is not to be changed any more. done is called from another goroutine
// that serves others too: it must not wait, and is lent the reply until it returns.
//
// Whom it asks, and whether two at once, is Config.Strategy's to say; besides, at most one
// more upstream is asked for the sake of what is known of it, for whom nobody waits.
//
// An upstream that is silent, out of reach, or answers SERVFAIL, REFUSED, NOTIMP
// or FORMERR is followed by the next. Silence is tried again, up to
// Config.Attempts times an upstream; an error that was spoken is not. A SERVFAIL
// with an Extended DNS Error of DNSSEC ends the search: another upstream that
// does not validate must not be asked to contradict it.
//
// When no upstream has a usable reply, a SERVFAIL that one of them gave is passed
// on as the reply, with its Extended DNS Error (RFC 8914 section 2): it speaks
// of the name, and the caller keeps it as briefly as RFC 9520 wants. Otherwise the
// error is a *Failure.
func (f *Forwarder) Exchange(q wire.Question, done func(raw []byte, err error)) {
	ask, order := question{q}, f.order()
	now := time.Now()
	x := &exchange{question: ask, attempts: f.attempts, timeout: f.timeout, until: now.Add(f.timeout), done: done, log: f.log, second: extras, order: order}
	if !f.accompany(ask, order) {
		x.second = f.second(order)
	}
	x.start(now)
}
