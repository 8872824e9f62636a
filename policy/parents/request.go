package parents

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hearthdns/hearth/policy"
)

// RequestStatus is how far a request is. The set is closed.
type RequestStatus string

// The states. A request is closed in the last four.
const (
	Waiting   RequestStatus = "open"
	Half      RequestStatus = "half" // one of two parents has said yes
	Granted   RequestStatus = "granted"
	Declined  RequestStatus = "declined"
	Withdrawn RequestStatus = "withdrawn" // by whom it is of
	Expired   RequestStatus = "expired"   // nobody has answered it
)

// Limits of requests; docs/operations.md has their reasons.
const (
	openRequests = 10                  // of one child at a time
	dayRequests  = 30                  // of one child in 24 hours
	maxRequests  = 500                 // that one household keeps; the oldest that is closed makes room
	maxWord      = 280                 // characters that somebody says to it
	keepClosed   = 30 * 24 * time.Hour // after which a closed one is deleted
	keepWaiting  = 7 * 24 * time.Hour  // after which nobody answers any more
	again        = time.Hour           // after which the same is asked for again where the answer was no
)

// Request is what somebody asks their parents for.
type Request struct {
	ID        string `json:"id"`
	Household string `json:"household"`
	Member    string `json:"member,omitempty"` // who asks, or "": whoever uses the device
	Device    string `json:"device"`           // at which they ask
	// Kind is what would be granted: a name, a service or time; and Value which.
	Kind     policy.GrantKind `json:"kind"`
	Value    string           `json:"value,omitempty"`
	Name     string           `json:"name,omitempty"` // the site that was blocked; of time none
	Category string           `json:"category,omitempty"`
	Step     string           `json:"step"`              // of the order of decisions, that blocked it
	Mistake  bool             `json:"mistake,omitempty"` // they say that it is blocked by mistake
	Word     string           `json:"word,omitempty"`
	At       time.Time        `json:"at"`
	TTL      int              `json:"ttl"` // seconds for which the device may go by the answer that it had

	Status  RequestStatus `json:"status"`
	Answers []Answer      `json:"answers,omitempty"`
	Closed  time.Time     `json:"closed,omitzero"`
	Until   time.Time     `json:"until,omitzero"` // when the grant ends; zero: it is revoked
	Grant   string        `json:"grant,omitempty"`
	Note    string        `json:"note,omitempty"` // what the parent who answers should know; it is not kept
}

// Answer is what a parent said to a request.
type Answer struct {
	By      string    `json:"by,omitempty"`
	Account string    `json:"account,omitempty"` // the id of By's, if there is one
	Role    string    `json:"role"`              // of who answered; "self" of who answers for themself, "rule" where their age does
	At      time.Time `json:"at"`
	For     string    `json:"for,omitempty"` // how long it was granted, "" for no
	Word    string    `json:"word,omitempty"`
}

// Open says whether it waits for an answer.
func (r *Request) Open() bool { return r.Status == Waiting || r.Status == Half }

// subject is whom a grant of it is for.
func (r *Request) subject() policy.Subject {
	if r.Member != "" {
		return policy.Subject{Member: r.Member}
	}
	return policy.Subject{Device: r.Device}
}

// Wish is what somebody asks for. Question and Decision are of the name that was blocked.
type Wish struct {
	Name     string // canonical
	Question policy.Question
	Decision policy.Decision
	Mistake  bool   // it is blocked by mistake
	Word     string // at most 280 characters
	For      string // of who answers for themself: 30m, 1h, today or always; "": 30m
	TTL      int    // seconds of the answer that the device has
}

// Asks says what a wish would be a request for, and whether whoever asks would be answered at once, by themself or by
// their age. Errors: Refused for what nobody can be asked for.
func (d *Desk) Asks(c policy.Client, w Wish) (r Request, selfAnswered bool, err error) {
	now := d.Now()
	if c.Household != nil {
		now = now.In(c.Household.Location)
	}
	r, err = d.request(c, w, now)
	return r, err == nil && d.answerer(c, &r, w) != "", err
}

// Request asks the parents of a client that the resolver found. It gives the request that waits already for the same,
// or that was declined within an hour, instead of another. Errors: Refused for what nobody can be asked for, Wait for
// too many.
func (d *Desk) Request(ctx context.Context, c policy.Client, w Wish) (Request, error) {
	if c.Household == nil {
		return Request{}, refused("", "this device is not known yet: a parent can enrol it")
	}
	r, err := d.request(c, w, d.Now().In(c.Household.Location))
	if err != nil {
		d.counts.requests.add("refused")
		return r, err
	}
	known, asked := false, r
	who := Who{Household: r.Household, Member: r.subject().Member, Device: r.subject().Device, By: r.Member}
	p, err := d.act(ctx, who, proven, func(p *place) (Entry, []change, error) {
		asked = r
		if earlier, there := p.asked(&r); there {
			asked, known = earlier, true
			return Entry{}, nil, errKnown
		}
		room, err := p.room(&r)
		if err != nil {
			return Entry{}, nil, err
		}
		asked.ID = newID()
		entry := p.entry("request", requested(&asked), 0)
		if by := d.answerer(c, &r, w); by != "" {
			granted, err := d.themself(p, &asked, by, w)
			return entry, append(room, granted...), err
		}
		return entry, append(room, change{kind: kindRequest, id: asked.ID, value: asked}), nil
	})
	switch {
	case known:
		return asked, nil
	case err != nil:
		d.counts.requests.add("refused")
		return asked, err
	}
	d.counts.requests.add("asked")
	notify := d.Asked
	if !asked.Open() {
		d.counts.requests.add(string(asked.Status))
		notify = nil
	}
	if asked.Status == Granted && asked.Grant == "" { // it is a rule
		err = d.renew(ctx)
	}
	d.told(p, &asked, notify)
	return asked, err
}

// themself makes what somebody's yes to themself is.
func (d *Desk) themself(p *place, r *Request, by string, w Wish) ([]change, error) {
	warned := w.Decision.Action == policy.Warn
	if warned && r.Kind == policy.GrantName && r.Category != "" { // what else of the site or beneath it is blocked, is not theirs to open
		r.Kind, r.Value = policy.GrantContinue, r.Category
	}
	granted, _, err := d.yes(p, r, p.answer(by, span(warned, r.Kind, w.For), ""), p.edge(r, w.Decision))
	return granted, err
}

// span is for how long who answers for themself has it: as long as they say, after a warning as long as one is passed, and
// of time no longer than today.
func span(warned bool, kind policy.GrantKind, long string) string {
	switch {
	case long == "" || warned:
		return "30m"
	case long == "always" && kind == policy.GrantTime:
		return "today"
	}
	return long
}

// edge is the unix second at which what somebody grants themself ends at the latest: a passed warning at the next change
// of the clock, time with the window that it lifts; 0: there is none.
func (p *place) edge(r *Request, d policy.Decision) int64 {
	switch {
	case d.Action == policy.Warn:
		return Continues(d, p.now).Unix()
	case r.Kind == policy.GrantTime:
		return d.Ends
	}
	return 0
}

// request makes a request of a wish, and says why none can be.
func (d *Desk) request(c policy.Client, w Wish, now time.Time) (r Request, err error) {
	if c.Household == nil || c.Status != policy.Known || c.Assumed || c.Device == nil {
		return r, refused("", "this device is not known yet: a parent can enrol it")
	}
	r = Request{Household: c.Household.ID, Device: c.Device.Name, Step: w.Decision.Step.String(), Mistake: w.Mistake, At: now, TTL: w.TTL, Status: Waiting}
	if c.Member != nil {
		r.Member = c.Member.Name
	}
	if r.Word, err = readWord(w.Word); err != nil {
		return r, err
	}
	if w.For != "" {
		if err := (Verdict{For: w.For}).check(); err != nil {
			return r, err
		}
	}
	t := d.Directory().Index().Taxonomy()
	sealed := w.Decision.Step == policy.StepLaw
	for category := range w.Question.Match.Categories.All() {
		id := t.ID(category)
		sealed = sealed || lawful(id) || id == selfHarm
	}
	if w.Decision.HasCategory && !sealed {
		r.Category = t.ID(w.Decision.Category)
		sealed = lawful(r.Category) || r.Category == selfHarm
	}
	stopped := w.Decision.Clock != policy.NoClock
	switch {
	case sealed: // what of it there is, nobody learns
		return r, refused("name", "this cannot be asked for: tell a grown-up whom you trust")
	case !w.Decision.Blocks():
		return r, refused("name", "it is not blocked for you: try it again in a moment")
	case stopped && !w.Mistake: // which is the same for every name, so that none is told
		r.Kind, r.Category = policy.GrantTime, ""
		return r, nil
	case stopped:
		return r, refused("name", "the clock stops it, which is no mistake of a list: ask for more time")
	case !w.Mistake && (w.Decision.Silent || w.Decision.Step == policy.StepSecurity):
		return r, refused("name", "this site is dangerous: nobody opens it for a wish; say that it is a mistake if you know it is harmless")
	}
	r.Kind, r.Name = policy.GrantName, w.Name
	if w.Decision.Step == policy.StepService && w.Decision.HasCategory && !w.Mistake {
		r.Kind, r.Value = policy.GrantService, strings.TrimPrefix(r.Category, "service.")
		return r, nil
	}
	r.Value, err = readSite(w.Name)
	return r, err
}

// selfHarm is the category that no parent is told a name of.
const selfHarm = "harm.selfharm"

// answerer says who answers a request at once: "self" for who is grown up, and of 16 and 17 where the site only warns or
// the hour stops it, but not for what a parent's own hand stopped; "rule" for who is 13 to 15 and was only warned; "" for nobody.
func (d *Desk) answerer(c policy.Client, r *Request, w Wish) string {
	if c.Member == nil || r.Mistake || w.Decision.Step == policy.StepDenied {
		return ""
	}
	warned, clock := w.Decision.Action == policy.Warn, w.Decision.Clock
	switch band := c.Member.Band; {
	case band == policy.Adult:
		return bySelf
	case band == policy.Young && (warned || clock != policy.NoClock && clock != policy.Paused && clock != policy.QuotaUsed):
		return bySelf
	case band == policy.Teen && warned:
		return byRule
	}
	return ""
}

// Roles of answers that no parent gave.
const (
	bySelf = "self"
	byRule = "rule"
)

// asked finds what the same person has asked for already: what waits, and what was declined a moment ago.
func (p *place) asked(r *Request) (Request, bool) {
	for _, was := range p.requests() {
		same := was.subject() == r.subject() && was.Kind == r.Kind && was.Value == r.Value && was.Mistake == r.Mistake
		if same && (was.Open() || was.Status == Declined && p.now.Sub(was.Closed) < again) {
			return was, true
		}
	}
	return Request{}, false
}

// room says why a child cannot ask for more, and makes room for one more request in the household.
func (p *place) room(r *Request) ([]change, error) {
	waiting, today := 0, 0
	all := p.requests()
	var oldest *Request
	for i := range all {
		was := &all[i]
		if !was.Open() && (oldest == nil || was.Closed.Before(oldest.Closed)) {
			oldest = was
		}
		if was.subject() != r.subject() {
			continue
		}
		if was.Open() {
			waiting++
		}
		if p.now.Sub(was.At) < 24*time.Hour {
			today++
		}
	}
	switch {
	case waiting >= openRequests:
		return nil, &Error{Reason: Wait, Text: "ten requests of yours wait already: ask again when one is answered"}
	case today >= dayRequests:
		return nil, &Error{Reason: Wait, Text: "you have asked thirty times today: ask again tomorrow"}
	case len(all) < maxRequests:
		return nil, nil
	case oldest == nil:
		return nil, &Error{Reason: Wait, Text: "too many requests of this household wait: ask again when one is answered"}
	}
	return []change{{kind: kindRequest, id: oldest.ID}}, nil
}

// requests lists those of the household as they are now, in the order of their ids.
func (p *place) requests() (list []Request) { return p.home.requests(p.now) }

func (h home) requests(now time.Time) (list []Request) {
	for _, r := range all[Request](h, kindRequest) {
		list = append(list, r.as(now))
	}
	return list
}

// as is the request as it is at a time: one that nobody has answered for a week expires.
func (r Request) as(now time.Time) Request {
	if end := r.At.Add(keepWaiting); r.Open() && !end.After(now) {
		r.Status, r.Closed = Expired, end
	}
	r.Answers = slices.Clone(r.Answers)
	return r
}

// requested says in a few words what was asked for. It has no name of a site: what is remembered of changes is kept for
// longer than requests are.
func requested(r *Request) string {
	text := "request " + r.ID + ": " + string(r.Kind)
	if r.Kind == policy.GrantService {
		text += " " + r.Value
	}
	if r.Mistake {
		text += ", blocked by mistake"
	}
	return text
}

// readWord reads what somebody writes to another: one line of at most 280 characters, without signs that nobody sees.
func readWord(text string) (string, error) {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == unicode.ReplacementChar, unicode.Is(unicode.Bidi_Control, r), r == '\u200b', r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))), " ")
	if n := len([]rune(text)); n > maxWord {
		return "", refused("word", "this is %d characters long: write at most %d", n, maxWord).with("", "most", maxWord)
	}
	return text, nil
}
