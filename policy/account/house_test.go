package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/store"
)

const (
	origin = "https://hearth.example:8443"
	words  = "purple kettle sings at dawn"
	other  = "nine grey boats under ice"
)

// house is a Book over a store, with a clock that stands unless it is set.
type house struct {
	*account.Book
	t    *testing.T
	bolt *store.Bolt
	ctx  context.Context

	mu    sync.Mutex
	clock time.Time
	told  []account.Notice
}

func open(t *testing.T, change ...func(*account.Config)) *house {
	t.Helper()
	h := &house{t: t, ctx: t.Context(), clock: time.Date(2026, 11, 18, 18, 0, 0, 0, time.UTC)}
	var err error
	h.bolt, err = store.Open(filepath.Join(t.TempDir(), "hearth.db"))
	h.ok(err)
	t.Cleanup(func() { _ = h.bolt.Close() })
	c := account.Config{
		Log: h.bolt, Name: "hearth.example", Origins: []string{origin},
		Now: func() time.Time {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.clock
		},
		Tell: func(n account.Notice) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.told = append(h.told, n)
		},
	}
	for _, f := range change {
		f(&c)
	}
	h.Book, err = account.Open(c)
	h.ok(err)
	return h
}

// realClock is for tests in a bubble of their own time.
func realClock(c *account.Config) { c.Now = nil }

func (h *house) later(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) refuses(err error, want account.Reason) {
	h.t.Helper()
	e := new(account.Error)
	if !errors.As(err, &e) || e.Reason != want {
		h.t.Fatalf("got %v, want an error of reason %d", err, want)
	}
}

// heard counts notices of an event to a household.
func (h *house) heard(e account.Event, household string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, told := range h.told {
		if told.Event == e && told.Household == household {
			n++
		}
	}
	return n
}

// at is a browser at an address.
func at(addr string) account.Client {
	return account.Client{Address: netip.MustParseAddr(addr), Label: "Firefox on Linux", Own: true}
}

// first sets the machine up: Anna, parent of a household.
func (h *house) first(household string) account.Signed {
	h.t.Helper()
	code, err := h.Setup(h.ctx)
	h.ok(err)
	s, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.1"), Code: code.Code, Household: household, Name: "Anna", Passphrase: words})
	h.ok(err)
	return s
}

// joins opens an account by an invitation of the machine.
func (h *house) joins(o account.Offer, passphrase string) account.Signed {
	h.t.Helper()
	i, err := h.Invite(h.ctx, account.Machine(), o)
	h.ok(err)
	s, err := h.Accept(h.ctx, account.Join{Client: at("192.0.2.2"), Code: i.Code, Passphrase: passphrase})
	h.ok(err)
	return s
}

func (h *house) signIn(c account.Client, household, name, passphrase string) (account.Signed, error) {
	return h.SignIn(h.ctx, account.Login{Client: c, Household: household, Name: name, Passphrase: passphrase})
}

// valid says whether a cookie is somebody's.
func (h *house) valid(cookie string) bool {
	h.t.Helper()
	_, err := h.Session(h.ctx, cookie)
	if err != nil {
		h.refuses(err, account.SignedOut)
	}
	return err == nil
}

// keys lists what the store holds, with its values if asked.
func (h *house) keys(values bool) (all []string) {
	h.t.Helper()
	s, err := h.bolt.Snapshot(h.ctx, "")
	h.ok(err)
	for _, e := range s.Entries {
		text := e.Key.String()
		if values {
			text += "=" + string(e.Value)
		}
		all = append(all, text)
	}
	return all
}

func (h *house) kinds(kind string) int {
	h.t.Helper()
	n := 0
	for _, k := range h.keys(false) {
		if strings.Contains(k, "/"+kind+"/") {
			n++
		}
	}
	return n
}

// metric reads one figure; labels are values in the order of their names.
func (h *house) metric(name string, labels ...string) float64 {
	h.t.Helper()
	r := prometheus.NewPedanticRegistry()
	h.ok(r.Register(h.Book))
	families, err := r.Gather()
	h.ok(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var got []string
			for _, l := range m.GetLabel() {
				got = append(got, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(got, labels) {
				return value(m)
			}
		}
	}
	h.t.Fatalf("there is no metric %s %v", name, labels)
	return 0
}

func value(m *dto.Metric) float64 {
	if m.GetCounter() != nil {
		return m.GetCounter().GetValue()
	}
	return m.GetGauge().GetValue()
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func numbered(pattern string, n int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf(pattern, n>>8&0xffff, n&0xff))
}
