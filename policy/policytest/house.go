// Package policytest is a house for tests: what is in force, what is kept and who may do what, without a network. Nothing
// but tests imports it. Its clock stands unless it is set, and goes by the time of Berlin.
package policytest

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/store"
)

// Own is the name of the server, and File where its configuration stands.
const (
	Own  = "hearth.test.arpa"
	File = "hearth.yaml:1"
)

// House is a server without a network: a configuration, a store, the desk of parents, and what is in force.
type House struct {
	*parents.Desk
	Path    string // of the store
	Bolt    *store.Bolt
	Seen    []parents.Seen // what is on the network
	Between func()         // what happens in a reload after it has compiled; nil: nothing

	t       testing.TB
	index   *blocklists.Index
	change  func(*parents.Config)
	clock   atomic.Int64
	written atomic.Pointer[policy.Config]
	live    atomic.Pointer[policy.Directory]
	work    sync.Mutex
}

// Open makes a house at a time such as "2026-11-18 18:00". change may change what its desk stands on; nil leaves it.
func Open(t testing.TB, index *blocklists.Index, at string, written policy.Config, change func(*parents.Config)) *House {
	t.Helper()
	h := &House{t: t, Path: filepath.Join(t.TempDir(), "hearth.db"), index: index, change: change}
	h.At(at)
	h.Write(written)
	h.start()
	t.Cleanup(func() { _ = h.Bolt.Close() })
	return h
}

// Read reads a configuration of YAML.
func Read(t testing.TB, text string) (c policy.Config) {
	t.Helper()
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil && text != "" {
		t.Fatal(err)
	}
	return c
}

func (h *House) start() {
	h.t.Helper()
	var err error
	if h.Bolt, err = store.Open(h.Path); err != nil {
		h.t.Fatal(err)
	}
	empty, err := policy.Compile(policy.CompileConfig{Index: h.index, Now: h.Clock()})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Enforce(empty)
	c := parents.Config{Log: h.Bolt, Directory: h.Live, Renew: h.Reload, Written: h.Written, Now: h.Clock, Presence: network{h}}
	if h.change != nil {
		h.change(&c)
	}
	if h.Desk, err = parents.Open(h.t.Context(), c); err == nil {
		err = h.Reload(h.t.Context())
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// Crash starts it anew with the store as it is on disk.
func (h *House) Crash() {
	h.t.Helper()
	if err := h.Bolt.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

// Write changes the configuration; Reload puts it in force.
func (h *House) Write(c policy.Config) { h.written.Store(&c) }

// Written implements what parents.Config needs.
func (h *House) Written() (policy.Config, func(household string) string) {
	c := *h.written.Load()
	return c, func(id string) string {
		if slices.ContainsFunc(c.Households, func(one policy.HouseholdConfig) bool { return one.ID == id }) {
			return File
		}
		return ""
	}
}

// Reload puts what is written and what is kept in force.
func (h *House) Reload(context.Context) error {
	h.work.Lock()
	defer h.work.Unlock()
	written := *h.written.Load()
	people, err := h.People(written)
	if err != nil {
		return err
	}
	own, _ := blocklists.ParseName(Own)
	dir, err := policy.Compile(policy.CompileConfig{Config: people, Index: h.index, States: h.States(), Now: h.Clock(), Own: own})
	if err != nil {
		return err
	}
	if h.Between != nil {
		h.Between()
	}
	h.Install(dir, written, func() { h.Enforce(dir) })
	return nil
}

// Live is what is in force.
func (h *House) Live() *policy.Directory { return h.live.Load() }

// Enforce puts something else in force.
func (h *House) Enforce(d *policy.Directory) { h.live.Store(d) }

// Clock is the time.
func (h *House) Clock() time.Time { return time.Unix(h.clock.Load(), 0).UTC() }

// At sets the clock.
func (h *House) At(text string) {
	h.t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	at, failed := time.ParseInLocation("2006-01-02 15:04", text, berlin)
	if err := errors.Join(err, failed); err != nil {
		h.t.Fatal(err)
	}
	h.clock.Store(at.Unix())
}

// Later moves the clock on.
func (h *House) Later(d time.Duration) { h.clock.Add(int64(d / time.Second)) }

// Question is the device of an address with a question.
func (h *House) Question(addr, name string) (policy.Client, policy.Question) {
	h.t.Helper()
	n, err := blocklists.ParseName(name)
	if err != nil {
		h.t.Fatal(err)
	}
	dir := h.Live()
	return dir.Identify(netip.MustParseAddr(addr)).Now(h.Clock()), dir.Ask(n, new(blocklists.Hashes))
}

// Wish is what who sits at a device would ask their parents for, where a name is blocked.
func (h *House) Wish(addr, name string) (policy.Client, parents.Wish) {
	h.t.Helper()
	c, q := h.Question(addr, name)
	w := parents.Wish{Name: name, Question: q, TTL: 10}
	if c.Profile != nil {
		w.Decision = c.Decide(&q, h.Clock())
	}
	return c, w
}

// Machine is a household for whoever may do everything.
func Machine(household string) parents.Who {
	return parents.Who{Household: household, Actor: parents.Actor{Role: parents.Machine}}
}

// network implements parents.Presence.
type network struct{ h *House }

func (n network) Seen() []parents.Seen { return n.h.Seen }

func (n network) Find(a netip.Addr) (parents.Seen, bool) {
	i := slices.IndexFunc(n.h.Seen, func(s parents.Seen) bool { return s.Address == a })
	if i < 0 {
		return parents.Seen{}, false
	}
	return n.h.Seen[i], true
}
