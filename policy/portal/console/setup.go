package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
)

// setupForm is the first step: who is the first parent.
type setupForm struct {
	Code, Name, Household string
	There                 bool // the machine has a household already; the account is for that
	Several               bool // it has several: which one is meant must be written
}

func (v *visit) setupForm() *page {
	f := setupForm{Code: v.form("code"), Name: v.form("name"), Household: v.form("household")}
	all := v.c.Directory().Households()
	f.There, f.Several = len(all) > 0, len(all) > 1
	return v.blank(v.say("setup.title"), "", f)
}

func (c *Console) setupPage(v *visit) error {
	if empty, err := c.Book.Empty(v.r.Context()); err != nil || !empty {
		if err == nil {
			v.to("/signin")
		}
		return err
	}
	return v.show("setup", v.setupForm())
}

// setup opens the first account.
func (c *Console) setup(v *visit) error {
	s, err := c.Book.Accept(v.r.Context(), account.Join{
		Client: v.client(), Code: v.form("code"), Name: v.form("name"), Household: v.firstHousehold(), Passphrase: v.r.PostForm.Get("passphrase"),
	})
	if err != nil {
		return v.again("setup", v.setupForm(), err)
	}
	v.signed(s)
	if _, there := c.Directory().Household(s.Session.Household); there {
		v.to("/setup/done")
		return nil
	}
	v.to("/setup/family")
	return nil
}

// firstHousehold is the id of the household of the first account: the one there is, else what its name gives.
func (v *visit) firstHousehold() string {
	if all := v.c.Directory().Households(); len(all) == 1 {
		return all[0].ID
	}
	if id := identifier(v.form("household")); id != "" && !policy.IsReserved(id) { // with such an id the next page could found nothing
		return id
	}
	return home
}

// identifier makes an id of what people call their household.
func identifier(name string) string {
	var id strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			id.WriteRune(r)
		case id.Len() > 0 && !strings.HasSuffix(id.String(), "-"):
			id.WriteByte('-')
		}
	}
	text := strings.Trim(id.String(), "-")
	return strings.Trim(text[:min(len(text), 32)], "-")
}

// founder says whether who is signed in may write down the first household: a parent on a machine that has none.
func (v *visit) founder() bool {
	return v.session.Who.Role == account.Parent && len(v.c.Directory().Households()) == 0
}

func (c *Console) familyPage(v *visit) error {
	if !v.founder() {
		v.to("/")
		return nil
	}
	return v.show("setup_family", v.familyForm())
}

// found writes the first household down.
func (c *Console) found(v *visit) error {
	if !v.founder() {
		v.to("/")
		return nil
	}
	p := v.familyForm()
	if v.form("more") != "" {
		return v.show("setup_family", p)
	}
	h, err := v.newHousehold()
	if err != nil {
		return v.again("setup_family", p, err)
	}
	text, err := written(h)
	if err != nil {
		return err
	}
	// Who had the code has the machine: the machine founds its first household, and the record says for whom.
	machine := parents.Actor{Role: parents.Machine}
	if _, err := c.Desk.Adopt(v.r.Context(), parents.Who{Actor: machine, By: v.session.Who.Name}, text); err != nil {
		return v.again("setup_family", p, err)
	}
	v.to("/setup/times")
	return nil
}

// proposal is what a band proposes for a child; it is in force once a parent takes it over.
type proposal struct {
	Name, Band             string
	School, Free, Homework string
	Talk                   bool // to a teenager it is not to be imposed
}

type timesParts struct {
	Children []proposal
	Revision uint64
}

func (c *Console) timesPage(v *visit) error {
	p, err := v.timesForm()
	if err != nil {
		return err
	}
	if p == nil {
		v.to("/setup/done")
		return nil
	}
	return v.show("setup_times", p)
}

// timesForm is nil where no child has proposals.
func (v *visit) timesForm() (*page, error) {
	h, revision, err := v.definition()
	if err != nil {
		return nil, err
	}
	parts := timesParts{Revision: revision}
	for _, m := range h.Members {
		member := v.memberOf(m.Name)
		if member == nil || !member.Band.Minor() {
			continue
		}
		p, err := policy.LoadPreset(member.Band)
		if err != nil {
			return nil, err
		}
		if p.Bedtime.School == "" && p.Homework == "" {
			continue
		}
		parts.Children = append(parts.Children, proposal{
			Name: m.Name, Band: v.band(member.Band.String()), School: off(p.Bedtime.School), Free: off(p.Bedtime.Free), Homework: off(p.Homework),
			Talk: member.Band >= policy.Preteen,
		})
	}
	if len(parts.Children) == 0 {
		return nil, nil //nolint:nilnil // there is nothing to propose
	}
	return v.blank(v.say("times.title"), "", parts), nil
}

// off leaves out a part that a preset has switched off.
func off(span string) string {
	if span == "off" {
		return ""
	}
	return strings.ReplaceAll(span, "-", "–")
}

// takeTimes puts the proposals in force for whom they were ticked.
func (c *Console) takeTimes(v *visit) error {
	ticked := map[string]bool{}
	for _, name := range v.r.PostForm["take"] {
		ticked[name] = true
	}
	if len(ticked) > 0 {
		err := v.redefine(func(h *policy.HouseholdConfig) error {
			for i := range h.Members {
				if ticked[h.Members[i].Name] {
					h.Members[i].Schedule = policy.ScheduleConfig{Preset: true}
				}
			}
			return nil
		})
		if err != nil {
			p, failed := v.timesForm()
			if failed != nil || p == nil {
				return err
			}
			return v.again("setup_times", p, err)
		}
	}
	v.to("/setup/done")
	return nil
}

// doneParts is the last page: what is left to do at the router, and whether this browser's machine uses Hearth.
type doneParts struct {
	Check    *check
	Servers  []string
	Findings []Finding
	Looking  bool
	Again    bool // the page reads itself again
	Ask      string
}

// check is what is known of the machine that reads the page.
type check struct {
	Address string
	Paths   []way
	Good    bool

	Troubles []string // what this machine met
	Pictures []string
	next     string
}

type way struct {
	Family, Text string
	Good         bool
}

func (c *Console) donePage(v *visit) error {
	parts := doneParts{Check: v.check(), Ask: c.Ask}
	for _, a := range c.Servers() {
		parts.Servers = append(parts.Servers, a.String())
	}
	token := v.r.URL.Query().Get("check")
	if c.Network != nil && v.actor().Role >= parents.Parent {
		if parts.Check != nil {
			v.probe(parts.Check, token)
		}
		parts.Findings, parts.Looking = c.Network.Findings(token == "")
	}
	if c := parts.Check; c != nil && (!c.Good || parts.Looking || c.next != "" && token == "") && v.r.Method == http.MethodGet {
		to := "/setup/done"
		if c.next != "" {
			to += "?check=" + c.next
		}
		v.w.Header().Set("Refresh", "15; url="+to)
		parts.Again = true
	}
	return v.show("setup_done", v.blank(v.say("ready.title"), "", parts))
}

// probe adds what the page of a token has shown, and what the next one shows it by.
func (v *visit) probe(to *check, token string) {
	found := v.c.Network.Probe(v.address(), token)
	to.next, to.Pictures = found.Next, found.Pictures
	if at, err := url.Parse(first(found.Pictures)); err == nil && at.Host != "" {
		_, domain, _ := strings.Cut(at.Host, ".")
		h := v.w.Header()
		h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "img-src 'self'", "img-src 'self' https://*."+domain, 1))
	}
	if found.Unasked { // what it asked a while ago says no more
		to.Good = false
		for i := range to.Paths {
			to.Paths[i].Good, to.Paths[i].Text = false, v.say("check.no")
		}
	}
	switch {
	case found.Via.IsValid() && found.Told:
		to.Good = true
		to.Paths = append(to.Paths, way{Family: found.Via.String(), Text: v.say("check.yes"), Good: true})
	case found.Via.IsValid():
		to.Troubles = append(to.Troubles, v.say("check.via", "address", found.Via.String()))
	}
	if found.Second {
		to.Troubles = append(to.Troubles, v.say("check.second"))
	}
	if found.Dropped {
		to.Troubles = append(to.Troubles, v.say("check.dropped"))
	}
	to.Good = to.Good && len(to.Troubles) == 0
}

// first is the first of some texts, "" where there are none.
func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// usingFor is how long after its last question a machine counts as one that uses Hearth: browsers ask more often.
const usingFor = 10

func (v *visit) check() *check {
	if v.c.Network == nil || !v.address().IsValid() {
		return nil
	}
	found := v.c.Network.Paths(v.address())
	out := &check{Address: v.address().String()}
	say := func(family string, asked int64) {
		minutes := (v.c.Now().Unix() - asked) / 60
		p := way{Family: family, Good: asked > 0 && minutes < usingFor}
		switch {
		case p.Good:
			p.Text = v.say("check.yes")
		case asked > 0:
			p.Text = v.say("check.long_ago", "n", minutes)
		default:
			p.Text = v.say("check.no")
		}
		out.Good = out.Good || p.Good
		out.Paths = append(out.Paths, p)
	}
	for _, one := range []struct {
		family string
		at     int64
	}{{"IPv4", unix(found.IPv4)}, {"IPv6", unix(found.IPv6)}} {
		say(one.family, one.at)
	}
	return out
}
