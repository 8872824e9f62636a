package cache

import (
	"errors"
	"math"
	"time"
)

// Defaults of Config. A day is what Unbound, PowerDNS and Knot believe at most;
// an hour for negative answers lies at the short end of what RFC 2308 section 5
// found to work (one to three hours), so that a new name is not missed for long.
// Half a minute is how often RFC 8767 section 5 would have a failing name tried again;
// the other two are its recommendations.
const (
	DefaultMaxBytes       = 64 << 20
	DefaultMaxTTL         = 24 * time.Hour
	DefaultMaxNegativeTTL = time.Hour
	DefaultMaxFailureTTL  = 30 * time.Second
	DefaultStaleAfter     = 1800 * time.Millisecond
	DefaultStaleTTL       = 30 * time.Second
)

// Config bounds a Cache. The zero value means the defaults, without stale answers and
// prefetching.
type Config struct {
	MaxBytes       int64         `yaml:"max_bytes"`        // memory for all entries, overheads included; 0: 64 MiB; at least 1 MiB
	MinTTL         time.Duration `yaml:"min_ttl"`          // shortest lifetime of an answer that may be kept at all; at most 1 h; whole seconds
	MaxTTL         time.Duration `yaml:"max_ttl"`          // longest lifetime of an answer; 0: 24 h; whole seconds
	MaxNegativeTTL time.Duration `yaml:"max_negative_ttl"` // longest lifetime of a negative answer; 0: 1 h; whole seconds
	MaxFailureTTL  time.Duration `yaml:"max_failure_ttl"`  // longest time that a failure is remembered (RFC 9520); 0: 30 s; 1 s to 5 min
	Stale          Stale         `yaml:"stale"`
	Prefetch       int           `yaml:"prefetch"` // look-ups that make an entry worth renewing before its end; 0: none is
}

// Stale is how answers that have run out are used while no fresh one is to be had (RFC
// 8767).
type Stale struct {
	For   time.Duration `yaml:"for"`   // after their end; 0: never; whole seconds
	After time.Duration `yaml:"after"` // how long a client waits for a fresh answer first; 0: 1.8 s
	TTL   time.Duration `yaml:"ttl"`   // that they are given; 0: 30 s; whole seconds
}

const (
	minBytes        = 1 << 20
	longestTTL      = 7 * 24 * time.Hour
	longestMinTTL   = time.Hour
	longestFailure  = 5 * time.Minute // RFC 9520 section 3.2
	longestPatience = 5 * time.Second
	longestStaleTTL = 5 * time.Minute
	mostLookups     = 1_000_000
)

// Validate returns all errors of c, joined; each has a Path.
func (c Config) Validate() error {
	var errs []error
	check := func(wrong bool, path, text string) {
		if wrong {
			errs = append(errs, fieldError{path, text})
		}
	}
	outside := func(d, least, most time.Duration) bool { return d != 0 && (d < least || d > most) }
	check(c.MaxBytes != 0 && c.MaxBytes < minBytes, "max_bytes", "write at least 1048576 (1 MiB), or 0 for 64 MiB")
	check(outside(c.MinTTL, time.Second, longestMinTTL), "min_ttl", "write a duration from 1s to 1h, or 0 to keep answers as long as they say")
	check(outside(c.MaxTTL, time.Second, longestTTL), "max_ttl", "write a duration from 1s to 168h, or 0 for the default")
	check(outside(c.MaxNegativeTTL, time.Second, longestTTL), "max_negative_ttl", "write a duration from 1s to 168h, or 0 for the default")
	check(outside(c.MaxFailureTTL, time.Second, longestFailure), "max_failure_ttl", "write a duration from 1s to 5m, or 0 for the default")
	check(outside(c.Stale.For, time.Second, longestTTL), "stale.for", "write a duration from 1s to 168h, or 0 to use no answer beyond its end")
	check(outside(c.Stale.After, time.Millisecond, longestPatience), "stale.after", "write a duration from 1ms to 5s, or 0 for the default")
	check(outside(c.Stale.TTL, time.Second, longestStaleTTL), "stale.ttl", "write a duration from 1s to 5m, or 0 for the default")
	check(c.Prefetch < 0 || c.Prefetch > mostLookups, "prefetch", "write a number of look-ups from 1 to 1000000, or 0 to ask for nothing ahead of time")
	if d := c.withDefaults(); len(errs) == 0 {
		check(c.MinTTL > min(d.MaxTTL, d.MaxNegativeTTL), "min_ttl", "write a duration that is not longer than max_ttl and max_negative_ttl")
	}
	return errors.Join(errs...)
}

type fieldError struct{ path, text string }

func (e fieldError) Path() string  { return e.path }
func (e fieldError) Error() string { return e.text }

// withDefaults fills what is zero, and raises what is too little to work with.
func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	c.MaxBytes = max(c.MaxBytes, minBytes)
	for d, fallback := range map[*time.Duration]time.Duration{
		&c.MaxTTL: DefaultMaxTTL, &c.MaxNegativeTTL: DefaultMaxNegativeTTL, &c.MaxFailureTTL: DefaultMaxFailureTTL,
		&c.Stale.After: DefaultStaleAfter, &c.Stale.TTL: DefaultStaleTTL,
	} {
		if *d <= 0 {
			*d = fallback
		}
	}
	c.MaxTTL, c.MaxNegativeTTL = max(c.MaxTTL, time.Second), max(c.MaxNegativeTTL, time.Second)
	c.MaxFailureTTL = min(max(c.MaxFailureTTL, firstFailure), longestFailure)
	return c
}

// seconds returns d in whole seconds.
func seconds(d time.Duration) uint32 {
	return uint32(min(max(d/time.Second, 0), math.MaxInt32))
}
