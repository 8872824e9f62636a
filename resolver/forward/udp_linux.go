package forward

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// linger is how long a loop stays without an exchange before it gives back its
// descriptor and its goroutine.
const linger = time.Second

// loop makes exchanges with bare sockets and one epoll set of its own, which costs
// two thirds of what package net takes for a socket that lives for one packet. The
// set itself is watched by Go's own poller, so that the one goroutine that reads
// it blocks no thread. It reads no packets: it wakes whose they are. The zero
// value is ready; it starts with its first exchange and ends when it is idle.
type loop struct {
	mu      sync.Mutex
	set     *os.File // the epoll set; nil: not running
	fd      int      // of set
	free    []*waiter
	made    int
	open    int
	waiters [maxOpen]atomic.Pointer[waiter] // by slot, for the goroutine
	other   portable                        // for link-local addresses, and where there is no epoll
}

// waiter is the memory of an exchange, used by one at a time.
type waiter struct {
	slot  int32
	ready chan struct{} // has a token when the socket may have something, or had
	timer *time.Timer
	local socket
	to    socket
}

func newPackets() packets { return new(loop) }

func (l *loop) exchange(ctx context.Context, deadline time.Time, to netip.AddrPort, msg []byte, note *counters) (reply, error) {
	if to.Addr().Zone() != "" {
		return l.other.exchange(ctx, deadline, to, msg, note)
	}
	w, set, err := l.enter()
	if errors.Is(err, errBusy) {
		return reply{}, err
	}
	if err != nil {
		return l.other.exchange(ctx, deadline, to, msg, note)
	}
	defer l.leave(w)
	fd, err := w.dial(to)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = unix.Close(fd) }() // leaves the set as well
	event := unix.EpollEvent{Events: unix.EPOLLIN | edge, Fd: w.slot}
	if err := unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return reply{}, fmt.Errorf("watching a socket: %w", err)
	}
	note.queries.Inc()
	if _, err := unix.Write(fd, msg); err != nil {
		return reply{}, fmt.Errorf("sending: %w", err)
	}
	w.timer.Reset(time.Until(deadline))
	defer w.timer.Stop()
	for {
		select {
		case <-w.ready:
			if r, done, err := w.receive(fd, msg, note); done {
				return r, err
			}
		case <-w.timer.C:
			return reply{}, os.ErrDeadlineExceeded
		case <-ctx.Done():
			return reply{}, ctx.Err()
		}
	}
}

// edge is EPOLLET: an event is told once, and what woke somebody is read by him.
const edge = 1 << 31

// receive reads what has arrived. done is false if there is no reply among it.
func (w *waiter) receive(fd int, msg []byte, note *counters) (r reply, done bool, err error) {
	buf := buffers.Get().(*[udpBuffer]byte)
	defer buffers.Put(buf)
	for {
		n, from, err := syscall.Recvfrom(fd, buf[:], 0) // x/sys asks for the socket's protocol each time
		switch {
		case err == syscall.EINTR: //nolint:errorlint // a bare errno
			continue
		case err == syscall.EAGAIN: //nolint:errorlint // a bare errno
			return reply{}, false, nil
		case err != nil:
			return reply{}, true, fmt.Errorf("receiving: %w", err)
		}
		// A packet that came between bind and connect may be anybody's.
		if w.to.is(from) {
			if r, ok := readReply(msg, buf[:n]); ok {
				r.raw = append([]byte(nil), r.raw...)
				return r, true, nil
			}
		}
		note.junk.Inc()
	}
}

// enter opens an exchange and returns its memory and the epoll set.
func (l *loop) enter() (w *waiter, set int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == maxOpen {
		return nil, 0, errBusy
	}
	if l.set == nil {
		if err := l.start(); err != nil {
			return nil, 0, err
		}
	}
	l.open++
	if n := len(l.free); n > 0 {
		w, l.free = l.free[n-1], l.free[:n-1]
		return w, l.fd, nil
	}
	w = &waiter{slot: int32(l.made), ready: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	l.waiters[l.made].Store(w)
	l.made++
	return w, l.fd, nil
}

// leave ends an exchange whose socket is closed.
func (l *loop) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.free = append(l.free, w)
}

// inUse returns the number of open exchanges.
func (l *loop) inUse() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open + l.other.inUse()
}

// start makes the epoll set and its goroutine. l.mu is held.
func (l *loop) start() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("making an epoll set: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // what makes os.NewFile let Go's poller watch it
		_ = unix.Close(fd)
		return fmt.Errorf("making an epoll set: %w", err)
	}
	l.fd, l.set = fd, os.NewFile(uintptr(fd), "epoll")
	go l.run(l.set)
	return nil
}

// run wakes waiters until the loop is idle.
func (l *loop) run(set *os.File) {
	raw, err := set.SyscallConn()
	events := make([]unix.EpollEvent, 128)
	for err == nil {
		_ = set.SetReadDeadline(time.Now().Add(linger))
		_ = raw.Read(func(fd uintptr) bool { // until the deadline
			l.wake(int(fd), events)
			return false
		})
		if l.stop() {
			return
		}
	}
}

// wake wakes those whose sockets have something. What comes later makes the set
// ready anew.
func (l *loop) wake(fd int, events []unix.EpollEvent) {
	for {
		n, _ := unix.EpollWait(fd, events, 0)
		for i := range max(n, 0) {
			w := l.waiters[events[i].Fd].Load()
			select {
			case w.ready <- struct{}{}:
			default:
			}
		}
		if n < len(events) {
			return
		}
	}
}

// stop gives the epoll set back if nobody uses it.
func (l *loop) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open > 0 {
		return false
	}
	_ = l.set.Close()
	l.set = nil
	return true
}
