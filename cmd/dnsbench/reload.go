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
	// steadyWindow is what may be in flight at that pace: an answer may take 25 ms
	// before the load waits for it, and the server's receive buffer holds it.
	steadyWindow = 500
	// flipEvery is how many other queries come between two for the name that turns.
	flipEvery = 50
	// reloadPause is how long a configuration serves before the next one.
	reloadPause = 300 * time.Millisecond
)

// worlds counts the reloads of a server: those asked for, and those that it has
// confirmed. Each turns the rule of flipName round.
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
// since until now. Only the answers for flipName depend on them.
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

// steady returns hits and blocked names in turn, and now and then flipName.
func (b *bench) steady() []query {
	hits, stopped := b.hits(), b.blocked(b.plan.hits)
	var all []query
	for i := range hits {
		all = append(all, hits[i], stopped[i])
		if i%(flipEvery/2) == 0 {
			all = append(all, newQuery(flipName, typeA, turning))
		}
	}
	return all
}

// whileReloading sends t while the server takes over one configuration after the
// other, and returns how many it took.
func (r *running) whileReloading(ctx context.Context, t traffic) (tally, int, error) {
	t.worlds = &worlds{}
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() { failed <- r.reloads(ctx, t.worlds, stop) }()
	got, err := load(ctx, r.addr, t)
	close(stop)
	return got, int(t.worlds.done.Load()), errors.Join(err, <-failed)
}

// reloads turns the rule of the household round until stop is closed, and once
// more if that leaves it turned.
func (r *running) reloads(ctx context.Context, w *worlds, stop <-chan struct{}) error {
	path := filepath.Join(r.dir, hearthFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading hearth's configuration: %w", err)
	}
	texts := [2]string{string(text), strings.Replace(string(text), allowFlip, denyFlip, 1)}
	for stopped := false; !stopped || w.done.Load()%2 == 1; {
		next := w.begun.Add(1)
		if err := replaceFile(path, texts[next%2]); err != nil {
			return err
		}
		var hashes struct{ Before, After string }
		if err := r.control(ctx, http.MethodPost, "/v1/reload", &hashes); err != nil {
			return err
		}
		w.done.Add(1)
		if hashes.Before == hashes.After {
			return fmt.Errorf("reload %d: hearth took over no other configuration than %s", next, hashes.After)
		}
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

// replaceFile puts text in place of a file at once: the server may read it at
// any moment.
func replaceFile(path, text string) error {
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil { //nolint:gosec // beside a file that this program wrote
		return fmt.Errorf("changing the configuration: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("changing the configuration: %w", err)
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
