//go:build linux

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// TestWorlds holds that an answer for the name that turns must be that of a World
// which served between its query and itself.
func TestWorlds(t *testing.T) {
	q := newQuery(ruledName, typeA, turning)
	free, stopped := reply(t, q, nil, ruledName+". 60 IN A 192.0.2.1"), reply(t, q, nil, ruledName+". 60 IN A 127.0.0.1")
	for _, c := range []struct {
		since, now            int64
		mayPass, mayBeStopped bool
	}{{0, 0, true, false}, {0, 1, true, true}, {1, 1, false, true}, {1, 2, true, true}, {2, 2, true, false}, {3, 3, false, true}} {
		if got := q.rightIn(free, c.since, c.now); got != c.mayPass {
			t.Errorf("reloads %d to %d: allowed is right: %v", c.since, c.now, got)
		}
		if got := q.rightIn(stopped, c.since, c.now); got != c.mayBeStopped {
			t.Errorf("reloads %d to %d: blocked is right: %v", c.since, c.now, got)
		}
	}
	other := newQuery("www.example.net", typeA, allowed)
	if other.rightIn(reply(t, other, nil, "www.example.net. 60 IN A 127.0.0.1"), 0, 1) {
		t.Error("a reload may not block another name")
	}
}

// pretender answers as hearth does, and on its control socket takes over the rule
// of its configuration if it obeys.
func pretender(t *testing.T, obeys bool) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "pretender") // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write(t, filepath.Join(dir, hearthFile), "rules: [{"+allowRule+"}]\n", false)
	var denies atomic.Bool
	addr := answering(t, func(q *dns.Msg) *dns.Msg {
		m := truly(q)
		if denies.Load() && strings.HasPrefix(q.Question[0].Name, ruledName) {
			rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 127.0.0.1")
			m.Answer = []dns.RR{rr}
		}
		return m
	})
	l, err := net.Listen("unix", filepath.Join(dir, hearthControl))
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, _ := os.ReadFile(filepath.Join(dir, hearthFile))
		if obeys {
			denies.Store(strings.Contains(string(text), denyRule))
		}
		fmt.Fprintln(w, "{}")
	})}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	return &running{place: place{addr: addr.(*net.UDPAddr).AddrPort(), dir: dir}}
}

// TestReloadIsSeen holds that a server which turns its rule round gives no wrong
// answer, and that one which says so and does not is found out.
func TestReloadIsSeen(t *testing.T) {
	for _, obeys := range []bool{true, false} {
		t.Run(fmt.Sprint(obeys), func(t *testing.T) {
			t.Parallel()
			r := pretender(t, obeys)
			queries := append(ask(3), newQuery(ruledName, typeA, turning))
			c, err := r.changedRule()
			if err != nil {
				t.Fatal(err)
			}
			got, swaps, err := r.whileReloading(t.Context(), traffic{queries: queries, count: 2000, window: 20, sockets: 2, rate: 2000}, c)
			if err != nil {
				t.Fatal(err)
			}
			if swaps < 2 || got.lost != 0 || (got.wrong == 0) != obeys {
				t.Errorf("%d reloads, %d wrong, %d lost", swaps, got.wrong, got.lost)
			}
			text, _ := os.ReadFile(filepath.Join(r.dir, hearthFile))
			if !strings.Contains(string(text), allowRule) {
				t.Error("the configuration stays turned round")
			}
		})
	}
}
