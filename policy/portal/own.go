package portal

import (
	"strconv"
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

func missing(v *visit) *view {
	said := &v.words.Pages.Missing
	return base(v, plain, said.Title, said.Lead)
}

// allowed answers a self-test of a category that this client may open.
func (p *Portal) allowed(v *visit, category blocklists.Definition) *view {
	said := &v.words.Pages.Allowed
	title := categoryText(v.words.Language, category)
	if title == "" {
		title = category.ID
	}
	page := base(v, day, said.Title, fillAll(said.Lead, map[string]string{"category": title}))
	page.Facts = []fact{{Label: v.words.Label.Name, Value: v.host.text, Code: true}, {Label: v.words.Label.For, Value: v.name()}}
	page.Links = p.ownLinks(v)
	return page
}

func (p *Portal) ownLinks(v *visit) []link {
	return []link{{p.url(v, "ask."), v.words.Label.Recent}, {p.url(v, ""), v.words.Label.Start}}
}

// home is the page of the own name: what this is, for whom, and what to try.
func (p *Portal) home(v *visit) *view {
	said := &v.words.Pages.Home
	page := base(v, day, said.Title, said.Lead)
	if v.client.Status == policy.Stranger {
		page.Lead = v.words.Pages.Stranger.Lead
	} else {
		who := fact{Label: v.words.Label.For, Value: v.name()}
		if v.client.Member != nil {
			who.Note = bandText(v.words.Language, v.profile.Band())
		}
		page.Facts = []fact{who}
	}
	page.Tries = []link{{p.url(v, "ask."), said.TryAsk}}
	for _, id := range trials(v.who) {
		t := v.dir.Index().Taxonomy()
		number, ok := t.Lookup(id)
		if !ok {
			continue
		}
		text := fill(said.TryTest, map[string]string{"category": categoryText(v.words.Language, t.Definition(number))})
		page.Tries = append(page.Tries, link{p.url(v, "test-"+id+"."), text})
	}
	return page
}

// trials are the self-tests that the start page offers; to a child none, because their names say what they are.
func trials(who reader) []string {
	switch who {
	case child:
		return nil
	case teen:
		return []string{"money.gambling", "sec.phishing"}
	case adult:
	}
	return []string{"adult.porn", "money.gambling", "social.networks", "sec.phishing"}
}

// lastBlocks is ask.<name>: what was blocked on this device in the last ten minutes.
func (p *Portal) lastBlocks(v *visit) *view {
	said := &v.words.Pages.Ask
	page := base(v, day, said.Title, said.Lead)
	list := &askList{AdsTitle: v.words.Label.Ads, Empty: said.Empty, Hint: said.Hint}
	for _, b := range p.recent.of(viewer(v.client, v.addr), v.now) {
		row := askRow{Name: b.name, Why: v.why(remembered(b)).Value, Ago: ago(v.words, v.now.Sub(b.at))}
		if b.ad() {
			list.Ads = append(list.Ads, row)
			continue
		}
		list.Rows = append(list.Rows, row)
	}
	page.Ask = list
	page.Links = []link{{p.url(v, ""), v.words.Label.Start}}
	return page
}

func ago(w *words, d time.Duration) string {
	if d < time.Minute {
		return w.Label.Seconds
	}
	return fill(w.Label.Minutes, map[string]string{"n": strconv.Itoa(int(d.Minutes()))})
}
