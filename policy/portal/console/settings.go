package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	spoken "github.com/hearthdns/hearth/policy/words"
)

// settingsForm is what holds for the whole household.
type settingsForm struct {
	Countries, Languages, Answers, Guests []option
	Zone                                  string
	Observe, Support                      bool
	Revision                              uint64
}

func (c *Console) settingsPage(v *visit) error {
	p, err := v.settingsForm()
	if err != nil {
		return err
	}
	return v.show("settings", p)
}

func (v *visit) settingsForm() (*page, error) {
	d, revision, err := v.definition()
	if err != nil {
		return nil, err
	}
	f := settingsForm{Zone: d.Timezone, Observe: d.Observe, Support: d.Support == "names", Revision: revision}
	f.Countries, f.Languages = v.countries(d.Country), v.languages(d.Language)
	f.Languages = slices.Insert(f.Languages, 0, option{"", v.say("settings.language_none"), d.Language == ""})
	f.Answers = []option{{"one", v.say("settings.answers_one"), d.Answers != "two"}, {"two", v.say("settings.answers_two"), d.Answers == "two"}}
	f.Guests = []option{{"", v.say("settings.guests_strict"), d.Guest == ""}}
	for _, b := range policy.Bands() {
		f.Guests = append(f.Guests, option{b.String(), v.band(b.String()), d.Guest == b.String()})
	}
	if !slices.ContainsFunc(f.Guests, func(o option) bool { return o.On }) { // a profile of the configuration
		f.Guests = append(f.Guests, option{d.Guest, d.Guest, true})
	}
	return v.blank(v.say("settings.title"), "household", f), nil
}

// settings writes them down. What the form does not have stays as it is.
func (c *Console) settings(v *visit) error {
	err := v.redefine(func(d *policy.HouseholdConfig) error {
		zone, err := v.zone()
		for _, choice := range []struct {
			field string
			known bool
		}{
			{"country", v.form("country") == "" || v.form("country") == d.Country || zones[v.form("country")] != ""},
			{"language", v.form("language") == "" || v.form("language") == d.Language || slices.Contains(policy.Languages(), v.form("language"))},
		} {
			if !choice.known {
				return v.wrong(choice.field, "refusal.refused.choice")
			}
		}
		d.Timezone, d.Country, d.Language = zone, v.form("country"), v.form("language")
		d.Answers, d.Guest, d.Observe, d.Support = v.form("answers"), v.form("guest"), v.form("observe") != "", v.form("support")
		return err
	})
	if err != nil {
		p, failed := v.settingsForm()
		if failed != nil {
			return failed
		}
		return v.again("settings", p, err)
	}
	return v.done("/settings", "settings")
}

// zone is the time zone of a form, or that of its country.
func (v *visit) zone() (string, error) {
	zone := cmp.Or(v.form("zone"), zones[v.form("country")])
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return "", v.wrong("zone", "refusal.refused.timezone")
	}
	return zone, nil
}

// countries are those to choose from, with one that is chosen.
func (v *visit) countries(chosen string) (list []option) {
	for code := range zones {
		list = append(list, option{code, v.country(code), code == chosen})
	}
	if chosen != "" && zones[chosen] == "" {
		list = append(list, option{chosen, v.country(chosen), true})
	}
	slices.SortFunc(list, func(a, b option) int { return strings.Compare(a.Text, b.Text) })
	return list
}

// country is what a country is called; its code where nothing is written of it.
func (v *visit) country(code string) string {
	if v.words().Has("country." + code) {
		return v.say("country." + code)
	}
	return code
}

func (v *visit) languages(chosen string) (list []option) {
	known := policy.Languages()
	if chosen != "" && !slices.Contains(known, chosen) {
		known = append(slices.Clone(known), chosen)
	}
	for _, code := range known {
		list = append(list, option{code, spoken.Name(code), code == chosen})
	}
	return list
}

// leaveParts is what goes with a member.
type leaveParts struct {
	Name     string
	URL      string
	Devices  []string // of theirs alone
	Shared   []string
	Account  bool
	Self     bool // it is who looks
	Fresh    bool
	Revision uint64
}

func (c *Console) leavePage(v *visit) error {
	p, err := v.leaveParts()
	if err != nil {
		return err
	}
	return v.show("leave", p)
}

func (v *visit) leaveParts() (*page, error) {
	household, err := v.overseen()
	if err != nil {
		return nil, err
	}
	d, revision, err := v.definition()
	if err != nil {
		return nil, err
	}
	if _, err := v.mine(&d); err != nil {
		return nil, err
	}
	name := v.name()
	parts := leaveParts{Name: name, URL: "/member/" + segment(name) + "/erase", Fresh: v.fresh(), Revision: revision}
	adult, err := v.adult(name)
	if err != nil {
		return nil, err
	}
	parts.Self = adult && v.isMe(name)
	known, _, err := v.c.Desk.Devices(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	for _, o := range known {
		switch {
		case !slices.Contains(o.Members, name):
		case len(o.Members) == 1:
			parts.Devices = append(parts.Devices, o.Name)
		default:
			parts.Shared = append(parts.Shared, o.Name)
		}
	}
	accounts, err := v.c.Book.Accounts(v.r.Context(), v.session.Actor(), household)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		parts.Account = parts.Account || account.SameName(a.Name, name) && (adult || a.Role == account.Child)
	}
	return v.blank(v.say("leave.title", "name", name), "household", parts), nil
}

// adult says whether a member is a grown-up: a child is nobody who signs in as a parent or carer by the same name.
func (v *visit) adult(name string) (bool, error) {
	h, err := v.c.Desk.Show(v.r.Context(), v.who())
	return slices.ContainsFunc(h.Members, func(m parents.Person) bool { return m.Name == name && m.Band == policy.Adult.String() }), err
}

// isMe says whether who is signed in has a name: nobody takes away the account by which they do.
func (v *visit) isMe(name string) bool {
	return v.session.Who.Role != account.Operator && strings.EqualFold(v.session.Who.Name, name)
}

// leave takes a member out of the household and erases what is kept of them.
func (c *Console) leave(v *visit) error {
	err := v.mayLeave(v.name())
	if err == nil {
		_, err = c.Desk.EraseMember(v.r.Context(), v.member(), c.Activity, v.revision())
	}
	if err != nil {
		p, failed := v.leaveParts()
		if failed != nil {
			return failed
		}
		return v.again("leave", p, err)
	}
	return v.done("/household", "erased")
}

// mayLeave says why somebody is not to be erased by this form.
func (v *visit) mayLeave(name string) error {
	adult, err := v.adult(name)
	switch {
	case err != nil:
		return err
	case v.c.Activity == nil:
		return v.missing()
	case adult && v.isMe(name):
		return v.wrong("", "refusal.refused.self")
	case !v.fresh():
		return v.stale()
	case v.form("sure") == "":
		return v.wrong("sure", "leave.not_sure", "name", name)
	}
	return nil
}
