package forward

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// packets makes exchanges over UDP: it sends p to addr from a fresh random port
// of a connected socket and tells done, once and from another goroutine, of the
// first packet that is a reply to it. It waits, through any junk, until the deadline.
// done is lent the reply. note is told of what is sent and of junk. After an error
// done is not told.
type packets interface {
	exchange(deadline time.Time, to netip.AddrPort, p packet, note *counters, done lander) error
}

// lander is told what became of an exchange. It must not wait.
type lander interface{ landed(reply, error) }

// maxOpen bounds the exchanges of one Loop that are open at once, and so its
// sockets: the listeners let a thousand queries wait at a time. An exchange outlives a
// query that gave up, so that with all upstreams dead a flood of different names
// reaches the bound; the next question then fails at once.
const maxOpen = 1024

// errBusy says that as many exchanges are open as may be. It is about us, not
// about the upstream.
var errBusy = errors.New("too many questions to upstreams are open")

// grace is how long, after a misspelt reply, one in the right spelling is waited for:
// if the former was forged the latter is on its way.
const grace = 400 * time.Millisecond

// errMisspelt says that an upstream answered, in time, but not in the spelling of
// the question. It counts as silence, of which somebody else may be the cause.
var errMisspelt error = unproven{silence("the reply does not keep the spelling of the question")}

// silence is an error that counts as no reply at all.
type silence string

func (s silence) Error() string { return string(s) }
func (silence) Timeout() bool   { return true }
func (silence) Temporary() bool { return true }

// udpBuffer holds a reply from a server that overlooks the 1232 octets we offer.
const udpBuffer = 4096

// buffers holds the memory for packets between their arrivals.
var buffers = sync.Pool{New: func() any { return new([udpBuffer]byte) }}

// bindTries is how many random ports are tried before the system chooses one.
const bindTries = 8

// portable makes exchanges with package net, on every system.
type portable struct{ open atomic.Int64 }

func (p *portable) exchange(deadline time.Time, to netip.AddrPort, q packet, note *counters, done lander) error {
	if p.open.Add(1) > maxOpen {
		p.open.Add(-1)
		return errBusy
	}
	conn, err := dialUDP(to)
	if err != nil {
		p.open.Add(-1)
		return err
	}
	note.open.Add(1)
	go func() {
		buf := buffers.Get().(*[udpBuffer]byte)
		defer buffers.Put(buf)
		r, err := converse(conn, deadline, to, q, note, buf[:])
		_ = conn.Close()
		note.open.Add(-1)
		p.open.Add(-1)
		done.landed(r, err)
	}()
	return nil
}

// converse sends p and waits for the reply, which it reads into buf.
func converse(conn *net.UDPConn, deadline time.Time, to netip.AddrPort, p packet, note *counters, buf []byte) (reply, error) {
	_ = conn.SetDeadline(deadline)
	note.queries.Inc()
	if _, err := conn.Write(p.msg); err != nil {
		return reply{}, fmt.Errorf("sending: %w", err)
	}
	var spoilt bool
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil && spoilt && errors.Is(err, os.ErrDeadlineExceeded) {
			return reply{}, errMisspelt
		}
		if err != nil {
			return reply{}, fmt.Errorf("receiving: %w", err)
		}
		// A packet that came between bind and connect may be anybody's.
		if plain(from.Addr()) == plain(to.Addr()) && from.Port() == to.Port() {
			r, is := readReply(p, buf[:n])
			if is == fitting {
				return r, nil
			}
			if is == misspelt && !spoilt {
				spoilt = true
				_ = conn.SetDeadline(earlier(deadline, time.Now().Add(grace)))
			}
		}
		note.junk.Inc()
	}
}

// dialUDP returns a socket connected to addr, so that only addr's packets and the
// ICMP errors about them reach it, on a random port. The port is drawn here since
// systems differ in how, and from how few, they draw.
func dialUDP(addr netip.AddrPort) (*net.UDPConn, error) {
	to := net.UDPAddrFromAddrPort(addr)
	for range bindTries {
		conn, err := net.DialUDP("udp", &net.UDPAddr{Port: randomPort()}, to)
		var call *os.SyscallError
		if err == nil || !errors.As(err, &call) || call.Syscall != "bind" {
			return conn, err
		}
	}
	return net.DialUDP("udp", nil, to)
}
