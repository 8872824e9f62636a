//go:build !linux

package forward

import "time"

// Loop makes the exchanges over UDP of all Forwarders that are given it. The zero
// value is ready.
type Loop struct{ portable }

// Attach returns false: there is no file to wait for.
func (*Loop) Attach() (fd int, detach func(), ok bool) { return 0, nil, false }

// Patience is not called.
func (*Loop) Patience() time.Duration { return -1 }

// Turn is not called.
func (*Loop) Turn(bool) {}
