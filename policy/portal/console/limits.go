package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// limitsForm is what may be used how long, and which services have a switch.
type limitsForm struct {
	Name, URL string
	Revision  uint64
	Quotas    []limitRow
	Kinds     []option
	Switches  []switchRow
	Groups    []serviceGroup
}

type limitRow struct{ Of, Text, Minutes, Free string }

type switchRow struct{ ID, Text, Action, Word string }

type serviceGroup struct {
	Text     string
	Services []option
}

// quotaKinds are offered for quotas beside single services.
var quotaKinds = []string{"total", "fun.video", "fun.games", "social.networks", "social.chat", "fun.ai"}

func (v *visit) switches(changes []policy.ServiceChange) (rows []switchRow) {
	for _, s := range changes {
		rows = append(rows, switchRow{s.ID, v.plainly(s.ID), s.Action, v.say("switch." + s.Action)})
	}
	return rows
}

func (c *Console) limitsPage(v *visit) error {
	p, err := v.limitsForm()
	if err != nil {
		return err
	}
	return v.show("limits", p)
}

func (v *visit) limitsForm() (*page, error) {
	name := v.name()
	m, revision, err := v.part()
	if err != nil {
		return nil, err
	}
	f := limitsForm{Name: name, URL: "/child/" + segment(name), Revision: revision, Switches: v.switches(m.Services)}
	for _, q := range m.Quotas {
		row := limitRow{Of: q.Of, Text: v.plainly(q.Of)}
		if q.Minutes != nil {
			row.Minutes = strconv.Itoa(*q.Minutes)
		}
		if q.Free != nil {
			row.Free = strconv.Itoa(*q.Free)
		}
		f.Quotas = append(f.Quotas, row)
	}
	for _, id := range quotaKinds {
		if !slices.ContainsFunc(m.Quotas, func(q policy.QuotaConfig) bool { return q.Of == id }) {
			f.Kinds = append(f.Kinds, option{id, v.plainly(id), false})
		}
	}
	services, err := blocklists.Services()
	if err != nil {
		return nil, err
	}
	for _, group := range blocklists.ServiceGroups() {
		g := serviceGroup{Text: v.say("services." + group)}
		for _, s := range services {
			if s.Group == group {
				g.Services = append(g.Services, option{strings.TrimPrefix(s.ID, "service."), s.Title, false})
			}
		}
		f.Groups = append(f.Groups, g)
	}
	return v.blank(v.say("limits.title", "name", name), "today", f), nil
}

// limits writes quotas and switches down.
func (c *Console) limits(v *visit) error {
	err := v.repart(func(m *policy.MemberConfig) error {
		v.readSwitches(m)
		return v.readQuotas(m)
	})
	if err != nil {
		p, failed := v.limitsForm()
		if failed != nil {
			return failed
		}
		return v.again("limits", p, err)
	}
	return v.done("/child/"+segment(v.name())+"/limits", "limits")
}

// readQuotas reads the rows of quotas, and the one that is new; without minutes a quota is gone.
func (v *visit) readQuotas(m *policy.MemberConfig) error {
	var quotas []policy.QuotaConfig
	add := func(of, minutes, free string) error {
		if of == "" || v.form(minutes) == "" {
			return nil
		}
		q := policy.QuotaConfig{Of: of}
		var err error
		if q.Minutes, err = v.minutes(minutes); err == nil && v.form(free) != "" {
			q.Free, err = v.minutes(free)
		}
		quotas = append(quotas, q)
		return err
	}
	for _, q := range m.Quotas {
		if err := add(q.Of, "minutes."+q.Of, "free."+q.Of); err != nil {
			return err
		}
	}
	if err := add(v.form("new.of"), "new.minutes", "new.free"); err != nil {
		return err
	}
	m.Quotas = quotas
	return nil
}

// minutes reads minutes of a day.
func (v *visit) minutes(field string) (*int, error) {
	n, err := strconv.Atoi(v.form(field))
	if err != nil || n < 0 || n > 24*60 {
		return nil, v.wrong(field, "refusal.refused.minutes")
	}
	return &n, nil
}

// readSwitches reads the rows of services, and the one that is new; one that is as the age says is gone.
func (v *visit) readSwitches(m *policy.MemberConfig) {
	var services []policy.ServiceChange
	add := func(id, action string) {
		if id != "" && action != "" {
			services = append(services, policy.ServiceChange{ID: id, Action: action})
		}
	}
	fresh := v.form("new.service")
	for _, s := range m.Services {
		if s.ID != fresh {
			add(s.ID, v.form("service."+s.ID))
		}
	}
	add(fresh, v.form("new.action"))
	m.Services = services
}
