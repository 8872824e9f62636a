package presence

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// maxLooks is how many queries may wait for the kernel to find their sender. Linux itself keeps 1,024 neighbours
// (gc_thresh3), the unknown ones included.
const maxLooks = 1024

// waiting is the queries that wait to learn who sent them.
type waiting struct {
	mu   sync.Mutex
	of   map[netip.Addr][]*look
	size int
}

// look is one of them.
type look struct {
	facts *policy.Facts
	done  func(found bool)
	timer *time.Timer
}

// Look finds out who has f.Addr, for which Find was false: it asks the kernel, and if it does not know waits until it
// has found out, at most until a time. No reply could leave before that either: the kernel needs the same MAC to
// send it. Of an address beyond a router it waits until the lease files are read. It calls done once, from any
// goroutine, with whether f is filled; f is its own until then. It is false if no such machine answers, if the lease
// files are written all the time, or if too many queries wait already.
func (t *Table) Look(f *policy.Facts, until time.Time, done func(found bool)) {
	t.counts.looks.Add(1)
	w := &look{facts: f, done: done}
	if !t.asks.add(w, until.Sub(t.now()), &t.counts) {
		t.counts.unanswered.Add(1)
		done(false)
		return
	}
	go t.ask(w, f.Addr, until)
}

// Wait is Find, and where that is false Look, for who can wait.
func (t *Table) Wait(f *policy.Facts, until time.Time) (found bool) {
	if t.Find(f) {
		return true
	}
	done := make(chan bool, 1)
	t.Look(f, until, func(found bool) { done <- found })
	return <-done
}

// ask asks the kernel on each interface behind which the address can be; beyond them the lease files.
func (t *Table) ask(w *look, a netip.Addr, until time.Time) {
	t.files.Refresh()
	seen, links := t.changes(a), t.ground.Load().linksOf(a)
	if len(links) == 0 {
		for !t.files.Fresh() && t.now().Before(until) {
			t.files.Refresh()
		}
		if t.files.Fresh() && t.asks.take(a, w) {
			w.timer.Stop()
			t.findLease(w.facts, a.Unmap())
			w.done(true)
		}
	}
	for _, l := range links {
		m, known, err := t.kernel.ask(l.number, a)
		if err != nil {
			t.log.Debug("asking the kernel for a neighbour", "error", err)
		}
		if known {
			t.put(m, seen, false)
			if t.asks.take(a, w) {
				t.tell(w, m)
			}
			return
		}
	}
}

// changes is how often the kernel told of an address of the same shard.
func (t *Table) changes(a netip.Addr) uint64 {
	s := t.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// tell answers a query that waited.
func (t *Table) tell(w *look, m Machine) {
	w.timer.Stop()
	w.facts.MAC, w.facts.Name = m.MAC, t.nameOf(m.Addr, m.MAC)
	w.done(true)
}

func (a *waiting) add(w *look, patience time.Duration, c *counters) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.size >= maxLooks || patience <= 0 {
		return false
	}
	at := w.facts.Addr
	a.size++
	a.of[at] = append(a.of[at], w)
	w.timer = time.AfterFunc(patience, func() {
		if a.take(at, w) {
			c.unanswered.Add(1)
			w.done(false)
		}
	})
	return true
}

// take is true for the one who may answer w.
func (a *waiting) take(at netip.Addr, w *look) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.of[at], w)
	if i < 0 {
		return false
	}
	a.size--
	if a.of[at] = slices.Delete(a.of[at], i, i+1); len(a.of[at]) == 0 {
		delete(a.of, at)
	}
	return true
}

// answer tells all who wait for an address what the kernel found out.
func (a *waiting) answer(t *Table, m Machine, found bool) {
	for _, at := range []netip.Addr{m.Addr, m.Addr.WithZone("")} {
		a.mu.Lock()
		all := a.of[at]
		delete(a.of, at)
		a.size -= len(all)
		a.mu.Unlock()
		for _, w := range all {
			if found {
				go t.tell(w, m)
				continue
			}
			w.timer.Stop()
			t.counts.unanswered.Add(1)
			go w.done(false)
		}
		if m.Addr.Zone() == "" {
			return
		}
	}
}

func (a *waiting) len() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.size
}
