package source

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// shortestWait keeps a scheduler that has nothing due, or a clock that jumps, from spinning.
const shortestWait = time.Minute

// Run asks for every source when it is due, with some jitter so that a fleet does not ask at once, until ctx ends, and
// then returns nil. After an update that brought other content it calls changed, which must not block for long. What
// fails is logged, counted and tried again; the last good lists stay. Meanwhile it hears NOTIFY, and updates the zone
// at once that one is of.
func (l *Library) Run(ctx context.Context, changed func()) error {
	var hearing sync.WaitGroup
	hearing.Go(func() { l.hear(ctx) })
	defer hearing.Wait()
	for first := true; ctx.Err() == nil; first = false {
		results, err := l.round(ctx)
		if err != nil && !errors.Is(err, context.Canceled) {
			l.config.Log.Error("lists cannot be updated", "error", err)
		}
		if slices.ContainsFunc(results, func(r Result) bool { return r.Status == Updated }) {
			changed()
		}
		if first {
			l.missed()
		}
		if !l.notices.wait(ctx, l.untilDue()) {
			break
		}
	}
	return nil
}

// untilDue is how long to wait for the next source, with up to a tenth more; a day where there is none.
func (l *Library) untilDue() time.Duration {
	wait := defaultRefresh
	now := l.config.Now()
	for _, s := range l.vault.all {
		wait = min(wait, l.due(s, l.recall(s.Name)).Sub(now))
	}
	wait = max(wait, shortestWait)
	return wait + rand.N(wait/10) //nolint:gosec // jitter, no secret
}

// sleep reports false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// due returns when a source is to be asked next: after its refresh time, after a failure sooner, in growing steps.
func (l *Library) due(s Source, k kept) time.Time {
	if s.isZone() {
		return l.zoneDue(s, k)
	}
	wait := s.refresh()
	if k.Failures > 0 {
		wait = min(wait, 10*time.Minute<<min(k.Failures-1, 10))
	} else if k.Held == nil && (k.SHA256 == "" || !k.sameOrigin(s)) {
		return time.Time{}
	}
	return k.Checked.Add(wait)
}
