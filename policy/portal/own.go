package portal

import (
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// The pages that are no block: those under the own name, and those for who came by another way.

// neutral is for a name that this client may open: it was sent here by an older answer, or by hand.
func (p *Portal) neutral(v *visit) *view {
	said := &v.words.Pages.Neutral
	page := base(v, plain, said.Title, fillAll(said.Lead, map[string]string{"name": v.host.text}))
	page.Links = p.ownLinks(v)
	return page
}

// hello is for who typed this machine's address, for a Host that is no name, and for a client of no household.
func (p *Portal) hello(v *visit) *view {
	said := &v.words.Pages.Hello
	if v.client.Status == policy.Stranger {
		said = &v.words.Pages.Stranger
	}
	page := base(v, plain, said.Title, said.Lead)
	page.Links = p.ownLinks(v)
	return page
}

// missing is for a path at which there is nothing.
func (p *Portal) missing(v *visit) *view {
	said := &v.words.Pages.Missing
	page := base(v, plain, said.Title, said.Lead)
	page.Links = p.ownLinks(v)
	return page
}

// allowed answers a self-test of a category that this client may open.
func (p *Portal) allowed(v *visit, category blocklists.Category) *view {
	said := &v.words.Pages.Allowed
	title := v.title(category)
	page := base(v, day, said.Title, fillAll(said.Lead, map[string]string{"category": title}))
	page.Facts = []fact{{Label: v.words.Label.Name, Value: v.host.text, Code: true}, {Label: v.words.Label.For, Value: v.name()}}
	page.Links = p.ownLinks(v)
	return page
}

func (p *Portal) ownLinks(v *visit) []link {
	return append(p.mine(v), link{p.url(v, "ask."), v.words.Label.Recent}, link{p.url(v, ""), v.words.Label.Start})
}

// mine leads to the reader's own page, where there is one and it is not this.
func (p *Portal) mine(v *visit) []link {
	if v.client.Status != policy.Known && v.client.Status != policy.Guest || v.path == mePath {
		return nil
	}
	return []link{{p.askURL(v, mePath), v.words.Pages.Me.Link}}
}

// consoleLinks leads grown-ups to where rules are changed, and who is not known yet, who may be one. It asks who they are.
func (p *Portal) consoleLinks(v *visit) []link {
	if p.console == "" || v.client.Status != policy.Guest && (v.client.Status != policy.Known || v.who != policy.ReaderAdult) {
		return nil
	}
	return []link{{p.console + "/", v.words.Label.Console}}
}

// home is the page of the own name: what this is, for whom, and what to try.
func (p *Portal) home(v *visit) *view {
	said := &v.words.Pages.Home
	page := base(v, day, said.Title, said.Lead)
	if v.client.Status == policy.Stranger {
		page.Lead = v.words.Pages.Stranger.Lead
	} else {
		page.Facts = []fact{{Label: v.words.Label.For, Value: v.name(), Note: v.band()}}
	}
	page.Tries = slices.Concat(p.mine(v), []link{{p.url(v, "ask."), said.TryAsk}}, p.deskLinks(v), p.consoleLinks(v))
	if p.enrolment != nil && p.enrolment.encrypted() && asking(v) != nil {
		page.Tries = append(page.Tries, link{p.askURL(v, enrolPath), said.TryEnrol})
	}
	for _, id := range trials(v.who) {
		t := v.dir.Index().Taxonomy()
		number, ok := t.Lookup(id)
		if !ok {
			continue
		}
		text := fill(said.TryTest, map[string]string{"category": v.title(number)})
		page.Tries = append(page.Tries, link{p.url(v, "test-"+id+"."), text})
	}
	return page
}

// trials are the self-tests that the start page offers; to a child none, because their names say what they are.
func trials(who policy.Reader) []string {
	switch who {
	case policy.ReaderChild:
		return nil
	case policy.ReaderTeen:
		return []string{"money.gambling", "sec.phishing"}
	case policy.ReaderAdult:
	}
	return []string{"adult.porn", "money.gambling", "social.networks", "sec.phishing"}
}

// lastBlocks is ask.<name>: what was blocked on this device in the last ten minutes.
func (p *Portal) lastBlocks(v *visit) *view {
	said := &v.words.Pages.Ask
	page := base(v, day, said.Title, said.Lead)
	list := &askList{AdsTitle: v.words.Label.Ads, Empty: said.Empty, Hint: said.Hint}
	for _, b := range p.recent.of(viewer(v.client, v.addr), v.now) {
		row := askRow{Name: b.name, Why: v.shortly(b), Ago: ago(v.words, v.now.Sub(b.at)), GoOn: p.again(v, b)}
		if !b.ad {
			row.Buttons = p.buttons(v, b.name)
		}
		if v.who == policy.ReaderChild {
			if row.Why = ""; unfit(v.dir, b) {
				continue
			}
		}
		if b.ad {
			list.Ads = append(list.Ads, row)
			continue
		}
		list.Rows = append(list.Rows, row)
	}
	list.Wishes, list.WishTitle = p.ownRequests(v), v.words.Pages.Request.List
	page.Ask, page.Soon, page.App = list, v.asGuest().coming(), true
	page.Links = append(p.mine(v), link{p.url(v, ""), v.words.Label.Start})
	return page
}

// again offers to pass the warning that a remembered block was, if it still is one.
func (p *Portal) again(v *visit, b block) *goOn {
	to := *v
	if to.host = parseHost(b.name); b.action != policy.Warn || to.host.name == nil || v.profile == nil {
		return nil
	}
	var hashes blocklists.Hashes
	_, d := p.ruling(&to, &hashes)
	return p.goOn(v, b.name, d)
}

// shortly is the reason of a remembered block in a few words.
func (v *visit) shortly(b block) string {
	if v.profile == nil {
		return ""
	}
	d := v.decision(b)
	switch {
	case b.step == policy.StepSecurity:
		return v.words.Security
	case b.clock == policy.Paused || b.clock == policy.QuotaUsed:
		return v.words.Short[v.profile.Reason(d)]
	case d.HasCategory:
		return v.what(v.dir.Index().Taxonomy().Definition(d.Category), v.profile.What(d))
	}
	return v.words.Steps[b.step]
}

// title is a category in plain words: the group that parents see, else its id.
func (v *visit) title(c blocklists.Category) string {
	row := v.dir.Index().Taxonomy().Definition(c)
	if group := v.words.Groups[row.Group]; group != "" {
		return group
	}
	return row.ID
}

// unfit tells whether a child should not read the name, even in a list of its own: for what it is, or for what
// its chain led to.
func unfit(dir *policy.Directory, b block) bool {
	name, err := blocklists.ParseName(b.name)
	if err != nil {
		return true
	}
	var hashes blocklists.Hashes
	set := dir.Ask(name, &hashes).Match.Categories
	if c, ok := dir.Index().Taxonomy().Lookup(b.category); ok {
		set.Add(c)
	}
	for c := range set.All() {
		switch dir.Index().Taxonomy().Definition(c).Group {
		case "sex", "violence", "selfharm", "drugs":
			return true
		}
	}
	return false
}

func ago(w *wording, d time.Duration) string {
	if d < time.Minute {
		return w.Label.Seconds
	}
	return w.Label.Minutes.For(int(d.Minutes()))
}
