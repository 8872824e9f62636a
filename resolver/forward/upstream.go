package forward

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"
)

// upstream is one configured resolver.
type upstream struct {
	at      endpoint
	url     string
	health  health
	metrics counters
	log     *slog.Logger
	now     func() time.Time
	udp     packets
}

// ask sends q and returns the upstream's reply. It waits for UDP as long as
// patience says, for TCP up to maxTimeout, and not beyond until or ctx. A server that
// does not know EDNS is asked once more without, and remembered as one only if
// that was answered.
func (u *upstream) ask(ctx context.Context, q question, patience time.Duration, until time.Time) (reply, error) {
	edns := u.health.knowsEDNS(u.now())
	r, err := u.send(ctx, q.packet(edns), patience, until)
	if err != nil || !edns || !r.refusesEDNS() {
		return r, err
	}
	r, err = u.send(ctx, q.packet(false), patience, until)
	if err != nil {
		return r, err
	}
	if _, ok := r.failure(); ok {
		u.health.lacksEDNS(u.now())
		u.log.Info("upstream does not know EDNS; asking it without", "upstream", u.url, "for", plainFor)
	}
	return r, nil
}

// send makes one query over the upstream's protocol, and over TCP again if the
// reply was truncated. A forged truncation costs a connection and gains nothing.
func (u *upstream) send(ctx context.Context, msg []byte, patience time.Duration, until time.Time) (reply, error) {
	if u.at.network == "tcp" {
		return u.within(ctx, max(patience, maxTimeout), until, msg, u.askTCP)
	}
	r, err := u.within(ctx, patience, until, msg, u.askUDP)
	if err != nil || !r.truncated {
		return r, err
	}
	return u.within(ctx, maxTimeout, until, redraw(msg), u.askTCP)
}

func (u *upstream) askUDP(ctx context.Context, deadline time.Time, msg []byte) (reply, error) {
	return u.udp.exchange(ctx, deadline, u.at.addr, msg, &u.metrics)
}

// within runs one query for at most limit and until, and notes how long the reply
// took.
func (u *upstream) within(ctx context.Context, limit time.Duration, until time.Time, msg []byte, ask func(context.Context, time.Time, []byte) (reply, error)) (reply, error) {
	start := time.Now()
	deadline := start.Add(limit)
	if until.Before(deadline) {
		deadline = until
	}
	r, err := ask(ctx, deadline, msg)
	if err == nil {
		rtt := time.Since(start)
		u.metrics.latency.Observe(rtt.Seconds())
		u.health.measured(rtt)
	}
	return r, err
}

// judge notes what the reply r says of the upstream. ok is true when r is an
// answer to pass on, else why tells what it lacks. SERVFAIL is about the name, not
// about the upstream; what it refuses to do, it refuses for all names.
func (u *upstream) judge(r reply) (why reason, ok bool) {
	why, ok = r.failure()
	if !ok && why != reasonServfail {
		u.failed(why)
		return why, false
	}
	if !ok {
		u.metrics.failures[why].Inc()
	}
	if u.health.answered() {
		u.log.Info("upstream answers again", "upstream", u.url)
	}
	return why, ok
}

// failed notes a try that failed for why and weighs on the upstream.
func (u *upstream) failed(why reason) {
	u.metrics.failures[why].Inc()
	if u.health.failed(u.now()) {
		u.log.Warn("upstream is down; asking it last and probing it", "upstream", u.url, "reason", why.String())
	}
}

// probe asks a down upstream q, for its health alone.
func (u *upstream) probe(ctx context.Context, q question) {
	defer u.health.endProbe()
	r, err := u.ask(ctx, q, maxTimeout, time.Now().Add(4*maxTimeout))
	if err != nil {
		u.failed(whyNot(err))
		return
	}
	u.judge(r)
}

// whyNot returns the reason behind an error of ask.
func whyNot(err error) reason {
	var n net.Error
	if errors.As(err, &n) && n.Timeout() { // context.DeadlineExceeded is one, too
		return reasonTimeout
	}
	return reasonNetwork
}
