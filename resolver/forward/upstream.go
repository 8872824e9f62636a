package forward

import (
	"bytes"
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
	channel channel // its own, or TCP for one over UDP
	trusted bool    // Server.Validates: its AD bit is believed
}

// form returns how the upstream is to be asked.
func (u *upstream) form() form {
	now := u.now()
	return form{edns: u.health.knowsEDNS(now), spelled: u.at.network == "udp" && u.health.keepsSpelling(now)}
}

// ask sends q and returns the upstream's reply. It waits for UDP as long as
// patience says, for TCP up to maxTimeout, and not beyond until.
func (u *upstream) ask(q question, patience time.Duration, until time.Time) (reply, error) {
	as := u.form()
	r, err := u.send(q.packet(as), patience, until)
	return u.follow(q, as, r, err, patience, until)
}

// unfinished reports whether r calls for a further query.
func (u *upstream) unfinished(as form, r *reply) bool {
	return r.truncated || as.edns && r.refusesEDNS()
}

// follow makes the further queries that the first reply of an ask calls for. A
// truncated one is asked for over TCP: a forged truncation costs a connection and
// gains nothing. A server that does not know EDNS, or does not keep the spelling of
// the question, is asked once more in the way that it knows, and remembered as such
// a one only if that was answered.
func (u *upstream) follow(q question, as form, r reply, err error, patience time.Duration, until time.Time) (reply, error) {
	if errors.Is(err, errMisspelt) {
		r, err = u.respell(q, &as, patience, until)
	}
	if r, err = u.whole(q, as, r, err, until); err != nil || !as.edns || !r.refusesEDNS() {
		return r, err
	}
	as.edns = false
	r, err = u.send(q.packet(as), patience, until)
	if r, err = u.whole(q, as, r, err, until); err != nil {
		return r, err
	}
	if _, ok := r.failure(); ok {
		u.health.lacksEDNS(u.now())
		u.log.Info("upstream does not know EDNS; asking it without", "upstream", u.url, "for", plainFor)
	}
	return r, nil
}

// respell asks once more where the only reply was misspelt, over TCP, where nobody can
// forge one blindly. A single forged packet must not have an upstream asked in lower case
// from now on: it is if the reply over TCP is misspelt too. One that never kept a spelling
// is also if it answers nothing over TCP, or lost a second spelling over UDP alone.
func (u *upstream) respell(q question, as *form, patience time.Duration, until time.Time) (reply, error) {
	kept := u.health.keptSpelling()
	r, err := u.within(maxTimeout, until, q.packet(*as), u.channel.exchange)
	if err != nil && kept {
		return reply{}, errMisspelt
	}
	lost := r.misspelt
	if err != nil {
		as.spelled = false
		r, err = u.send(q.packet(*as), patience, until)
		lost = err == nil
	}
	if lost || err == nil && !kept && u.health.doubted() {
		as.spelled = false
		u.health.losesSpelling(u.now())
		u.log.Info("upstream does not keep the spelling of names; asking it in lower case", "upstream", u.url, "for", respellAfter)
	}
	return r, err
}

// whole asks for a truncated reply over TCP.
func (u *upstream) whole(q question, as form, r reply, err error, until time.Time) (reply, error) {
	if err != nil || !r.truncated {
		return r, err
	}
	return u.within(maxTimeout, until, q.packet(as), u.channel.exchange)
}

// send makes one query over the upstream's protocol.
func (u *upstream) send(p packet, patience time.Duration, until time.Time) (reply, error) {
	if u.at.network != "udp" {
		return u.within(max(patience, maxTimeout), until, p, u.channel.exchange)
	}
	return u.within(patience, until, p, u.askUDP)
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
		u.took(time.Since(start), r.spelled)
	}
	return r, err
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// took notes how long a reply took, and whether it kept the spelling.
func (u *upstream) took(rtt time.Duration, spelled bool) {
	u.metrics.latency.Observe(rtt.Seconds())
	u.health.measured(rtt, spelled)
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

// blame notes that a try gave err. One that the budget cut short, or that we had no
// room for, is nobody's failure.
func (t *try) blame(err error) {
	if errors.Is(err, errBusy) {
		return
	}
	if why := whyNot(err); why != reasonTimeout || time.Since(t.began) >= minTimeout {
		t.failed(why)
	}
}

// failed notes a try that failed for why and weighs on the upstream.
func (u *upstream) failed(why reason) {
	u.metrics.failures[why].Inc()
	if u.health.failed(u.now()) {
		u.log.Warn("upstream is down; asking it last and probing it", "upstream", u.url, "reason", why.String())
	}
}

// probe asks the upstream q, for its health alone.
func (u *upstream) probe(q question, why extra) {
	defer u.health.endProbe()
	u.metrics.extras[why].Inc()
	r, err := u.ask(q, maxTimeout, time.Now().Add(4*maxTimeout))
	if err != nil {
		u.failed(whyNot(err))
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
