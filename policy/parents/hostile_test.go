package parents_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/store"
)

// TestBadGrantStopsNothing: a grant that nobody understands any more, because its category has left the configuration,
// neither keeps a parent from pausing nor a pause from being in force after a reload.
func TestBadGrantStopsNothing(t *testing.T) {
	h := open(t, families)
	must(h.Bolt.Put(t.Context(), store.Write{
		Key:   store.Key{Household: "one", Kind: "grant", ID: "old"},
		Value: []byte(`{"id":"old","subject":{"member":"Tom"},"kind":"category","value":"family.cars","at":1}`),
	}))
	h.Crash()
	_, err := h.Grant(t.Context(), one("Tom"), parents.Ask{Kind: policy.GrantCategory, Value: "family.cars", Span: parents.Span{For: "1h"}})
	h.refuses(err, parents.Refused)
	_, err = h.Pause(t.Context(), one("Mia"), parents.Span{})
	h.ok(err)
	h.doesNotGet("10.0.0.2", "plain.example")
	h.Between = func() { // a reload has compiled already
		h.Between = nil
		_, err := h.Pause(t.Context(), one("Tom"), parents.Span{})
		h.ok(err)
	}
	h.ok(h.Reload(t.Context()))
	h.doesNotGet("10.0.0.3", "plain.example")
}

// TestEnrolmentsYieldToAll: nor is what a parent writes about profiles, routers and networks refused for a device that
// was enrolled before; nobody knows the device then.
func TestEnrolmentsYieldToAll(t *testing.T) {
	before := strings.Replace(families, "profiles:", "profiles:\n  - {name: box, band: teen}", 1)
	for what, after := range map[string]string{
		"a profile that is gone":   families,
		"a router":                 strings.Replace(before, "networks: [10.0.0.0/24]", "networks: [10.0.0.0/24]\n    forwarders: [{address: 10.0.0.70}]", 1),
		"another family's network": strings.Replace(before, "networks: [10.0.1.0/24]", "networks: [10.0.1.0/24, 10.0.0.64/28]", 1),
	} {
		t.Run(what, func(t *testing.T) {
			h := open(t, before)
			code, err := h.Invite(t.Context(), one(""), parents.Assignment{Profile: "box"}, "box")
			h.ok(err)
			_, err = h.redeem(code.Code, "10.0.0.70")
			h.ok(err)
			h.write(after)
			h.ok(h.Reload(t.Context()))
			if c, _ := h.Question("10.0.0.70", "a.example"); c.Device != nil {
				t.Errorf("it is %+v", c)
			}
		})
	}
}

// TestRouterIsNoDevice: a code that comes from the address of a forwarder enrols nobody: all of the home would be its
// member. The code stays good.
func TestRouterIsNoDevice(t *testing.T) {
	h := open(t, strings.Replace(families, "networks: [10.0.0.0/24]", "networks: [10.0.0.0/24]\n    forwarders: [{address: 10.0.0.1}]", 1))
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr("10.0.0.1"), MAC: policy.MAC{2, 0, 0, 0, 0, 1}}}
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Anna"}}, "")
	h.ok(err)
	_, err = h.redeem(code.Code, "10.0.0.1")
	h.refuses(err, parents.Refused)
	_, err = h.redeem(code.Code, unknownDevice)
	h.ok(err)
}

// TestCodeIsGoodOnce: a code that has written a device down is used up, even if the device is not in force yet.
func TestCodeIsGoodOnce(t *testing.T) {
	h := open(t, families)
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr(unknownDevice), Name: "first"}}
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Anna"}}, "")
	h.ok(err)
	h.Renew = func(context.Context) error { return errors.New("somebody is writing the configuration") }
	if _, err = h.redeem(code.Code, unknownDevice); err == nil {
		t.Fatal("it is in force")
	}
	h.Renew = h.Reload
	_, err = h.redeem(code.Code, "10.0.0.78")
	h.refuses(err, parents.Refused)
}

// TestUsesAreBounded: whoever says over and over to use a shared device fills no store.
func TestUsesAreBounded(t *testing.T) {
	h := open(t, families)
	h.ok(h.SetPIN(t.Context(), one("Tom"), "8305"))
	use := func() error {
		_, err := h.Use(t.Context(), "one", "shared", "Tom", "8305", 30)
		return err
	}
	for range 6 {
		h.ok(use())
		h.ok(h.Leave(t.Context(), "one", "shared"))
	}
	h.refuses(use(), parents.Wait)
	h.At("2026-11-18 18:16")
	h.ok(use())
}

// TestThingsKeepWhatTheyLearned: what a thing was heard to ask for and what it learned goes with its name, and with it
// when it is removed: another device that gets the name later inherits nothing, and takes nothing away.
func TestThingsKeepWhatTheyLearned(t *testing.T) {
	h := open(t, families)
	enrol := func(name, at string) parents.Who {
		code, err := h.Invite(t.Context(), one(""), parents.Assignment{Profile: "things"}, name)
		h.ok(err)
		_, err = h.redeem(code.Code, at)
		h.ok(err)
		return parents.Who{Actor: machine, Household: "one", Device: name, By: "Anna"}
	}
	sheet := func(who parents.Who) (heard int, confirmed string) {
		s, err := h.Sheet(t.Context(), who)
		h.ok(err)
		if s.Learned != nil {
			confirmed = strings.Join(s.Learned.Confirmed, " ")
		}
		return len(s.Names), confirmed
	}
	first := enrol("bear", "10.0.0.70")
	_, err := h.Learn(t.Context(), first, "7d")
	h.ok(err)
	h.hears("cloud.example")
	_, err = h.ConfirmThing(t.Context(), first)
	h.ok(err)
	_, err = h.Rename(t.Context(), first, "old bear")
	h.ok(err)
	first.Device = "old bear"
	second := enrol("bear", "10.0.0.71")
	_, err = h.Learn(t.Context(), second, "7d")
	h.ok(err)
	if n, names := sheet(first); n != 1 || names != "cloud.example" {
		t.Errorf("renamed, it asked for %d names, and %q is confirmed", n, names)
	}
	if n, names := sheet(second); n != 0 || names != "" {
		t.Errorf("a new thing of the old name asked for %d names, and %q is confirmed", n, names)
	}
	h.hears("other.example")
	h.ok(h.Remove(t.Context(), second))
	if n, _ := sheet(enrol("bear", "10.0.0.72")); n != 0 {
		t.Errorf("a new thing of the removed one's name asked for %d names", n)
	}
}

// TestReadOnlyIsSaidOnce: where only the last snapshot serves, what has ended there is no error of each minute.
func TestReadOnlyIsSaidOnce(t *testing.T) {
	h := open(t, families)
	_, err := h.Pause(t.Context(), one("Tom"), parents.Span{For: "10m"})
	h.ok(err)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	h.ok(h.Bolt.Run(ctx, slog.New(slog.DiscardHandler))) // which writes the snapshot
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		desk := must(parents.Open(t.Context(), parents.Config{
			Log: store.Frozen(h.Path, errors.New("the card is worn out")), Directory: h.Live, Report: slog.New(slog.NewTextHandler(&log, nil)),
			Now: func() time.Time { return h.Clock().Add(time.Hour) },
		}))
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		if err := desk.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	if log.Len() > 0 {
		t.Errorf("the log says:\n%s", &log)
	}
}

// TestNoCodeWithoutState: where nothing can be written down nobody is given a code that would be of no use, but what to do.
func TestNoCodeWithoutState(t *testing.T) {
	h := open(t, families)
	desk := must(parents.Open(t.Context(), parents.Config{
		Log: store.Frozen(h.Path, errors.New("the card is worn out; write: hearth restore FILE")), Directory: h.Live, Now: h.Clock,
	}))
	code, err := desk.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Tom"}}, "")
	if !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), "hearth restore FILE") || code.Code != "" {
		t.Errorf("the code %q is given: %v", code.Code, err)
	}
	_, err = h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Tom"}}, "") // of YAML, with a store
	h.ok(err)
	_, list, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	if len(list) != 1 || list[0].What != "device invited" || list[0].Detail != "for Tom" || list[0].Until == 0 {
		t.Errorf("remembered: %+v", list)
	}
}

// behind is a log whose first watcher has missed too much.
type behind struct {
	store.Log
	once sync.Once
	gone chan struct{}
}

func (b *behind) Watch(ctx context.Context, prefix string, after uint64) iter.Seq2[[]store.Change, error] {
	missed := false
	b.once.Do(func() { missed = true })
	if !missed {
		return b.Log.Watch(ctx, prefix, after)
	}
	return func(yield func([]store.Change, error) bool) {
		<-b.gone
		yield(nil, store.ErrCompacted)
	}
}

// TestFollowAfterCompaction: what others wrote while this desk was away is in force once it has read the state anew.
func TestFollowAfterCompaction(t *testing.T) {
	h := open(t, families)
	log := &behind{Log: h.Bolt, gone: make(chan struct{})}
	renewed := make(chan struct{})
	away := must(parents.Open(t.Context(), parents.Config{
		Log: log, Directory: h.Live, Now: h.Clock,
		Renew:   func(context.Context) error { close(renewed); return nil },
		Written: h.Written,
	}))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = away.Run(ctx) }()
	_, err := h.Pause(t.Context(), one("Tom"), parents.Span{For: "10m"})
	h.ok(err)
	close(log.gone)
	select {
	case <-renewed:
	case <-time.After(20 * time.Second):
		t.Fatal("a pause that another desk wrote is not in force here")
	}
	if got := away.States()["one"].Pauses; len(got) != 1 {
		t.Errorf("it knows the pauses %v", got)
	}
}

// TestFollowBesideReaders: what others write is taken over while somebody tries a PIN, which the race detector judges.
func TestFollowBesideReaders(t *testing.T) {
	h := open(t, families)
	h.ok(h.SetPIN(t.Context(), one("Tom"), "8305"))
	other := must(parents.Open(t.Context(), parents.Config{
		Log: h.Bolt, Directory: h.Live, Renew: func(context.Context) error { return nil }, Now: h.Clock,
		Written: h.Written,
	}))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { _ = h.Run(ctx) })
	all.Go(func() {
		defer stop()
		for range 3 {
			if err := other.SetPIN(t.Context(), one("Tom"), "8306"); err != nil {
				t.Error(err)
			}
		}
	})
	for ctx.Err() == nil {
		_, err := h.Use(t.Context(), "one", "shared", "Mia", "8305", 30) // who has none
		h.refuses(err, parents.Refused)
		h.Later(time.Hour)
	}
	all.Wait()
}

// TestFullShare: a household whose share of the store is taken by remembered changes, as by somebody who tries things
// over and over, still does what a parent says; one whose share is taken otherwise is told so, and no other suffers.
func TestFullShare(t *testing.T) {
	h := open(t, families)
	h.fill("one", "audit")
	_, err := h.Pause(t.Context(), one("Mia"), parents.Span{For: "30m"})
	h.ok(err)
	h.doesNotGet("10.0.0.2", "plain.example")
	h.fill("two", "notice")
	_, err = h.Pause(t.Context(), parents.Who{Actor: machine, Household: "two", By: "Bo"}, parents.Span{For: "30m"})
	if !errors.Is(err, store.ErrFull) {
		t.Errorf("got %v, want that there is no room", err)
	}
	_, err = h.Pause(t.Context(), one("Tom"), parents.Span{For: "30m"})
	h.ok(err)
}

// fill takes the rest of a household's share of the store with records of a kind.
func (h *house) fill(household, kind string) {
	h.t.Helper()
	there := len(must(h.Bolt.Snapshot(h.t.Context(), household+"/")).Entries)
	for n := there; n < store.MaxShare; n += store.MaxBatch {
		writes := make([]store.Write, min(store.MaxBatch, store.MaxShare-n))
		for i := range writes {
			writes[i] = store.Write{Key: store.Key{Household: household, Kind: kind, ID: fmt.Sprintf("%011d-x", n+i)}, Value: []byte(`{"at": 1, "what": "x"}`)}
		}
		must(h.Bolt.Put(h.t.Context(), writes...))
	}
}
