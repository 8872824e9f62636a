package portal

import (
	"html/template"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// base is a page with what every page has.
func base(v *visit, t tone, title string, lead []string) *view {
	return &view{W: v.words, Tone: t, Reader: v.who.String(), Title: title, Lead: lead}
}

// blocked is the page of a blocked name.
func (p *Portal) blocked(v *visit, c cause) *view {
	texts, t := pagesOf(&v.words.Pages, c.kind)
	said := texts.of(v.who)
	values := v.values(c)
	page := base(v, t, fill(said.Title, values), fillAll(said.Lead, values))
	page.Next = fillAll(said.Next, values)
	switch c.kind {
	case illegal:
		page.Reports = p.help.report(v.country)
		page.English = p.english(v, c.kind)
		return page
	case selfharm:
		page.Help = p.helpBox(v, true)
		page.English = p.english(v, c.kind)
		page.ID = withoutCategory(c.id)
		return page
	case security:
		page.English = p.english(v, c.kind)
	case homework:
		page.Scene = "desk"
	case content, bedtime:
	}
	p.dress(page, v, c)
	return page
}

// dress adds what a page of an ordinary block has: for whom, why, until when, where else to go, whom to talk to.
func (p *Portal) dress(page *view, v *visit, c cause) {
	page.Facts = v.facts(c)
	page.ID = c.id
	if v.who == child {
		page.ID = withoutCategory(c.id)
	}
	if v.who != adult && c.kind != security {
		page.Help = p.helpBox(v, false)
	}
	if v.who == child && (c.kind == content || c.kind == homework) {
		page.Places = p.goodPlaces(v)
	}
	if v.client.Status == policy.Guest {
		page.Notice = []string{
			v.words.Label.UnknownDevice,
			fill(v.words.Label.UnknownHelp, map[string]string{"address": v.addr.String()}),
		}
	}
	page.Links = []link{{p.url(v, "ask."), v.words.Label.Recent}}
}

func pagesOf(t *pageTexts, k kind) (*readers, tone) {
	switch k {
	case illegal:
		return &t.Illegal, plain
	case selfharm:
		return &t.SelfHarm, care
	case bedtime:
		return &t.Bedtime, night
	case homework:
		return &t.Homework, day
	case security:
		return &t.Security, safe
	case content:
	}
	return &t.Content, day
}

// values fills the names in braces of a page's texts.
func (v *visit) values(c cause) map[string]string {
	values := map[string]string{"who": v.name(), "name": v.host.text, "until": ""}
	if v.client.Member != nil && v.who == adult {
		values["who"] = v.name() + " (" + bandText(v.words.Language, v.profile.Band()) + ")"
	}
	if !c.until.IsZero() {
		values["until"] = clockText(v.words, c.until, v.now)
	}
	return values
}

// facts is the table of a page. To a child it says for whom and no more: never the name of what was blocked.
func (v *visit) facts(c cause) []fact {
	l := &v.words.Label
	who := fact{Label: l.For, Value: v.name()}
	if v.who == child {
		return []fact{who}
	}
	if v.client.Member != nil {
		who.Note = bandText(v.words.Language, v.profile.Band())
	}
	out := []fact{{Label: l.Name, Value: v.host.text, Code: true}, who}
	if why := v.why(c); why.Value != "" {
		out = append(out, why)
	}
	if c.rule != "" {
		out = append(out, fact{Label: l.Rule, Value: c.rule, Code: true})
	} else if c.step == policy.StepCategory || c.step == policy.StepService || c.step == policy.StepUnknown {
		out = append(out, fact{Label: l.Rule, Value: bandText(v.words.Language, v.profile.Band()), Note: l.SetByHousehold})
	}
	if !c.until.IsZero() {
		out = append(out, fact{Label: l.Until, Value: clockText(v.words, c.until, v.now)})
	}
	return out
}

// why is the reason in plain words; its id stands beside it for grown-ups alone.
func (v *visit) why(c cause) fact {
	l := &v.words.Label
	f := fact{Label: l.Why}
	switch {
	case c.step == policy.StepDenied:
		f.Value = l.OwnRule
	case c.kind == bedtime:
		f.Value = l.Every
	case c.category != "":
		t := v.dir.Index().Taxonomy()
		if number, ok := t.Lookup(c.category); ok {
			f.Value = categoryText(v.words.Language, t.Definition(number))
		}
		if v.who == adult {
			f.Note = c.category
		}
	case c.step == policy.StepUnknown:
		f.Value = l.Unlisted
	}
	return f
}

// helpBox says to whom one can talk: verified numbers of the household's country, and always a person of trust. In
// a crisis it stands first and says what to do in danger.
func (p *Portal) helpBox(v *visit, crisis bool) *helpBox {
	l := &v.words.Label
	box := &helpBox{First: crisis, Title: l.Talk, Trusted: l.Trusted}
	for _, line := range p.help.talk(v.country, crisis) {
		box.Lines = append(box.Lines, call{
			Name: line.Name, Number: line.Number, Note: l.Free,
			URL: template.URL("tel:" + line.Digits()), //nolint:gosec // of the embedded table, digits by test
		})
	}
	if !crisis {
		return box
	}
	box.Danger = l.DangerAnywhere
	if number := p.help.emergency(v.country); number != "" {
		box.Danger = fill(l.Danger, map[string]string{"emergency": number})
	}
	return box
}

// english is the English text of a safety page, for beneath one that no speaker of its language has reviewed.
func (p *Portal) english(v *visit, k kind) *text {
	en := p.words.english()
	if v.words.Reviewed || v.words.Language == en.Language {
		return nil
	}
	texts, _ := pagesOf(&en.Pages, k)
	said := texts.of(v.who)
	if k == selfharm {
		said.Lead = append(append([]string{}, said.Lead...), en.Label.Trusted)
	}
	return &said
}

// goodPlaces lists up to three places for children that this profile may open now.
func (p *Portal) goodPlaces(v *visit) []link {
	var out []link
	var hashes blocklists.Hashes
	for _, text := range p.places[v.words.Language] {
		name, err := blocklists.ParseName(text)
		if err != nil || len(out) == 3 {
			break
		}
		q := v.dir.Ask(name, &hashes)
		if d := v.profile.Decide(&q, v.now); !d.Blocks() {
			out = append(out, link{"https://" + text + "/", strings.TrimPrefix(text, "www.")})
		}
	}
	return out
}

// url is an address beneath the own name, at the port that the browser came by.
func (p *Portal) url(v *visit, prefix string) string {
	return "http://" + prefix + p.own.String() + v.host.port + "/"
}
