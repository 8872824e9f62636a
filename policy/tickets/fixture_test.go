package tickets

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/store"
)

// bench is a desk with a clock and lists that the test moves.
type bench struct {
	*Desk
	t     *testing.T
	now   time.Time
	log   store.Log
	lists map[string]Standing // by name; what is not here is on no list
	said  strings.Builder     // what the desk reports of problems
}

func newBench(t *testing.T) *bench {
	t.Helper()
	log, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return newBenchOn(t, log)
}

// newBenchOn is newBench over a log of the test's.
func newBenchOn(t *testing.T, log store.Log) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 3, 2, 15, 4, 5, 0, time.UTC), log: log, lists: map[string]Standing{
		"cards.example":  {Claims: []Claim{{Category: "money.gambling", List: "bets", Version: "1a2b3c4d", Entry: "||cards.example^"}}},
		"chess.example":  {Claims: []Claim{{Category: "money.gambling", List: "bets", Version: "1a2b3c4d", Entry: "||chess.example^"}}},
		"both.example":   {Claims: []Claim{{Category: "money.gambling", List: "bets"}, {Category: "ads.trackers", List: "ads", Entry: "both.example"}}},
		"care.example":   {Help: true, Claims: []Claim{{Category: "adult.porn", List: "wide", Entry: "care.example"}}},
		"sealed.example": {Illegal: true},
		"own.example":    {Own: true},
	}}
	b.reopen(filepath.Join(t.TempDir(), "tickets"))
	return b
}

// reopen makes a new desk over the same store, as a restart does.
func (b *bench) reopen(folder string) {
	b.t.Helper()
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		b.t.Fatal(err)
	}
	b.Desk, err = New(b.t.Context(), Config{
		Log: b.log, Folder: folder, Now: func() time.Time { return b.now },
		Taxonomy: func() *blocklists.Taxonomy { return taxonomy },
		Look:     func(_ context.Context, name blocklists.Name) (Standing, error) { return b.lists[name.String()], nil },
		Maintainer: func(list string) (Maintainer, bool) {
			return Maintainer{Title: "The list of bets", Homepage: "https://lists.example/bets", Tracker: "https://lists.example/bets/issues"}, list == "bets"
		},
		Problems: slog.New(slog.NewTextHandler(&b.said, nil)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// appeal makes an appeal that must be taken.
func (b *bench) appeal(household, name string) Receipt {
	b.t.Helper()
	r, err := b.Appeal(b.t.Context(), Ask{Household: household, Name: name, Why: WhyFine})
	if err != nil {
		b.t.Fatalf("an appeal about %s: %v", name, err)
	}
	return r
}

func (b *bench) report(household, name, category string) Receipt {
	b.t.Helper()
	r, err := b.Report(b.t.Context(), Ask{Household: household, Name: name, Category: category, Why: WhyScary})
	if err != nil {
		b.t.Fatalf("a report about %s: %v", name, err)
	}
	return r
}

func (b *bench) decide(v Verdict) Ticket {
	b.t.Helper()
	t, err := b.Decide(b.t.Context(), v)
	if err != nil {
		b.t.Fatalf("deciding %+v: %v", v, err)
	}
	return t
}

// status is what somebody sees by a number.
func (b *bench) status(number string) Status {
	b.t.Helper()
	s, err := b.Status(number)
	if err != nil {
		b.t.Fatalf("the status of %s: %v", number, err)
	}
	return s
}

// queue lists all tickets of a query.
func (b *bench) queue(q Query) []Ticket {
	b.t.Helper()
	p, err := b.List(q)
	if err != nil {
		b.t.Fatal(err)
	}
	return p.Tickets
}

// wantReason holds that an error is one of ours, of a reason, and says what to do.
func wantReason(t *testing.T, err error, reason Reason, words string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != reason || !strings.Contains(e.Text, words) {
		t.Errorf("error %v, want one of reason %d with %q", err, reason, words)
	}
}

// stored is all that the store holds of tickets, as text.
func (b *bench) stored() string {
	b.t.Helper()
	s, err := b.log.Snapshot(b.t.Context(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	var all strings.Builder
	for _, e := range s.Entries {
		all.WriteString(e.Key.String() + " " + string(e.Value) + "\n")
	}
	return all.String()
}
