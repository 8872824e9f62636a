package parents_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

const (
	mia, tom, shared, anna = "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"
	otherMia               = "10.0.1.2"
)

// requests has a device ask for a name that is blocked on it.
func (h *house) requests(addr, name string) parents.Request {
	h.t.Helper()
	c, w := h.Wish(addr, name)
	return must(h.Request(h.t.Context(), c, w))
}

func parent(name string) parents.Who {
	return parents.Who{Household: "one", Actor: parents.Actor{Role: parents.Parent, Household: "one", Name: name, Account: "account of " + name}}
}

// TestRequest: a child asks for what is blocked, a parent says yes with a word, and it is open at once, for her alone, for
// as long as was said; what it is about is nowhere in what is remembered of changes.
func TestRequest(t *testing.T) {
	h := open(t, families)
	for _, c := range [][3]string{{"30m", "2026-11-16 18:00", "2026-11-16 18:30"}, {"1h", "2026-11-17 18:00", "2026-11-17 19:00"}, {"today", "2026-11-18 18:00", "2026-11-18 20:00"}, {"always", "2026-11-19 18:00", ""}} {
		long, ends := c[0], c[2]
		h.At(c[1])
		r := h.requests(mia, "social.example")
		if r.Status != parents.Waiting || r.Member != "Mia" || r.Kind != policy.GrantName || r.Value != "social.example" || r.Category != "social.networks" || r.Step != "category" || r.TTL != 10 {
			t.Fatalf("asked: %+v", r)
		}
		h.doesNotGet(mia, "social.example")
		a, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: long, Word: "only the \u202ebirthday\x00 group"})
		h.ok(err)
		if a.Status != parents.Granted || len(a.Answers) != 1 || a.Answers[0].By != "Anna" || a.Answers[0].Role != "parent" || a.Answers[0].Word != "only the birthday group" || a.Note == "" {
			t.Errorf("answered: %+v", a)
		}
		h.gets(mia, "social.example")
		h.doesNotGet(mia, "casino.example")
		h.doesNotGet(shared, "social.example")
		h.doesNotGet(otherMia, "social.example")
		if ends == "" {
			h.At("2026-12-24 12:00")
			h.gets(mia, "social.example")
		} else {
			h.At(ends)
			h.doesNotGet(mia, "social.example")
		}
	}
	_, entries, err := h.Audit(t.Context(), parent("Anna"))
	h.ok(err)
	whats := map[string]int{}
	for _, e := range entries {
		whats[e.What]++
		if strings.HasPrefix(e.What, "request") && strings.Contains(e.Detail, "social") {
			t.Errorf("a site is remembered longer than its request: %+v", e)
		}
		if e.What == "request granted" && (e.By != "Anna" || e.Role != "parent" || e.Member != "Mia") {
			t.Errorf("written down: %+v", e)
		}
	}
	if whats["request"] != 4 || whats["request granted"] != 4 {
		t.Errorf("written down: %v", whats)
	}
}

// TestRequestDeclined: no changes nothing, is told with its word to who asked alone, and the same is not asked again
// within the hour.
func TestRequestDeclined(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	_, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{Decline: true, Word: "after homework"})
	h.ok(err)
	h.doesNotGet(mia, "social.example")
	told := func(addr string) (parents.Request, bool) {
		c, _ := h.Question(addr, "x.example")
		return h.RequestOf(c, r.ID)
	}
	if got, there := told(mia); !there || got.Status != parents.Declined || got.Answers[0].Word != "after homework" {
		t.Errorf("Mia is told %+v", got)
	}
	for _, addr := range []string{tom, shared, anna, otherMia, "10.0.0.77", "192.0.2.1"} {
		if got, there := told(addr); there {
			t.Errorf("%s is told %+v", addr, got)
		}
	}
	if same := h.requests(mia, "social.example"); same.ID != r.ID {
		t.Error("the same is asked again at once")
	}
	h.At("2026-11-18 19:00")
	if same := h.requests(mia, "social.example"); same.ID == r.ID || same.Status != parents.Waiting {
		t.Errorf("an hour later: %+v", same)
	}
}

// TestWhatCanBeAsked: by what stops a name and who asks.
func TestWhatCanBeAsked(t *testing.T) {
	h := open(t, strings.Replace(families, "    networks: [10.0.0.0/24]", "    networks: [10.0.0.0/24]\n    rules: [{name: denied.example, action: deny}]", 1))
	for _, c := range []struct {
		at, addr, name string
		kind           policy.GrantKind
		site           string
	}{
		{"2026-11-18 18:00", mia, "social.example", policy.GrantName, "social.example"},
		{"2026-11-18 18:00", shared, "social.example", policy.GrantName, "social.example"},
		{"2026-11-18 18:00", mia, "denied.example", policy.GrantName, "denied.example"},
		{"2026-11-18 21:00", mia, "plain.example", policy.GrantTime, ""},
		{"2026-11-18 21:00", mia, "social.example", policy.GrantTime, ""}, // what it is for is nobody's business
		{"2026-11-18 21:00", mia, "virus.example", policy.GrantTime, ""},
	} {
		h.At(c.at)
		client, w := h.Wish(c.addr, c.name)
		if r, _, err := h.Asks(client, w); err != nil || r.Kind != c.kind || r.Name != c.site || c.site == "" && r.Category != "" {
			t.Errorf("%s, %s, %s: %+v (%v)", c.at, c.addr, c.name, r, err)
		}
	}
	for _, c := range []struct{ at, addr, name string }{
		{"2026-11-18 18:00", mia, "forbidden.example"}, {"2026-11-18 21:00", mia, "forbidden.example"}, {"2026-11-18 18:00", anna, "forbidden.example"},
		{"2026-11-18 18:00", mia, "hurt.example"}, {"2026-11-18 21:00", mia, "hurt.example"}, {"2026-11-18 18:00", tom, "hurt.example"},
		{"2026-11-18 18:00", mia, "virus.example"},
		{"2026-11-18 18:00", mia, "plain.example"}, // nothing blocks it
		{"2026-11-18 18:00", "10.0.0.77", "social.example"}, {"2026-11-18 18:00", "192.0.2.1", "social.example"},
	} {
		h.At(c.at)
		client, w := h.Wish(c.addr, c.name)
		for _, w.Mistake = range []bool{false, true} {
			if w.Mistake && c.name == "virus.example" {
				continue
			}
			_, err := h.Request(t.Context(), client, w)
			h.refuses(err, parents.Refused)
		}
	}
	page := must(h.Requests(t.Context(), parent("Anna"), parents.RequestQuery{Closed: true}))
	if len(page.Requests) != 0 {
		t.Errorf("kept: %+v", page.Requests)
	}
}

// TestWhoAnswersThemself: by the row "approve request" of the table of bands.
func TestWhoAnswersThemself(t *testing.T) {
	h := open(t, families)
	text := strings.ReplaceAll(families, "{name: Tom, profile: owl}", "{name: Tom, band: BAND}")
	for _, c := range []struct {
		band, name string
		self       bool
	}{
		{"preteen", "stars.example", false}, {"teen", "bot.example", true}, {"teen", "casino.example", false},
		{"young", "vodka.example", true}, {"young", "naked.example", false}, {"young", "plain.example", false},
	} {
		h.write(strings.ReplaceAll(text, "BAND", c.band))
		h.ok(h.Reload(t.Context()))
		client, w := h.Wish(tom, c.name)
		if c.name == "plain.example" { // a parent's hand
			_, err := h.Pause(t.Context(), one("Tom"), parents.Span{For: "30m"})
			h.ok(err)
			client, w = h.Wish(tom, c.name)
		}
		if !w.Decision.Blocks() {
			t.Fatalf("%s: %s is not blocked", c.band, c.name)
		}
		_, self, err := h.Asks(client, w)
		if h.ok(err); self != c.self {
			t.Errorf("%s asks for %s: answers themself: %v", c.band, c.name, self)
		}
		w.For = "always" // which is not for them to say
		r := must(h.Request(t.Context(), client, w))
		if (r.Status == parents.Granted) != c.self || c.self && r.Until.Sub(h.Clock()) != 30*time.Minute {
			t.Errorf("%s asks for %s: %+v", c.band, c.name, r)
		}
		if c.name == "bot.example" {
			h.gets(tom, "bot.example")
			h.doesNotGet(tom, "naked.bot.example") // which is blocked, and not only warned of
		}
	}
}

// TestOwnAnswersEnd: who answers for themself lifts the bedtime of this night and not those to come, and whose age does,
// or who passes a warning, has it until bedtime at the latest.
func TestOwnAnswersEnd(t *testing.T) {
	for _, c := range []struct{ at, band, name, long, kind, ends string }{
		{"2026-11-18 23:30", "young", "plain.example", "today", "time", "2026-11-19 00:00"},
		{"2026-11-18 23:30", "young", "plain.example", "always", "time", "2026-11-19 00:00"},
		{"2026-11-19 01:00", "young", "plain.example", "today", "time", "2026-11-19 06:00"},
		{"2026-11-19 01:00", "young", "plain.example", "always", "time", "2026-11-19 06:00"},
		{"2026-11-18 23:30", "young", "plain.example", "1h", "time", "2026-11-19 00:30"},
		{"2026-11-19 05:45", "young", "plain.example", "", "time", "2026-11-19 06:00"},
		{"2026-11-18 15:30", "young", "social.example", "always", "time", "2026-11-18 16:00"}, // homework time
		{"2026-11-18 22:45", "young", "vodka.example", "always", "continue", "2026-11-18 23:00"},
		{"2026-11-18 22:45", "teen", "bot.example", "1h", "continue", "2026-11-18 23:00"},
		{"2026-11-18 22:15", "teen", "bot.example", "", "continue", "2026-11-18 22:45"},
	} {
		night := "schedule: {bedtime: {school: \"23:00-06:00\", free: \"23:00-06:00\"}, homework: \"15:00-16:00\"}\n    categories: [{id: social.networks, action: timed}]"
		h := open(t, strings.NewReplacer("band: teen", "band: "+c.band, `schedule: {bedtime: {school: "00:30-07:00", free: "off"}}`, night).Replace(families))
		h.At(c.at)
		client, w := h.Wish(tom, c.name)
		if w.For = c.long; !w.Decision.Blocks() {
			t.Fatalf("%+v: nothing stops it", c)
		}
		r := must(h.Request(t.Context(), client, w))
		if got := r.Until.In(must(time.LoadLocation("Europe/Berlin"))).Format("2006-01-02 15:04"); r.Status != parents.Granted || string(r.Kind) != c.kind || got != c.ends {
			t.Errorf("%+v: until %s: %+v", c, got, r)
		}
		h.gets(tom, c.name)
		h.At(c.ends)
		if c.kind == "continue" {
			h.doesNotGet(tom, c.name)
		}
		if granted := h.told("granted"); granted != 1 {
			t.Errorf("%+v: %v are counted as granted", c, granted)
		}
	}
}

// told is hearth_parents_requests_total of a word.
func (h *house) told(what string) float64 {
	h.t.Helper()
	r := prometheus.NewPedanticRegistry()
	h.ok(r.Register(h.Desk))
	for _, f := range must(r.Gather()) {
		for _, m := range f.GetMetric() {
			if f.GetName() == "hearth_parents_requests_total" && m.GetLabel()[0].GetValue() == what {
				return m.GetCounter().GetValue()
			}
		}
	}
	h.t.Fatalf("there is no count of %s", what)
	return 0
}

// TestOneAnswerCounts: of many who answer at the same time one is taken, and one grant is made.
func TestOneAnswerCounts(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	var wait sync.WaitGroup
	taken, conflicts := make(chan parents.Request, 32), make(chan error, 32)
	for i := range 32 {
		wait.Go(func() {
			v := parents.Verdict{For: "30m"}
			if i%2 == 0 {
				v = parents.Verdict{Decline: true}
			}
			if got, err := h.Answer(t.Context(), parent("p"+strconv.Itoa(i)), r.ID, v); err != nil {
				conflicts <- err
			} else {
				taken <- got
			}
		})
	}
	wait.Wait()
	if len(taken) != 1 || len(conflicts) != 31 {
		t.Fatalf("%d answers were taken", len(taken))
	}
	h.refuses(<-conflicts, parents.Conflict)
	grants := 0
	for _, a := range must(h.Acts(t.Context(), of("one"))) {
		if a.What == "grant" {
			grants++
		}
	}
	if got := <-taken; (got.Status == parents.Granted) != (grants == 1) || grants > 1 {
		t.Errorf("%s, and %d grants", got.Status, grants)
	}
}

// TestTwoParents: where two have to say yes, the same one twice does not do, nobody but parents counts, the shorter time
// holds, and one no of anybody is enough.
func TestTwoParents(t *testing.T) {
	h := open(t, strings.Replace(families, "  - id: one", "  - id: one\n    answers: two", 1))
	r := h.requests(mia, "social.example")
	noParents := map[string]parents.Who{"the socket": of("one"), "a program": parent("lights"), "a carer": parent("Oma"), "an operator": parent("support")}
	for name, role := range map[string]parents.Role{"a carer": parents.Carer, "an operator": parents.Operator} {
		who := noParents[name]
		who.Actor.Role = role
		noParents[name] = who
	}
	program := noParents["a program"]
	program.Actor.Account = ""
	noParents["a program"] = program
	alone := func() {
		t.Helper()
		for name, who := range noParents {
			if _, err := h.Answer(t.Context(), who, r.ID, parents.Verdict{For: "30m"}); err == nil {
				t.Errorf("%s is one of two parents", name)
			}
		}
	}
	alone()
	half, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "today"})
	if h.ok(err); half.Status != parents.Half {
		t.Errorf("the first yes: %+v", half)
	}
	h.doesNotGet(mia, "social.example")
	anne := parent("Anna")
	anne.Actor.Name = "Anne" // who took another name is no other parent
	for _, same := range []parents.Who{parent("Anna"), anne} {
		_, err = h.Answer(t.Context(), same, r.ID, parents.Verdict{For: "today"})
		h.refuses(err, parents.Conflict)
	}
	alone()
	h.Crash()
	whole, err := h.Answer(t.Context(), parent("Bert"), r.ID, parents.Verdict{For: "30m"})
	if h.ok(err); whole.Status != parents.Granted || len(whole.Answers) != 2 || whole.Until.Sub(h.Clock()) != 30*time.Minute {
		t.Errorf("the second yes: %+v", whole)
	}
	h.gets(mia, "social.example")
	r = h.requests(mia, "casino.example")
	no, err := h.Answer(t.Context(), of("one"), r.ID, parents.Verdict{Decline: true})
	if h.ok(err); no.Status != parents.Declined {
		t.Errorf("a no: %+v", no)
	}
	h.At("2026-11-18 19:50")
	r = h.requests(mia, "stars.example")
	_, err = h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "today"})
	h.ok(err)
	short, err := h.Answer(t.Context(), parent("Bert"), r.ID, parents.Verdict{For: "1h"})
	if h.ok(err); short.Until.Sub(h.Clock()) != 10*time.Minute {
		t.Errorf("the rest of the day is shorter than an hour: %+v", short)
	}
}

// TestRequestOfWhoIsGone: a parent can say no to it, and not yes.
func TestRequestOfWhoIsGone(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	h.write(strings.NewReplacer("      - {name: Mia, profile: kids}\n", "", "      - {name: mia-tablet, member: Mia, addresses: [10.0.0.2]}\n", "", "[Mia, Tom]", "[Tom]").Replace(families))
	h.ok(h.Reload(t.Context()))
	_, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "30m"})
	h.refuses(err, parents.Unknown)
	no, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{Decline: true})
	if h.ok(err); no.Status != parents.Declined {
		t.Errorf("%+v", no)
	}
}

// TestWhoAnswers: nobody but those who may, and nobody of another household.
func TestWhoAnswers(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	yes := parents.Verdict{For: "30m"}
	for name, c := range map[string]struct {
		actor parents.Actor
		want  parents.Reason
	}{
		"nobody": {parents.Actor{}, parents.Forbidden}, "the child": {parents.Actor{Role: parents.Child, Household: "one", Name: "Mia"}, parents.Forbidden},
		"a parent of another household": {parents.Actor{Role: parents.Parent, Household: "two", Name: "Bert"}, parents.Unknown},
		"a carer whose time is over":    {parents.Actor{Role: parents.Carer, Household: "one", Until: h.Clock()}, parents.Forbidden},
	} {
		_, err := h.Answer(t.Context(), parents.Who{Household: "one", Actor: c.actor}, r.ID, yes)
		if h.refuses(err, c.want); t.Failed() {
			t.Fatal(name)
		}
		if _, err := h.Requests(t.Context(), parents.Who{Household: "one", Actor: c.actor}, parents.RequestQuery{}); err == nil {
			t.Errorf("%s reads the requests", name)
		}
	}
	_, err := h.Answer(t.Context(), parents.Who{Actor: parents.Actor{Role: parents.Parent, Household: "two", Name: "Bert"}}, r.ID, yes)
	h.refuses(err, parents.Unknown)
	carer := parents.Who{Actor: parents.Actor{Role: parents.Carer, Household: "one", Name: "Oma"}}
	_, err = h.Answer(t.Context(), carer, r.ID, parents.Verdict{For: "always"})
	h.refuses(err, parents.Forbidden)
	for _, v := range []parents.Verdict{{}, {For: "2h"}, {For: "30m", Decline: true}, {For: "30m", Word: strings.Repeat("x", 281)}} {
		_, err = h.Answer(t.Context(), carer, r.ID, v)
		h.refuses(err, parents.Refused)
	}
	if _, err = h.Answer(t.Context(), carer, r.ID, yes); err != nil {
		t.Error(err)
	}
	h.gets(mia, "social.example")
}

// TestLimitsOfRequests: ten wait at a time, thirty are asked in a day, of each child, and no household keeps more than
// its share.
func TestLimitsOfRequests(t *testing.T) {
	h := open(t, strings.Replace(families, "    band: child\n", "    band: child\n    unknown: block\n", 1))
	ask := func(addr string, n int) error {
		c, w := h.Wish(addr, "n"+strconv.Itoa(n)+".example")
		_, err := h.Request(t.Context(), c, w)
		return err
	}
	for n := range 10 {
		h.ok(ask(mia, n))
	}
	h.refuses(ask(mia, 10), parents.Wait)
	h.ok(ask(mia, 9)) // the same is no other
	h.ok(ask(shared, 10))
	done := 10
	for done < 30 {
		for _, r := range must(h.Requests(t.Context(), one("Mia"), parents.RequestQuery{})).Requests {
			_, err := h.Answer(t.Context(), of("one"), r.ID, parents.Verdict{Decline: true})
			h.ok(err)
		}
		for range 10 {
			h.ok(ask(mia, done))
			done++
		}
	}
	for _, r := range must(h.Requests(t.Context(), one("Mia"), parents.RequestQuery{})).Requests {
		_, err := h.Answer(t.Context(), of("one"), r.ID, parents.Verdict{Decline: true})
		h.ok(err)
	}
	h.refuses(ask(mia, 99), parents.Wait)
	h.At("2026-11-19 18:00")
	h.ok(ask(mia, 99))
}

// TestRequestsEnd: one that nobody answers expires after a week, one that is closed is deleted after thirty days, and
// all of a person's go with the person.
func TestRequestsEnd(t *testing.T) {
	h := open(t, families)
	r, other := h.requests(mia, "social.example"), h.requests(tom, "casino.example")
	_, err := h.Answer(t.Context(), parent("Anna"), other.ID, parents.Verdict{Decline: true})
	h.ok(err)
	status := func(id string) parents.RequestStatus {
		got, err := h.ShowRequest(t.Context(), of("one"), id)
		if err != nil {
			h.refuses(err, parents.Unknown)
			return ""
		}
		return got.Status
	}
	h.At("2026-11-25 17:59")
	h.ok(h.Sweep(t.Context()))
	if status(r.ID) != parents.Waiting {
		t.Error("it has expired too early")
	}
	h.At("2026-11-25 18:00")
	if status(r.ID) != parents.Expired {
		t.Error("it waits for more than a week")
	}
	_, err = h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "30m"})
	h.refuses(err, parents.Conflict)
	h.ok(h.Sweep(t.Context()))
	h.At("2026-12-18 17:59")
	h.ok(h.Sweep(t.Context()))
	if status(other.ID) != parents.Declined {
		t.Error("an answer is deleted before its thirty days")
	}
	h.At("2026-12-18 18:00")
	h.ok(h.Sweep(t.Context()))
	if status(other.ID) != "" || status(r.ID) != parents.Expired {
		t.Errorf("after thirty days: %q, %q", status(other.ID), status(r.ID))
	}
	again := h.requests(tom, "casino.example")
	_, err = h.Erase(t.Context(), of("one"), policy.ActivityErased{Household: "one", Person: "Mia"})
	h.ok(err)
	if status(r.ID) != "" || status(again.ID) != parents.Waiting {
		t.Error("erasing one person does not take that person's requests, and no other's")
	}
	h.Crash()
	if status(r.ID) != "" || status(again.ID) != parents.Waiting {
		t.Error("it is not on disk")
	}
}

// TestWatchRequest: whoever waits is told of the answer.
func TestWatchRequest(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	seen := make(chan parents.Request, 8)
	go func() {
		defer close(seen)
		for got, err := range h.WatchRequest(t.Context(), "one", r.ID) {
			if err == nil {
				seen <- got
			}
		}
	}()
	if got := <-seen; got.Status != parents.Waiting {
		t.Errorf("at first: %+v", got)
	}
	h.requests(mia, "casino.example") // another
	_, err := h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "30m", Word: "yes"})
	h.ok(err)
	if got := <-seen; got.Status != parents.Granted || got.Answers[0].Word != "yes" {
		t.Errorf("then: %+v", got)
	}
	if got, more := <-seen; more {
		t.Errorf("after the answer: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range h.WatchRequest(ctx, "one", r.ID) {
		t.Error("told after its end")
	}
	for _, err := range h.WatchRequest(t.Context(), "two", r.ID) {
		h.refuses(err, parents.Unknown)
	}
}

// TestWithdraw: whoever asked takes it back, nobody else.
func TestWithdraw(t *testing.T) {
	h := open(t, families)
	r := h.requests(mia, "social.example")
	for _, addr := range []string{tom, shared, otherMia} {
		c, _ := h.Question(addr, "x.example")
		_, err := h.Withdraw(t.Context(), c, r.ID)
		h.refuses(err, parents.Unknown)
	}
	c, _ := h.Question(mia, "x.example")
	got, err := h.Withdraw(t.Context(), c, r.ID)
	if h.ok(err); got.Status != parents.Withdrawn {
		t.Errorf("%+v", got)
	}
	_, err = h.Answer(t.Context(), parent("Anna"), r.ID, parents.Verdict{For: "30m"})
	h.refuses(err, parents.Conflict)
	h.doesNotGet(mia, "social.example")
}

// TestPagesOfRequests: all are listed once, the latest first.
func TestPagesOfRequests(t *testing.T) {
	h := open(t, strings.Replace(families, "    band: child\n", "    band: child\n    unknown: block\n", 1))
	var want []string
	for n := range 7 {
		h.Later(time.Minute)
		want = append(want, h.requests(mia, "n"+strconv.Itoa(n)+".example").ID)
	}
	slices.Reverse(want)
	var got []string
	q := parents.RequestQuery{Limit: 3}
	for {
		page := must(h.Requests(t.Context(), parent("Anna"), q))
		for _, r := range page.Requests {
			got = append(got, r.ID)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	for _, q := range []parents.RequestQuery{{Limit: 101}, {Limit: -1}, {After: "none"}} {
		_, err := h.Requests(t.Context(), parent("Anna"), q)
		h.refuses(err, parents.Refused)
	}
	text := must(json.Marshal(must(h.Requests(t.Context(), of("two"), parents.RequestQuery{}))))
	if string(text) != `{"requests":[]}` {
		t.Errorf("of a family without any: %s", text)
	}
}
