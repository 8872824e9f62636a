package forward

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// Bounds of what one upstream may hold of ours. A query is under 1 KiB and a reply at most 64 KiB.
const (
	maxLinks  = 4   // connections, those being opened and those being left included
	crowd     = 16  // queries that wait on a connection before another one is opened
	maxRiders = 256 // queries that wait on one connection

	linkIdle  = 30 * time.Second // after which an unused connection is closed (RFC 7766 section 6.2.3)
	openLimit = 2 * maxTimeout   // for connecting and the handshake
)

// connection carries queries to one upstream until it breaks.
type connection interface {
	// exchange sends p and waits for the reply until the deadline. A *fault says that the
	// upstream spoke; after any other error but a timeout the connection is used no more.
	exchange(deadline time.Time, p packet) (reply, error)
	broken() <-chan struct{} // closed when it can carry nothing more
	close()                  // ends it with whatever waits on it
}

// pool is a channel of few connections that serve many queries: one as long as that is not
// crowded. It opens them on demand, however soon those who asked give up, since the next will ask
// again, and closes those that nobody uses.
type pool struct {
	open func(context.Context) (connection, error)
	note *traffic

	mu     sync.Mutex
	links  []*link // that may be joined
	held   int     // links in all
	closed bool
}

// link is one connection of a pool.
type link struct {
	ready chan struct{} // closed when it is open, or failed to
	conn  connection
	err   error         // why it is not open
	over  chan struct{} // closed when nobody is on it nor will be

	// Of the pool, under its lock.
	isOpen  bool
	retired bool // not to be joined
	riders  int  // queries that wait on it
	heard   int  // replies that came
	since   time.Time
}

// exchange implements channel. That a connection breaks which had served is no failure of the
// upstream's: it may end connections at any time (RFC 7766 section 6.2.4). The query goes over
// another one then, and so on as long as each answers somebody; and once where it only was open.
func (p *pool) exchange(deadline time.Time, q packet) (reply, error) {
	for fresh := false; ; fresh = true {
		l, wasOpen, heard := p.join(fresh)
		if l == nil {
			return reply{}, errBusy
		}
		r, err := l.exchange(deadline, q)
		broke, served := p.leave(l, heard, err)
		if !broke || !served && (!wasOpen || fresh) || !time.Now().Before(deadline) {
			return r, err
		}
	}
}

// exchange waits for the link to be open, and then for the reply.
func (l *link) exchange(deadline time.Time, q packet) (reply, error) {
	select {
	case <-l.ready:
	default:
		late := time.NewTimer(time.Until(deadline))
		defer late.Stop()
		select {
		case <-l.ready:
		case <-late.C:
			return reply{}, os.ErrDeadlineExceeded
		}
	}
	if l.err != nil {
		return reply{}, l.err
	}
	return l.conn.exchange(deadline, q)
}

// join puts a query on a link: the open one with the fewest or, where fresh is wanted or there
// is none, one that is being opened. Nobody waits for another connection while there is one that
// has room.
func (p *pool) join(fresh bool) (l *link, wasOpen bool, heard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var opening *link
	for _, one := range p.links {
		switch {
		case !one.isOpen:
			opening = one
		case l == nil || one.riders < l.riders:
			l = one
		}
	}
	if opening == nil && p.held < maxLinks && (l == nil || fresh || l.riders >= crowd) {
		opening = p.add()
	}
	if opening != nil && (l == nil || fresh || l.riders == maxRiders) {
		l = opening
	}
	if l == nil || l.riders == maxRiders {
		return nil, false, 0
	}
	l.riders++
	p.note.waiting.Add(1)
	return l, l.isOpen, l.heard
}

// leave takes a query off its link. broke tells that err is of the connection, served that a
// reply came on it. A connection on which a query waited to the end and
// nothing came is not trusted with another: the way may be gone without either end knowing.
func (p *pool) leave(l *link, heard int, err error) (broke, served bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.riders--
	p.note.waiting.Add(-1)
	var spoken *fault
	var after *cut
	switch {
	case err == nil || errors.As(err, &spoken):
		l.heard++
	case isTimeout(err):
		if l.heard == heard && l.isOpen {
			p.retire(l)
		}
	default:
		broke = true
		p.retire(l)
	}
	if l.since = time.Now(); l.riders == 0 && (l.retired || p.closed) {
		p.retire(l)
		close(l.over)
	}
	return broke, l.heard > 0 || errors.As(err, &after)
}

// cut is why a connection ended that had answered something.
type cut struct{ error }

func (c *cut) Unwrap() error { return c.error }

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// add begins to open a link. p.mu is held.
func (p *pool) add() *link {
	l := &link{ready: make(chan struct{}), over: make(chan struct{}), since: time.Now()}
	p.links = append(p.links, l)
	p.held++
	go p.run(l)
	return l
}

// retire keeps further queries off a link. p.mu is held.
func (p *pool) retire(l *link) {
	l.retired = true
	p.links = slices.DeleteFunc(p.links, func(one *link) bool { return one == l })
}

// run is the life of a link.
func (p *pool) run(l *link) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.held--
	}()
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	l.conn, l.err = p.open(ctx)
	p.mu.Lock()
	if l.isOpen = l.err == nil; !l.isOpen || p.closed && l.riders == 0 {
		p.retire(l)
	}
	unwanted := l.retired && l.riders == 0
	p.mu.Unlock()
	close(l.ready)
	if l.err != nil {
		return
	}
	p.note.connections.Add(1)
	defer p.note.connections.Add(-1)
	defer l.conn.close()
	if !unwanted {
		p.watch(l)
	}
}

// watch returns when an open link is done with: broken, left, or unused for too long.
func (p *pool) watch(l *link) {
	idle := time.NewTimer(linkIdle)
	defer idle.Stop()
	for {
		select {
		case <-l.conn.broken():
			p.mu.Lock()
			p.retire(l)
			p.mu.Unlock()
			return
		case <-l.over:
			return
		case <-idle.C:
		}
		p.mu.Lock()
		rest := linkIdle - time.Since(l.since)
		if l.riders > 0 {
			rest = linkIdle
		}
		if rest <= 0 {
			p.retire(l)
		}
		p.mu.Unlock()
		if rest <= 0 {
			return
		}
		idle.Reset(rest)
	}
}

// close implements channel.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range slices.Clone(p.links) {
		if l.riders == 0 && l.isOpen {
			p.retire(l)
			close(l.over)
		}
	}
}
