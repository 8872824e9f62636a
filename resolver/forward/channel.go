package forward

import "time"

// channel carries queries to one upstream over connections that it keeps: TCP, TLS, HTTPS or QUIC.
// It is safe for concurrent use.
type channel interface {
	// exchange sends p and waits, until the deadline, for the reply, which the caller keeps.
	exchange(deadline time.Time, p packet) (reply, error)
	// close lets go of all connections, of those in use when their queries are done. A channel
	// that is asked after that works, and keeps no connection.
	close()
}

// newChannel returns the channel to an upstream: its own, or TCP for one over UDP.
func newChannel(at endpoint, note *counters) channel {
	return &stream{at.addr, note}
}
