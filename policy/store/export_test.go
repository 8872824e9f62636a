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

// RenamesOpen says what the system is to be taken for; it gives what it was.
func RenamesOpen(does bool) (was bool) {
	was, renamesOpen = renamesOpen, does
	return was
}

// ScrubIn is how long the file may stay as it is.
func (b *Bolt) ScrubIn(now time.Time) time.Duration { return b.scrubIn(now) }
