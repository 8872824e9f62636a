package tickets

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy/store"
)

// What is counted of a day, beside the outcomes.
const (
	whatAsked   = "asked"   // a household that asked, each once a ticket
	whatOpened  = "opened"  // a ticket
	whatHotline = "hotline" // somebody was sent to a hotline, or asked about what a legal list has; nothing else is counted of it
)

// maxRows bounds the different rows of one day; what is beyond is counted without its category and list.
const maxRows = 500

// row is what one sum of a day is about. It holds no name.
type row struct {
	Kind     Kind   `json:"kind,omitempty"`
	Category string `json:"category,omitempty"`
	List     string `json:"list,omitempty"`
	What     string `json:"what"`
}

// line is a row as it is kept.
type line struct {
	row
	N uint64 `json:"n"`
}

func rowOf(t *Ticket, what string) row { return row{t.Kind, t.Category, t.List, what} }

// day is the sums of one day.
type day struct {
	date     string
	revision uint64
	sums     map[row]uint64
}

// total gives the sums of today.
func (d *Desk) total(ctx context.Context) (day, error) {
	date := dateOf(dayOf(d.Now()))
	if d.today.date == date {
		return d.today, nil
	}
	key := store.Key{Household: Household, Kind: kindTotal, ID: date}
	s, err := d.Log.Snapshot(ctx, key.String())
	if err != nil {
		return day{}, fmt.Errorf("reading the sums of the day: %w", err)
	}
	today := day{date: date, sums: map[row]uint64{}}
	for _, e := range s.Entries {
		today.revision = e.Revision
		if today.sums, err = readSums(e.Value); err != nil {
			d.Problems.Error("the sums of a day are begun anew: they cannot be read", "day", date)
		}
	}
	return today, nil
}

// readSums reads what lines gives. Where it cannot, it gives no sums.
func readSums(text []byte) (map[row]uint64, error) {
	var all []line
	err := json.Unmarshal(text, &all)
	sums := make(map[row]uint64, len(all))
	for _, l := range all {
		sums[l.row] += l.N
	}
	return sums, err
}

// with is the day after some rows were counted.
func (t day) with(rows []row) day {
	t.sums = maps.Clone(t.sums)
	for _, r := range rows {
		if _, there := t.sums[r]; !there && len(t.sums) >= maxRows {
			r = row{Kind: r.Kind, What: r.What}
		}
		t.sums[r]++
	}
	return t
}

// lines gives the sums in a fixed order.
func (t day) lines() []line {
	all := make([]line, 0, len(t.sums))
	for r, n := range t.sums {
		all = append(all, line{r, n})
	}
	slices.SortFunc(all, func(a, b line) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Category, b.Category), strings.Compare(a.List, b.List), strings.Compare(a.What, b.What))
	})
	return all
}
