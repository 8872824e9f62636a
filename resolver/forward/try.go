package forward

import (
	"bytes"
	"time"
)

// try is the asking of one upstream for an exchange.
type try struct {
	*upstream
	x        *exchange
	wasDown  bool
	patience time.Duration
	began    time.Time
	as       form
}

// start sends the first query. Over UDP nobody waits for its reply: landed is called.
func (t *try) start() {
	defer t.x.rescue()
	if t.at.network != "udp" {
		go t.carryOn(func() { t.run(t.send(t.packet(), t.patience, t.x.until)) })
		return
	}
	if err := t.udp.exchange(earlier(t.began.Add(t.patience), t.x.until), t.at.addr, t.packet(), &t.metrics, t); err != nil {
		t.settle(reply{}, err)
	}
}

// landed takes what the first query over UDP gave. It must not wait and is lent r:
// the usual reply is passed on, anything else has a goroutine that goes on.
func (t *try) landed(r reply, err error) {
	defer t.x.rescue()
	if err == nil {
		t.took(time.Since(t.began), &r)
	}
	if err == nil && !doubtful(&t.as, &r) && !r.refusesEDNS() {
		t.settle(r, nil)
		return
	}
	r.raw = bytes.Clone(r.raw)
	go t.carryOn(func() { t.run(r, err) })
}

// carryOn is for goroutines of the try's own.
func (t *try) carryOn(do func()) {
	defer t.x.rescue()
	do()
}

// run makes the further queries that the first reply calls for, unless nobody waits
// for them any more.
func (t *try) run(r reply, err error) {
	if !t.x.isOver() {
		r, err = t.follow(t.x.question, t.as, r, err, t.patience, t.x.until)
	}
	t.settle(r, err)
}

// settle takes what came of the try.
func (t *try) settle(r reply, err error) {
	switch x := t.x; x.weigh(t, r, err) {
	case found:
		x.end(r.raw, nil, t.trusted)
	case further:
		t.start()
	case exhausted:
		raw, err := x.conclude()
		x.end(raw, err, false)
	case pending:
	}
}

func (t *try) packet() packet { return t.x.question.packet(t.as) }

// fail notes that the try gave err. The silence of a server that never gave a cookie may be
// that of one that cannot bear them.
func (t *try) fail(err error) {
	t.blame(err, time.Since(t.began))
	if t.as.cookie.length == clientCookie && whyNot(err) == reasonTimeout && t.jar.doubted() {
		t.jar.forget(t.now())
	}
}
