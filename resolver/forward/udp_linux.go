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
	// tick is how often a Loop looks for exchanges whose time is over.
	tick = 25 * time.Millisecond
	// linger is for how many ticks it stays without an exchange before it gives back
	// its sockets and its goroutine: a second.
	linger = 40
	// rest is how long the goroutine runs before it yields: one that has not for 10 ms
	// is taken for a hog, and the runtime spends more on stopping it than it gains.
	rest = 5 * time.Millisecond
)

// Loop makes the exchanges over UDP of all Forwarders that are given it, with bare
// sockets and an epoll set of its own. One goroutine waits for all of them, reads the
// replies and passes them on: no goroutine is made or woken for a packet, and no
// socket made either, since each serves again on another port. That goroutine is its
// own, or one that waits for something else anyway and attaches itself. The zero
// value is ready.
type Loop struct {
	slots  [maxOpen]atomic.Pointer[slot] // by number
	other  portable                      // for link-local addresses, and where there is no epoll
	open   atomic.Int32
	asleep atomic.Bool // who is attached waits for nothing but the set

	mu       sync.Mutex
	attached bool
	running  bool // served by a goroutine of its own
	set      int  // the epoll set, while attached or running
	bell     int  // an eventfd in it
	made     int
	free     []*slot
	begun    uint64 // exchanges in all

	turns turns // of who is attached
}

func (l *Loop) exchange(deadline time.Time, to netip.AddrPort, p packet, note *counters, done lander) error {
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
	note.open.Add(1)
	if err := s.send(set, to, flight{deadline: deadline, packet: p, note: note, done: done}); err != nil {
		note.open.Add(-1)
		l.leave(s)
		return err
	}
	if l.asleep.Load() {
		l.wake()
	}
	return nil
}

// enter opens an exchange and returns its slot and the epoll set.
func (l *Loop) enter() (*slot, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.Load() == maxOpen {
		return nil, 0, errBusy
	}
	if !l.attached && !l.running {
		if err := l.prepare(); err != nil {
			return nil, 0, err
		}
		l.running = true
		go l.run()
	}
	l.open.Add(1)
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
func (l *Loop) leave(s *slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open.Add(-1)
	l.free = append(l.free, s)
}

// ringing is the bell's number in the set.
const ringing = -1

// prepare makes the epoll set with the bell in it. l.mu is held.
func (l *Loop) prepare() error {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("making an epoll set: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(set, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: ringing})
	}
	if err != nil {
		_, _ = unix.Close(set), unix.Close(bell)
		return fmt.Errorf("making an epoll set: %w", err)
	}
	l.set, l.bell = set, bell
	return nil
}

// wake lets who is attached look at the clock.
func (l *Loop) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached || l.running {
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 1})
	}
}

// Attach makes the caller serve the loop until it calls detach: it waits for the
// descriptor to be readable, beside whatever else it waits for, and calls Patience
// before and Turn after. ok is false where nobody can, or somebody does already.
func (l *Loop) Attach() (fd int, detach func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached {
		return 0, nil, false
	}
	if !l.running && l.prepare() != nil {
		return 0, nil, false
	}
	l.attached = true // a goroutine of its own ends at its next tick
	l.turns = newTurns()
	return l.set, l.detach, true
}

// detach lets the loop serve itself again.
func (l *Loop) detach() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asleep.Store(false)
	l.attached = false
	if !l.running {
		l.running = true
		go l.run()
	}
}

// Turn does, without waiting, what there is to do. It is called after every wait, ready
// telling whether the descriptor was readable.
func (l *Loop) Turn(ready bool) {
	if l.asleep.Load() {
		l.asleep.Store(false)
	}
	if ready {
		l.turns.closed = false
		l.read(&l.turns, 0)
	}
}

// Patience is called before every wait and returns how long that may be, less than 0 for
// until the descriptor is readable. It ends the exchanges whose time is over.
func (l *Loop) Patience() time.Duration {
	t := &l.turns
	if l.open.Load() == 0 && t.closed {
		l.asleep.Store(true)
		if l.open.Load() == 0 {
			return -1
		}
		l.asleep.Store(false)
	}
	t.closed = false
	if t.due(time.Now()) {
		l.expire(t.looked)
		t.closed = l.tidy(&t.idle)
	}
	return tick
}

// run serves the exchanges until there have been none for a while, or somebody
// attached.
func (l *Loop) run() {
	t := newTurns()
	rested := t.looked
	for {
		l.read(&t, tick)
		now := time.Now()
		if t.due(now) {
			l.expire(now)
			if l.stop(&t.idle) {
				return
			}
		}
		if now.Sub(rested) >= rest {
			rested = now
			runtime.Gosched()
		}
	}
}

// turns is the memory of who serves a loop.
type turns struct {
	events []unix.EpollEvent
	buf    []byte
	looked time.Time // when exchanges were looked at whose time is over
	idle   idleness
	closed bool // no socket is open
}

func newTurns() turns {
	return turns{events: make([]unix.EpollEvent, 64), buf: make([]byte, udpBuffer), looked: time.Now()}
}

// due reports whether it is time to look again.
func (t *turns) due(now time.Time) bool {
	if now.Sub(t.looked) < tick {
		return false
	}
	t.looked = now
	return true
}

// read waits for events and passes on the replies that are there.
func (l *Loop) read(t *turns, wait time.Duration) {
	n, _ := unix.EpollWait(l.set, t.events, int(wait/time.Millisecond))
	for i := range max(n, 0) {
		if t.events[i].Fd == ringing {
			_, _ = unix.Read(l.bell, t.buf)
			continue
		}
		s := l.slots[t.events[i].Fd].Load()
		if f, r, err := s.receive(t.buf); f != nil {
			l.pass(s, f, r, err)
		}
	}
}

// pass gives the slot back and passes on what came of its exchange.
func (l *Loop) pass(s *slot, f *flight, r reply, err error) {
	done := f.done
	f.note.open.Add(-1)
	*f = flight{}
	l.leave(s)
	done.landed(r, err)
}

// expire ends the exchanges whose time is over.
func (l *Loop) expire(now time.Time) {
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

// tidy closes the sockets if nobody has used them for a while.
func (l *Loop) tidy(idle *idleness) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if idle.ticks++; l.open.Load() > 0 || l.begun != idle.begun {
		*idle = idleness{begun: l.begun}
	}
	if idle.ticks < linger {
		return false
	}
	for _, s := range l.free {
		s.close()
	}
	return true
}

// stop ends the goroutine if somebody else serves, or else with all its files if
// nobody asks any more.
func (l *Loop) stop(idle *idleness) bool {
	unused := l.tidy(idle)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached {
		l.running = false
		return true
	}
	if !unused || l.open.Load() > 0 {
		return false
	}
	_, _ = unix.Close(l.set), unix.Close(l.bell)
	l.running = false
	return true
}
