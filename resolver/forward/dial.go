package forward

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"
)

// place tells where an upstream is, best first.
type place interface {
	addresses(ctx context.Context) ([]netip.AddrPort, error)
	known() []netip.AddrPort    // without looking it up
	favour(addr netip.AddrPort) // which was reached; the zero AddrPort: none was
}

// attemptDelay is how long one address is tried before the next is beside it (RFC 8305 section 5).
const attemptDelay = 250 * time.Millisecond

// attempt is one address that is tried.
type attempt[C any] struct {
	addr netip.AddrPort
	conn C
	err  error
}

// connect opens a connection to one of the addresses of a place, by dial, which ends with its
// context and does all that it takes until the connection can be used. An address that fails is
// followed by the next at once, one that is slow by the next beside it (RFC 8305). Who comes
// through too late is dropped.
func connect[C any](ctx context.Context, at place, dial func(context.Context, string) (C, error), drop func(C)) (conn C, err error) {
	addrs, err := at.addresses(ctx)
	if err != nil {
		return conn, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan attempt[C], len(addrs))
	begin := func(addr netip.AddrPort) {
		conn, err := dial(ctx, addr.String())
		done <- attempt[C]{addr, conn, err}
	}
	var errs []error
	next := time.NewTimer(0)
	defer next.Stop()
	for begun, ended := 0, 0; ended < len(addrs); {
		select {
		case <-next.C:
		case a := <-done:
			if ended++; a.err == nil {
				at.favour(a.addr)
				go discard(done, begun-ended, drop)
				return a.conn, nil
			}
			errs = append(errs, a.err)
		}
		if begun < len(addrs) {
			go begin(addrs[begun])
			begun++
			next.Reset(attemptDelay)
		}
	}
	at.favour(netip.AddrPort{})
	return conn, errors.Join(errs...)
}

// discard drops what comes of n attempts that have been cancelled.
func discard[C any](done <-chan attempt[C], n int, drop func(C)) {
	for range n {
		if a := <-done; a.err == nil {
			drop(a.conn)
		}
	}
}

// alternate orders addresses for attempts: IPv6 and IPv4 in turn, IPv6 first (RFC 8305 section 4).
func alternate(addrs []netip.AddrPort) []netip.AddrPort {
	var six, four, all []netip.AddrPort
	for _, a := range addrs {
		if a.Addr().Is4() {
			four = append(four, a)
			continue
		}
		six = append(six, a)
	}
	for i := range max(len(six), len(four)) {
		all = append(all, six[min(i, len(six)):min(i+1, len(six))]...)
		all = append(all, four[min(i, len(four)):min(i+1, len(four))]...)
	}
	return all
}

// first moves addr to the front.
func first(addrs []netip.AddrPort, addr netip.AddrPort) []netip.AddrPort {
	i := slices.Index(addrs, addr)
	if i <= 0 {
		return addrs
	}
	moved := append([]netip.AddrPort{addr}, addrs[:i]...)
	return append(moved, addrs[i+1:]...)
}
