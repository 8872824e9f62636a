package tickets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fewer is the number below which sums are not told: what so few people asked could be somebody whom one knows.
const Fewer = 5

// maxSpan bounds the days of one report, as many as ten years have.
const maxSpan = 3660

// Figures is a report of what was asked and what became of it, for everybody to read. It has no names, and no sum below
// Fewer.
type Figures struct {
	From    string    `json:"from"` // YYYY-MM-DD, both days included
	To      string    `json:"to"`
	Appeals Breakdown `json:"appeals"`
	Reports Breakdown `json:"reports"`
	Hotline Figure    `json:"hotline"` // people who were sent to a hotline, or asked about what a legal list has
}

// Breakdown is what one kind of tickets comes to.
type Breakdown struct {
	Asked      Figure   `json:"asked"`   // households, each once a ticket
	Tickets    Figure   `json:"tickets"` // that were opened
	ByCategory []Figure `json:"by_category,omitempty"`
	ByList     []Figure `json:"by_list,omitempty"`
	ByOutcome  []Figure `json:"by_outcome,omitempty"`
}

// Figure is one sum: Count, or that it is below Fewer. In a table where one sum alone would be hidden, the next one is
// hidden too, as below Below, so that it cannot be had by taking the others off the whole.
type Figure struct {
	What  string `json:"what,omitempty"`
	Count uint64 `json:"count,omitempty"`
	Below uint64 `json:"below,omitempty"` // the count is less than this, and at least 0
}

// String gives the sum in words.
func (f Figure) String() string {
	if f.Below > 0 {
		return fmt.Sprintf("fewer than %d", f.Below)
	}
	return fmt.Sprint(f.Count)
}

func figure(what string, n uint64) Figure {
	if n < Fewer {
		return Figure{What: what, Below: Fewer}
	}
	return Figure{What: what, Count: n}
}

// Transparency sums up the days from one to another, both included and written YYYY-MM-DD.
func (d *Desk) Transparency(ctx context.Context, from, to string) (Figures, error) {
	first, errFrom := time.Parse(time.DateOnly, from)
	last, errTo := time.Parse(time.DateOnly, to)
	switch {
	case errFrom != nil:
		return Figures{}, refused("from", "%q is no day: write YYYY-MM-DD", cut(plain(from), 32))
	case errTo != nil:
		return Figures{}, refused("to", "%q is no day: write YYYY-MM-DD", cut(plain(to), 32))
	case last.Before(first):
		return Figures{}, refused("to", "%s is before %s: write the last day", to, from)
	case last.Sub(first) > maxSpan*oneDay:
		return Figures{}, refused("from", "a report is about ten years at most: write a later day")
	}
	s, err := d.Log.Snapshot(ctx, Household+"/"+kindTotal+"/")
	if err != nil {
		return Figures{}, fmt.Errorf("reading the sums of days: %w", err)
	}
	sums := map[row]uint64{}
	for _, e := range s.Entries {
		if e.Key.ID < from || e.Key.ID > to {
			continue
		}
		day, err := readSums(e.Value)
		if err != nil {
			d.Problems.Error("a day is missing in a report: its sums cannot be read", "day", e.Key.ID)
			continue
		}
		for r, n := range day {
			sums[r] += n
		}
	}
	return Figures{From: from, To: to, Appeals: breakdown(sums, Appeal), Reports: breakdown(sums, Report), Hotline: figure("", sums[row{What: whatHotline}])}, nil
}

// breakdown sums up one kind.
func breakdown(sums map[row]uint64, kind Kind) Breakdown {
	var asked, opened uint64
	categories, lists, outcomes := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for r, n := range sums {
		switch {
		case r.Kind != kind:
		case r.What == whatAsked:
			asked += n
			categories[cmp.Or(r.Category, "not said")] += n
			if kind == Appeal {
				lists[cmp.Or(r.List, "not known")] += n
			}
		case r.What == whatOpened:
			opened += n
		default:
			outcomes[r.What] += n
		}
	}
	return Breakdown{Asked: figure("", asked), Tickets: figure("", opened), ByCategory: table(categories), ByList: table(lists), ByOutcome: table(outcomes)}
}

// table lists sums, the largest first.
func table(sums map[string]uint64) []Figure {
	all := make([]Figure, 0, len(sums))
	hidden := 0
	for what, n := range sums {
		f := figure(what, n)
		if f.Below > 0 {
			hidden++
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b Figure) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.What, b.What)) })
	if hidden == 1 && len(all) > 1 {
		next := &all[len(all)-2]
		next.Below, next.Count = (next.Count/Fewer+1)*Fewer, 0
	}
	slices.SortStableFunc(all, func(a, b Figure) int { return cmp.Compare(b.Count, a.Count) })
	return all
}

// Markdown gives the report as a page.
func (f Figures) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Appeals and reports, %s to %s\n\n", f.From, f.To)
	fmt.Fprintf(&b, "What people told us of names that are blocked by mistake, or bad and not blocked, and what became of it. Numbers below %d are not told.\n", Fewer)
	for _, part := range []struct {
		head string
		of   Breakdown
	}{{"Appeals: \"this is a mistake\"", f.Appeals}, {"Reports: \"I saw something bad\"", f.Reports}} {
		fmt.Fprintf(&b, "\n## %s\n\nHouseholds that asked: %s. Tickets: %s.\n", part.head, part.of.Asked, part.of.Tickets)
		for _, t := range []struct {
			head string
			rows []Figure
		}{{"Category", part.of.ByCategory}, {"List", part.of.ByList}, {"Outcome", part.of.ByOutcome}} {
			if len(t.rows) == 0 {
				continue
			}
			fmt.Fprintf(&b, "\n| %s | number |\n|---|---|\n", t.head)
			for _, r := range t.rows {
				fmt.Fprintf(&b, "| %s | %s |\n", marked(plain(r.What)), r)
			}
		}
	}
	fmt.Fprintf(&b, "\n## Hotlines\n\nPeople who were sent to a hotline for illegal content, or asked about a name that a legal list has, of which nothing else is kept: %s.\n", f.Hotline)
	return b.String()
}

// MarshalJSON writes a sum, also where it is 0.
func (f Figure) MarshalJSON() ([]byte, error) {
	type hidden struct {
		What  string `json:"what,omitempty"`
		Below uint64 `json:"below"`
	}
	type told struct {
		What  string `json:"what,omitempty"`
		Count uint64 `json:"count"`
	}
	if f.Below > 0 {
		return json.Marshal(hidden{f.What, f.Below})
	}
	return json.Marshal(told{f.What, f.Count})
}
