package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// packets makes exchanges over UDP: it sends msg to addr from a socket of its own,
// which is bound to a fresh random port, connected, and closed with the exchange,
// and returns the first packet that is a reply to it. It waits, through any junk,
// until the deadline or the end of ctx. note is told of what it sends and of junk.
type packets interface {
	exchange(ctx context.Context, deadline time.Time, to netip.AddrPort, msg []byte, note *counters) (reply, error)
	// inUse returns the number of exchanges that are open.
	inUse() int
}

// maxOpen bounds the exchanges of one Forwarder that are open at once, and so its
// sockets: the listeners let a thousand queries wait at a time, each of which has
// one exchange open, and a few more probe.
const maxOpen = 1024

// errBusy says that as many exchanges are open as may be. It is about us, not
// about the upstream.
var errBusy = errors.New("too many questions to upstreams are open")

// udpBuffer holds a reply from a server that overlooks the 1232 octets we offer.
const udpBuffer = 4096

// buffers holds the memory for packets between their arrivals.
var buffers = sync.Pool{New: func() any { return new([udpBuffer]byte) }}

// bindTries is how many random ports are tried before the system chooses one.
const bindTries = 8

// portable makes exchanges with package net, on every system.
type portable struct{ open atomic.Int64 }

func (p *portable) inUse() int { return int(p.open.Load()) }

func (p *portable) exchange(ctx context.Context, deadline time.Time, to netip.AddrPort, msg []byte, note *counters) (reply, error) {
	defer p.open.Add(-1)
	if p.open.Add(1) > maxOpen {
		return reply{}, errBusy
	}
	conn, err := dialUDP(to)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	note.queries.Inc()
	if _, err := conn.Write(msg); err != nil {
		return reply{}, ended(ctx, fmt.Errorf("sending: %w", err))
	}
	buf := buffers.Get().(*[udpBuffer]byte)
	defer buffers.Put(buf)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return reply{}, ended(ctx, fmt.Errorf("receiving: %w", err))
		}
		// A packet that came between bind and connect may be anybody's.
		if plain(from.Addr()) == plain(to.Addr()) && from.Port() == to.Port() {
			if r, ok := readReply(msg, buf[:n]); ok {
				r.raw = append([]byte(nil), r.raw...)
				return r, nil
			}
		}
		note.junk.Inc()
	}
}

// ended returns ctx's error if that is why an operation on a socket failed.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
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
