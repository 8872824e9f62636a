package portal

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/tickets"
)

// Where ask.<name> takes "it is a mistake" and "I saw something bad", and tells who knows a number what became of it.
const (
	mistakePath = "/mistake"
	badPath     = "/bad"
	outcomePath = "/outcome"
)

// Whom an appeal of a visitor goes to.
type appealed uint8

const (
	nobody     appealed = iota
	ofParents           // a request, which the parents answer
	ofOperator          // a ticket
)

func (p *Portal) appeals(v *visit) appealed {
	switch {
	case p.tickets == nil || p.tickets.Settings().To != tickets.ToOperator:
		if p.desk != nil && v.client.Status == policy.Known && !v.client.Assumed && v.client.Device != nil {
			return ofParents
		}
	case p.tickets != nil:
		return ofOperator
	}
	return nobody
}

// whySelect is the choice of why somebody writes.
func (v *visit) whySelect(kind tickets.Kind) field {
	said := &v.words.Pages.Ticket
	f := field{Name: "why", Label: said.Why}
	texts := map[tickets.Why]string{tickets.WhyFine: said.Fine, tickets.WhyCategory: said.Category, tickets.WhyHelp: said.Help, tickets.WhyScary: said.Scary, tickets.WhyOther: said.Other}
	if kind == tickets.Report {
		f.Label, texts[tickets.WhyCategory] = said.What, said.Kind
	}
	for _, why := range tickets.Reasons(kind) {
		f.Options = append(f.Options, option{string(why), texts[why]})
	}
	if kind == tickets.Report {
		f.Options = append(f.Options, option{illegal, said.Illegal})
	}
	return f
}

// illegal is the choice that leads to a hotline, and is never kept.
const illegal = "illegal"

// mistaken is the form of an appeal.
func (p *Portal) mistaken(v *visit, name string) (int, *view) {
	w, blocked := p.wish(v, name)
	to := p.appeals(v)
	if !blocked || to == nobody || w.Decision.Step == policy.StepLaw || w.Decision.Clock != policy.NoClock || discreet(v.dir, w.Question.Match.Categories) {
		return p.cannot(v, name, w.Decision)
	}
	said := &v.words.Pages.Ticket
	page := base(v, day, said.Mistake, said.AtHome)
	if to == ofOperator {
		page.Lead = said.ToOperator
	}
	if v.who != policy.ReaderChild || !unfit(v.dir, block{name: w.Name}) {
		page.Facts = []fact{{Label: v.words.Pages.Request.Site, Value: w.Name, Code: true}}
	}
	f := form{Action: mistakePath, Button: said.Send, Fields: []field{{Name: "word", Label: v.words.Pages.Request.Word, Long: true}}}
	if to == ofOperator {
		f.Fields = slices.Insert(f.Fields, 0, v.whySelect(tickets.Appeal))
	}
	page.Form = p.sealed(v, f, mistakePath, w.Name)
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// appeal takes the form of an appeal.
func (p *Portal) appeal(v *visit, r *http.Request) (int, *view) {
	get := r.PostForm.Get
	name, ours := p.unsealed(v, get, mistakePath)
	status, page := p.mistaken(v, name)
	switch {
	case status != http.StatusOK:
		return status, page
	case !ours:
		return http.StatusBadRequest, trouble(page, v.words.Pages.Continue.Old)
	}
	w, _ := p.wish(v, name)
	if p.appeals(v) == ofParents {
		w.Mistake, w.Word = true, get("word")
		return p.wishes(v, r, w, p.mistaken)
	}
	ask := tickets.Ask{Household: v.asker(), Name: w.Name, Why: tickets.Why(get("why")), Word: get("word")}
	if w.Decision.HasCategory {
		ask.Category = v.dir.Index().Taxonomy().ID(w.Decision.Category)
	}
	receipt, err := p.tickets.Appeal(r.Context(), ask)
	return p.received(v, page, receipt, err)
}

// asker is by whom the tickets of a day are counted: the household, or "" for all who are of none.
func (v *visit) asker() string {
	if v.client.Household != nil {
		return v.client.Household.ID
	}
	return ""
}

// bad is the form of a report.
func (p *Portal) bad(v *visit, name string) (int, *view) {
	if p.tickets == nil {
		return http.StatusNotFound, p.missing(v)
	}
	page := p.badIn(v)
	page.English = inEnglish(v, p.badIn)
	host := parseHost(name)
	shown := host.text
	if v.who == policy.ReaderChild && shown != "" && unfit(v.dir, block{name: shown}) {
		shown = "" // the form says which it is without it
	}
	f := form{Action: badPath, Button: v.words.Pages.Ticket.Send}
	if host.name == nil {
		f.Fields = append(f.Fields, field{Name: "name", Label: v.words.Pages.Request.Site, Plain: true})
	} else if shown != "" {
		page.Facts = []fact{{Label: v.words.Pages.Request.Site, Value: shown, Code: true}}
	}
	f.Fields = append(f.Fields, v.whySelect(tickets.Report), field{Name: "word", Label: v.words.Pages.Request.Word, Long: true})
	page.Form = p.sealed(v, f, badPath, host.text)
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// badIn is what stands around the form of a report.
func (p *Portal) badIn(v *visit) *view {
	said := &v.words.Pages.Ticket
	page := base(v, care, said.Bad, said.BadLead)
	if v.who == policy.ReaderChild {
		page.Lead = said.BadChild
	}
	page.Help = p.helpBox(v, false)
	return page
}

// report takes the form of a report. What may be against the law goes to the hotline, and nothing of it is kept.
func (p *Portal) report(v *visit, r *http.Request) (int, *view) {
	get := r.PostForm.Get
	name, ours := p.unsealed(v, get, badPath)
	status, page := p.bad(v, name)
	if status != http.StatusOK {
		return status, page
	}
	if why := get("why"); why == illegal {
		if ours {
			_, _ = p.tickets.Report(r.Context(), tickets.Ask{Household: v.asker(), Illegal: true}) // counted; it never fails
		}
		return http.StatusOK, p.hotline(v)
	}
	if !ours {
		return http.StatusBadRequest, trouble(page, v.words.Pages.Continue.Old)
	}
	if name == "" {
		name = get("name")
	}
	if host := parseHost(siteOf(name)); host.name != nil {
		name = host.text
	}
	receipt, err := p.tickets.Report(r.Context(), tickets.Ask{Household: v.asker(), Name: name, Why: tickets.Why(get("why")), Word: get("word")})
	return p.received(v, page, receipt, err)
}

// siteOf is the host of what somebody pasted: an address of a page, or a name.
func siteOf(text string) string {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Host
	}
	return text
}

// hotline says who takes reports of what is against the law.
func (p *Portal) hotline(v *visit) *view {
	page := p.hotlineIn(v)
	page.English = inEnglish(v, p.hotlineIn)
	page.Reports = report(p.help(), v.country)
	page.Links = p.ownLinks(v)
	return page
}

func (p *Portal) hotlineIn(v *visit) *view {
	said := &v.words.Pages.Ticket
	page := base(v, care, said.Hotline, said.HotlineLead)
	page.Help = p.helpBox(v, false)
	return page
}

// received is the page behind a form: a number by which its outcome is seen, or why it was not taken.
func (p *Portal) received(v *visit, page *view, receipt tickets.Receipt, err error) (int, *view) {
	said := &v.words.Pages.Ticket
	var e *tickets.Error
	switch {
	case err == nil && receipt.Hotline:
		return http.StatusOK, p.hotline(v)
	case err == nil:
		return http.StatusSeeOther, &view{W: v.words, Goto: p.askURL(v, outcomePath+"/"+receipt.Number)}
	case !errors.As(err, &e):
		return http.StatusInternalServerError, trouble(page, v.words.Pages.Continue.Trouble)
	case e.Reason == tickets.Unlisted:
		return http.StatusConflict, trouble(page, said.Unlisted)
	case e.Reason == tickets.Wait:
		return http.StatusTooManyRequests, trouble(page, said.Wait)
	}
	if e.Field != "name" {
		return StatusOf(e), trouble(page, v.words.Pages.Continue.Trouble)
	}
	return StatusOf(e), trouble(page, said.NoName)
}

// outcome tells what became of a ticket to who knows its number; about which name it is, it does not tell.
func (p *Portal) outcome(v *visit, number string) (int, *view) {
	said := &v.words.Pages.Ticket
	s, err := p.tickets.Status(number)
	if err != nil {
		page := base(v, plain, said.NotKnown, nil)
		page.Links = p.ownLinks(v)
		return http.StatusNotFound, page
	}
	texts := map[tickets.Outcome]string{tickets.Upheld: said.Upheld, tickets.Declined: said.Declined, tickets.Sent: said.Sent, tickets.Duplicate: said.Sent, tickets.Expired: said.Expired}
	page := base(v, day, said.Outcome, sentences(texts[s.Outcome]))
	if s.Outcome == tickets.Open {
		page.Title, page.Lead = said.Thanks, []string{fill(said.Promise, map[string]string{"until": v.date(s.Promised)}), said.Link}
	}
	page.Facts = []fact{{Label: said.Number, Value: s.Number, Code: true}}
	if s.Word != "" {
		page.Said = []saying{{said.Word, s.Word}}
	}
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// date is a day as the page says it: with its weekday where that is clear.
func (v *visit) date(text string) string {
	at, err := time.ParseInLocation(time.DateOnly, text, v.now.Location())
	if ahead := at.Sub(v.now); err != nil || ahead < 0 || ahead > 6*24*time.Hour {
		return text
	}
	return v.words.Weekdays[at.Weekday()]
}
