package forward

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
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
	place   place
	channel channel // its own, or TCP for one over UDP
	trusted bool    // Server.Validates: its AD bit is believed
	subnet  string  // the option that all are told, "" for none
	jar     jar     // of cookies, over UDP
}

// form returns how the upstream is to be asked.
func (u *upstream) form() form {
	now := u.now()
	as := form{edns: u.health.knowsEDNS(now), subnet: u.subnet}
	if u.at.network == "udp" {
		as.spelled, as.cookie = u.health.keepsSpelling(now), u.jar.present(now)
	}
	return as
}

// ask sends q and returns the upstream's reply. It waits for each packet as long as
// patience says, for what was cut up to maxTimeout, and not beyond until.
func (u *upstream) ask(q question, patience time.Duration, until time.Time) (reply, error) {
	as := u.form()
	r, err := u.send(q.packet(as), patience, until)
	return u.follow(q, as, r, err, patience, until)
}

// send makes one query over the upstream's protocol.
func (u *upstream) send(p packet, patience time.Duration, until time.Time) (reply, error) {
	if u.at.network != "udp" {
		return u.overChannel(p, patience, until)
	}
	return u.within(patience, until, p, u.askUDP)
}

// overChannel makes one query where nobody can forge a reply blindly.
func (u *upstream) overChannel(p packet, patience time.Duration, until time.Time) (reply, error) {
	r, err := u.within(patience, until, p, u.channel.exchange)
	r.proven = err == nil
	return r, err
}

// askUDP makes one query over UDP.
func (u *upstream) askUDP(deadline time.Time, p packet) (reply, error) {
	w := make(wait, 1)
	if err := u.udp.exchange(deadline, u.at.addr, p, &u.metrics, w); err != nil {
		return reply{}, err
	}
	r := <-w
	return r.reply, r.err
}

// wait is who waits for an exchange.
type wait chan outcome

type outcome struct {
	reply
	err error
}

func (w wait) landed(r reply, err error) {
	r.raw = bytes.Clone(r.raw)
	w <- outcome{r, err}
}

// within runs one query for at most limit and until, and notes how long the reply
// took.
func (u *upstream) within(limit time.Duration, until time.Time, p packet, ask func(time.Time, packet) (reply, error)) (reply, error) {
	start := time.Now()
	r, err := ask(earlier(start.Add(limit), until), p)
	if err == nil {
		u.took(time.Since(start), &r)
	}
	return r, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// took notes how long a reply took, and what it shows of the spelling, EDNS and cookies.
func (u *upstream) took(rtt time.Duration, r *reply) {
	u.metrics.latency.Observe(rtt.Seconds())
	u.health.measured(rtt, r.spelled, r.edns)
	if !u.jar.learn(r) {
		u.jar.forget(u.now())
	}
}

// judge notes what the reply r says of the upstream. ok is true when r is an
// answer to pass on, else why tells what it lacks. SERVFAIL is about the name, not
// about the upstream; what it refuses to do, it refuses for all names.
func (u *upstream) judge(r reply) (why reason, ok bool) {
	why, ok = r.failure()
	if !ok && why != reasonServfail {
		u.failed(why, r.proven)
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

// blame notes that an ask gave err, for which we waited so long. What the budget cut short,
// or that we had no room for, is nobody's failure.
func (u *upstream) blame(err error, waited time.Duration) {
	if errors.Is(err, errBusy) {
		return
	}
	if why := whyNot(err); why != reasonTimeout || waited >= minTimeout {
		u.failed(why, !errors.As(err, new(unproven)))
	}
}

// failed notes a try that failed for why and weighs on the upstream. proven: nobody else can
// have brought that about.
func (u *upstream) failed(why reason, proven bool) {
	u.metrics.failures[why].Inc()
	if u.health.failed(u.now(), proven) {
		u.log.Warn("upstream is down; asking it last and probing it", "upstream", u.url, "reason", why.String())
	}
}

// probe asks the upstream q, for its health alone. As in an exchange, one that panics must not
// take the resolver down.
func (u *upstream) probe(q question, why extra) {
	defer func() {
		if p := recover(); p != nil {
			u.log.Error("asking an upstream broke down", "panic", p, "stack", string(debug.Stack()))
		}
		u.health.endProbe()
	}()
	u.metrics.extras[why].Inc()
	began := time.Now()
	r, err := u.ask(q, maxTimeout, began.Add(4*maxTimeout))
	if err != nil {
		u.blame(err, time.Since(began))
		return
	}
	u.judge(r)
}

// whyNot returns the reason behind an error of ask.
func whyNot(err error) reason {
	var f *fault
	if errors.As(err, &f) {
		return f.why
	}
	var n net.Error
	if errors.As(err, &n) && n.Timeout() { // context.DeadlineExceeded is one, too
		return reasonTimeout
	}
	return reasonNetwork
}
