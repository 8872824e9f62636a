package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// udpBuffer holds a reply from a server that overlooks the 1232 octets we offer.
const udpBuffer = 4096

// bindTries is how many random ports are tried before the system chooses one.
const bindTries = 8

// askUDP sends msg from a socket of its own and returns the first packet that is
// a reply to it. It waits, through any junk, until ctx ends.
func (u *upstream) askUDP(ctx context.Context, msg []byte) (reply, error) {
	conn, err := dialUDP(u.at.addr)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	u.metrics.queries.Inc()
	if _, err := conn.Write(msg); err != nil {
		return reply{}, ended(ctx, fmt.Errorf("sending: %w", err))
	}
	buf := u.buffers.Get().(*[udpBuffer]byte)
	defer u.buffers.Put(buf)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf[:])
		if err != nil {
			return reply{}, ended(ctx, fmt.Errorf("receiving: %w", err))
		}
		// A packet that came between bind and connect may be anybody's.
		if plain(from.Addr()) == plain(u.at.addr.Addr()) && from.Port() == u.at.addr.Port() {
			if r, ok := readReply(msg, buf[:n]); ok {
				r.raw = append([]byte(nil), r.raw...)
				return r, nil
			}
		}
		u.metrics.junk.Inc()
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
