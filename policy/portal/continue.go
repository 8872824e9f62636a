package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// continuePath is where ask.<name> lets people pass a warning. It is another site than the one that was warned of, so
// that no script of that one can pass it.
const continuePath = "/continue"

// goOn offers to pass a warning, and says who will know.
type goOn struct {
	link
	Note string
}

// goOn offers to pass the warning that a decision is; nil if it is none, or not for this reader to pass.
func (p *Portal) goOn(v *visit, name string, d policy.Decision) *goOn {
	if p.desk == nil || v.client.Status != policy.Known || d.Action != policy.Warn || !d.Blocks() || !d.HasCategory || !listable(v.dir.Index().Taxonomy().ID(d.Category)) {
		return nil
	}
	said := &v.words.Pages.Continue
	who := said.Who
	switch {
	case v.who == policy.ReaderAdult:
		who = said.WhoAdult
	case len(v.logs()) > 0:
		who = said.WhoLogged
	}
	return &goOn{link{p.askURL(v, continuePath) + "?name=" + url.QueryEscape(name), v.continues(said.Link, d)}, who}
}

// continues puts into a text until when a warning can be passed now.
func (v *visit) continues(text string, d policy.Decision) string {
	return fill(text, map[string]string{"until": clockText(v.words, parents.Continues(d, v.now.Truncate(time.Second)), v.now)})
}

// ruling asks the policy about the name of a visit, exactly as the resolver does: with what its chain led to a moment ago.
func (p *Portal) ruling(v *visit, hashes *blocklists.Hashes) (policy.Question, policy.Decision) {
	q := v.dir.Ask(v.host.name, hashes)
	d := v.client.Decide(&q, v.now)
	if p.held != nil && p.held(v.addr, &q, d) {
		return q, policy.Decision{Action: policy.Block, Step: policy.StepLaw, Applied: true}
	}
	if d.Blocks() || p.beneath(v.host.name) {
		return q, d
	}
	for _, b := range p.recent.of(viewer(v.client, v.addr), v.now) {
		if b.name != v.host.text || v.now.Sub(b.at) > chainFor || over(d, b) {
			continue
		}
		if d = v.decision(b); d.Action == policy.Warn && d.HasCategory {
			q.Match.Categories.Add(d.Category)
			d = v.client.Decide(&q, v.now) // it may have been passed since
		}
	}
	return q, d
}

// over says that a remembered block tells nothing of a name's chain any more: the clock stops names and no chain, and who
// is allowed a name meanwhile is allowed its chain, but for the law and security.
func over(d policy.Decision, b block) bool {
	return b.clock != policy.NoClock || (d.Granted || d.Step == policy.StepAllowed) && b.step != policy.StepLaw && b.step != policy.StepSecurity
}

// warned is the page that asks whether to pass a warning: of a name that is none the page that the name itself has.
func (p *Portal) warned(v *visit, name string) (int, *view) {
	to := *v
	if to.host = parseHost(name); to.host.name == nil || v.profile == nil || slices.Equal(to.host.name, p.ask) {
		return http.StatusNotFound, p.missing(v)
	}
	to.host.port = v.host.port
	var hashes blocklists.Hashes
	_, d := p.ruling(&to, &hashes)
	offer := p.goOn(&to, to.host.text, d)
	if offer == nil {
		return p.judge(&to)
	}
	said := &v.words.Pages.Continue
	c := to.cause(blocklists.Categories{}, d)
	page := base(v, day, to.continues(said.Title, d), sentences(v.fill(v.words.Page(v.who, c.reason).Why, c)))
	page.Facts = to.facts(c)
	page.Form = p.sealed(v, form{Action: continuePath, Button: to.continues(said.Button, d), Note: offer.Note}, continuePath, to.host.text)
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// pass passes a warning.
func (p *Portal) pass(v *visit, r *http.Request) (int, *view) {
	said := &v.words.Pages.Continue
	name, ours := p.unsealed(v, r.PostForm.Get, continuePath)
	if !ours {
		return p.tooOld(v, name)
	}
	token, home := r.PostForm.Get("token"), ""
	if v.client.Household != nil {
		home = v.client.Household.ID
	}
	once, first := p.seal.spend(home, token, v.now)
	if once != nil && !first { // somebody taps twice, or reads the page of the answer again
		return p.passedBefore(v, r, name, once)
	}
	to := *v
	to.host = parseHost(name)
	var hashes blocklists.Hashes
	q, d := p.ruling(&to, &hashes)
	var till time.Time
	if once != nil {
		defer func() { p.seal.settle(home, token, once, till) }()
	}
	switch {
	case p.goOn(&to, name, d) == nil:
		return p.warned(v, name)
	case once == nil:
		return p.tooOld(v, name)
	}
	act, err := p.desk.Continue(r.Context(), v.client, q)
	if err != nil {
		status, page := http.StatusInternalServerError, base(v, day, to.continues(said.Title, d), []string{said.Trouble})
		if e := asParents(err); e != nil {
			status, page.Lead = StatusOf(e), []string{said.Refused}
		}
		page.Links = p.ownLinks(v)
		return status, page
	}
	till = act.Until
	return p.passed(v, name, till)
}

// passed is the page of a warning that was passed.
func (p *Portal) passed(v *visit, name string, till time.Time) (int, *view) {
	said := &v.words.Pages.Continue
	page := base(v, day, said.Done, sentences(fill(said.DoneLead, map[string]string{"until": clockText(v.words, till, v.now.Truncate(time.Second))})))
	page.GoOn = &goOn{link: link{"https://" + name + "/", name}}
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// passedBefore answers a form that was sent already: as then, unless what it opened is over or was taken back.
func (p *Portal) passedBefore(v *visit, r *http.Request, name string, once *spending) (int, *view) {
	select {
	case <-once.done:
	case <-r.Context().Done():
	}
	to := *v
	to.host = parseHost(name)
	var hashes blocklists.Hashes
	if _, d := p.ruling(&to, &hashes); p.goOn(&to, name, d) != nil {
		return p.tooOld(v, name)
	}
	select {
	case <-once.done:
		if once.till.After(v.now) {
			return p.passed(v, name, once.till)
		}
	default:
	}
	return p.warned(v, name)
}

// tooOld offers a form anew that is not good any more.
func (p *Portal) tooOld(v *visit, name string) (int, *view) {
	status, page := p.warned(v, name)
	return max(status, http.StatusBadRequest), trouble(page, v.words.Pages.Continue.Old)
}

// askURL is a page of ask.<name>, at the port that the browser came by.
func (p *Portal) askURL(v *visit, path string) string {
	return strings.TrimSuffix(p.url(v, "ask."), "/") + path
}
