package tickets

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/hearthdns/hearth/policy/store"
)

// TestQueue: pages in the order of urgency, filtered by kind, list, category and age.
func TestQueue(t *testing.T) {
	b := newBench(t)
	for i := range 7 {
		b.report("h-1", fmt.Sprintf("r%d.example", i), "adult.porn")
		b.now = b.now.Add(time.Hour)
	}
	b.appeal("h-2", "cards.example")
	b.appeal("h-2", "care.example") // a name of help comes first
	var names []string
	q := Query{Limit: 2}
	for {
		p, err := b.List(q)
		if err != nil {
			t.Fatal(err)
		}
		if p.Total != 9 {
			t.Errorf("%d in all, want 9", p.Total)
		}
		for _, x := range p.Tickets {
			names = append(names, x.Name)
		}
		if q.After = p.Next; q.After == "" {
			break
		}
	}
	if got, want := strings.Join(names, " "), "care.example r0.example r1.example r2.example r3.example r4.example r5.example r6.example cards.example"; got != want {
		t.Errorf("the pages give %s, want %s", got, want)
	}
	for _, x := range []struct {
		q    Query
		want int
	}{
		{Query{Kind: Appeal}, 2}, {Query{Kind: Report}, 7}, {Query{List: "bets"}, 1}, {Query{Category: "adult.porn"}, 8},
		{Query{Older: 5 * time.Hour}, 3}, {Query{Decided: true}, 0}, {Query{List: "none"}, 0},
	} {
		if got := b.queue(x.q); len(got) != x.want {
			t.Errorf("%+v gives %d tickets, want %d", x.q, len(got), x.want)
		}
	}
	for want, q := range map[string]Query{"1 to 200": {Limit: 201}, "appeal or report": {Kind: "rant"}, "negative": {Older: -1}, "the page before": {After: "\x00garbage"}} {
		_, err := b.List(q)
		wantReason(t, err, Refused, want)
	}
}

// TestDecide: each outcome, and what is missing for it, is said.
func TestDecide(t *testing.T) {
	b := newBench(t)
	appeal, report, other := b.appeal("h-1", "cards.example").Number, b.report("h-1", "bad.example", "").Number, b.appeal("h-1", "chess.example").Number
	for _, x := range []struct {
		v    Verdict
		want string
	}{
		{Verdict{Number: appeal, Outcome: "maybe"}, "upheld declined sent duplicate"},
		{Verdict{Number: appeal, Outcome: Expired}, "upheld declined sent duplicate"},
		{Verdict{Number: appeal}, "upheld declined sent duplicate"},
		{Verdict{Number: appeal, Outcome: Declined, Word: strings.Repeat("a", 1<<20)}, "280"},
		{Verdict{Number: report, Outcome: Upheld}, "write its category"},
		{Verdict{Number: report, Outcome: Upheld, Category: "illegal.csam"}, "money.gambling"},
		{Verdict{Number: report, Outcome: Upheld, Category: "ok.kids"}, "money.gambling"},
		{Verdict{Number: report, Outcome: Sent}, "write the list"},
		{Verdict{Number: appeal, Outcome: Duplicate}, "the other ticket"},
		{Verdict{Number: appeal, Outcome: Duplicate, Of: appeal}, "the other ticket"},
	} {
		_, err := b.Decide(t.Context(), x.v)
		wantReason(t, err, Refused, x.want)
	}
	_, err := b.Decide(t.Context(), Verdict{Number: "1111-1111-1111", Outcome: Upheld})
	wantReason(t, err, Refused, "twelve digits")
	if len(b.queue(Query{})) != 3 || len(b.Proposals()) != 0 {
		t.Fatal("a refused verdict changed something")
	}
	b.decide(Verdict{Number: appeal, Outcome: Upheld, By: "Ops\x1b[31m"})
	b.decide(Verdict{Number: other, Outcome: Duplicate, Of: strings.ReplaceAll(appeal, "-", "")})
	b.decide(Verdict{Number: report, Outcome: Sent, List: "adult list"})
	if s := b.status(other); s.Outcome != Upheld {
		t.Errorf("the duplicate shows %q, want the outcome of the other", s.Outcome)
	}
	again := b.appeal("h-2", "chess.example").Number
	next := b.appeal("h-2", "cards.example").Number
	b.decide(Verdict{Number: again, Outcome: Duplicate, Of: next})
	b.decide(Verdict{Number: next, Outcome: Duplicate, Of: appeal})
	if s := b.status(again); s.Outcome != Upheld {
		t.Errorf("the duplicate of a duplicate shows %q, want the outcome of the last", s.Outcome)
	}
	_, err = b.Decide(t.Context(), Verdict{Number: appeal, Outcome: Declined, Word: "no"})
	wantReason(t, err, Conflict, "upheld, on 2026-03-02")
	if x, _ := b.Show(appeal); x.By != "Ops [31m" || x.Outcome != Upheld {
		t.Errorf("kept %+v", x)
	}
	if p := b.Proposals(); len(p) != 1 || p[0].Action != Allow || p[0].Name != "cards.example" || p[0].Category != "money.gambling" {
		t.Errorf("proposals %+v, want the upheld appeal alone", p)
	}
}

// TestAgain: who asks again after a decision gets a new ticket, which says what became of the last.
func TestAgain(t *testing.T) {
	b := newBench(t)
	first := b.appeal("h-1", "cards.example").Number
	b.decide(Verdict{Number: first, Outcome: Declined, Word: "no"})
	b.now = b.now.Add(time.Hour)
	second := b.appeal("h-1", "cards.example").Number
	if x, _ := b.Show(second); x.Before != Declined || x.Households != 1 || b.status(second).Outcome != Open {
		t.Errorf("the second ticket is %+v", x)
	}
	if b.status(first).Outcome != Declined {
		t.Error("the first number shows the second ticket")
	}
}

// TestHelpIsNeverBlocked: an upheld report about a name of help is no proposal; an upheld appeal is one.
func TestHelpIsNeverBlocked(t *testing.T) {
	b := newBench(t)
	care := b.report("h-1", "care.example", "adult.porn").Number
	_, err := b.Decide(t.Context(), Verdict{Number: care, Outcome: Upheld, Category: "what I say"})
	wantReason(t, err, Refused, "no category") // it would be a label of metrics, and stand in what is published
	b.decide(Verdict{Number: care, Outcome: Upheld})
	if p := b.Proposals(); len(p) != 0 {
		t.Errorf("a name of help is to be blocked: %+v", p)
	}
	b.decide(Verdict{Number: b.appeal("h-1", "care.example").Number, Outcome: Upheld})
	if p := b.Proposals(); len(p) != 1 || p[0].Action != Allow {
		t.Errorf("proposals %+v, want the exception", p)
	}
}

// TestLastWordCounts: of a block and an exception of one name and category the later holds, and withdrawing takes it off.
func TestLastWordCounts(t *testing.T) {
	b := newBench(t)
	b.decide(Verdict{Number: b.report("h-1", "cards.example", "money.gambling").Number, Outcome: Upheld})
	b.decide(Verdict{Number: b.appeal("h-1", "cards.example").Number, Outcome: Upheld})
	if p := b.Proposals(); len(p) != 1 || p[0].Action != Allow {
		t.Errorf("proposals %+v, want the later one alone", p)
	}
	b.reopen(b.Folder)
	if n, err := b.Withdraw(t.Context(), "www.cards.example", ""); n != 1 || err != nil || len(b.Proposals()) != 0 {
		t.Errorf("withdrawn %d, %v, left %v", n, err, b.Proposals())
	}
	_, err := b.Withdraw(t.Context(), "cards.example", "")
	wantReason(t, err, Unknown, "not on the signed list")
}

// TestSweep: what nobody decided runs out, what was decided goes after its time, and the sums stay.
func TestSweep(t *testing.T) {
	b := newBench(t)
	begin := b.now
	decided, open := b.appeal("h-1", "cards.example").Number, b.appeal("h-1", "chess.example").Number
	b.decide(Verdict{Number: decided, Outcome: Upheld})
	b.now = begin.Add(89 * 24 * time.Hour)
	if err := b.Sweep(t.Context()); err != nil || b.status(decided).Outcome != Upheld || b.status(open).Outcome != Open {
		t.Errorf("after 89 days: %v, %+v, %+v", err, b.status(decided), b.status(open))
	}
	b.now = begin.Add(90*24*time.Hour + time.Minute)
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x := b.queue(Query{Decided: true}); len(x) != 1 || x[0].Name != "chess.example" || x[0].Outcome != Expired {
		t.Errorf("after 90 days %+v, want the open one run out and the decided one gone", x)
	}
	if !strings.Contains(scrape(t, b.Desk), `hearth_tickets_outcomes_total{category="money.gambling",kind="appeal",outcome="expired"} 1`+"\n") {
		t.Error("no metric tells of the ticket that ran out")
	}
	if strings.Contains(b.stored(), `"voters"`) {
		t.Error("hashes of who asked are kept of a ticket that ran out")
	}
	b.now = begin.Add(200 * 24 * time.Hour)
	if err := b.Sweep(t.Context()); err != nil || len(b.numbers) != 0 || len(b.tickets) != 0 {
		t.Errorf("%v, %d numbers and %d tickets are left", err, len(b.numbers), len(b.tickets))
	}
	if len(b.Proposals()) != 1 || !strings.Contains(b.stored(), "tickets/total/2026-03-02") || strings.Contains(b.stored(), "chess") {
		t.Errorf("what is left: %s", b.stored())
	}
}

// TestTornRecords: what cannot be read is left out, and the rest is there.
func TestTornRecords(t *testing.T) {
	b := newBench(t)
	good := b.appeal("h-1", "cards.example").Number
	for kind, values := range map[string]map[string]string{
		kindTicket:   {"1111-1111-1111": `{"number":`, "2222-2222-2222": `[]`, "3333-3333-3333": `{"number":"` + good + `"}`, "4444-4444-4444": `null`},
		kindProposal: {"x": `7`},
		kindTotal:    {"2026-03-01": `{"a":1}`},
	} {
		for id, value := range values {
			if value[len(value)-1] == ':' {
				value = `"` + strings.Trim(value, `{":`) + `"`
			}
			if _, err := b.log.Put(t.Context(), store.Write{Key: store.Key{Household: Household, Kind: kind, ID: id}, Value: []byte(value)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.reopen(b.Folder)
	if q := b.queue(Query{}); len(q) != 1 || q[0].Number != good {
		t.Errorf("queue %+v, want the good ticket", q)
	}
	if n := strings.Count(b.said.String(), "left out"); n != 5 {
		t.Errorf("%d records were said to be left out, want 5:\n%s", n, b.said.String())
	}
	if _, err := b.Transparency(t.Context(), "2026-03-01", "2026-03-02"); err != nil {
		t.Error(err)
	}
	b.decide(Verdict{Number: good, Outcome: Upheld})
}

// TestTwoMachines: two desks over one store make one ticket of one name, and see what the other decides.
func TestTwoMachines(t *testing.T) {
	b := newBench(t)
	one := b.Desk
	b.reopen(one.Folder)
	two := b.Desk
	ask := func(d *Desk, household string) string {
		r, err := d.Appeal(t.Context(), Ask{Household: household, Name: "cards.example"})
		if err != nil {
			t.Fatal(err)
		}
		return r.Number
	}
	first, second := ask(one, "h-1"), ask(two, "h-2")
	if _, err := two.Decide(t.Context(), Verdict{Number: second, Outcome: Upheld}); err != nil {
		t.Fatal(err)
	}
	_, err := one.Decide(t.Context(), Verdict{Number: first, Outcome: Declined, Word: "no"})
	if err == nil && first == second {
		t.Error("one ticket was decided twice")
	}
	ask(one, "h-3")
	ask(two, "h-4")

	// One whose memory is behind does not undo what the other decided, though it has nothing to count.
	b.reopen(one.Folder)
	late := ask(one, "h-5")
	b.reopen(one.Folder)
	b.decide(Verdict{Number: late, Outcome: Declined, Word: "no"})
	if again := ask(one, "h-5"); b.status(late).Outcome != Declined || again == late {
		t.Errorf("what was decided is %q again", b.status(late).Outcome)
	}
	b.reopen(one.Folder)
	if x, err := b.Show(late); err != nil || x.Outcome != Declined {
		t.Errorf("the store has %+v, %v; want it declined", x, err)
	}
}

// TestFollow: what another machine writes shows within the follower.
func TestFollow(t *testing.T) {
	b := newBench(t)
	one := b.Desk
	b.reopen(one.Folder)
	go func() { _ = one.Run(t.Context()) }()
	number := b.appeal("h-1", "cards.example").Number
	for range 1000 {
		if _, err := one.Show(number); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the other desk never saw the ticket")
}

// TestManyAtOnce: people, operators and a scrape at the same moment.
func TestManyAtOnce(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 3 {
				r := b.appeal(fmt.Sprint("h-", i), "cards.example")
				_, _ = b.Status(r.Number)
				_, _ = b.List(Query{})
				_, _ = b.Decide(t.Context(), Verdict{Number: r.Number, Outcome: Upheld})
				_ = scrape(t, b.Desk)
			}
		})
	}
	all.Wait()
	households := 0
	for x := range maps.Values(b.tickets) {
		households += x.Households
	}
	if households < 8 || households > 24 {
		t.Errorf("%d households are counted in all tickets, want 8 to 24", households)
	}
}

// TestMetrics: what waits, the age in the middle, and outcomes by category, never by name.
func TestMetrics(t *testing.T) {
	b := newBench(t)
	b.appeal("h-1", "cards.example")
	b.now = b.now.Add(2 * time.Hour)
	b.appeal("h-1", "chess.example")
	b.now = b.now.Add(4 * time.Hour)
	b.decide(Verdict{Number: b.report("h-1", "bad.example", "adult.porn").Number, Outcome: Upheld})
	_, _ = b.Report(t.Context(), Ask{Name: "x.example", Illegal: true})
	_, _ = b.Appeal(t.Context(), Ask{Name: "sealed.example"})
	_, _ = b.Appeal(t.Context(), Ask{Name: "free.example"})
	text := scrape(t, b.Desk)
	for _, line := range []string{
		`hearth_tickets_median_age_seconds 18000`, `hearth_tickets_oldest_age_seconds 21600`,
		`hearth_tickets_open{kind="appeal"} 2`, `hearth_tickets_open{kind="report"} 0`, `hearth_tickets_overdue{kind="appeal"} 0`,
		`hearth_tickets_hotline_total 1`, `hearth_tickets_refused_total{why="unlisted"} 1`, `hearth_tickets_refused_total{why="queue"} 0`,
		`hearth_tickets_outcomes_total{category="adult.porn",kind="report",outcome="upheld"} 1`, `hearth_tickets_outcomes_total{category="",kind="report",outcome="declined"} 0`,
		`hearth_tickets_asked_total{category="money.gambling",kind="appeal"} 2`, `hearth_tickets_proposals{action="block"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if strings.Contains(text, ".example") {
		t.Error("the metrics name a site")
	}
	b.now = b.now.Add(72 * time.Hour)
	if text := scrape(t, b.Desk); !strings.Contains(text, `hearth_tickets_overdue{kind="appeal"} 2`) {
		t.Error("what waits longer than was promised is not overdue")
	}
}

// scrape is what a collector shows.
func scrape(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

// TestSettings: what the configuration cannot say is refused with what to write.
func TestSettings(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]Settings{
		"parents or operator":   {To: "me", Promise: 72 * time.Hour, Keep: 2160 * time.Hour},
		"24h to 1440h":          {To: ToParents, Promise: time.Minute, Keep: 2160 * time.Hour},
		"168h to 8760h":         {To: ToParents, Promise: 72 * time.Hour, Keep: time.Hour},
		"at least what promise": {To: ToParents, Promise: 1000 * time.Hour, Keep: 200 * time.Hour},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}

// TestReasons: every reason has its place, and the closed sets are closed.
func TestReasons(t *testing.T) {
	for _, k := range Kinds() {
		if r := Reasons(k); len(r) > 5 || !slices.Contains(r, WhyOther) {
			t.Errorf("%s has the reasons %v, want at most five and other", k, r)
		}
	}
}
