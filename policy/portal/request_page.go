package portal

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// Where ask.<name> lets people ask for what is blocked, and see what became of it: beneath requestPath stands the page of
// each request, for whom it is of alone.
const (
	requestPath  = "/request"
	withdrawPath = "/withdraw"
)

// button is one of the three that stand on the page of a block.
type button struct {
	link
	Main bool
}

// wish is what a visitor would ask for about a name: as the policy judges it now.
func (p *Portal) wish(v *visit, name string) (parents.Wish, bool) {
	to := *v
	if to.host = parseHost(name); to.host.name == nil || v.profile == nil || p.beneath(to.host.name) || slices.Equal(to.host.name, p.own) {
		return parents.Wish{}, false
	}
	q, d := p.ruling(&to, new(blocklists.Hashes))
	return parents.Wish{Name: to.host.text, Question: q, Decision: d, TTL: p.ttl()}, d.Blocks()
}

// ttl is for how many seconds a device may go by a blocked answer.
func (p *Portal) ttl() int {
	if p.blockTTL == nil {
		return 10
	}
	return int(math.Ceil(p.blockTTL().Seconds()))
}

// buttons are those of a block: to ask for it, to say that it is a mistake, to say that it is bad.
func (p *Portal) buttons(v *visit, name string) (all []button) {
	w, blocked := p.wish(v, name)
	if !blocked || w.Decision.Step == policy.StepLaw || discreet(v.dir, w.Question.Match.Categories) {
		return nil
	}
	said := &v.words.Pages.Request
	at := func(path, text string, main bool) {
		all = append(all, button{link{p.askURL(v, path) + "?name=" + url.QueryEscape(name), text}, main})
	}
	if p.desk != nil {
		if _, self, err := p.desk.Asks(v.client, w); err == nil && (!self || p.goOn(v, name, w.Decision) == nil) { // which is the same
			at(requestPath, v.reads(&said.Ask, self), true)
		}
	}
	if w.Decision.Clock == policy.NoClock && p.appeals(v) != nobody {
		at(mistakePath, said.Mistake, false)
	}
	if p.tickets != nil {
		at(badPath, said.Bad, false)
	}
	return all
}

// reads picks the text of whoever reads it. A grown-up has no parents to ask, and is told what the button says.
func (v *visit) reads(t *readerText, self bool) string {
	switch {
	case self:
		return t.Self
	case v.who == policy.ReaderAdult && v.client.Member != nil:
		return v.words.Pages.Request.Send
	case v.who == policy.ReaderChild:
		return t.Child
	}
	return t.Teen
}

// asking is the form by which somebody asks for a name.
func (p *Portal) wishing(v *visit, name string) (int, *view) {
	w, _ := p.wish(v, name)
	r, self, err := p.desk.Asks(v.client, w)
	if err != nil {
		return p.cannot(v, name, w.Decision)
	}
	said := &v.words.Pages.Request
	page := base(v, day, v.reads(&said.Title, self), sentences(v.reads(&said.Lead, self)))
	switch {
	case r.Kind == policy.GrantTime && self:
		page.Tone = night
	case r.Kind == policy.GrantTime:
		page.Tone, page.Lead = night, sentences(said.Time)
	case !self && v.who == policy.ReaderAdult && v.client.Member != nil:
		page.Lead = nil
	}
	page.Facts = p.wished(v, &r)
	f := form{Action: requestPath, Button: said.Send}
	if self {
		f.Button = said.Open
		spans := []option{{"30m", said.HalfHour}, {"1h", said.Hour}, {"today", said.Today}, {"always", said.Always}}
		if r.Kind == policy.GrantTime {
			spans = spans[:3] // bedtime comes back
		}
		f.Fields = append(f.Fields, field{Name: "for", Label: said.Long, Options: spans})
	} else {
		f.Fields = append(f.Fields, field{Name: "word", Label: said.Word, Long: true})
	}
	page.Form = p.sealed(v, f, requestPath, w.Name)
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// cannot is the page of a name that nobody can be asked for: of a block that of the block.
func (p *Portal) cannot(v *visit, name string, d policy.Decision) (int, *view) {
	to := *v
	if to.host = parseHost(name); to.host.name == nil || v.profile == nil || slices.Equal(to.host.name, p.ask) {
		return http.StatusNotFound, p.missing(v)
	}
	to.host.port = v.host.port
	if d.Blocks() && (d.Step == policy.StepSecurity || d.Silent || v.client.Status != policy.Known) {
		page := base(v, plain, v.words.Pages.Request.Cannot, nil)
		page.Links = p.ownLinks(v)
		return http.StatusForbidden, page
	}
	return p.judge(&to)
}

// wished is the table of what a request is about. To a child the name of something bad is not told.
func (p *Portal) wished(v *visit, r *parents.Request) (facts []fact) {
	said := &v.words.Pages.Request
	switch {
	case r.Kind == policy.GrantTime:
		facts = append(facts, fact{Label: said.Wanted, Value: said.What})
	case v.who == policy.ReaderChild && unfit(v.dir, block{name: r.Name, category: r.Category}):
		facts = append(facts, fact{Label: said.Site, Value: v.words.Pages.Me.Hidden})
	default:
		facts = append(facts, fact{Label: said.Site, Value: r.Name, Code: true})
	}
	return append(facts, fact{Label: v.words.Label.For, Value: v.name()})
}

// asks takes a form of wishing.
func (p *Portal) asks(v *visit, r *http.Request) (int, *view) {
	name, ours := p.unsealed(v, r.PostForm.Get, requestPath)
	if !ours {
		status, page := p.wishing(v, name)
		return max(status, http.StatusBadRequest), trouble(page, v.words.Pages.Continue.Old)
	}
	w, _ := p.wish(v, name)
	w.Word, w.For = r.PostForm.Get("word"), r.PostForm.Get("for")
	return p.wishes(v, r, w, p.wishing)
}

// wishes makes a request, and leads to its page.
func (p *Portal) wishes(v *visit, r *http.Request, w parents.Wish, again func(*visit, string) (int, *view)) (int, *view) {
	made, err := p.desk.Request(r.Context(), v.client, w)
	if err == nil {
		return http.StatusSeeOther, &view{W: v.words, Goto: p.askURL(v, requestPath+"/"+made.ID)}
	}
	status, page := again(v, w.Name)
	e := asParents(err)
	switch {
	case e == nil:
		return http.StatusInternalServerError, trouble(page, v.words.Pages.Continue.Trouble)
	case e.Reason == parents.Wait:
		return http.StatusTooManyRequests, trouble(page, v.words.Pages.Request.Wait)
	}
	if page.Form != nil { // else the page says itself why not
		trouble(page, v.words.Pages.Continue.Trouble)
	}
	return max(status, StatusOf(e)), page
}

// request is the page of one request, for whom it is of.
func (p *Portal) request(v *visit, id string) (int, *view) {
	r, there := p.desk.RequestOf(v.client, id)
	if !there {
		return http.StatusNotFound, p.missing(v)
	}
	said := &v.words.Pages.Request
	t := map[parents.RequestStatus]*text{
		parents.Waiting: &said.Waiting, parents.Half: &said.Half, parents.Granted: &said.Granted, parents.Declined: &said.Declined,
		parents.Withdrawn: &said.Withdrawn, parents.Expired: &said.Expired,
	}[r.Status]
	if r.Status == parents.Granted && len(r.Answers) == 1 && r.Answers[0].Role == "self" {
		t = &said.Opened
	}
	page := base(v, day, t.Title, slices.Clone(t.Lead))
	page.Facts = p.wished(v, &r)
	page.Said = v.answered(&r)
	page.Links = p.ownLinks(v)
	switch {
	case r.Open():
		page.Live, page.State, page.Poll = p.askURL(v, requestPath+"/"+id+eventsPath), string(r.Status), pollEvery
		page.Look = &link{p.askURL(v, requestPath+"/"+id), said.Look}
		page.Form = p.sealed(v, form{Action: withdrawPath, Button: said.Withdraw, Quiet: true}, withdrawPath, id)
	case r.Status == parents.Granted:
		p.opened(v, page, &r)
	}
	return http.StatusOK, page
}

// pollEvery is after how many seconds the page of a request that waits is read again where no script runs.
const pollEvery = 10

// opened says until when what was granted is open, and leads there once the device has forgotten the old answer.
func (p *Portal) opened(v *visit, page *view, r *parents.Request) {
	said := &v.words.Pages.Request
	texts := map[string]string{"until": clockText(v.words, r.Until, v.now)}
	switch {
	case !r.Until.IsZero() && !r.Until.After(v.now), p.shut(v, r):
		page.Lead = nil // it is over
		if !r.Until.IsZero() {
			page.Facts = append(page.Facts, fact{Label: v.words.Label.Until, Value: r.Until.In(v.now.Location()).Format("2006-01-02 15:04")})
		}
		return
	case r.Until.IsZero():
		page.Lead = append(page.Lead, said.Ever)
	case r.Kind == policy.GrantTime:
		page.Lead = append(page.Lead, fill(said.MoreTime, texts))
	default:
		page.Lead = append(page.Lead, fill(said.Until, texts))
	}
	if ready := r.Closed.Add(time.Duration(r.TTL) * time.Second); ready.After(v.now) {
		page.Left = int(math.Ceil(ready.Sub(v.now).Seconds()))
		page.Poll = page.Left + 1
		page.Before, page.After, _ = strings.Cut(said.Soon, "{n}")
	}
	if r.Name != "" {
		page.Facts = nil // the link says it
		page.GoOn = &goOn{link{"https://" + r.Name + "/", r.Name}, said.Retry}
	}
}

// shut says that what was granted is stopped all the same: it was taken back, or something stops it that no yes lifts.
func (p *Portal) shut(v *visit, r *parents.Request) bool {
	if host := parseHost(r.Name); host.name != nil { // what its chain led to before the answer says nothing of after it
		q := v.dir.Ask(host.name, new(blocklists.Hashes))
		return v.client.Decide(&q, v.now).Blocks()
	}
	return !slices.ContainsFunc(p.desk.ActsFor(v.client), func(a parents.Act) bool { return a.ID == r.Grant })
}

// said is a word that somebody wrote to a request.
type saying struct{ By, Text string }

// answered are the words of the parents, and the child's own.
func (v *visit) answered(r *parents.Request) (all []saying) {
	said := &v.words.Pages.Request
	for _, a := range r.Answers {
		if a.Word == "" {
			continue
		}
		by := said.Parents
		if a.By != "" && (a.Role == "parent" || a.Role == "carer") {
			by = fill(said.Says, map[string]string{"name": a.By})
		}
		all = append(all, saying{by, a.Word})
	}
	if r.Word != "" {
		all = append(all, saying{said.Yours, r.Word})
	}
	return all
}

// withdraw takes a request back.
func (p *Portal) withdraw(v *visit, r *http.Request) (int, *view) {
	id, ours := p.unsealed(v, r.PostForm.Get, withdrawPath)
	if ours {
		_, _ = p.desk.Withdraw(r.Context(), v.client, id) // the page says what has become of it
	}
	status, page := p.request(v, id)
	switch {
	case status != http.StatusOK:
		return status, page
	case !ours:
		return http.StatusBadRequest, trouble(page, v.words.Pages.Continue.Old)
	}
	return http.StatusSeeOther, &view{W: v.words, Goto: p.askURL(v, requestPath+"/"+id)}
}

// shownRequests bounds the list of own requests.
const shownRequests = 8

// wishRow is a request in the list of one's own.
type wishRow struct {
	link
	State string
}

// own lists what whoever reads the page has asked for: what waits, and what was answered within a day.
func (p *Portal) ownRequests(v *visit) (rows []wishRow) {
	if p.desk == nil {
		return nil
	}
	for _, r := range p.desk.RequestsOf(v.client) {
		if len(rows) < shownRequests && (r.Open() || v.now.Sub(r.Closed) < 24*time.Hour) {
			what := p.wished(v, &r)[0].Value
			rows = append(rows, wishRow{link{p.askURL(v, requestPath+"/"+r.ID), what}, v.words.Pages.Request.States[string(r.Status)]})
		}
	}
	return rows
}

// requestOf is the id in the path of a request's page; events says that its events are asked for.
func requestOf(path string) (id string, events, is bool) {
	id, is = strings.CutPrefix(path, requestPath+"/")
	id, events = strings.CutSuffix(id, eventsPath)
	return id, events, is && id != "" && len(id) <= 16 && !strings.Contains(id, "/")
}
