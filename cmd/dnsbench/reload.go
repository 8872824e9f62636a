//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// steadyPace is of the workload that is served while the configuration changes.
	steadyPace = 20_000
	// steadyWindow is what may be in flight at that pace: an answer may take 15 ms
	// before the load waits for it. The largest receive buffer that Linux lets a
	// program have by default holds so much, so that what is lost the server lost.
	steadyWindow = 300
	// turnEvery is how many other queries come between two for the name that turns.
	turnEvery = 50
	// reloadPause is how long a configuration serves before the next one.
	reloadPause = 300 * time.Millisecond
)

// worlds counts the reloads of a server: those asked for, and those that it has
// confirmed. Each turns one name round.
type worlds struct{ begun, done atomic.Int64 }

// before is how many reloads are over for certain.
func (w *worlds) before() int64 {
	if w == nil {
		return 0
	}
	return w.done.Load()
}

// until is how many reloads may be over.
func (w *worlds) until() int64 {
	if w == nil {
		return 0
	}
	return w.begun.Load()
}

// rightIn reports whether reply answers q as it must in one of the worlds from
// since until now. Only the answers for a name that turns depend on them.
func (q *query) rightIn(reply []byte, since, now int64) bool {
	if q.want != turning {
		return q.right(reply)
	}
	for world := since; world <= now; world++ {
		in := *q
		in.want = verdict(world % 2)
		if in.right(reply) {
			return true
		}
	}
	return false
}

// steady returns hits and blocked names in turn, and now and then one that turns.
func (b *bench) steady(turns string) []query {
	hits, stopped := b.hits(), b.blocked(b.plan.hits)
	var all []query
	for i := range hits {
		all = append(all, hits[i], stopped[i])
		if i%(turnEvery/2) == 0 {
			all = append(all, newQuery(turns, typeA, turning))
		}
	}
	return all
}

// change is a file of a running hearth and how it reads after an even and after an
// odd number of reloads.
type change struct {
	path  string
	texts [2]string
}

// changedRule turns the rule of the household round: a new World with the old index.
func (r *running) changedRule() (change, error) {
	c := change{path: filepath.Join(r.dir, hearthFile)}
	text, err := os.ReadFile(c.path)
	if err != nil {
		return change{}, fmt.Errorf("reading hearth's configuration: %w", err)
	}
	c.texts = [2]string{string(text), strings.Replace(string(text), allowRule, denyRule, 1)}
	return c, nil
}

// changedList puts a name on a list and takes it off again: all lists are compiled
// in the serving process, and the World gets a new index.
func (r *running) changedList() (change, error) { return onOff(r.place.keep), nil }

// onOff is the list that changes, in the folder of hearth's state.
func onOff(keep string) change {
	const always = "always.dnsbench.net\n"
	return change{filepath.Join(keep, onOffFile), [2]string{always, always + onOffName + "\n"}}
}

// put puts the text of a world in place of the file at once: the server may read it
// at any moment.
func (c change) put(world int64) error {
	fresh := c.path + ".new"
	if err := os.WriteFile(fresh, []byte(c.texts[world%2]), 0o600); err != nil { //nolint:gosec // beside a file that this program wrote
		return fmt.Errorf("changing %s: %w", c.path, err)
	}
	if err := os.Rename(fresh, c.path); err != nil {
		return fmt.Errorf("changing %s: %w", c.path, err)
	}
	return nil
}

// whileReloading sends t while the server takes over one change after the other,
// and returns how many it took.
func (r *running) whileReloading(ctx context.Context, t traffic, c change) (tally, int, error) {
	t.worlds = &worlds{}
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() { failed <- r.reloads(ctx, c, t.worlds, stop) }()
	got, err := load(ctx, r.addr, t)
	swaps := int(t.worlds.done.Load())
	close(stop)
	return got, swaps, errors.Join(err, <-failed)
}

// reloads changes the file and lets the server reload until stop is closed, and once
// more if that leaves it changed.
func (r *running) reloads(ctx context.Context, c change, w *worlds, stop <-chan struct{}) error {
	for stopped := false; !stopped || w.done.Load()%2 == 1; {
		if err := c.put(w.begun.Add(1)); err != nil {
			return err
		}
		if err := r.control(ctx, http.MethodPost, "/v1/reload", &struct{}{}); err != nil {
			return err
		}
		w.done.Add(1)
		select {
		case <-stop:
			stopped = true
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reloadPause):
		}
	}
	return nil
}

// control asks a running hearth on its control socket.
func (r *running) control(ctx context.Context, method, path string, result any) error {
	var d net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", filepath.Join(r.dir, hearthControl))
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "http://hearth"+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking hearth for %s: %w", path, err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return fmt.Errorf("asking hearth for %s: %w", path, err)
	}
	defer response.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		return fmt.Errorf("asking hearth for %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking hearth for %s: %s: %s", path, response.Status, strings.TrimSpace(text.String()))
	}
	if err := json.Unmarshal(text.Bytes(), result); err != nil {
		return fmt.Errorf("asking hearth for %s: %w", path, err)
	}
	return nil
}
