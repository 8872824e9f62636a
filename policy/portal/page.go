package portal

import (
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/words"
)

// base is a page with what every page has.
func base(v *visit, t tone, title string, lead []string) *view {
	return &view{W: v.words, Tone: t, Reader: v.class(), Title: title, Lead: lead}
}

// class is the reader as the style sheet calls it.
func (v *visit) class() string {
	switch v.who {
	case policy.ReaderChild:
		return "child"
	case policy.ReaderTeen:
		return "teen"
	case policy.ReaderAdult:
	}
	return "adult"
}

// blocked is the page of a blocked name.
func (p *Portal) blocked(v *visit, c cause) *view {
	page := p.blockedIn(v, c)
	switch c.reason {
	case policy.ReasonLaw, policy.ReasonSelfharm, policy.ReasonSecurity:
		page.English = inEnglish(v, func(v *visit) *view { return p.blockedIn(v, c) })
	case policy.ReasonCategory, policy.ReasonRule, policy.ReasonBedtime, policy.ReasonHomework, policy.ReasonService, policy.ReasonWarn,
		policy.ReasonUnknown, policy.ReasonNew, policy.ReasonPause, policy.ReasonQuota:
	}
	return page
}

func (p *Portal) blockedIn(v *visit, c cause) *view {
	said := v.words.Page(v.who, c.reason)
	page := base(v, toneOf(c.reason), v.fill(said.Headline, c), sentences(v.fill(said.Why, c)))
	page.Next = sentences(v.fill(said.Next, c))
	switch c.reason {
	case policy.ReasonLaw: // neutral: no name, no reason, no id, nothing to ask
		page.Lead, page.Next = append(page.Lead, page.Next...), nil
		page.Reports = report(p.help(), v.country)
		if v.who != policy.ReaderAdult { // whoever saw something bad may want to talk about it
			page.Help = p.helpBox(v, false)
		}
		return page
	case policy.ReasonSelfharm: // help first, and the category not named
		page.Lead, page.Next = append(page.Lead, page.Next...), nil
		page.Help = p.helpBox(v, true)
		page.ID = c.id
		return page
	case policy.ReasonHomework:
		page.Scene = "desk"
	case policy.ReasonSecurity, policy.ReasonCategory, policy.ReasonRule, policy.ReasonBedtime, policy.ReasonService, policy.ReasonWarn,
		policy.ReasonUnknown, policy.ReasonNew, policy.ReasonPause, policy.ReasonQuota:
	}
	p.dress(page, v, c)
	return page
}

// everythingOff says that no other page would open either.
func everythingOff(c cause) bool { return c.step == policy.StepBedtime }

func toneOf(r policy.Reason) tone {
	switch r {
	case policy.ReasonLaw:
		return plain
	case policy.ReasonSelfharm:
		return care
	case policy.ReasonBedtime:
		return night
	case policy.ReasonSecurity:
		return safe
	case policy.ReasonCategory, policy.ReasonRule, policy.ReasonHomework, policy.ReasonService, policy.ReasonWarn,
		policy.ReasonUnknown, policy.ReasonNew, policy.ReasonPause, policy.ReasonQuota:
	}
	return day
}

// dress adds what a page of an ordinary block has: for whom, which rule, until when, where else to go, whom to
// talk to.
func (p *Portal) dress(page *view, v *visit, c cause) {
	page.Facts = v.facts(c)
	page.ID = c.id
	switch v.who {
	case policy.ReaderChild:
		if !everythingOff(c) && c.reason != policy.ReasonSecurity {
			page.Places = p.goodPlaces(v)
		}
	case policy.ReaderAdult:
		page.Explain, page.Listed = v.host.text, c.category
	case policy.ReaderTeen:
	}
	if v.who != policy.ReaderAdult && c.reason != policy.ReasonSecurity {
		page.Help = p.helpBox(v, false)
	}
	if v.client.Status == policy.Guest {
		page.Notice = []string{
			v.words.Unknown,
			fill(v.words.Label.UnknownHelp, map[string]string{"address": v.addr.String()}),
		}
	}
	page.Links = slices.Concat(p.mine(v), []link{{p.url(v, "ask."), v.words.Label.Recent}}, p.deskLinks(v), p.consoleLinks(v))
}

// fill puts the category, the time and the reader into a text of package policy.
func (v *visit) fill(text string, c cause) string {
	until := ""
	if !c.until.IsZero() {
		until = clockText(v.words, c.until, v.now)
	}
	who := v.name()
	if band := v.band(); band != "" {
		who += " (" + band + ")"
	}
	return fill(text, map[string]string{"what": c.what, "until": until, "who": who})
}

// facts is the table of a page. To a child it says for whom and no more: never the name of what was blocked.
func (v *visit) facts(c cause) []fact {
	l := &v.words.Label
	who := fact{Label: l.For, Value: v.name()}
	if v.who == policy.ReaderChild {
		return []fact{who}
	}
	who.Note = v.band()
	out := []fact{{Label: l.Name, Value: v.host.text, Code: true}, who}
	switch {
	case c.rule != "":
		out = append(out, fact{Label: l.Rule, Value: c.rule, Code: true, Note: l.SetByHousehold})
	case c.category != "" && v.who == policy.ReaderAdult:
		out = append(out, fact{Label: l.Rule, Value: c.category, Code: true})
	case c.reason == policy.ReasonCategory || c.reason == policy.ReasonWarn || c.reason == policy.ReasonUnknown || c.reason == policy.ReasonService:
		rule := fact{Label: l.Rule, Value: v.words.Steps[c.step]}
		if c.step == policy.StepUnknown { // which says why, and no rule
			rule.Value = v.words.Bands[v.profile.Band()]
		}
		if v.client.Status == policy.Known {
			rule.Note = l.SetByHousehold
		}
		out = append(out, rule)
	}
	if v.who == policy.ReaderAdult {
		out = append(out, fact{Label: l.Time, Value: v.now.Format("2006-01-02 15:04")})
	}
	if !c.until.IsZero() {
		out = append(out, fact{Label: l.Until, Value: clockText(v.words, c.until, v.now)})
	}
	return out
}

// inEnglish is what a safety page says in English, for beneath one in words that no speaker of the language has reviewed;
// nil where one has. page makes it in the words of a visit.
func inEnglish(v *visit, page func(*visit) *view) *text {
	if v.words.Reviewed || v.words.Language == words.English {
		return nil
	}
	e := *v
	e.words = wordings.In(words.English)
	said := page(&e)
	t := &text{Title: said.Title, Lead: slices.Concat(said.Lead, said.Next)}
	if box := said.Help; box != nil {
		t.Lead = append(t.Lead, box.Trusted)
		t.Lead = append(t.Lead, sentences(box.Danger)...)
	}
	return t
}

// goodPlaces lists up to three places for children that this profile may open now: in their language, else English ones.
func (p *Portal) goodPlaces(v *visit) []link {
	var out []link
	var hashes blocklists.Hashes
	list := p.places[v.words.Language]
	if len(list) == 0 {
		list = p.places[words.English]
	}
	for _, text := range list {
		name, err := blocklists.ParseName(text)
		if err != nil || len(out) == 3 {
			break
		}
		q := v.dir.Ask(name, &hashes)
		if d := v.client.Decide(&q, v.now); !d.Blocks() {
			out = append(out, link{"https://" + text + "/", strings.TrimPrefix(text, "www.")})
		}
	}
	return out
}

// url is an address beneath the own name, at the port that the browser came by.
func (p *Portal) url(v *visit, prefix string) string {
	return "http://" + prefix + p.own.String() + v.host.port + "/"
}

// sentences is one text as a list, or none.
func sentences(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}
