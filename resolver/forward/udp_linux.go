package forward

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// tick is how often a loop looks for exchanges whose time is over.
	tick = 25 * time.Millisecond
	// linger is for how many ticks it stays without an exchange before it gives back
	// its sockets and its goroutine: a second.
	linger = 40
	// rest is how long it runs before it yields: a goroutine that has not for 10 ms
	// is taken for a hog, and the runtime spends more on stopping it than it gains.
	rest = 5 * time.Millisecond
)

// loop makes exchanges with bare sockets and an epoll set of its own. One goroutine
// waits for all of them, reads the replies and passes them on: no goroutine is made
// or woken for a packet, and no socket made either, since each serves again on
// another port. The zero value is ready; it starts with its first exchange and ends
// when it is idle.
type loop struct {
	slots [maxOpen]atomic.Pointer[slot] // by number
	other portable                      // for link-local addresses, and where there is no epoll

	mu      sync.Mutex
	running bool
	set     int // the epoll set, while running
	made    int
	free    []*slot
	open    int
	begun   uint64 // exchanges in all
}

func newPackets() packets { return new(loop) }

func (l *loop) exchange(deadline time.Time, to netip.AddrPort, p packet, note *counters, done lander) error {
	if to.Addr().Zone() != "" {
		return l.other.exchange(deadline, to, p, note, done)
	}
	s, set, err := l.enter()
	if errors.Is(err, errBusy) {
		return err
	}
	if err != nil {
		return l.other.exchange(deadline, to, p, note, done)
	}
	if err := s.send(set, to, flight{deadline: deadline, packet: p, note: note, done: done}); err != nil {
		l.leave(s)
		return err
	}
	return nil
}

// enter opens an exchange and returns its slot and the epoll set.
func (l *loop) enter() (*slot, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == maxOpen {
		return nil, 0, errBusy
	}
	if !l.running {
		set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return nil, 0, fmt.Errorf("making an epoll set: %w", err)
		}
		l.set, l.running = set, true
		go l.run(set)
	}
	l.open++
	l.begun++
	if n := len(l.free); n > 0 {
		s := l.free[n-1]
		l.free = l.free[:n-1]
		return s, l.set, nil
	}
	s := &slot{number: int32(l.made), fd: none}
	l.slots[l.made].Store(s)
	l.made++
	return s, l.set, nil
}

// leave ends an exchange.
func (l *loop) leave(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.free = append(l.free, s)
}

// inUse returns the number of open exchanges.
func (l *loop) inUse() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open + l.other.inUse()
}

// run serves the exchanges until there have been none for a while.
func (l *loop) run(set int) {
	events := make([]unix.EpollEvent, 64)
	buf := make([]byte, udpBuffer)
	looked := time.Now()
	rested, idle := looked, idleness{}
	for {
		n, _ := unix.EpollWait(set, events, int(tick/time.Millisecond))
		for i := range max(n, 0) {
			s := l.slots[events[i].Fd].Load()
			if f, r, err := s.receive(buf); f != nil {
				l.pass(s, f, r, err)
			}
		}
		now := time.Now()
		if now.Sub(looked) >= tick {
			looked = now
			l.expire(now)
			if l.stop(&idle) {
				return
			}
		}
		if now.Sub(rested) >= rest {
			rested = now
			runtime.Gosched()
		}
	}
}

// pass gives the slot back and passes on what came of its exchange.
func (l *loop) pass(s *slot, f *flight, r reply, err error) {
	done := f.done
	*f = flight{}
	l.leave(s)
	done.landed(r, err)
}

// expire ends the exchanges whose time is over.
func (l *loop) expire(now time.Time) {
	for i := range l.slots {
		s := l.slots[i].Load()
		if s == nil {
			return
		}
		if f, err := s.expire(now); f != nil {
			l.pass(s, f, reply{}, err)
		}
	}
}

// idleness counts the ticks without an exchange.
type idleness struct {
	begun uint64
	ticks int
}

// stop gives sockets and epoll set back if nobody has used them for a while.
func (l *loop) stop(idle *idleness) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if idle.ticks++; l.open > 0 || l.begun != idle.begun {
		*idle = idleness{begun: l.begun}
	}
	if idle.ticks < linger {
		return false
	}
	for _, s := range l.free {
		s.close()
	}
	_ = unix.Close(l.set)
	l.running = false
	return true
}
