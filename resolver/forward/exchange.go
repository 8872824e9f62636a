package forward

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// exchange is the search for one answer.
type exchange struct {
	question question
	attempts int
	timeout  time.Duration // of the whole, the patience of the last try
	until    time.Time     // when the whole ends
	done     func(raw []byte, err error)
	log      *slog.Logger

	order  []*upstream // of this round
	silent []*upstream // those of them that may be asked again
	at     int         // of order
	round  int
	try    try

	servfail []byte // the last SERVFAIL given, whole
	heard    bool   // somebody was silent or spoke, rather than out of reach
	errs     []error
}

// try is the asking of one upstream.
type try struct {
	*upstream
	wasDown  bool
	patience time.Duration
	began    time.Time
	as       form
}

// start asks the first upstream. Over UDP nobody waits for it: landed is called.
func (x *exchange) start(now time.Time) {
	defer x.rescue()
	x.aim(now)
	if x.try.at.network != "udp" {
		go x.carryOn(func() { x.run(x.send()) })
		return
	}
	t := &x.try
	if err := t.udp.exchange(earlier(now.Add(t.patience), x.until), t.at.addr, x.packet(), &t.metrics, x); err != nil {
		go x.carryOn(func() { x.run(reply{}, err) })
	}
}

// landed takes what the first query over UDP gave. It must not wait and is lent r:
// the usual reply is passed on, anything else has a goroutine that goes on.
func (x *exchange) landed(r reply, err error) {
	defer x.rescue()
	if err == nil {
		x.try.took(time.Since(x.try.began), r.spelled)
	}
	if err != nil || x.try.unfinished(x.try.as, &r) {
		r.raw = bytes.Clone(r.raw)
		go x.carryOn(func() { x.run(r, err) })
		return
	}
	if x.weigh(r, nil) {
		x.end(r.raw, nil)
		return
	}
	go x.carryOn(func() {
		if x.advance() {
			x.run(x.send())
		}
	})
}

// carryOn is for goroutines of the exchange's own.
func (x *exchange) carryOn(do func()) {
	defer x.rescue()
	do()
}

// rescue, deferred, ends an exchange that panicked: one broken question must not take
// the household's resolver down.
func (x *exchange) rescue() {
	if p := recover(); p != nil {
		x.log.Error("asking an upstream broke down", "panic", p, "stack", string(debug.Stack()))
		x.end(nil, &Failure{NetworkError, fmt.Errorf("panic: %v", p)})
	}
}

// end passes on the result, once.
func (x *exchange) end(raw []byte, err error) {
	done := x.done
	x.done = func([]byte, error) {}
	x.question.unspell(raw)
	done(raw, err)
}

// aim readies the try of the present upstream.
func (x *exchange) aim(now time.Time) {
	u := x.order[x.at]
	x.try = try{upstream: u, wasDown: u.health.down(), patience: u.health.timeout(), began: now, as: u.form()}
	last := x.round == x.attempts-1 && x.at == len(x.order)-1
	if last && !x.try.wasDown {
		x.try.patience = x.timeout // nobody else is left: what remains of the budget
	}
}

func (x *exchange) packet() packet { return x.question.packet(x.try.as) }

// send makes the first query of a try and waits for the reply.
func (x *exchange) send() (reply, error) {
	return x.try.send(x.packet(), x.try.patience, x.until)
}

// run goes on from the first reply of the present try. It asks the upstreams in
// turn, those that were silent again, until one has a usable reply or the time is
// over.
func (x *exchange) run(r reply, err error) {
	for {
		if r, err = x.try.follow(x.question, x.try.as, r, err, x.try.patience, x.until); x.weigh(r, err) {
			x.end(r.raw, nil)
			return
		}
		if !x.advance() {
			return
		}
		r, err = x.send()
	}
}

// advance readies the next try, or concludes where there is none.
func (x *exchange) advance() bool {
	now := time.Now()
	if !now.Before(x.until) || !x.next() {
		x.end(x.conclude())
		return false
	}
	x.aim(now)
	return true
}

// next moves on to the next upstream; false: there is none.
func (x *exchange) next() bool {
	if x.at++; x.at < len(x.order) {
		return true
	}
	x.order, x.silent, x.at = x.silent, nil, 0
	x.round++
	return x.round < x.attempts && len(x.order) > 0
}

// weigh notes what a try gave, and returns whether that is a reply to pass on.
func (x *exchange) weigh(r reply, err error) bool {
	if err != nil {
		x.fail(err)
		return false
	}
	why, ok := x.try.judge(r)
	if ok {
		return true
	}
	x.heard = true
	x.errs = append(x.errs, fmt.Errorf("%s: %s", x.try.url, why))
	if why == reasonServfail && !r.bare {
		x.servfail = bytes.Clone(r.raw)
	}
	return false
}

// fail notes that the present try gave err. A try that the budget cut short, or
// that we had no room for, is nobody's failure. Who was silent, and is not known to
// be down, is asked again.
func (x *exchange) fail(err error) {
	if errors.Is(err, errBusy) {
		x.errs = append(x.errs, err)
		return
	}
	u, why := x.try.upstream, whyNot(err)
	if why != reasonTimeout || time.Since(x.try.began) >= minTimeout {
		u.failed(why)
	}
	x.heard = x.heard || why == reasonTimeout
	x.errs = append(x.errs, fmt.Errorf("%s: %w", u.url, err))
	if why == reasonTimeout && !x.try.wasDown {
		x.silent = append(x.silent, u)
	}
}

// conclude returns what is said when no reply was usable.
func (x *exchange) conclude() ([]byte, error) {
	switch {
	case x.servfail != nil:
		return x.servfail, nil
	case x.heard:
		return nil, &Failure{NoReachableAuthority, errors.Join(x.errs...)}
	}
	return nil, &Failure{NetworkError, errors.Join(x.errs...)}
}
