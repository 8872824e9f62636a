package tickets

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Limits. What they are for stands in docs/operations.md.
const (
	maxAsks       = 10     // of a household in a day
	maxHotlines   = 30     // of a household in a day that are written into the count of the day: each is a write
	maxAskers     = 50_000 // households that are told apart in a day
	maxOpen       = 2000   // open tickets
	maxNew        = 500    // new tickets in a day
	maxKept       = 10_000 // tickets, open and decided
	maxNumbers    = 1000   // of one ticket
	maxAllNumbers = 50_000 // of all
	maxWords      = 5      // that one ticket keeps
	maxLooks      = 2      // looks into the lists at once
)

// MaxHouseholds is up to how many households one ticket counts.
const MaxHouseholds = 1000

// Ask is what somebody says of a name.
type Ask struct {
	Household string // who asks; its limits count, and it is not kept. "": all of whom nobody knows whose they are
	Name      string // as they wrote or pasted it
	Category  string // appeal: by which it was blocked, "" if that is not known; report: what they say it is, or ""
	Why       Why
	Word      string // at most 280 characters, told to the operator alone, until the ticket is decided
	Illegal   bool   // report: it may be against the law
}

// Receipt is what somebody gets for it.
type Receipt struct {
	Number   string `json:"number,omitempty"`   // twelve digits in groups of four, to see the outcome with
	Promised string `json:"promised,omitempty"` // by when there will be one, YYYY-MM-DD
	Hotline  bool   `json:"hotline,omitempty"`  // nothing was kept: show the hotline of the country, which takes such reports
}

// Appeal says that a name is blocked by mistake. Errors: Refused for what is no name or no reason, Unlisted where no list
// blocks it, Wait for too many. A name of a legal list is answered as one that other lists block.
func (d *Desk) Appeal(ctx context.Context, a Ask) (Receipt, error) { return d.ask(ctx, Appeal, a) }

// Report says that a name is bad and not blocked. What may be against the law is never kept; Receipt.Hotline says where
// such a report goes, and that never fails. Other errors as of Appeal.
func (d *Desk) Report(ctx context.Context, a Ask) (Receipt, error) {
	if !a.Illegal {
		return d.ask(ctx, Report, a)
	}
	d.counts.hotline.Add(1)
	if !d.hotlines.admit(d.keyed("hotline", a.Household), dayOf(d.Now().UTC()), maxHotlines) {
		return Receipt{Hotline: true}, nil
	}
	if err := d.act(func() error { return d.put(ctx, change{counted: []row{{What: whatHotline}}}) }); err != nil {
		d.Problems.Error("a report that goes to a hotline is not counted", "error", err)
	}
	return Receipt{Hotline: true}, nil
}

// question is an Ask that was read.
type question struct {
	Ask
	kind Kind
	name blocklists.Name
	now  time.Time
}

func (d *Desk) ask(ctx context.Context, kind Kind, a Ask) (Receipt, error) {
	q, err := d.readAsk(kind, a)
	if err != nil {
		d.counts.refuse("wrong")
		return Receipt{}, err
	}
	if !d.asks.admit(d.keyed("day", a.Household), dayOf(q.now), maxAsks) {
		d.counts.refuse("household")
		return Receipt{}, wait("you have sent %d of these today: more can be sent tomorrow", maxAsks)
	}
	s, err := d.look(ctx, q.name)
	if err != nil {
		return Receipt{}, fmt.Errorf("looking up what lists say: %w", err)
	}
	claim, listed := s.claim(a.Category)
	switch {
	case s.Own:
		return Receipt{}, refused("name", "this name is of the filter itself, and never blocked")
	case kind == Appeal && !s.Illegal && !listed:
		d.counts.refuse("unlisted")
		return Receipt{}, &Error{Reason: Unlisted, Field: "name", Text: "no list blocks this name: if it is blocked, a rule or a time of your home does it, so ask at home"}
	}
	var r Receipt
	err = d.act(func() error {
		r, err = d.answer(ctx, q, s, claim)
		return err
	})
	return r, err
}

// look asks what the lists say, which may read all of a large one: maxLooks at once, so that whoever asks costs no more.
func (d *Desk) look(ctx context.Context, name blocklists.Name) (Standing, error) {
	select {
	case d.looks <- struct{}{}:
		defer func() { <-d.looks }()
		return d.Look(ctx, name)
	case <-ctx.Done():
		return Standing{}, ctx.Err()
	}
}

// readAsk checks what can be checked without knowing the name.
func (d *Desk) readAsk(kind Kind, a Ask) (q question, err error) {
	q = question{Ask: a, kind: kind, now: d.Now().UTC().Truncate(time.Second)}
	if q.name, err = readName(a.Name); err != nil {
		return q, err
	}
	if q.Word, err = readWord("word", a.Word); err != nil {
		return q, err
	}
	if q.Why == "" {
		q.Why = WhyOther
	}
	switch {
	case !slices.Contains(Reasons(kind), q.Why):
		return q, refused("why", "%q is no reason: write one of %s", cut(plain(string(q.Why)), 32), strings.Trim(strings.ReplaceAll(fmt.Sprint(Reasons(kind)), " ", ", "), "[]"))
	case a.Category != "" && kind == Report && !blocking(d.Taxonomy(), a.Category):
		return q, refused("category", "%q is no category that can be reported: write one such as money.gambling, or none", cut(plain(a.Category), 64))
	case kind == Report && isSuffix(q.name.String()):
		return q, refused("name", "strangers have sites of their own beneath this name: write the whole name of the site")
	}
	return q, nil
}

// answer makes a ticket of a question, or counts it to the one there is, and gives a number for it. The caller holds mu.
func (d *Desk) answer(ctx context.Context, q question, s Standing, c Claim) (Receipt, error) {
	t := &record{Ticket: Ticket{Kind: q.kind, Name: q.name.String(), Category: q.Category, Opened: q.now, Due: q.now.Add(d.Settings().Promise), Help: s.Help}}
	if q.kind == Appeal {
		t.Category, t.List, t.Version, t.Entry = c.Category, c.List, c.Version, cut(plain(c.Entry), 512)
	}
	was, there := d.tickets[d.open[t.subject()]]
	if !there {
		if err := d.room(); err != nil {
			return Receipt{}, err
		}
	}
	today := dayOf(q.now)
	receipt := Receipt{Promised: dateOf(today + d.Settings().promiseDays())}
	var err error
	if receipt.Number, err = d.fresh(today); err != nil {
		return Receipt{}, err
	}
	if s.Illegal {
		return receipt, d.put(ctx, change{counted: []row{{What: whatHotline}}})
	}
	counted := []row{}
	if there {
		t = was.clone()
	} else {
		t.Number, t.Before = receipt.Number, d.before(t.subject())
		counted = append(counted, rowOf(&t.Ticket, whatOpened))
	}
	if len(t.Numbers) < maxNumbers && len(d.numbers) < maxAllNumbers {
		t.Numbers = insert(t.Numbers, receipt.Number)
	} else {
		receipt.Number = t.Number // it shows the same outcome
	}
	if d.count(t, q) {
		counted = append(counted, rowOf(&t.Ticket, whatAsked))
	}
	if err := d.put(ctx, change{tickets: []*record{t}, counted: counted}); err != nil {
		return Receipt{}, err
	}
	d.counts.add(t.Kind, t.Category, whatAsked)
	return receipt, nil
}

// count notes on a ticket that a household asks, if it has not asked before.
func (d *Desk) count(t *record, q question) bool {
	voter := hex.EncodeToString(d.keyed("voter", string(t.Kind), t.Number, q.Household)[:12])
	if _, known := slices.BinarySearch(t.Voters, voter); known || t.Households >= MaxHouseholds {
		return false
	}
	t.Voters = insert(t.Voters, voter)
	t.Households++
	if t.Why == nil {
		t.Why = map[Why]int{}
	}
	t.Why[q.Why]++
	t.Help = t.Help || q.Why == WhyHelp
	if q.Word != "" && len(t.Words) < maxWords {
		t.Words = append(t.Words, q.Word)
	}
	return true
}

// room says why no new ticket can be made. It must not depend on the name.
func (d *Desk) room() error {
	opened := 0
	since := d.Now().Add(-oneDay)
	for number := range maps.Values(d.open) {
		if d.tickets[number].Opened.After(since) {
			opened++
		}
	}
	if len(d.open) >= maxOpen || len(d.tickets) >= maxKept || opened >= maxNew {
		d.counts.refuse("queue")
		return wait("more people have written than can be answered: try again tomorrow")
	}
	return nil
}

// fresh draws a number that no ticket has.
func (d *Desk) fresh(today int64) (string, error) {
	for range 100 {
		n, err := d.draw(today)
		if err != nil {
			return "", err
		}
		if _, taken := d.numbers[n]; !taken {
			return n, nil
		}
	}
	return "", wait("there are no numbers left for today: try again tomorrow")
}

// before is what became of the last ticket about the same.
func (d *Desk) before(s subject) Outcome {
	var last *kept
	for _, t := range d.tickets {
		if t.Outcome != Open && t.subject() == s && (last == nil || t.Decided.After(last.Decided)) {
			last = t
		}
	}
	if last == nil {
		return Open
	}
	return last.Outcome
}

// insert puts a text into a sorted slice.
func insert(sorted []string, text string) []string {
	at, _ := slices.BinarySearch(sorted, text)
	return slices.Insert(sorted, at, text)
}

// admission counts what each household asks in a day, by a keyed hash and in memory alone.
type admission struct {
	gate  sync.Mutex
	day   int64
	asked map[[12]byte]int
}

// admit counts one more, or says that it is more than most.
func (a *admission) admit(who []byte, day int64, most int) bool {
	a.gate.Lock()
	defer a.gate.Unlock()
	if a.day != day || a.asked == nil {
		a.day, a.asked = day, map[[12]byte]int{}
	}
	key := [12]byte(who[:12])
	n, there := a.asked[key]
	if n >= most || !there && len(a.asked) >= maxAskers {
		return false
	}
	a.asked[key] = n + 1
	return true
}
