package store

import (
	"time"

	"go.etcd.io/bbolt"
)

// OpenWith is Open of a program with other steps between formats.
func OpenWith(path string, steps ...func(*bbolt.Tx) error) (*Bolt, error) {
	all := make([]step, len(steps))
	for i, s := range steps {
		all[i] = s
	}
	return open(path, all)
}

// ScrubIn is how long the file may stay as it is.
func (b *Bolt) ScrubIn(now time.Time) time.Duration { return b.scrubIn(now) }
