package forward

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// exchange is the search for one answer.
type exchange struct {
	question question
	attempts int
	timeout  time.Duration // of the whole, the patience of the last try
	until    time.Time     // when the whole ends
	servfail []byte        // the last SERVFAIL given, whole
	heard    bool          // somebody was silent or spoke, rather than out of reach
	errs     []error
}

// run asks the upstreams in turn, those that were silent again, until one has a
// usable reply, the time is over or ctx ends. It returns nil if none has.
func (x *exchange) run(ctx context.Context, order []*upstream) []byte {
	for round := range x.attempts {
		var silent []*upstream
		for i, u := range order {
			last := round == x.attempts-1 && i == len(order)-1
			raw, again := x.try(ctx, u, last)
			if raw != nil || ctx.Err() != nil || !time.Now().Before(x.until) {
				return raw
			}
			if again {
				silent = append(silent, u)
			}
		}
		order = slices.Clip(silent)
	}
	return nil
}

// try asks u once. again tells that another try at u may help: it was silent, and
// it is not known to be down.
func (x *exchange) try(ctx context.Context, u *upstream, last bool) (raw []byte, again bool) {
	wasDown := u.health.down()
	patience := u.health.timeout()
	if last && !wasDown {
		patience = x.timeout // nobody else is left: what remains of the budget
	}
	start := time.Now()
	r, err := u.ask(ctx, x.question, patience, x.until)
	if err != nil {
		return nil, x.fail(ctx, u, err, time.Since(start)) && !wasDown
	}
	why, ok := u.judge(r)
	if ok {
		return r.raw, false
	}
	x.heard = true
	x.errs = append(x.errs, fmt.Errorf("%s: %s", u.url, why))
	if why == reasonServfail && !r.bare {
		x.servfail = r.raw
	}
	return nil, false
}

// fail notes that asking u gave err after a while, and returns whether it was
// silence. A try that the budget or the caller cut
// short, or that we had no room for, is nobody's failure.
func (x *exchange) fail(ctx context.Context, u *upstream, err error, waited time.Duration) (silence bool) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return false
	}
	if errors.Is(err, errBusy) {
		x.errs = append(x.errs, err)
		return false
	}
	why := whyNot(err)
	if ctx.Err() == nil && (why != reasonTimeout || waited >= minTimeout) {
		u.failed(why)
	}
	x.heard = x.heard || why == reasonTimeout
	x.errs = append(x.errs, fmt.Errorf("%s: %w", u.url, err))
	return why == reasonTimeout
}

// conclude returns what is said when no reply was usable. ctx is the caller's.
func (x *exchange) conclude(ctx context.Context) ([]byte, error) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, fmt.Errorf("asking the upstreams: %w", context.Cause(ctx))
	case x.servfail != nil:
		return x.servfail, nil
	case x.heard:
		return nil, &Failure{NoReachableAuthority, errors.Join(x.errs...)}
	}
	return nil, &Failure{NetworkError, errors.Join(x.errs...)}
}
