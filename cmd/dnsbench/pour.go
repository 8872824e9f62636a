//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// count is what all who ask count together.
type count struct {
	next, right, wrong, lost atomic.Int64
}

func (c *count) tally(took time.Duration) tally {
	return tally{right: int(c.right.Load()), wrong: int(c.wrong.Load()), lost: int(c.lost.Load()), took: took}
}

// one asks a query and counts what comes back. An answer that does not come in time
// is lost; an error is what ends the whole load.
func (c *count) one(ctx context.Context, to channel, q *query) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := to.exchange(within, q.frame[2:])
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		c.lost.Add(1)
	case err != nil:
		return err
	case !q.right(reply):
		c.wrong.Add(1)
	default:
		c.right.Add(1)
	}
	return nil
}

// pour sends the queries of t over connections that are open, a fixed number of them
// in flight on each, and checks every answer.
func pour(ctx context.Context, open []channel, t traffic) (tally, error) {
	var c count
	began := time.Now()
	err := crew(t.window, func(i int) error {
		for n := c.next.Add(1); n <= int64(t.count); n = c.next.Add(1) {
			if err := c.one(ctx, open[i%len(open)], &t.queries[int(n-1)%len(t.queries)]); err != nil {
				return err
			}
		}
		return nil
	})
	return c.tally(time.Since(began)), err
}

// shake opens a new connection for each query of load, some at once. With resume each of
// those who ask takes up its last session again where the server lets it: resumed
// tells how often.
func (t target) shake(ctx context.Context, load traffic, resume bool) (got tally, resumed int, err error) {
	var c count
	var again atomic.Int64
	began := time.Now()
	err = crew(load.sockets, func(int) error {
		mine := t
		mine.tls = t.tls.Clone()
		if resume {
			mine.tls.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		}
		mine.tls.VerifyConnection = func(s tls.ConnectionState) error {
			if s.DidResume {
				again.Add(1)
			}
			return nil
		}
		for n := c.next.Add(1); n <= int64(load.count); n = c.next.Add(1) {
			if err := mine.meet(ctx, &c, &load.queries[int(n-1)%len(load.queries)]); err != nil {
				return err
			}
		}
		return nil
	})
	return c.tally(time.Since(began)), int(again.Load()), err
}

// meet opens a connection, asks one query on it and closes it.
func (t target) meet(ctx context.Context, c *count, q *query) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := t.open(within)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		c.lost.Add(1)
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.close()
	return c.one(ctx, conn, q)
}

// crew runs n of work at once and returns the first error.
func crew(n int, work func(i int) error) error {
	var all sync.WaitGroup
	var once sync.Once
	var first error
	for i := range n {
		all.Go(func() {
			if err := work(i); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	all.Wait()
	return first
}

// reach says how the server is asked over an encrypted protocol.
func (r *running) reach(over protocol) target {
	addr := r.private
	if over == overHTTP2 || over == overHTTP3 {
		addr = r.web
	}
	return target{over: over, addr: addr, tls: r.client(), host: secureName, path: "/dns-query"}
}

// secured runs a workload of an encrypted protocol on one server. What opens and fills
// kept connections is not counted.
func (r *running) secured(ctx context.Context, w workload, round int) (figure, error) {
	to := r.reach(w.over)
	work := func(t traffic) (tally, int, error) { return to.shake(ctx, t, w.resume) }
	if !w.anew {
		open, err := to.several(ctx, w.sockets)
		defer func() {
			for _, c := range open {
				c.close()
			}
		}()
		if err != nil {
			return figure{}, err
		}
		work = func(t traffic) (tally, int, error) {
			got, err := pour(ctx, open, t)
			return got, 0, err
		}
	}
	warm := w.traffic
	warm.count = w.warm
	if _, _, err := work(warm); err != nil {
		return figure{}, fmt.Errorf("warming: %w", err)
	}
	before, _, err := r.usage()
	if err != nil {
		return figure{}, err
	}
	t, resumed, err := work(w.traffic)
	if err != nil {
		return figure{}, err
	}
	after, rss, err := r.usage()
	if w.resume && err == nil && resumed < t.right*9/10 {
		err = fmt.Errorf("%w: %d of %d", errNoResumption, resumed, t.right)
	}
	f := newFigure(r.name, w.name, round, t, after-before)
	f.RSS = rss
	return f, err
}

// errNoResumption is of a server that makes its clients shake hands anew.
var errNoResumption = errors.New("sessions are not taken up again")

// several opens n connections.
func (t target) several(ctx context.Context, n int) ([]channel, error) {
	within, cancel := context.WithTimeout(ctx, 5*patience)
	defer cancel()
	var all []channel
	for range n {
		c, err := t.open(within)
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}
