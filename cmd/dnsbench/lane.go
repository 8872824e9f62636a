//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// slots is how many queries of one socket can be told apart, far above what is
// in flight: a slot that is taken again was lost long ago.
const slots = 1024

// slot is a query that waits for its answer.
type slot struct {
	query *query
	id    uint16
	sent  time.Duration // since the load began
	since int64         // reloads that were over by then
}

// lane is one client socket with what it waits for.
type lane struct {
	fd      int
	tcp     bool
	next    uint16
	waiting int
	slots   [slots]slot
	from    [][4]byte          // addresses to send from; none: the system's choice
	at      int                // in them
	to      unix.Sockaddr      // where to, if from is set
	in      []byte             // what was read and not taken, of a TCP connection
	take    func(reply []byte) // is handed what comes
}

func newLane(addr netip.AddrPort, t traffic) (*lane, error) {
	kind := unix.SOCK_DGRAM
	if t.tcp {
		kind = unix.SOCK_STREAM
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket: %w", err)
	}
	l := &lane{fd: fd, tcp: t.tcp, from: t.from, in: make([]byte, 0, 64<<10)}
	if err := l.connect(addr); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("reaching the server: %w", err)
	}
	return l, nil
}

func (l *lane) connect(addr netip.AddrPort) error {
	to := &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	if len(l.from) > 0 {
		l.to = to
		return errors.Join(unix.Bind(l.fd, &unix.SockaddrInet4{}), unix.SetNonblock(l.fd, true))
	}
	if err := unix.Connect(l.fd, to); err != nil {
		return err
	}
	if l.tcp {
		if err := unix.SetsockoptInt(l.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return err
		}
	}
	return unix.SetNonblock(l.fd, true)
}

// send sends q and returns how many queries were found lost by it.
func (l *lane) send(q *query, now time.Duration, since int64) (lost int, err error) {
	id := l.next
	l.next = (l.next + 1) &^ mark
	s := &l.slots[id%slots]
	if s.query != nil {
		lost = 1
		l.waiting--
	}
	*s = slot{query: q, id: id, sent: now, since: since}
	l.waiting++
	binary.BigEndian.PutUint16(q.frame[2:], id)
	frame := q.frame
	if !l.tcp {
		frame = frame[2:]
	}
	return lost, l.write(frame)
}

func (l *lane) write(frame []byte) error {
	n, err := l.put(frame)
	if errors.Is(err, unix.EAGAIN) && !l.tcp {
		return nil // no room: lost, as on a network
	}
	if err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	if n != len(frame) {
		return fmt.Errorf("sending: %w", io.ErrShortWrite)
	}
	return nil
}

// put writes to the server, from the next address where there are some.
func (l *lane) put(frame []byte) (int, error) {
	if l.to == nil {
		return unix.Write(l.fd, frame)
	}
	from := unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: l.from[l.at%len(l.from)]})
	l.at++
	return unix.SendmsgN(l.fd, frame, from, l.to, 0)
}

// drain takes what has come, until nothing is waited for or nothing is there.
func (l *lane) drain() error {
	for first := true; first || l.waiting > 0; first = false {
		n, err := unix.Read(l.fd, l.in[len(l.in):cap(l.in)])
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		if !l.tcp {
			l.take(l.in[:n])
			continue
		}
		if n == 0 {
			return fmt.Errorf("receiving: the server closed the connection: %w", io.EOF)
		}
		l.in = l.in[:len(l.in)+n]
		l.frames()
		if len(l.in) < 16<<10 {
			return nil // what more there is, the next poll tells
		}
	}
	return nil
}

// frames takes the whole messages off the stream.
func (l *lane) frames() {
	rest := l.in
	for len(rest) >= 2 {
		size := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+size {
			break
		}
		l.take(rest[2 : 2+size])
		rest = rest[2+size:]
	}
	l.in = l.in[:copy(l.in[:cap(l.in)], rest)]
}

// claim returns the slot that a reply answers and frees it, nil if none waits for it.
func (l *lane) claim(reply []byte) (slot, bool) {
	if len(reply) < 12 {
		return slot{}, false
	}
	id := binary.BigEndian.Uint16(reply)
	s := &l.slots[id%slots]
	if s.query == nil || s.id != id {
		return slot{}, false
	}
	taken := *s
	s.query = nil
	l.waiting--
	return taken, true
}

// giveUp forgets what is waited for and returns how much that was.
func (l *lane) giveUp() int {
	n := l.waiting
	clear(l.slots[:])
	l.waiting = 0
	return n
}
