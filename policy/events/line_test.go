package events

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/policy"
)

// router does what events say, as docs/events.md has it: its addresses are those that are cut.
type router struct {
	notes
	away, forget atomic.Bool
	cut          map[netip.Addr]bool
}

func (r *router) Deliver(ctx context.Context, event []byte) error {
	var e Event
	if r.away.Load() {
		return errors.New("it is away")
	}
	if r.forget.Swap(false) {
		r.cut = map[netip.Addr]bool{}
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	if e.Event == "reset" {
		r.cut = map[netip.Addr]bool{}
	}
	for _, a := range e.Addresses {
		switch {
		case e.What != all:
		case e.Event == Stop:
			r.cut[a] = true
		case e.Event == Go:
			delete(r.cut, a)
		}
	}
	return r.notes.Deliver(ctx, event)
}

// home is a family whose events go to receivers.
type home struct {
	t   *testing.T
	dir atomic.Pointer[policy.Directory]
	// at is where the tablet is beside its configured address.
	at    atomic.Pointer[netip.Addr]
	watch *Watch
	stop  func()
}

func newHome(t *testing.T, to ...Receiver) *home {
	t.Helper()
	h := &home{t: t}
	h.dir.Store(directory(t, family))
	h.start(to...)
	return h
}

func (h *home) start(to ...Receiver) {
	h.watch = New(Config{View: h.dir.Load, Deliver: to, Addresses: func(d *policy.Directory) map[*policy.Device][]netip.Addr {
		found := map[*policy.Device][]netip.Addr{}
		for _, house := range d.Households() {
			for _, v := range house.Devices {
				if a := h.at.Load(); a != nil && v.Name == "tablet" {
					found[v] = []netip.Addr{*a}
				}
			}
		}
		return found
	}})
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error)
	go func() { ended <- h.watch.Run(ctx) }()
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	}
	synctest.Wait()
}

// pauses has these members paused until somebody ends it, and nobody else.
func (h *home) pauses(members ...string) {
	var s policy.State
	for _, m := range members {
		s.Pauses = append(s.Pauses, policy.Pause{Subject: policy.Subject{Member: m}, At: time.Now().Unix()})
	}
	if err := h.dir.Load().Apply("h-home", s); err != nil {
		h.t.Error(err)
	}
	h.watch.Changed()
	pass(2 * time.Second)
}

// pass lets time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *home) cut(r *router, want ...string) {
	h.t.Helper()
	cut := map[netip.Addr]bool{}
	for _, a := range want {
		cut[netip.MustParseAddr(a)] = true
	}
	if diff := cmp.Diff(cut, r.cut, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		h.t.Errorf("the router cuts (-want): %s after\n%s", diff, strings.Join(r.lines, "\n"))
	}
}

// TestGoneDevicesGo: a stopped device that is removed, has another name or whose household is served no more gets
// its go, with the addresses of its stop; the one with another name is then stopped under that.
func TestGoneDevicesGo(t *testing.T) {
	const tablet = "      - {name: tablet, member: Kim, addresses: [192.168.1.20]}\n"
	for name, tt := range map[string]struct {
		story string
		want  []string
		cut   []string
	}{
		"removed": {strings.Replace(family, tablet, "", 1), []string{"Sat 00:10 go all pause h-home tablet Kim 192.168.1.20 Sat 00:10 -"}, nil},
		"renamed": {strings.Replace(family, "name: tablet", "name: slate", 1), []string{
			"Sat 00:10 go all pause h-home tablet Kim 192.168.1.20 Sat 00:10 -",
			"Sat 00:10 stop all pause h-home slate Kim 192.168.1.20 Sat 00:10 -",
		}, []string{"192.168.1.20"}},
		"disabled":     {strings.Replace(family, "    timezone: UTC", "    enabled: false\n    timezone: UTC", 1), []string{"Sat 00:10 go all pause h-home tablet Kim 192.168.1.20 Sat 00:10 -"}, nil},
		"no household": {"Nobody.\n-- expect --\n", []string{"Sat 00:10 go all pause h-home tablet Kim 192.168.1.20 Sat 00:10 -"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := new(router)
				h := newHome(t, got)
				h.pauses("Kim")
				h.cut(got, "192.168.1.20")
				pass(10 * time.Minute)
				before := len(got.lines)
				h.dir.Store(directory(t, tt.story))
				if len(h.dir.Load().Households()) > 0 {
					h.pauses("Kim")
				}
				h.watch.Changed()
				pass(10 * time.Second)
				h.stop()
				if diff := cmp.Diff(tt.want, got.lines[before:]); diff != "" {
					t.Error(diff)
				}
				h.cut(got, tt.cut...)
			})
		})
	}
}

// TestAwayRouterIsRightAgain: a router that was away for an hour knows afterwards who is stopped, also where it has
// forgotten all from before; and what is told then is what holds then.
func TestAwayRouterIsRightAgain(t *testing.T) {
	for name, forgets := range map[string]bool{"it remembers": false, "it was started anew": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := new(router)
				h := newHome(t, got)
				defer func() { h.stop() }()
				pass(12 * time.Hour)
				h.pauses("Kim")
				h.cut(got, "192.168.1.20")
				got.away.Store(true)
				h.pauses("Kim", "Anna")
				pass(30 * time.Minute)
				h.pauses("Anna")
				h.pauses("Kim", "Anna")
				pass(30 * time.Minute)
				got.forget.Store(forgets)
				got.away.Store(false)
				pass(5 * time.Minute)
				h.cut(got, "192.168.1.20", "192.168.1.21")
				quiet := len(got.lines)
				pass(time.Hour)
				if len(got.lines) > quiet {
					t.Errorf("nothing changed, and it is told on: %q", got.lines[quiet:])
				}
				got.away.Store(true)
				h.pauses()
				pass(time.Hour)
				got.away.Store(false)
				pass(5 * time.Minute)
				h.cut(got)
				if n := h.watch.failed.Load(); n == 0 {
					t.Error("nothing was counted")
				}
			})
		})
	}
}

// TestRefusedEventHoldsNothingUp: a receiver that never takes one device's events hears of the others, once. It is told anew
// when there is nothing more that it refuses.
func TestRefusedEventHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(notes)
		h := newHome(t, refusing{got})
		pass(12 * time.Hour)
		h.pauses("Kim", "Anna")
		pass(time.Hour)
		h.pauses()
		pass(time.Hour)
		h.stop()
		want := []string{
			"Sat 00:00 reset",
			"Sat 02:00 reset", // the tablet's homework is over
			"Sat 12:00 stop all pause h-home laptop Anna 192.168.1.21 Sat 12:00 -",
			"Sat 13:00 go all pause h-home laptop Anna 192.168.1.21 Sat 13:00 -",
			"Sat 13:00 reset",
		}
		if diff := cmp.Diff(want, got.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// refusing takes no event of the tablet.
type refusing struct{ *notes }

func (r refusing) Deliver(ctx context.Context, event []byte) error {
	if strings.Contains(string(event), `"tablet"`) {
		return errors.New("whose tablet?")
	}
	return r.notes.Deliver(ctx, event)
}

// TestReceiversDoNotWait: who is dead holds nobody else up, nor the end of the server.
func TestReceiversDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(notes)
		h := newHome(t, dead{}, got)
		pass(12 * time.Hour)
		h.pauses("Kim", "Anna")
		h.pauses()
		before := time.Now()
		h.stop()
		if took := time.Since(before); took > 0 {
			t.Errorf("the end waited for %v", took)
		}
		want := []string{
			"Sat 00:00 reset",
			"Sat 00:50 soon timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00",
			"Sat 01:00 stop timed window h-home tablet Kim 192.168.1.20 Sat 01:00 Sat 02:00",
			"Sat 02:00 go timed window h-home tablet Kim 192.168.1.20 Sat 02:00 Sun 20:00",
			"Sat 12:00 stop all pause h-home tablet Kim 192.168.1.20 Sat 12:00 -",
			"Sat 12:00 stop all pause h-home laptop Anna 192.168.1.21 Sat 12:00 -",
			"Sat 12:00 go all pause h-home tablet Kim 192.168.1.20 Sat 12:00 Sun 20:00",
			"Sat 12:00 go all pause h-home laptop Anna 192.168.1.21 Sat 12:00 -",
		}
		if diff := cmp.Diff(want, got.lines); diff != "" {
			t.Error(diff)
		}
	})
}

// dead is a web service that does not answer.
type dead struct{}

func (dead) Deliver(ctx context.Context, _ []byte) error {
	ctx, cancel := context.WithTimeout(ctx, webTime)
	defer cancel()
	<-ctx.Done()
	return ctx.Err()
}

func (dead) String() string { return "dead" }

// TestRestart: a router learns of stops that ended while Hearth was down, and keeps those that did not.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(router)
		h := newHome(t, got)
		pass(12 * time.Hour)
		h.pauses("Kim", "Anna")
		h.cut(got, "192.168.1.20", "192.168.1.21")
		h.stop()
		h.pauses("Anna") // nobody looks
		h.start(got)
		h.stop()
		h.cut(got, "192.168.1.21")
	})
}

// TestAddressesFollow: a stopped device that comes home or gets another address is cut there too, and nowhere any more
// once it may go on.
func TestAddressesFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(router)
		h := newHome(t, got)
		pass(12 * time.Hour)
		h.pauses("Kim")
		home := netip.MustParseAddr("2001:db8::20")
		h.at.Store(&home)
		pass(2 * time.Minute)
		h.cut(got, "192.168.1.20", "2001:db8::20")
		h.at.Store(nil)
		pass(time.Hour)
		h.pauses()
		h.cut(got)
		h.stop()
	})
}

// TestAddressesMove: a go names every address of its stop, also those the device left long ago, but none at which
// another device is stopped by now.
func TestAddressesMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := new(router)
		h := newHome(t, got)
		pass(12 * time.Hour)
		h.pauses("Kim")
		for _, a := range []string{"192.168.1.30", "192.168.1.40", "192.168.1.21"} {
			at := netip.MustParseAddr(a)
			h.at.Store(&at)
			pass(2 * time.Minute)
		}
		h.at.Store(nil)
		h.pauses("Kim", "Anna") // whose laptop is at the last of them
		h.pauses("Anna")
		h.cut(got, "192.168.1.21")
		h.pauses()
		h.cut(got)
		h.stop()
	})
}
