package api

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// How many requests there may be. docs/operations.md has the reasons.
const (
	tokenRate, tokenBurst         = 10, 100   // of one token, a second
	householdRate, householdBurst = 20, 200   // of all tokens of one household
	operatorRate, operatorBurst   = 100, 1000 // of a token of all households
	guessRate, guessBurst         = 0.1, 10   // wrong tokens of one network
	maxBuckets                    = 10_000    // of each of these that are remembered; the longest unused is forgotten
)

// rates are the buckets of everybody who asks.
type rates struct{ tokens, households, operators, guesses *buckets }

func newRates() rates {
	return rates{newBuckets(tokenRate, tokenBurst), newBuckets(householdRate, householdBurst), newBuckets(operatorRate, operatorBurst), newBuckets(guessRate, guessBurst)}
}

// spend takes one request out of the buckets of a caller, and says how long to wait if one is empty.
func (r rates) spend(c Caller, now time.Time) time.Duration {
	if c.Actor.Household == "" {
		return r.operators.take(c.ID, now)
	}
	if wait := r.tokens.take(c.ID, now); wait > 0 {
		return wait
	}
	return r.households.take(c.Actor.Household, now)
}

// buckets is one bucket for each key, for so many keys at most.
type buckets struct {
	limit rate.Limit
	burst int

	mu  sync.Mutex
	all *simplelru.LRU[string, *rate.Limiter]
}

func newBuckets(limit rate.Limit, burst int) *buckets {
	all, _ := simplelru.NewLRU[string, *rate.Limiter](maxBuckets, nil) // it fails for a size below 1 alone
	return &buckets{limit: limit, burst: burst, all: all}
}

// take takes one out of a bucket, or says how long it takes until there is one.
func (b *buckets) take(key string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, there := b.all.Get(key)
	if !there {
		l = rate.NewLimiter(b.limit, b.burst)
		b.all.Add(key, l)
	}
	taken := l.ReserveN(now, 1)
	wait := taken.DelayFrom(now)
	if wait > 0 {
		taken.CancelAt(now)
	}
	return wait
}
