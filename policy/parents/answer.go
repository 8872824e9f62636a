package parents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Verdict is what a parent says to a request.
type Verdict struct {
	For     string `json:"for,omitempty"` // yes, for 30m, 1h, today or always
	Decline bool   `json:"decline,omitempty"`
	Word    string `json:"word,omitempty"` // told to the child; at most 280 characters
}

// spans are for how long a request is granted, the shortest first.
var spans = []string{"30m", "1h", "today", "always"}

// errKnown ends an act that has nothing to do.
var errKnown = errors.New("this is known already")

// Answer grants or declines a request. Exactly one answer counts; where two parents have to say yes, the first of them
// makes it half, and the shorter of the two times holds. What is granted is in force when it returns; a name for always is
// a rule of the member where the store owns the household. Errors: Unknown, Conflict for one that is answered, Forbidden
// for who is none of two parents.
func (d *Desk) Answer(ctx context.Context, who Who, id string, v Verdict) (Request, error) {
	if err := v.check(); err != nil {
		return Request{}, err
	}
	var r Request
	var made policy.Grant
	var before []policy.Decision
	p, err := d.act(ctx, Who{Household: who.Household, By: who.By, Actor: who.Actor}, grant, func(p *place) (e Entry, changes []change, err error) {
		was, revision, err := p.waiting(id)
		if err != nil {
			return e, nil, err
		}
		r = was
		if err := p.concern(&r); err != nil && !v.Decline { // to who is gone, no can still be said
			return e, nil, err
		}
		a := p.answer(p.actor.Role.String(), v.For, v.Word)
		a.Word, _ = readWord(v.Word) // check has read it
		switch half, err := p.halfway(&r, &a, v); {
		case err != nil:
			return e, nil, err
		case v.Decline:
			r.Status, r.Closed, r.Answers = Declined, p.now, append(r.Answers, a)
			e, changes = p.entry("request declined", requested(&r), 0), []change{{kind: kindRequest, id: id, value: r}}
		case half:
			r.Status, r.Answers = Half, append(r.Answers, a)
			e, changes = p.entry("request half granted", requested(&r), 0), []change{{kind: kindRequest, id: id, value: r}}
		default:
			if changes, made, err = d.yes(p, &r, a, 0); err != nil {
				return e, nil, err
			}
			before, e = p.meet(made), p.entry("request granted", requested(&r), made.Until)
		}
		changes[len(changes)-1].expect = &revision
		return e, changes, nil
	})
	if err != nil {
		return Request{}, err
	}
	if r.Status == Granted {
		r.Note, err = d.opened(ctx, who, p, made, before)
	}
	d.counts.requests.add(string(r.Status))
	d.told(p, &r, d.Answered)
	return r.in(p.household), err
}

// yes makes what the last yes to a request is: a rule of the member where a name is theirs for always and the store owns
// the household, else a grant, which ends at latest if that is not 0. What a rule allows has no id.
func (d *Desk) yes(p *place, r *Request, a Answer, latest int64) ([]change, policy.Grant, error) {
	_, at, _ := p.home.definition()
	if at != current || a.For != "always" || r.Kind != policy.GrantName || r.Member == "" {
		return p.grantTo(r, a, latest)
	}
	made, err := p.grantFor(Ask{Kind: r.Kind, Value: r.Value, Span: Span{For: a.For}})
	if err != nil {
		return nil, made, err
	}
	rule, err := d.allow(p, made.Value)
	if err == nil {
		err = d.judge(p.household.ID, p.home.with(rule))
	}
	made.ID, r.Status, r.Closed, r.Answers = "", Granted, p.now, append(r.Answers, a)
	return []change{rule, {kind: kindRequest, id: r.ID, value: *r}}, made, err
}

// opened says what a parent should know of what they said yes to, and puts it in force where it is a rule.
func (d *Desk) opened(ctx context.Context, who Who, p *place, made policy.Grant, before []policy.Decision) (string, error) {
	if made.ID == "" {
		return d.ruled(ctx, Who{Household: p.household.ID, Member: p.subject.Member, Actor: who.Actor}, made, before)
	}
	note := lifts[made.Kind] + p.effect(made, before, p.meet(made))
	if made.Kind == policy.GrantName && made.Until == 0 {
		note += d.toWrite(p, made)
	}
	return note, nil
}

// check says what is wrong with a verdict.
func (v Verdict) check() error {
	switch {
	case v.Decline && v.For != "":
		return refused("for", "write for how long, or decline, not both")
	case !v.Decline && !slices.Contains(spans, v.For):
		return refused("for", "%q is no time to grant a request for: write 30m, 1h, today or always", cut(v.For, 16))
	}
	_, err := readWord(v.Word)
	return err
}

// waiting finds a request that waits for an answer.
func (p *place) waiting(id string) (Request, uint64, error) {
	found, there := p.home[kindRequest][id]
	if !there {
		return Request{}, 0, noRequest(id)
	}
	r := found.value.(Request).as(p.now)
	if r.Open() {
		return r, found.revision, nil
	}
	text := fmt.Sprintf("this request is %s already", r.Status)
	if n := len(r.Answers); n > 0 && r.Answers[n-1].By != "" {
		text += " by " + r.Answers[n-1].By
	}
	return r, 0, &Error{Reason: Conflict, Field: "id", Text: text}
}

// concern makes whom a request is of the subject of the act.
func (p *place) concern(r *Request) (err error) {
	if p.subject = r.subject(); r.Member != "" {
		p.member, err = memberOf(p.household, r.Member)
	} else {
		p.device, err = deviceOf(p.household, r.Device)
	}
	return err
}

func (p *place) answer(role, long, word string) Answer {
	return Answer{By: p.by, Account: p.actor.Account, Role: role, At: p.now, For: long, Word: word}
}

// halfway says whether a yes leaves a request open for another parent. The two are parents with accounts that differ:
// neither a carer nor an operator, nor a program, nor whoever can open the control socket.
func (p *place) halfway(r *Request, a *Answer, v Verdict) (bool, error) {
	if v.Decline || !p.household.TwoAnswer {
		return false, nil
	}
	if p.actor.Role != Parent || p.actor.Account == "" {
		return false, forbidden("in this household two parents say yes, each signed in with their own account: leave it to them, or decline")
	}
	for _, b := range r.Answers {
		if b.Account == a.Account {
			return false, &Error{Reason: Conflict, Field: "id", Text: "you have said yes already: in this household another parent has to say so too, from their own account"}
		}
		was, _ := Span{For: b.For}.ends(p) // both were checked when they were said
		if is, _ := (Span{For: a.For}).ends(p); was != 0 && (is == 0 || was < is) {
			a.For = b.For
		}
	}
	return len(r.Answers) == 0, nil
}

// grantTo makes the grant that an answer is, which ends at latest if that is not 0, and closes the request; the request is
// the last of the changes.
func (p *place) grantTo(r *Request, a Answer, latest int64) ([]change, policy.Grant, error) {
	ask := Ask{Kind: r.Kind, Value: r.Value, Span: Span{For: a.For}}
	if r.Kind == policy.GrantContinue { // which nobody is granted by anybody else
		ask.Kind, ask.Value = policy.GrantName, r.Name
	}
	made, err := p.grantFor(ask)
	if err != nil {
		return nil, made, err
	}
	made.Kind, made.Value = r.Kind, r.Value
	if latest != 0 && (made.Until == 0 || made.Until > latest) {
		made.Until = latest
	}
	r.Status, r.Closed, r.Grant, r.Answers = Granted, p.now, made.ID, append(r.Answers, a)
	if made.Until != 0 {
		r.Until = time.Unix(made.Until, 0)
	}
	changes := append(p.same(made), change{kind: kindGrant, id: made.ID, value: made})
	return append(changes, change{kind: kindRequest, id: r.ID, value: *r}), made, nil
}

// told wakes who waits for a change of a request, and tells notify.
func (d *Desk) told(p *place, r *Request, notify func(Request)) {
	d.bell.ring()
	if notify != nil {
		notify(r.in(p.household))
	}
}

// dueRequests lists the changes of requests whose time has come: who waits too long expires, and what was closed a while
// ago is deleted.
func (h home) dueRequests(now time.Time) (due []change) {
	for id, was := range all[Request](h, kindRequest) {
		switch r := was.as(now); {
		case !r.Open() && now.Sub(r.Closed) >= keepClosed:
			due = append(due, change{kind: kindRequest, id: id})
		case r.Status != was.Status:
			due = append(due, change{kind: kindRequest, id: id, value: r})
		}
	}
	return due
}
