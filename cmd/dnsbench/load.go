//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long nothing may come before what is in flight counts as lost.
const patience = 2 * time.Second

// traffic is one load: what is sent, and how.
type traffic struct {
	queries []query // in turn, from the first again after the last
	count   int
	window  int // in flight at most, over all sockets
	rate    int // a second; 0: as fast as the window lets
	sockets int
	tcp     bool
	from    [][4]byte    // addresses to ask from in turn; none: the system's choice
	garbage int          // after so many queries comes a malformed packet; 0: none
	amiss   func(*query) // is told of each wrong answer; nil: nobody is
	worlds  *worlds      // of the server; nil: it is not reloaded
}

// tally is what came back of a load.
type tally struct {
	right, wrong, lost int
	took               time.Duration
	latencies          []time.Duration // of the right ones, where the load is paced
}

// generator sends one load from one thread, as lean as it can be: packets made
// before, sockets without Go's poller, one wait for all of them.
type generator struct {
	traffic
	tally
	lanes   []*lane
	polls   []unix.PollFd
	start   time.Time
	sent    int
	flight  int
	heard   time.Duration // when something was last sent or received, since start
	broken  [][]byte
	spoiled int
}

// load sends t to addr and checks every answer. It ends by itself: what is not
// answered within patience is lost.
func load(ctx context.Context, addr netip.AddrPort, t traffic) (tally, error) {
	g := generator{traffic: t, broken: garbage()}
	defer g.close()
	for range t.sockets {
		l, err := newLane(addr, t)
		if err != nil {
			return tally{}, err
		}
		l.take = func(reply []byte) { g.take(l, reply) }
		g.lanes = append(g.lanes, l)
		g.polls = append(g.polls, unix.PollFd{Fd: int32(l.fd), Events: unix.POLLIN})
	}
	if t.rate > 0 {
		g.latencies = make([]time.Duration, 0, t.count)
	}
	err := g.run(ctx)
	return g.tally, err
}

func (g *generator) close() {
	for _, l := range g.lanes {
		_ = unix.Close(l.fd)
	}
}

func (g *generator) run(ctx context.Context) error {
	g.start = time.Now()
	for g.right+g.wrong+g.lost < g.count && ctx.Err() == nil {
		if err := g.fill(); err != nil {
			return err
		}
		if err := g.receive(); err != nil {
			return err
		}
		if g.flight > 0 && time.Since(g.start)-g.heard > patience {
			for _, l := range g.lanes {
				n := l.giveUp()
				g.lost += n
				g.flight -= n
			}
		}
	}
	g.took = time.Since(g.start)
	return ctx.Err()
}

// fill sends what the window and the pace let, from one socket after the other.
func (g *generator) fill() error {
	for g.sent < g.count && g.flight < g.window {
		now := time.Since(g.start)
		if g.rate > 0 && now < g.due() {
			return nil
		}
		l := g.lanes[g.sent%len(g.lanes)]
		lost, err := l.send(&g.queries[g.sent%len(g.queries)], now, g.worlds.before())
		if err != nil {
			return err
		}
		g.sent++
		g.lost += lost
		g.flight += 1 - lost
		g.heard = now
		if err := g.spoil(l); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) due() time.Duration {
	return time.Duration(g.sent) * time.Second / time.Duration(g.rate)
}

// spoil sends a malformed packet after every so many good ones.
func (g *generator) spoil(l *lane) error {
	if g.garbage == 0 || g.sent%g.garbage != 0 {
		return nil
	}
	g.spoiled++
	return l.write(g.broken[g.spoiled%len(g.broken)])
}

// receive waits until there is something to do and takes what has come.
func (g *generator) receive() error {
	wait := patience
	if g.rate > 0 && g.sent < g.count && g.flight < g.window {
		wait = max(0, g.due()-time.Since(g.start))
	}
	timeout := unix.NsecToTimespec(int64(wait))
	n, err := unix.Ppoll(g.polls, &timeout, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("waiting for answers: %w", err)
	}
	for i := 0; i < len(g.polls) && n > 0; i++ {
		if g.polls[i].Revents == 0 {
			continue
		}
		n--
		if err := g.lanes[i].drain(); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) take(l *lane, reply []byte) {
	s, ok := l.claim(reply)
	if !ok {
		return // late, or the answer to a malformed packet
	}
	g.flight--
	g.heard = time.Since(g.start)
	if !s.query.rightIn(reply, s.since, g.worlds.until()) {
		g.wrong++
		if g.amiss != nil {
			g.amiss(s.query)
		}
		return
	}
	g.right++
	if g.rate > 0 {
		g.latencies = append(g.latencies, g.heard-s.sent)
	}
}
