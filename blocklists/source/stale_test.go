package source

import (
	"bytes"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStale: a list that its origin does not confirm for three refresh times is stale: said once, shown, and over with
// the next confirmation.
func TestStale(t *testing.T) {
	var log bytes.Buffer
	l, server, now := fetched(t, func(c *Config) { c.Sources[0].Refresh = 2 * time.Hour })
	l.config.Log = slog.New(slog.NewTextHandler(&log, nil))
	down := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	for _, step := range []struct {
		after  time.Duration
		answer http.HandlerFunc
		stale  bool
		said   int
	}{
		{6 * time.Hour, down, false, 0}, // not more than three times two hours
		{time.Second, down, true, 1},
		{24 * time.Hour, down, true, 1},
		{time.Hour, text(numbered(10)), true, 1}, // held back: what serves is not confirmed
		{time.Hour, text(numbered(100)), false, 1},
		{6*time.Hour + time.Second, down, true, 2},
	} {
		now.now = now.now.Add(step.after)
		server.set(step.answer)
		if _, err := l.Update(t.Context(), l.names()...); err != nil {
			t.Fatal(err)
		}
		if got := l.onlyStat().Stale; got != step.stale {
			t.Errorf("after %s: stale %t", step.after, got)
		}
		want := `hearth_list_stale{../../list} ` + map[bool]string{true: "1", false: "0"}[step.stale]
		if got := gather(t, l); !slices.Contains(got, want) {
			t.Errorf("after %s: no %s in %v", step.after, want, got)
		}
		if n := strings.Count(log.String(), "a list is stale"); n != step.said {
			t.Errorf("after %s: said %d times, want %d", step.after, n, step.said)
		}
	}
	if strings.Count(log.String(), "no longer stale") != 1 {
		t.Errorf("the end was not said once:\n%s", log.String())
	}
}

// TestStaleWithoutACopy: a list that never came counts from when it was first asked for, also by another process.
func TestStaleWithoutACopy(t *testing.T) {
	server, now := newListServer(t), newClock()
	server.set(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	config := Config{Sources: []Source{{Name: "l", URL: server.URL, Format: Domains, Categories: []string{"piracy"}, Private: true}}}
	l := open(t, LibraryConfig{Lists: config, Now: now.Now})
	wantResult(t, l, Failed, 0, "500")
	now.now = now.now.Add(3*defaultRefresh + time.Second)
	again := open(t, LibraryConfig{Dir: l.config.Dir, Lists: config, Now: now.Now})
	if !again.onlyStat().Stale {
		t.Errorf("stat %+v", again.onlyStat())
	}
}
