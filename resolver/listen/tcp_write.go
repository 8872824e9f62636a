package listen

import (
	"encoding/binary"
	"errors"
	"os"
	"time"
)

// maxPending is how much may wait to be written before no more queries are read, in
// octets: a client that does not read its replies must not fill our memory.
const maxPending = 1 << 16

// begin waits until the connection may have one query more in flight, and counts it.
// False: the connection is broken.
func (c *tcpConn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.full() {
		c.write()
		if c.full() {
			c.changed.Wait()
		}
	}
	c.inFlight++
	return !c.broken
}

func (c *tcpConn) full() bool {
	return !c.broken && (c.inFlight >= c.server.cfg.Limits.TCP.InFlight || len(c.pending) > maxPending)
}

// leave takes back a begin that had no query.
func (c *tcpConn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
}

// deliver sends the reply of a resolved query, with whatever else is ready.
func (c *tcpConn) deliver(r *Request) {
	c.queue(r)
	c.flush()
}

// queue puts r.Reply among the replies to be written, as a frame (RFC 1035 4.2.2).
func (c *tcpConn) queue(r *Request) {
	c.server.dress(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
	if len(r.Reply) == 0 {
		c.active = time.Now() // write says when others go by
	} else if !c.broken {
		c.pending = binary.BigEndian.AppendUint16(c.pending, uint16(len(r.Reply)))
		c.pending = append(c.pending, r.Reply...)
	}
	c.changed.Signal()
}

// flush writes what is ready, unless somebody is writing: they will take it along.
func (c *tcpConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write()
}

// write is flush with c.mu held; it lets go of it while it writes.
func (c *tcpConn) write() {
	for !c.writing && !c.broken && len(c.pending) > 0 {
		out := c.pending
		c.pending, c.spare, c.writing = c.spare[:0], nil, true
		c.mu.Unlock()
		err := c.send(out, time.Now().Add(c.server.cfg.Limits.TCP.Write))
		c.mu.Lock()
		c.writing, c.active = false, time.Now()
		if cap(out) <= 2*maxPending { // a burst's worth is not kept
			c.spare = out[:0]
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.listener.tally.shed[slowReader].Add(1)
			}
			c.giveUp()
		}
		c.changed.Signal()
	}
}

// send writes all of b, which the client must take until limit. The deadline of an
// earlier write stays until it passes, as that of a wait does; then limit takes its place.
// Not over TLS, which cannot go on after a write that failed.
func (c *tcpConn) send(b []byte, limit time.Time) error {
	if c.client.Transport == TLS {
		_ = c.conn.SetWriteDeadline(limit)
	}
	for {
		n, err := c.conn.Write(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Until(limit) <= 0 {
			return err
		}
		b = b[n:]
		_ = c.conn.SetWriteDeadline(limit)
	}
}

// breakOff ends the connection at once, replies or not.
func (c *tcpConn) breakOff() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.giveUp()
}

// giveUp is breakOff with c.mu held. It closes the socket itself: TLS would wait for the
// client to take a last record.
func (c *tcpConn) giveUp() {
	c.broken, c.pending = true, nil
	_ = c.socket.Close()
	c.changed.Signal()
}
