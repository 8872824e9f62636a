package tickets

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// Query is which tickets an operator wants to see. The zero value is the first page of all open ones.
type Query struct {
	Kind     Kind          `json:"kind,omitempty"`     // "": both
	Category string        `json:"category,omitempty"` // "": any
	List     string        `json:"list,omitempty"`     // "": any
	Older    time.Duration `json:"older,omitempty"`    // opened at least so long ago
	Decided  bool          `json:"decided,omitempty"`  // those that are decided, instead of the open ones
	After    string        `json:"after,omitempty"`    // Page.Next of the page before
	Limit    int           `json:"limit,omitempty"`    // 1 to 200; 0 = 50
}

const (
	defaultPage = 50
	maxPage     = 200
)

// Page is a part of the queue, in the order in which it is to be worked on: what may be help first, then what is due first.
// Decided tickets come the newest first.
type Page struct {
	Tickets []Ticket `json:"tickets"`
	Next    string   `json:"next,omitempty"` // of the page behind; "": there is none
	Total   int      `json:"total"`          // that fit the query
}

// List gives a page of the queue.
func (d *Desk) List(q Query) (Page, error) {
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	switch {
	case q.Limit < 1 || q.Limit > maxPage:
		return Page{}, refused("limit", "write 1 to %d", maxPage)
	case q.Kind != "" && !slices.Contains(Kinds(), q.Kind):
		return Page{}, refused("kind", "%q is no kind: write appeal or report", cut(plain(string(q.Kind)), 32))
	case q.Older < 0:
		return Page{}, refused("older", "an age is not negative: write such as 48h")
	case q.After != "" && !placed.MatchString(q.After):
		return Page{}, refused("after", "no page says so: write what the page before said, or nothing")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []*kept
	for _, t := range d.tickets {
		if q.takes(&t.Ticket, d.Now()) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *kept) int { return strings.Compare(place(&a.Ticket), place(&b.Ticket)) })
	page := Page{Tickets: []Ticket{}, Total: len(found)}
	for _, t := range found {
		if q.After != "" && place(&t.Ticket) <= q.After {
			continue
		}
		if len(page.Tickets) == q.Limit {
			page.Next = place(&page.Tickets[q.Limit-1])
			break
		}
		page.Tickets = append(page.Tickets, t.shown())
	}
	return page, nil
}

func (q *Query) takes(t *Ticket, now time.Time) bool {
	return (t.Outcome != Open) == q.Decided && (q.Kind == "" || t.Kind == q.Kind) && (q.Category == "" || t.Category == q.Category) &&
		(q.List == "" || t.List == q.List) && now.Sub(t.Opened) >= q.Older
}

// placed is the form of place.
var placed = regexp.MustCompile(`^[01]\.\d{13}\.\d{4}-\d{4}-\d{4}$`)

// place is where a ticket stands in the order of a Page. It says nothing that the ticket does not.
func place(t *Ticket) string {
	urgent, at := 1, t.Due.Unix()
	if t.Help {
		urgent = 0
	}
	if t.Outcome != Open {
		urgent, at = 0, 1<<40-t.Decided.Unix()
	}
	return fmt.Sprintf("%d.%013d.%s", urgent, at, t.Number)
}

// Show gives the ticket of a number.
func (d *Desk) Show(text string) (Ticket, error) {
	number, _, err := d.readNumber(text)
	if err != nil {
		return Ticket{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, there := d.tickets[d.numbers[number]]
	if !there {
		return Ticket{}, unknown("number", "no ticket of this number is kept: hearth reports list shows those that wait")
	}
	return t.shown(), nil
}

// Verdict is what an operator decides.
type Verdict struct {
	Number   string  `json:"number"`
	Outcome  Outcome `json:"outcome"`            // one of Outcomes
	Word     string  `json:"word,omitempty"`     // told to who knows a number; never needed, or its absence would tell
	Category string  `json:"category,omitempty"` // Upheld: the right one, where the ticket says another or none
	List     string  `json:"list,omitempty"`     // Sent: whose maker is to decide, where the ticket says none
	Of       string  `json:"of,omitempty"`       // Duplicate: a number of the ticket that has the outcome
	By       string  `json:"by,omitempty"`       // who decides, for the record
}

// Decide closes a ticket. What was kept of who asked, and what they wrote, is gone with that. Upheld makes it a proposal
// for the signed list; of a name of help, which no list can block, an upheld report makes none.
func (d *Desk) Decide(ctx context.Context, v Verdict) (Ticket, error) {
	number, _, err := d.readNumber(v.Number)
	if err != nil {
		return Ticket{}, err
	}
	if v.Word, err = readWord("word", v.Word); err != nil {
		return Ticket{}, err
	}
	var made *record
	err = d.act(func() error {
		was, there := d.tickets[d.numbers[number]]
		switch {
		case !there:
			return unknown("number", "no ticket of this number is kept: hearth reports list shows those that wait")
		case was.Outcome != Open:
			return &Error{Reason: Conflict, Field: "number", Text: fmt.Sprintf("it was decided already, as %s, on %s", was.Outcome, was.Decided.Format(time.DateOnly))}
		}
		var c change
		if made, c, err = d.decided(was.record, v); err != nil {
			return err
		}
		return d.put(ctx, c)
	})
	if err != nil {
		return Ticket{}, err
	}
	d.counts.add(made.Kind, made.Category, string(made.Outcome))
	return made.shown(), nil
}

// decided is a ticket after a verdict, with all that this changes.
func (d *Desk) decided(was *record, v Verdict) (t *record, c change, err error) {
	t = was.closed(v.Outcome, d.Now())
	t.Word, t.By = v.Word, cut(plain(v.By), maxBy)
	switch v.Outcome {
	case Upheld:
		t.Category = cmp.Or(v.Category, t.Category)
		var p []Proposal
		if p, err = d.propose(t); err != nil {
			return nil, c, err
		}
		c.proposals = p
		for _, accepted := range p { // of the same name, the later word counts
			if _, there := d.proposals[accepted.opposite().id()]; there {
				c.withdrawn = append(c.withdrawn, accepted.opposite().id())
			}
		}
	case Declined: // it needs no word: a name of a legal list is declined without one
	case Sent:
		if t.List = cmp.Or(plain(cut(v.List, maxList)), t.List); t.List == "" {
			return nil, c, refused("list", "whose maker is to decide is missing: write the list")
		}
	case Duplicate:
		other, known := d.tickets[d.numbers[d.spelled(v.Of)]]
		if !known || other.record == was || other.Outcome == Duplicate {
			return nil, c, refused("of", "write the number of the other ticket, which is no duplicate itself")
		}
		t.Of = other.Number
	default:
		return nil, c, refused("outcome", "%q is no outcome: write one of %v", cut(plain(string(v.Outcome)), 32), Outcomes())
	}
	c.tickets, c.counted = []*record{t}, []row{rowOf(&t.Ticket, string(t.Outcome))}
	return t, c, nil
}

// maxList bounds the name of a list in octets.
const maxList = 256

// spelled is a number as it is kept, "" for what is none.
func (d *Desk) spelled(text string) string {
	number, _, err := d.readNumber(text)
	if err != nil {
		return ""
	}
	return number
}

// closed is a ticket that is decided: nothing of who asked is in it any more.
func (r *record) closed(o Outcome, now time.Time) *record {
	c := r.clone()
	c.Outcome, c.Decided, c.Voters, c.Words = o, now.UTC().Truncate(time.Second), nil, nil
	return c
}

// Sweep lets tickets run out that nobody decided, and throws away those that were decided long ago, with their numbers.
// The sums stay. Run calls it.
func (d *Desk) Sweep(ctx context.Context) error {
	for {
		var c change
		more := false
		err := d.act(func() error {
			if c, more = d.overdue(d.Now(), d.Settings().Keep); len(c.tickets)+len(c.gone) == 0 {
				return nil
			}
			return d.put(ctx, c)
		})
		if err != nil {
			return err
		}
		for _, t := range c.tickets {
			d.counts.add(t.Kind, t.Category, string(Expired))
		}
		if !more {
			return nil
		}
	}
}

// overdue is what has run out and what is kept no longer, at most as much as one batch holds, and whether there is more.
func (d *Desk) overdue(now time.Time, keep time.Duration) (c change, more bool) {
	for number, t := range d.tickets {
		if len(c.tickets)+len(c.gone) >= store.MaxBatch/2 {
			return c, true
		}
		switch {
		case t.Outcome == Open && now.Sub(t.Opened) >= keep:
			c.tickets = append(c.tickets, t.closed(Expired, now))
			c.counted = append(c.counted, rowOf(&t.Ticket, string(Expired)))
		case t.Outcome != Open && now.Sub(t.Decided) > keep:
			c.gone = append(c.gone, number)
		}
	}
	return c, false
}
