//go:build !linux

package forward

import "time"

// Loop makes the exchanges over UDP of all Forwarders that are given it. The zero
// value is ready.
type Loop struct{ portable }

// Attach returns false: there is no file to wait for.
func (*Loop) Attach() (fd int, ok bool) { return 0, false }

// Turn is not called.
func (*Loop) Turn(bool) time.Duration { return -1 }

// Detach is not called.
func (*Loop) Detach() {}
