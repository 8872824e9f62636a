package parents_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
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

// The families of these tests. Mia is 8, Tom 14, Anna and Bert grown up; Mia and Tom share a tablet. In the second
// family there are again a Mia and a tablet. It is Wednesday, 18 November 2026, 18:00 in Berlin.
const families = `
profiles:
  - name: kids
    band: child
    schedule: {bedtime: {school: "20:00-07:00", free: "21:00-07:00"}}
    standing: [{minutes: 15, times: 2, per: day}]
  - name: owl
    band: teen
    schedule: {bedtime: {school: "00:30-07:00", free: "off"}}
households:
  - id: one
    consent: {by: Anna, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Mia, profile: kids}
      - {name: Tom, profile: owl}
      - {name: Anna, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.0.2]}
      - {name: tom-phone, member: Tom, addresses: [10.0.0.3]}
      - {name: shared, members: [Mia, Tom], addresses: [10.0.0.4]}
      - {name: anna-laptop, member: Anna, addresses: [10.0.0.5]}
  - id: two
    consent: {by: Bert, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.1.0/24]
    members:
      - {name: Mia, band: child}
      - {name: Bert, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.1.2]}
`

var listed = map[string][]string{
	"adult.porn": {"naked.example", "naked.bot.example"}, "harm.alcohol": {"vodka.example"}, "money.gambling": {"casino.example"}, "social.networks": {"social.example"},
	"sec.malware": {"virus.example"}, "illegal.csam": {"forbidden.example"}, "ok.help": {"help.example"},
	"misinfo": {"stars.example"}, "harm.selfharm": {"hurt.example"}, "fun.ai": {"bot.example"},
}

var index = sync.OnceValue(func() *blocklists.Index {
	taxonomy := must(blocklists.NewTaxonomy())
	dir := must(os.MkdirTemp("", "hearth-parents"))
	defer os.RemoveAll(dir)
	b := must(blocklists.NewBuilder(blocklists.BuilderConfig{Dir: dir, Taxonomy: taxonomy, Memory: 1 << 16}))
	for id, names := range listed {
		list := b.List(must(taxonomy.Select(id)))
		for _, text := range names {
			if err := b.Add(list, blocklists.Entry{Name: must(blocklists.ParseName(text))}); err != nil {
				panic(err)
			}
		}
	}
	defer b.Close()
	var file bytes.Buffer
	must(b.Build(context.Background(), &file))
	return must(blocklists.ReadIndex(file.Bytes()))
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// house is a server without a network: a configuration, a store, and what is in force.
type house struct {
	*parents.Desk
	t    *testing.T
	path string
	bolt *store.Bolt
	seen *neighbours
	now  atomic.Int64
	work sync.Mutex
	yaml atomic.Pointer[policy.Config]
	live atomic.Pointer[policy.Directory]

	between func() // what happens in a reload after it has compiled
}

type neighbours struct{ list []parents.Seen }

func (n *neighbours) Seen() []parents.Seen { return n.list }

func (n *neighbours) Find(a netip.Addr) (parents.Seen, bool) {
	i := slices.IndexFunc(n.list, func(s parents.Seen) bool { return s.Address == a })
	if i < 0 {
		return parents.Seen{}, false
	}
	return n.list[i], true
}

func open(t *testing.T, text string) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "hearth.db"), seen: &neighbours{}}
	h.at("2026-11-18 18:00")
	h.write(text)
	h.start()
	t.Cleanup(func() { _ = h.bolt.Close() })
	return h
}

// write changes the YAML; reload puts it in force.
func (h *house) write(text string) {
	h.t.Helper()
	var c policy.Config
	if err := yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()); err != nil {
		h.t.Fatal(err)
	}
	h.yaml.Store(&c)
}

func (h *house) start() {
	h.t.Helper()
	h.bolt = must(store.Open(h.path))
	h.live.Store(must(policy.Compile(policy.CompileConfig{Config: policy.Config{}, Index: index(), Now: h.clock()})))
	h.Desk = must(parents.Open(h.t.Context(), parents.Config{
		Log: h.bolt, Directory: h.live.Load, Renew: h.reload, Now: h.clock, Presence: h.seen,
		Written: func() (policy.Config, func(string) string) {
			c := *h.yaml.Load()
			return c, func(id string) string {
				for i := range c.Households {
					if c.Households[i].ID == id {
						return "hearth.yaml:1"
					}
				}
				return ""
			}
		},
	}))
	if err := h.reload(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// crash starts anew with the file as it is on disk.
func (h *house) crash() {
	h.t.Helper()
	if err := h.bolt.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

func (h *house) clock() time.Time { return time.Unix(h.now.Load(), 0).UTC() }

// at sets the clock of the wall in Berlin.
func (h *house) at(text string) {
	h.t.Helper()
	h.now.Store(must(time.ParseInLocation("2006-01-02 15:04", text, must(time.LoadLocation("Europe/Berlin")))).Unix())
}

func (h *house) reload(context.Context) error {
	h.work.Lock()
	defer h.work.Unlock()
	people, err := h.People(*h.yaml.Load())
	if err != nil {
		return err
	}
	dir, err := policy.Compile(policy.CompileConfig{Config: people, Index: index(), States: h.States(), Now: h.clock()})
	if err != nil {
		return err
	}
	if h.between != nil {
		h.between()
	}
	h.Install(dir, *h.yaml.Load(), func() { h.live.Store(dir) })
	return nil
}

// blocked says whether a device does not get a name.
func (h *house) blocked(addr, name string) bool {
	h.t.Helper()
	c, q := h.asks(addr, name)
	d := c.Decide(&q, h.clock())
	return d.Blocks()
}

// asks is a device with a question.
func (h *house) asks(addr, name string) (policy.Client, policy.Question) {
	dir := h.live.Load()
	return dir.Identify(netip.MustParseAddr(addr)).Now(h.clock()), dir.Ask(must(blocklists.ParseName(name)), new(blocklists.Hashes))
}

func (h *house) gets(addr, name string)       { h.t.Helper(); h.expect(addr, name, false) }
func (h *house) doesNotGet(addr, name string) { h.t.Helper(); h.expect(addr, name, true) }

func (h *house) expect(addr, name string, blocked bool) {
	h.t.Helper()
	if h.blocked(addr, name) != blocked {
		h.t.Errorf("at %s: %s asks for %s: blocked is %v, want %v", h.clock().Format("Mon 15:04 MST"), addr, name, !blocked, blocked)
	}
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refuses wants an error of a reason.
func (h *house) refuses(err error, want parents.Reason) *parents.Error {
	h.t.Helper()
	var e *parents.Error
	if !errors.As(err, &e) || e.Reason != want {
		h.t.Fatalf("got the error %v, want one of reason %d", err, want)
	}
	return e
}

func one(member string) parents.Who {
	return parents.Who{Actor: machine, Household: "one", Member: member, By: "Anna"}
}

// machine may do everything: these tests are about what is done, role_test.go about who may.
var machine = parents.Actor{Role: parents.Machine}

// of is a household, for whoever may do everything.
func of(household string) parents.Who {
	return parents.Who{Household: household, Actor: machine}
}
