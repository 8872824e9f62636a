package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/store"
	"github.com/hearthdns/hearth/policy/tickets"
)

// The families of these tests. The first is the store's, the second stands in YAML; both have a Mia with a tablet. It is
// Wednesday, 18 November 2026, 12:00 in Berlin.
const families = `
profiles:
  - name: kids
    band: child
    schedule: {bedtime: {school: "20:00-07:00", free: "21:00-07:00"}}
    standing: [{minutes: 15, times: 2, per: day}]
  - name: teens
    band: teen
    schedule: {preset: true}
households:
  - id: one
    consent: {by: Anna, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Mia, profile: kids}
      - {name: Tom, profile: teens}
      - {name: Anna, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.0.2], id: k7m2q9x4w8t3bvnp}
      - {name: tom-phone, member: Tom, addresses: [10.0.0.4]}
      - {name: anna-laptop, member: Anna, addresses: [10.0.0.5]}
      - {name: robot, profile: things, addresses: [10.0.0.9]}
`

const neighbours = `
  - id: two
    consent: {by: Bert, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.1.0/24]
    members:
      - {name: Mia, band: child}
      - {name: Bert, band: adult}
    devices:
      - {name: mia-tablet, member: Mia, addresses: [10.0.1.2]}
      - {name: secret-phone, member: Bert, addresses: [10.0.1.3]}
`

const tom = "10.0.0.4"

var listed = map[string][]string{
	"adult.porn": {"naked.example"}, "money.gambling": {"casino.example"}, "fun.games": {"games.example"},
	"sec.malware": {"virus.example"}, "illegal.csam": {"forbidden.example"}, "illegal.order": {"ordered.example"}, "ok.help": {"help.example"},
}

var index = sync.OnceValue(func() *blocklists.Index {
	taxonomy := must(blocklists.NewTaxonomy())
	dir := must(os.MkdirTemp("", "hearth-api"))
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

// house is a server without a network: a configuration, a store, what is in force, and the API.
type house struct {
	*api.API
	t        *testing.T
	desk     *parents.Desk
	book     *account.Book
	post     *notify.Post
	tickets  *tickets.Desk
	controls *controls
	now      atomic.Int64
	work     sync.Mutex
	yaml     atomic.Pointer[policy.Config]
	live     atomic.Pointer[policy.Directory]
}

// open makes a house whose first family is the store's; change may change what its API stands on.
func open(t *testing.T, change ...func(*api.Config, *portal.Config)) *house {
	t.Helper()
	h := &house{t: t, controls: &controls{entries: []portal.ListEntry{
		{Source: "big", Categories: []string{"adult.porn"}, Entry: "naked.example", Line: 3},
		{Source: "court", Categories: []string{"illegal.order"}, Entry: "ordered.example", Line: 1},
		{Source: "bad", Categories: []string{"sec.malware"}, Entry: "virus.example", Line: 1},
		{Source: "court", Categories: []string{"illegal.order"}, Entry: "naked.example", Line: 2},
	}}}
	h.now.Store(must(time.ParseInLocation("2006-01-02 15:04", "2026-11-18 12:00", must(time.LoadLocation("Europe/Berlin")))).Unix())
	h.write(families + neighbours)
	log := must(store.Open(filepath.Join(t.TempDir(), "hearth.db")))
	t.Cleanup(func() { _ = log.Close() })
	h.live.Store(must(policy.Compile(policy.CompileConfig{Index: index(), Now: h.clock()})))
	h.desk = must(parents.Open(t.Context(), parents.Config{
		Log: log, Directory: h.live.Load, Renew: h.reload, Now: h.clock, Written: h.written, Presence: somebody{},
	}))
	h.ok(h.reload(t.Context()))
	_, err := h.desk.Adopt(t.Context(), parents.Who{Household: "one", Actor: parents.Actor{Role: parents.Machine}}, "")
	h.ok(err)
	h.write(strings.Split(families, "households:")[0] + "households:" + neighbours)
	h.ok(h.reload(t.Context()))
	h.book = must(account.Open(account.Config{Log: log, Now: h.clock}))
	h.tickets = must(tickets.New(t.Context(), tickets.Config{Log: log, Folder: filepath.Join(t.TempDir(), "tickets"), Now: h.clock, Look: lookUp, Taxonomy: func() *blocklists.Taxonomy { return index().Taxonomy() }}))
	h.post = must(notify.New(notify.Config{Log: log, State: t.TempDir(), Words: func(notify.Draft) notify.Text { return notify.Text{Title: "x"} }, Now: h.clock, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		return nil, errors.New("there is no network")
	}}))
	pages := portal.Config{Name: "hearth.test.arpa", View: h.live.Load, Now: h.clock, Find: h.controls.Find, Desk: h.desk, Enrolment: &portal.Enrolment{Name: "dns.example.org", TLS: 853}}
	c := api.Config{View: h.live.Load, Control: h.controls, Desk: h.desk, Activity: &memoir{live: h.live.Load}, Accounts: h.book, Post: h.post, Tickets: h.tickets, Now: h.clock}
	for _, change := range change {
		change(&c, &pages)
	}
	c.Portal = must(portal.New(pages))
	h.API = must(api.New(c))
	return h
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) clock() time.Time { return time.Unix(h.now.Load(), 0).UTC() }

func (h *house) write(text string) {
	h.t.Helper()
	var c policy.Config
	h.ok(yaml.UnmarshalWithOptions([]byte(text), &c, yaml.Strict()))
	h.yaml.Store(&c)
}

func (h *house) written() (policy.Config, func(string) string) {
	c := *h.yaml.Load()
	return c, func(id string) string {
		if slices.ContainsFunc(c.Households, func(x policy.HouseholdConfig) bool { return x.ID == id }) {
			return "hearth.yaml:1"
		}
		return ""
	}
}

func (h *house) reload(context.Context) error {
	h.work.Lock()
	defer h.work.Unlock()
	people, err := h.desk.People(*h.yaml.Load())
	if err != nil {
		return err
	}
	dir, err := policy.Compile(policy.CompileConfig{Config: people, Index: index(), States: h.desk.States(), Now: h.clock(), Own: must(blocklists.ParseName("hearth.test.arpa"))})
	if err != nil {
		return err
	}
	h.desk.Install(dir, *h.yaml.Load(), func() { h.live.Store(dir) })
	return nil
}

// somebody is a device that nobody knows, in the first family's network.
type somebody struct{}

func (somebody) Seen() []parents.Seen {
	return []parents.Seen{{Address: netip.MustParseAddr("10.0.0.77"), Name: "visitor"}, {Address: netip.MustParseAddr("10.0.1.77"), Name: "neighbour"}}
}

func (s somebody) Find(a netip.Addr) (parents.Seen, bool) {
	all := s.Seen()
	i := slices.IndexFunc(all, func(s parents.Seen) bool { return s.Address == a })
	return all[max(i, 0)], i >= 0
}

// lookUp tells what the lists of these tests say of a name.
func lookUp(_ context.Context, name blocklists.Name) (s tickets.Standing, _ error) {
	for id, names := range listed {
		if slices.Contains(names, name.String()) {
			s.Illegal = s.Illegal || strings.HasPrefix(id, "illegal.")
			s.Claims = append(s.Claims, tickets.Claim{Category: id, List: "big"})
		}
	}
	return s, nil
}

// wants has a child ask for a name, from an address.
func (h *house) wants(from, name string, mistake bool) parents.Request {
	h.t.Helper()
	dir := h.live.Load()
	c := dir.Identify(netip.MustParseAddr(from))
	n := must(blocklists.ParseName(name))
	q := dir.Ask(n, new(blocklists.Hashes))
	return must(h.desk.Request(h.t.Context(), c, parents.Wish{Name: n.String(), Question: q, Decision: c.Decide(&q, h.clock()), Mistake: mistake}))
}

// ask sends a request as the machine's owner.
func (h *house) ask(method, path, body string) *httptest.ResponseRecorder {
	return request(h.Local(), method, path, body)
}

// want sends one, wants a status, and reads the answer.
func want[T any](h *house, status int, method, path, body string) (v T) {
	h.t.Helper()
	w := h.ask(method, path, body)
	if w.Code != status {
		h.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		h.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
	return v
}

func request(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// memoir is an Activity of the tests. It knows who there is, and remembers one day of each.
type memoir struct{ live func() *policy.Directory }

func (m *memoir) whom(of string) (household, person string, err error) {
	household, person, _ = strings.Cut(of, "/")
	h, there := m.live().Household(household)
	if !there || person != "" && person != "guests" && !h.Has(person) {
		return "", "", &portal.QueryError{Field: "of", Unknown: true, Problem: "nobody is called " + of + ": write HOUSEHOLD/MEMBER"}
	}
	return household, person, nil
}

func (m *memoir) Show(_ context.Context, of, day string) (policy.ActivityReport, error) {
	household, person, err := m.whom(of)
	if err == nil && day != "" && day != "today" && len(day) != len(time.DateOnly) {
		err = &portal.QueryError{Field: "day", Problem: "this is no day: write YYYY-MM-DD"}
	}
	r := policy.ActivityReport{Household: household, Person: person, Days: []policy.ActivityDay{}}
	for i := range 3 {
		r.Days = append(r.Days, policy.ActivityDay{Person: "Mia", Day: fmt.Sprintf("2026-11-1%d", i), Sums: []policy.ActivitySum{{Verdict: "allowed", Count: 812}}})
	}
	return r, err
}

func (m *memoir) Export(_ context.Context, of string) (policy.ActivityExport, error) {
	household, person, err := m.whom(of)
	return policy.ActivityExport{Household: household, Person: person, Partitions: []policy.ActivityKept{{Kind: "day", Day: "2026-11-17", Records: json.RawMessage(`[1]`)}}, State: []policy.ActivityRecord{}}, err
}

func (m *memoir) Erase(_ context.Context, of string, all bool) (policy.ActivityErased, error) {
	household, person, _ := strings.Cut(of, "/")
	if person == "" && !all {
		return policy.ActivityErased{}, &portal.QueryError{Field: "of", Problem: "who is meant is missing: write HOUSEHOLD/MEMBER"}
	}
	return policy.ActivityErased{Household: household, Person: person, Partitions: 3}, nil
}

func (m *memoir) Companions(_ context.Context, of string) ([]policy.Companion, error) {
	_, _, err := m.whom(of)
	return []policy.Companion{}, err
}

func (m *memoir) Notices(_ context.Context, of string, _ bool) ([]policy.NoticeReport, error) {
	household, _, err := m.whom(of)
	return []policy.NoticeReport{{ID: "n", Kind: policy.NoticeLearned, Device: household + "-robot", Text: "It has learned."}}, err
}

func (m *memoir) Devices(_ context.Context, of string) ([]policy.Sighting, error) {
	_, _, err := m.whom(of)
	return []policy.Sighting{}, err
}

func (m *memoir) Seen(context.Context, string) error { return nil }
func (m *memoir) Settle() error                      { return nil }

// controls is a Control that a test can look into.
type controls struct {
	entries []portal.ListEntry
	mu      sync.Mutex
	updated []string
	flushed []string
	broken  error
}

func (c *controls) Status(context.Context) api.Status {
	return api.Status{Version: "1.2.3", Listeners: []string{}, Upstreams: []string{}}
}

func (c *controls) Reload(context.Context) (api.Reloaded, error) {
	return api.Reloaded{Before: "a", After: "b", Changed: []string{"one: Tom is a teen now"}}, c.broken
}

func (c *controls) Lists() api.Lists { return c }
func (c *controls) Cache() api.Cache { return answers{c} }
func (c *controls) State() api.State { return kept{c} }

// kept is the state of controls: a line, or half of one where it is broken.
type kept struct{ of *controls }

func (k kept) Refused() error { return k.of.broken }

func (k kept) Backup(w io.Writer) error {
	_, _ = io.WriteString(w, "half")
	return k.of.broken
}

func (k kept) Export(_ context.Context, w io.Writer, household string) error {
	if k.of.broken != nil {
		return k.of.broken
	}
	_, err := fmt.Fprintf(w, "{%q: 1}", household)
	return err
}

// answers is the cache of controls, which forgets seven answers whatever it is told.
type answers struct{ of *controls }

func (a answers) Stats(context.Context) (api.CacheStats, error) {
	return api.CacheStats{Hits: 3, Entries: 9, Limit: 1 << 20}, a.of.broken
}

func (a answers) Flush(_ context.Context, name blocklists.Name, subtree bool) (int, error) {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.of.flushed = append(a.of.flushed, fmt.Sprint(name, " ", subtree))
	return 7, a.of.broken
}

func (c *controls) Stats(context.Context) ([]api.ListStat, error) {
	return []api.ListStat{{Name: "starter", Names: 7, Categories: []string{"adult.porn"}}, {Name: "court", Names: 1, Categories: []string{"illegal.order"}}}, c.broken
}

func (c *controls) Find(_ context.Context, name string) (portal.ListFound, error) {
	out := portal.ListFound{Entries: []portal.ListEntry{}, Categories: []portal.ListAgreement{}}
	for _, e := range c.entries {
		if e.Entry == name {
			out.Entries = append(out.Entries, e)
			for _, id := range e.Categories {
				out.Categories = append(out.Categories, portal.ListAgreement{Category: id, Sources: []string{e.Source}, Independent: 1, SingleSource: true})
			}
		}
	}
	return out, c.broken
}

func (c *controls) Diff(_ context.Context, from, to string) (api.ListDiff, error) {
	if !slices.Contains([]string{"one", "bad"}, from) {
		return api.ListDiff{}, errors.New("no list is named so: hearth lists stats shows them")
	}
	return api.ListDiff{From: from, To: to, Added: api.ListChanges{Count: 1, Examples: []string{"new.example"}}}, c.broken
}

func (c *controls) Lint(context.Context) (api.ListLint, error) {
	return api.ListLint{Findings: []api.ListFinding{{Source: "starter", Kind: "redundant", Count: 3, Of: 7}}}, c.broken
}

func (c *controls) Accept(_ context.Context, name string) (api.ListUpdate, error) {
	return api.ListUpdate{Name: name, Outcome: "updated"}, c.broken
}

func (c *controls) Update(_ context.Context, names ...string) ([]api.ListUpdate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.updated = append(c.updated, names...)
	return []api.ListUpdate{{Name: "starter", Outcome: "unchanged"}}, c.broken
}
