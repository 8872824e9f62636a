package forward

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// exchange is the search for one answer. Its tries follow one another; at most once two
// are under way together (race and hedge). The first usable reply ends it; what comes of
// the other try teaches its upstream's health and nothing else.
type exchange struct {
	question question
	attempts int
	timeout  time.Duration // of the whole, the patience of the last try
	until    time.Time     // when the whole ends
	done     func(raw []byte, err error)
	log      *slog.Logger
	second   extra // why a second upstream is asked; extras: none is

	mu     sync.Mutex
	over   bool        // the result is, or is being, passed on
	flying int         // tries under way
	order  []*upstream // of this round
	silent []*upstream // those of them that may be asked again
	at     int         // of order, whom the latest try asks
	round  int
	first  try
	hedge  *time.Timer // asks the second

	servfail []byte // the last SERVFAIL given, whole
	heard    bool   // somebody was silent or spoke, rather than out of reach
	errs     []error
}

// start asks the first upstream, and the second at once or when the first is slower than it
// usually is.
func (x *exchange) start(now time.Time) {
	x.prepare(now)
	x.first.start()
	if x.second == extraRace {
		x.beside()
	}
}

func (x *exchange) prepare(now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.flying = 1
	x.aim(&x.first, now)
	if x.second == extraHedge {
		x.hedge = time.AfterFunc(x.first.health.usual(), x.beside)
	}
}

// beside asks the second upstream too, if the first one is still waited for. It is called
// once at most, so that a question of a client's is never more than two at once.
func (x *exchange) beside() {
	defer x.rescue()
	if t := x.prepareSecond(); t != nil {
		t.metrics.extras[x.second].Inc()
		t.start()
	}
}

// prepareSecond readies the try beside the first one; nil: there is no use in it.
func (x *exchange) prepareSecond() *try {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over || x.flying != 1 || x.at > 0 || x.round > 0 {
		return nil
	}
	x.flying, x.at = 2, 1
	t := new(try)
	x.aim(t, time.Now())
	return t
}

// rescue, deferred, ends an exchange that panicked: one broken question must not take
// the household's resolver down.
func (x *exchange) rescue() {
	p := recover()
	if p == nil {
		return
	}
	x.log.Error("asking an upstream broke down", "panic", p, "stack", string(debug.Stack()))
	x.mu.Lock()
	ended := x.over
	x.over = true
	x.mu.Unlock()
	if !ended {
		x.end(nil, &Failure{NetworkError, fmt.Errorf("panic: %v", p)}, false)
	}
}

func (x *exchange) isOver() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.over
}

// end passes on the result. x.over is set, so that it does once. AD stays only of an
// upstream that is trusted to have validated.
func (x *exchange) end(raw []byte, err error, trusted bool) {
	if x.hedge != nil {
		x.hedge.Stop()
	}
	if !trusted && len(raw) >= wire.HeaderLen {
		raw[3] &^= byte(wire.AD)
	}
	x.question.unspell(raw)
	x.done(raw, err)
}

// aim readies t to ask the present upstream.
func (x *exchange) aim(t *try, now time.Time) {
	u := x.order[x.at]
	*t = try{upstream: u, x: x, wasDown: u.health.down(), patience: u.health.timeout(), began: now, as: u.form()}
	if u.at.network != "udp" {
		t.patience = max(t.patience, firstTimeout) // it may have to connect
	}
	last := x.round == x.attempts-1 && x.at == len(x.order)-1
	switch {
	case !last: // and the next one has as much
		t.patience = min(t.patience, x.until.Sub(now)/2)
	case !t.wasDown:
		t.patience = x.timeout // nobody else is left: what remains of the budget
	}
}

// outlook is what is to be done after a try.
type outlook uint8

const (
	pending   outlook = iota // nothing: the search is over, or another try is under way
	found                    // the reply is the result
	further                  // the try was readied to ask the next upstream
	exhausted                // there is nobody left to ask
)

// weigh notes what a try gave. The upstreams are asked in turn, those that were silent
// again, until one has a usable reply or the time is over.
func (x *exchange) weigh(t *try, r reply, err error) outlook {
	why, usable := reason(0), false
	if err == nil {
		why, usable = t.judge(r)
	} else {
		t.fail(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.flying--
	switch {
	case x.over:
		return pending
	case usable:
		x.over = true
		return found
	case err == nil:
		x.spoke(t, r, why)
	default:
		x.failed(t, err)
	}
	if x.flying > 0 {
		return pending
	}
	now := time.Now()
	if !now.Before(x.until) || !x.next() {
		x.over = true
		return exhausted
	}
	x.flying = 1
	x.aim(t, now)
	return further
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

// spoke notes a reply that is no answer.
func (x *exchange) spoke(t *try, r reply, why reason) {
	x.heard = true
	x.errs = append(x.errs, fmt.Errorf("%s: %s", t.url, why))
	if why == reasonServfail && !r.bare {
		x.servfail = bytes.Clone(r.raw)
	}
}

// failed notes that a try gave err. Who was silent, and is not known to be down, is
// asked again.
func (x *exchange) failed(t *try, err error) {
	if errors.Is(err, errBusy) {
		x.errs = append(x.errs, err)
		return
	}
	silent := whyNot(err) == reasonTimeout
	x.heard = x.heard || silent
	x.errs = append(x.errs, fmt.Errorf("%s: %w", t.url, err))
	if silent && !t.wasDown {
		x.silent = append(x.silent, t.upstream)
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
