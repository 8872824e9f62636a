package parents

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// ownRequest says whether a request is of whoever uses a client: of the same person, or of the same device if it does
// not say who asked.
func ownRequest(c policy.Client, r *Request) bool {
	if c.Household == nil || c.Household.ID != r.Household || c.Status != policy.Known || c.Assumed {
		return false
	}
	if r.Member != "" {
		return c.Member != nil && c.Member.Name == r.Member
	}
	return c.Device != nil && c.Device.Name == r.Device
}

// RequestsOf lists what whoever uses a client has asked for, the latest first.
func (d *Desk) RequestsOf(c policy.Client) (list []Request) {
	if c.Household == nil {
		return nil
	}
	d.mu.Lock()
	all := d.homes[c.Household.ID].requests(d.Now())
	d.mu.Unlock()
	for _, r := range all {
		if ownRequest(c, &r) {
			list = append(list, r.in(c.Household))
		}
	}
	latest(list)
	return list
}

// RequestOf gives a request to whom it is of, false to everybody else.
func (d *Desk) RequestOf(c policy.Client, id string) (Request, bool) {
	list := d.RequestsOf(c)
	i := slices.IndexFunc(list, func(r Request) bool { return r.ID == id })
	if i < 0 {
		return Request{}, false
	}
	return list[i], true
}

// Withdraw takes a request back, for whom it is of.
func (d *Desk) Withdraw(ctx context.Context, c policy.Client, id string) (Request, error) {
	r, there := d.RequestOf(c, id)
	if !there {
		return r, unknown("id", "there is no request %q of yours", cut(id, 16))
	}
	p, err := d.act(ctx, Who{Household: r.Household, By: r.Member}, proven, func(p *place) (Entry, []change, error) {
		was, revision, err := p.waiting(id)
		if err != nil {
			return Entry{}, nil, err
		}
		r, p.subject = was, was.subject()
		r.Status, r.Closed = Withdrawn, p.now
		return p.entry("request withdrawn", "request "+id, 0), []change{{kind: kindRequest, id: id, value: r, expect: &revision}}, nil
	})
	if err == nil {
		d.told(p, &r, nil)
	}
	return r, err
}

// in is the request with the times of a household's clock.
func (r Request) in(h *policy.Household) Request {
	r.At, r.Answers = r.At.In(h.Location), slices.Clone(r.Answers)
	for _, at := range []*time.Time{&r.Closed, &r.Until} {
		if !at.IsZero() {
			*at = at.In(h.Location)
		}
	}
	for i := range r.Answers {
		r.Answers[i].At = r.Answers[i].At.In(h.Location)
	}
	return r
}

// latest sorts requests, the latest first.
func latest(list []Request) {
	slices.SortFunc(list, func(a, b Request) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
}

// RequestQuery says which requests of a household are listed.
type RequestQuery struct {
	Closed bool   // those that were answered, withdrawn or expired too
	After  string // the last of the page before
	Limit  int    // 1 to 100; 0: 50
}

// RequestPage is a page of requests, the latest first.
type RequestPage struct {
	Requests []Request `json:"requests"`
	Next     string    `json:"next,omitempty"` // After of the next page, "" for none
}

const (
	pageOf  = 50
	maxPage = 100
)

// Requests lists what the children of a household ask for; of a member those of this one alone.
func (d *Desk) Requests(ctx context.Context, who Who, q RequestQuery) (page RequestPage, err error) {
	if q.Limit < 0 || q.Limit > maxPage {
		return page, refused("limit", "%d is no length of a page: write 1 to %d", q.Limit, maxPage)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.look(ctx, who)
	if err != nil {
		return page, err
	}
	page.Requests = []Request{}
	for _, r := range p.requests() {
		if (q.Closed || r.Open()) && (p.subject == policy.Subject{} || p.subject == r.subject()) {
			page.Requests = append(page.Requests, r.in(p.household))
		}
	}
	latest(page.Requests)
	if q.After != "" {
		at := slices.IndexFunc(page.Requests, func(r Request) bool { return r.ID == q.After })
		if at < 0 {
			return page, refused("after", "no request %q is on the page before: begin without after", cut(q.After, 16))
		}
		page.Requests = page.Requests[at+1:]
	}
	if most := cmp.Or(q.Limit, pageOf); len(page.Requests) > most {
		page.Requests = page.Requests[:most]
		page.Next = page.Requests[most-1].ID
	}
	return page, nil
}

// ShowRequest gives one request of a household.
func (d *Desk) ShowRequest(ctx context.Context, who Who, id string) (Request, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.look(ctx, Who{Household: who.Household, By: who.By, Actor: who.Actor})
	if err != nil {
		return Request{}, err
	}
	r, there := p.home[kindRequest][id]
	if !there {
		return Request{}, noRequest(id)
	}
	return r.value.(Request).as(p.now).in(p.household), nil
}

func noRequest(id string) error {
	return unknown("id", "there is no request %q: hearth requests list shows those that wait", cut(id, 16))
}

// WatchRequest gives a request as it is, and again whenever it changes, until it is closed or ctx ends. Whoever calls it
// has made sure that the request may be seen.
func (d *Desk) WatchRequest(ctx context.Context, household, id string) iter.Seq2[Request, error] {
	return func(yield func(Request, error) bool) {
		var last Request
		for first := true; ctx.Err() == nil; first = false {
			rung := d.bell.next()
			d.mu.Lock()
			found, there := d.homes[household][kindRequest][id]
			d.mu.Unlock()
			h, known := d.Directory().Household(household)
			if !there || !known {
				yield(Request{}, noRequest(id))
				return
			}
			r := found.value.(Request).as(d.Now()).in(h)
			if (first || r.Status != last.Status) && !yield(r, nil) || !r.Open() {
				return
			}
			last = r
			select {
			case <-ctx.Done():
			case <-rung:
			}
		}
	}
}

// bell wakes all who wait for a change of some request.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // nil: nobody waits
}

// next is closed at the next change.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
