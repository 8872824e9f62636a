package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
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

var index = sync.OnceValue(func() *blocklists.Index { return policytest.Index(listed) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// house is a house with the API.
type house struct {
	*policytest.House
	*api.API
	t        *testing.T
	book     *account.Book
	post     *notify.Post
	tickets  *tickets.Desk
	controls *controls
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
	h.House = policytest.Open(t, index(), "2026-11-18 12:00", policytest.Read(t, families+neighbours), nil)
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr("10.0.0.77"), Name: "visitor"}, {Address: netip.MustParseAddr("10.0.1.77"), Name: "neighbour"}}
	_, err := h.Adopt(t.Context(), policytest.Machine("one"), "")
	h.ok(err)
	h.write(strings.Split(families, "households:")[0] + "households:" + neighbours)
	h.book = must(account.Open(account.Config{Log: h.Bolt, Now: h.Clock}))
	h.tickets = must(tickets.New(t.Context(), tickets.Config{Log: h.Bolt, Folder: filepath.Join(t.TempDir(), "tickets"), Now: h.Clock, Look: lookUp, Taxonomy: func() *blocklists.Taxonomy { return index().Taxonomy() }}))
	h.post = must(notify.New(notify.Config{Log: h.Bolt, State: t.TempDir(), Words: func(notify.Draft) notify.Text { return notify.Text{Title: "x"} }, Now: h.Clock, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		return nil, errors.New("there is no network")
	}}))
	pages := portal.Config{Name: policytest.Own, View: h.Live, Now: h.Clock, Find: h.controls.Find, Desk: h.Desk, Enrolment: &portal.Enrolment{Name: "dns.example.org", TLS: 853}}
	c := api.Config{View: h.Live, Control: h.controls, Desk: h.Desk, Activity: &memoir{live: h.Live}, Accounts: h.book, Post: h.post, Tickets: h.tickets, Now: h.Clock}
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

// write puts other YAML in force.
func (h *house) write(text string) {
	h.t.Helper()
	h.Write(policytest.Read(h.t, text))
	h.ok(h.Reload(h.t.Context()))
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
	c, w := h.Wish(from, name)
	w.Mistake = mistake
	return must(h.Request(h.t.Context(), c, w))
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
	return []api.ListStat{{
		Name: "starter", Names: 7, Categories: []string{"adult.porn"}, FetchedAt: time.Date(2026, 11, 17, 3, 0, 0, 0, time.UTC), Stale: true, Format: "domains", From: "https://lists.example/starter",
		Rejected: map[string]int{"cosmetic": 2}, Bytes: 70, Version: "0123abcd", Error: "refused by lists.example", Held: &api.ListHold{Why: "it newly hits casino.example", Hits: []string{"casino.example"}},
	}, {Name: "court", Names: 1, Categories: []string{"illegal.order"}}}, c.broken
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
