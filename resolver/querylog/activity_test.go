package querylog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/store"
)

// family has somebody of each kind. It is in Berlin, and Wednesday.
const family = `
households:
  - id: home
    consent: {by: Anna, at: 2026-01-01}
    timezone: Europe/Berlin
    networks: [10.0.0.0/24]
    members:
      - {name: Lou, band: little}
      - {name: Kim, band: child}
      - {name: Pre, band: preteen}
      - {name: Tom, band: teen}
      - {name: Jo, band: young}
      - {name: Anna, band: adult}
    devices:
      - {name: lou, addresses: [10.0.0.1], member: Lou}
      - {name: kim, addresses: [10.0.0.2], member: Kim}
      - {name: pre, addresses: [10.0.0.3], member: Pre}
      - {name: tom, addresses: [10.0.0.4], member: Tom}
      - {name: jo, addresses: [10.0.0.5], member: Jo}
      - {name: anna, addresses: [10.0.0.6], member: Anna}
      - {name: tablet, addresses: [10.0.0.7], members: [Kim, Tom]}
      - {name: bear, addresses: [10.0.0.8], profile: things}
      - {name: laptop, addresses: [10.0.0.9], member: Pre, use: school}
  - id: out
    enabled: false
    networks: [10.0.1.0/24]
    members: [{name: Kim, band: child}]
`

var listed = map[string]string{
	"bet.test": "money.gambling", "tube.test": "fun.video", "bad.test": "sec.malware", "dark.test": "harm.selfharm", "sad.test": "harm.selfharm",
	"help.test": "ok.help", "core.test": "ok.help.core", "order.test": "illegal.order", "abuse.test": "illegal.csam", "bunny.test": "ok.kids",
	"time.test": "ok.infra", "ads.test": "ads.trackers", "forum.test": "social.ugc",
	"vpn1.test": "bypass.vpn", "vpn2.test": "bypass.vpn", "vpn3.test": "bypass.vpn", "vpn4.test": "bypass.vpn", "vpn5.test": "bypass.vpn", "vpn6.test": "bypass.vpn",
	"doh1.test": "bypass.dns", "doh2.test": "bypass.dns", "doh3.test": "bypass.dns", "doh4.test": "bypass.dns", "doh5.test": "bypass.dns",
	"dark2.test": "harm.selfharm",
}

// home is an Activity with a store and a clock.
type home struct {
	*Activity
	t     testing.TB
	path  string
	bolt  *store.Bolt
	dir   *policy.Directory
	index *blocklists.Index
	now   time.Time

	renames *strings.Replacer // of the family
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{t: t, path: filepath.Join(t.TempDir(), "hearth.db"), index: policytest.Index(policytest.Lists(listed)), renames: strings.NewReplacer()}
	h.at("2026-06-10 12:00")
	h.compile(nil)
	h.open()
	t.Cleanup(func() { _ = h.bolt.Close() })
	return h
}

// open starts anew with what is on disk.
func (h *home) open() {
	h.t.Helper()
	if h.bolt != nil {
		h.ok(h.bolt.Close())
	}
	var err error
	if h.bolt, err = store.Open(h.path); err != nil {
		h.t.Fatal(err)
	}
	h.Activity = NewActivity(ActivityConfig{Store: h.bolt, Directory: func() *policy.Directory { return h.dir }, Now: func() time.Time { return h.now }})
}

func (h *home) compile(states map[string]policy.State) {
	h.t.Helper()
	var c policy.Config
	if err := yaml.Unmarshal([]byte(h.renames.Replace(family)), &c); err != nil {
		h.t.Fatal(err)
	}
	var err error
	if h.dir, err = policy.Compile(policy.CompileConfig{Config: c, Index: h.index, States: states, Now: h.now}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) at(text string) {
	h.t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		h.t.Fatal(err)
	}
	if h.now, err = time.ParseInLocation("2006-01-02 15:04", text, loc); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// asks is what the resolver tells of a query.
func (h *home) asks(addr string, names ...string) {
	h.t.Helper()
	c, _, err := h.dir.ReadClient(addr)
	h.ok(err)
	if c = c.Now(h.now); c.Profile == nil {
		c.Profile = h.dir.Profile("preteen") // as a listener has one for strangers
	}
	for _, name := range names {
		n, err := blocklists.ParseName(name)
		h.ok(err)
		q := h.dir.Ask(n, new(blocklists.Hashes))
		d := c.Decide(&q, h.now)
		h.Observe(&Query{Time: h.now.Unix(), Client: c, Decision: d, Categories: q.Match.Categories, Memory: c.Remembers(&q, d, h.now), Name: n})
	}
}

// sums gives what a report says of somebody, as "verdict cause count".
func (h *home) sums(of string) (sums, names []string) {
	h.t.Helper()
	r, err := h.Show(h.t.Context(), of, "")
	h.ok(err)
	for _, d := range r.Days {
		for _, s := range d.Sums {
			sums = append(sums, strings.Join(strings.Fields(fmt.Sprint(s.Verdict, " ", s.Cause, " ", s.Count)), " "))
		}
		for _, n := range d.Names {
			names = append(names, n.Verdict+" "+n.Name)
		}
	}
	return sums, names
}

// everything is a name of each kind.
var everything = []string{"page.test", "tube.test", "bet.test", "bad.test", "dark.test", "help.test", "core.test", "order.test", "abuse.test"}

// TestWhatIsWritten: what the store holds of each band after a name of each kind.
func TestWhatIsWritten(t *testing.T) {
	h := newHome(t)
	for i := 1; i <= 8; i++ {
		h.asks(fmt.Sprintf("10.0.0.%d", i), everything...)
	}
	h.asks("10.0.0.77", everything...) // a guest
	h.asks("10.0.1.2", everything...)  // a household that has not opted in
	h.asks("203.0.113.9", everything...)
	for _, tt := range []struct {
		of          string
		sums, names []string
	}{
		// Of the five names of which something is kept, dark.test counts without its category.
		{"home/Lou", []string{"blocked 5", "blocked money.gambling 1", "blocked sec.malware 1", "blocked unknown 2"}, nil},
		{"home/Kim", []string{"allowed 2", "allowed fun.video 1", "blocked 3", "blocked money.gambling 1", "blocked sec.malware 1"}, nil},
		{"home/Pre", []string{"allowed 2", "allowed fun.video 1", "blocked 3", "blocked money.gambling 1", "blocked sec.malware 1"}, nil},
		{"home/Tom", []string{"allowed 2", "allowed fun.video 1", "blocked 3", "blocked money.gambling 1", "blocked sec.malware 1"}, []string{"blocked bad.test"}},
		{"home/Jo", nil, []string{"blocked bad.test"}},
		{"home/Anna", nil, nil},
		{"home/tablet", []string{"allowed 2", "allowed fun.video 1", "blocked 3", "blocked money.gambling 1", "blocked sec.malware 1"}, nil},
		{"home/bear", []string{"allowed 1", "allowed fun.video 1", "blocked 4", "blocked money.gambling 1", "blocked sec.malware 1", "blocked unknown 1"},
			[]string{"allowed tube.test", "blocked page.test", "blocked bet.test", "blocked bad.test"}},
		{"home/guests", []string{"allowed 2", "allowed fun.video 1", "blocked 3", "blocked money.gambling 1", "blocked sec.malware 1"}, nil},
	} {
		sums, names := h.sums(tt.of)
		slices.Sort(names)
		slices.Sort(tt.names)
		if !slices.Equal(sums, tt.sums) || !slices.Equal(names, tt.names) {
			t.Errorf("%s:\n%q %q, want\n%q %q", tt.of, sums, names, tt.sums, tt.names)
		}
	}
	parts, err := h.bolt.Partitions("out", "")
	h.ok(err)
	if len(parts) != 0 {
		t.Errorf("of a household that has not opted in: %v", parts)
	}
	for _, p := range h.partitions() {
		records, err := h.bolt.Records(p)
		h.ok(err)
		for _, r := range records {
			for _, never := range []string{"help", "core", "order", "abuse", "dark", "illegal", "selfharm"} {
				if strings.Contains(r.Key, never) {
					t.Errorf("%v: %q is kept", p, r.Key)
				}
			}
		}
	}
}

func (h *home) partitions() []store.Partition {
	h.t.Helper()
	parts, err := h.bolt.Partitions("home", "")
	h.ok(err)
	return parts
}

// TestLogs: a log that a parent asked for, until it ends.
func TestLogs(t *testing.T) {
	h := newHome(t)
	at := h.now.Unix()
	h.compile(map[string]policy.State{"home": {Logs: []policy.Log{
		{Member: "Kim", At: at, Until: at + 3600},
		{Member: "Tom", Full: true, At: at - 90000, Told: at - 90000, Until: at + 3600},
		{Member: "Jo", Full: true, At: at, Until: at + 3600},
	}}})
	for range 2 {
		for i := 2; i <= 5; i++ {
			h.asks(fmt.Sprintf("10.0.0.%d", i), everything...)
		}
		h.now = h.now.Add(time.Hour)
	}
	for of, want := range map[string][]string{
		"home/Kim": {"blocked bet.test", "blocked bad.test"},
		"home/Pre": nil,
		"home/Tom": {"allowed page.test", "allowed tube.test", "blocked bad.test", "blocked bet.test"},
		"home/Jo":  {"blocked bad.test"},
	} {
		_, names := h.sums(of)
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", of, names, want)
		}
	}
	r, err := h.Show(t.Context(), "home/Tom", "2026-06-10")
	h.ok(err)
	i := slices.IndexFunc(r.Days[0].Names, func(n policy.ActivityName) bool { return n.Name == "page.test" })
	if n := r.Days[0].Names[i]; n.First != "12:00" || n.Last != "12:00" || n.Minutes != 1 {
		t.Errorf("%+v, want 12:00 alone: the log ended at 13:00", n)
	}
}

// TestShowADay: "today" is that of the household; what is no day is refused with what to write.
func TestShowADay(t *testing.T) {
	h := newHome(t)
	h.asks("10.0.0.2", everything...)
	today, err := h.Show(t.Context(), "home", "today")
	h.ok(err)
	same, err := h.Show(t.Context(), "home", h.now.Format(time.DateOnly))
	h.ok(err)
	if len(today.Days) == 0 || len(today.Days) != len(same.Days) || today.Days[0].Day != same.Days[0].Day {
		t.Errorf("today: %+v, by its date: %+v", today, same)
	}
	if _, err := h.Show(t.Context(), "home", "2026-13-01"); err == nil || !strings.Contains(err.Error(), "YYYY-MM-DD") {
		t.Errorf("a month 13: %v", err)
	}
}

// TestRetention: partitions are dropped whole, each kind at its end and not a day later.
func TestRetention(t *testing.T) {
	h := newHome(t)
	for i := 2; i <= 8; i++ {
		h.asks(fmt.Sprintf("10.0.0.%d", i), everything...)
	}
	h.ok(h.Flush())
	count := map[string]int{}
	kept := func() string {
		clear(count)
		for _, p := range h.partitions() {
			count[p.Kind]++
		}
		return fmt.Sprintf("month %d week %d day %d", count["month"], count["week"], count["day"])
	}
	for _, tt := range []struct{ at, want string }{
		{"2026-06-10 23:59", "month 3 week 3 day 1"}, // Kim, Pre and the tablet; Tom, Jo, and when Pre looked for self-harm; the bear
		{"2026-06-11 00:00", "month 3 week 3 day 0"},
		{"2026-06-16 23:59", "month 3 week 3 day 0"},
		{"2026-06-17 00:00", "month 3 week 0 day 0"},
		{"2026-07-07 23:59", "month 3 week 0 day 0"},
		{"2026-07-08 00:00", "month 0 week 0 day 0"},
	} {
		h.at(tt.at)
		h.open() // a server that is switched off at night drops them at its start
		h.ok(h.retain())
		if got := kept(); got != tt.want {
			t.Errorf("at %s: %s, want %s", tt.at, got, tt.want)
		}
	}
}

// TestOldDaysAreNotWritten: what waited over midnight is not written into a day that is over.
func TestOldDaysAreNotWritten(t *testing.T) {
	h := newHome(t)
	h.at("2026-06-10 23:59")
	h.asks("10.0.0.8", "tube.test")
	h.at("2026-06-11 00:00")
	h.ok(h.Flush())
	if p := h.partitions(); len(p) != 0 {
		t.Errorf("%v", p)
	}
}

// TestExportAndErase: everything of somebody is told, and then gone, in memory and on disk; nothing of others is touched.
func TestExportAndErase(t *testing.T) {
	h := newHome(t)
	at := h.now.Unix()
	h.compile(map[string]policy.State{"home": {Logs: []policy.Log{{Member: "Kim", Full: true, At: at, Until: at + 3600}}, Things: []policy.Thing{{Device: "bear", Learning: true}}}})
	put := func(key, value string) {
		k, err := store.ParseKey(key)
		h.ok(err)
		_, err = h.bolt.Put(t.Context(), store.Write{Key: k, Value: json.RawMessage(value)})
		h.ok(err)
	}
	put("home/log/Kim", `{"member":"Kim","full":true}`)
	put("home/grant/x", `{"id":"x","subject":{"member":"Kim"},"kind":"time"}`)
	put("home/pin/Kim", `{"member":"Kim","hash":"eA=="}`)
	put("home/grant/y", `{"id":"y","subject":{"member":"Tom"},"kind":"time"}`)
	h.ok(h.put(t.Context(), store.Key{Household: "home", Kind: policy.KindNotice, ID: "n1"}, policy.Notice{Kind: policy.NoticeBypass, Member: "Kim", At: at}))
	h.ok(h.put(t.Context(), store.Key{Household: "home", Kind: policy.KindNotice, ID: "n2"}, policy.Notice{Kind: policy.NoticeBypass, Member: "Tom", At: at}))
	h.asks("10.0.0.2", "secret.test", "bet.test")
	h.ok(h.Flush())
	h.now = h.now.Add(time.Minute)
	h.asks("10.0.0.2", "waits.test")
	h.asks("10.0.0.4", "page.test")
	h.asks("10.0.0.8", "cloud.test")
	x, err := h.Export(t.Context(), "home/Kim")
	h.ok(err)
	text, err := json.Marshal(x)
	h.ok(err)
	for _, want := range []string{"secret.test", "waits.test", "money.gambling", "home/log/Kim", "home/grant/x", "home/notice/n1", `"device":"kim"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the export lacks %s: %s", want, text)
		}
	}
	for _, other := range []string{"page.test", "grant/y", "notice/n2", "Tom", "eA=="} {
		if strings.Contains(string(text), other) {
			t.Errorf("the export has %s of somebody else: %s", other, text)
		}
	}
	h.asks("10.0.0.2", "late.test")
	gone, err := h.Erase(t.Context(), "home/Kim", false)
	h.ok(err)
	if gone.Partitions != 2 || gone.Records != 1 { // sums and names; the notice
		t.Errorf("%+v", gone)
	}
	check := func() {
		t.Helper()
		h.ok(h.Settle())
		parts, err := h.bolt.Partitions("home", "Kim")
		h.ok(err)
		if len(parts) != 0 {
			t.Errorf("kept: %v", parts)
		}
		notices, err := h.noticesOf(t.Context(), "home")
		h.ok(err)
		if len(notices) != 1 || notices[0].Member != "Tom" {
			t.Errorf("%+v", notices)
		}
		if seen, err := h.Devices(t.Context(), "home/Kim"); err != nil || len(seen) != 0 {
			t.Errorf("%v, %v", seen, err)
		}
	}
	check()
	h.open()
	check()
	if sums, _ := h.sums("home/Tom"); len(sums) == 0 {
		t.Error("what is kept of Tom is gone too")
	}
	s, err := h.bolt.Snapshot(t.Context(), "home/heard/bear")
	h.ok(err)
	if len(s.Entries) != 1 || !strings.Contains(string(s.Entries[0].Value), "cloud.test") {
		t.Errorf("what the bear asked for: %v", s.Entries)
	}
	if gone, err = h.Erase(t.Context(), "home/bear", false); err != nil || gone.Records != 1 || gone.Partitions != 1 {
		t.Errorf("%+v, %v", gone, err)
	}
}

// TestBounds: what does not fit is lost and counted, and the rest is kept.
func TestBounds(t *testing.T) {
	h := newHome(t)
	at := h.now.Unix()
	h.compile(map[string]policy.State{"home": {Logs: []policy.Log{{Member: "Kim", Full: true, At: at, Until: at + 3600}}}})
	for i := range maxWaiting + 500 {
		h.asks("10.0.0.2", fmt.Sprintf("n%d.test", i))
	}
	if h.records != maxWaiting || h.lost.Load() == 0 {
		t.Errorf("%d wait, %d lost", h.records, h.lost.Load())
	}
	h.ok(h.Flush())
	if h.records != 0 || len(h.waiting) != 0 {
		t.Errorf("%d wait after they were written", h.records)
	}
	h.asks("10.0.0.2", strings.Repeat("a.", 120)+"long.test")
	if _, names := h.sums("home/Kim"); !slices.Contains(names, "allowed long.test") {
		t.Error("a long name is not kept as its domain")
	}
}

// TestUnkept: a store that takes nothing costs records, and nothing else.
func TestUnkept(t *testing.T) {
	h := newHome(t)
	h.asks("10.0.0.2", "page.test")
	h.ok(h.bolt.Close())
	if err := h.Flush(); !errors.Is(err, store.ErrClosed) || h.unkept.Load() != 1 {
		t.Errorf("%v, %d unkept", err, h.unkept.Load())
	}
}

// TestFind: whom people mean.
func TestFind(t *testing.T) {
	h := newHome(t)
	for of, want := range map[string]string{"home": "", "home/Kim": "Kim", "home/bear": "device:bear", "home/device:bear": "device:bear", "home/guests": policy.PersonGuests} {
		if to, err := h.find(of); err != nil || to.Person != want {
			t.Errorf("%s: %q, %v; want %q", of, to.Person, err, want)
		}
	}
	for of, says := range map[string]string{"home/kim": "write home/Kim", "home/Nobody": "no member", "x/y": "no household", "": "no household"} {
		var e *Error
		if _, err := h.find(of); !errors.As(err, &e) || !strings.Contains(e.Text, says) {
			t.Errorf("%s: %v, want one that says %q", of, err, says)
		}
	}
	for _, of := range []string{"home"} {
		if _, err := h.Erase(t.Context(), of, false); err == nil {
			t.Errorf("%s was erased whole", of)
		}
	}
}

// TestAtOnce: queries, reports, erasures and flushes at the same time, under the race detector too.
func TestAtOnce(t *testing.T) {
	h := newHome(t)
	h.compile(map[string]policy.State{"home": {Things: []policy.Thing{{Device: "bear", Learning: true}}}})
	var group sync.WaitGroup
	for _, do := range []func(){
		func() { h.asks("10.0.0.2", "page.test", "vpn1.test", "bet.test") },
		func() { h.asks("10.0.0.8", "cloud.test", "www.cloud.test") },
		func() { h.asks("10.0.0.1", "bunny.test", "cdn.test") },
		func() { _, _ = h.Show(context.Background(), "home", "") },
		func() { _, _ = h.Export(context.Background(), "home/bear") },
		func() { _, _ = h.Erase(context.Background(), "home/Kim", false) },
		func() { _, _ = h.Companions(context.Background(), "home/Lou") },
		func() { _ = h.Settle() },
	} {
		group.Go(func() {
			for range 30 {
				do()
			}
		})
	}
	group.Wait()
	if _, err := h.Erase(t.Context(), "home/Kim", false); err != nil {
		t.Fatal(err)
	}
	h.ok(h.Settle())
	for _, p := range h.partitions() {
		if p.Person == "Kim" {
			t.Errorf("%v is left of what was erased", p)
		}
	}
}
