package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	spoken "github.com/hearthdns/hearth/policy/words"
)

// activityParts is what is remembered of a household or one of its people, and no more.
type activityParts struct {
	Of      string
	People  []tab
	Blocked *chart
	Days    []dayRow
	Names   []policy.ActivityName
	Logs    []string
	Day     string
	Nothing bool
}

type dayRow struct {
	Day, URL         string
	Allowed, Blocked uint64
}

// verdicts are the words for what became of a name.
var verdicts = map[string]string{"allowed": "activity.allowed", "blocked": "activity.stopped", "observed": "activity.observed"}

// Bounds of the page.
const (
	maxDays  = 14
	maxNames = 60
)

func (c *Console) activityPage(v *visit) error {
	if c.Activity == nil {
		return v.show("activity", v.blank(v.say("activity.title"), "activity", activityParts{Nothing: true}))
	}
	h, err := c.Desk.Oversee(v.r.Context(), v.who())
	if err != nil {
		return err
	}
	parts := activityParts{Of: v.r.URL.Query().Get("of"), Day: v.r.URL.Query().Get("day")}
	if parts.Of != "" && !h.Has(parts.Of) {
		return v.missing()
	}
	if _, err := time.Parse(time.DateOnly, parts.Day); err != nil {
		parts.Day = ""
	}
	of := h.ID
	if parts.Of != "" {
		of += "/" + parts.Of
	}
	report, err := c.Activity.Show(v.r.Context(), of, parts.Day)
	if err != nil {
		return err
	}
	parts.People = []tab{{URL: "/activity", Text: v.say("activity.all")}}
	for _, m := range h.Members {
		parts.People = append(parts.People, tab{URL: "/activity?of=" + escape(m.Name), Text: m.Name, Place: m.Name})
	}
	v.addDays(&parts, report)
	for _, l := range report.Logs {
		parts.Logs = append(parts.Logs, v.say("activity.log", "name", l.Member, "until", v.when(l.Until), "by", l.By))
	}
	return v.show("activity", v.blank(v.say("activity.title"), "activity", parts))
}

func (v *visit) addDays(parts *activityParts, report policy.ActivityReport) {
	parts.Blocked = v.chart(report.Days)
	sums := map[string]*dayRow{}
	for _, d := range report.Days {
		row := sums[d.Day]
		if row == nil {
			row = &dayRow{Day: d.Day, URL: "/activity?day=" + d.Day + "&of=" + escape(parts.Of)}
			sums[d.Day] = row
		}
		for _, s := range d.Sums {
			switch {
			case s.Cause == "" && s.Verdict == "allowed":
				row.Allowed += s.Count
			case s.Cause == "" && s.Verdict == "blocked":
				row.Blocked += s.Count
			}
		}
		if parts.Of != "" && parts.Day != "" {
			for _, n := range d.Names[:min(len(d.Names), max(0, maxNames-len(parts.Names)))] {
				n.Verdict = v.say(verdicts[n.Verdict])
				parts.Names = append(parts.Names, n)
			}
		}
	}
	for _, row := range sums {
		parts.Days = append(parts.Days, *row)
	}
	slices.SortFunc(parts.Days, func(a, b dayRow) int { return cmp.Compare(b.Day, a.Day) })
	parts.Days = parts.Days[:min(len(parts.Days), maxDays)]
	parts.Nothing = len(parts.Days) == 0
}

// changesParts is who changed what.
type changesParts struct {
	Rows []changeRow
	Next string
}

type changeRow struct{ At, By, Role, What, Whom, Detail string }

// perPage is how many changes stand on a page.
const perPage = 40

func (c *Console) changesPage(v *visit) error {
	h, list, err := c.Desk.Audit(v.r.Context(), v.who())
	if err != nil {
		return err
	}
	parts := changesParts{}
	from := number(v.r.URL.Query().Get("from"))
	from = min(max(from, 0), len(list))
	for _, e := range list[from:min(from+perPage, len(list))] {
		row := changeRow{At: time.Unix(e.At, 0).In(h.Location).Format("2006-01-02 15:04"), By: e.By, What: v.changed(e.What), Whom: cmp.Or(e.Member, e.Device), Detail: v.detail(e)}
		if e.Role != "" {
			row.Role = v.say("role." + e.Role)
		}
		parts.Rows = append(parts.Rows, row)
	}
	if from+perPage < len(list) {
		parts.Next = "/changes?from=" + text(from+perPage)
	}
	return v.show("changes", v.blank(v.say("changes.title"), "household", parts))
}

// householdForm is who belongs to the household.
type householdForm struct {
	ID, Zone, Language, Country string
	Members                     []memberRow
	Revision                    uint64
	Store, Manage               bool
	Messages, Lists             bool // there are pages of them
}

type memberRow struct {
	Name, Band, URL, Leave string
	Minor                  bool
}

func (c *Console) householdPage(v *visit) error {
	p, err := v.householdForm()
	if err != nil {
		return err
	}
	return v.show("household", p)
}

func (v *visit) householdForm() (*page, error) {
	h, err := v.c.Desk.Show(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	f := householdForm{ID: h.ID, Zone: h.Timezone, Revision: h.Revision, Store: h.Owner == parents.OwnerStore, Manage: v.actor().Role >= parents.Parent, Messages: v.c.Post != nil, Lists: v.c.Lists != nil}
	if live, there := v.c.Directory().Household(h.ID); there {
		f.Language, f.Country = spoken.Name(live.Language), v.country(live.Country)
	}
	for _, m := range h.Members {
		b, _ := policy.ParseBand(m.Band)
		f.Members = append(f.Members, memberRow{Name: m.Name, Band: v.band(m.Band), URL: "/child/" + segment(m.Name), Leave: "/member/" + segment(m.Name) + "/erase", Minor: b.Minor()})
	}
	p := v.blank(v.say("household.title"), "household", f)
	p.File = v.file(h)
	return p, nil
}

// household adds a member, or takes one away.
func (c *Console) household(v *visit) error {
	done := "member_added"
	var err error
	if who := v.who(); v.form("remove") != "" {
		done, who.Member = "member_removed", v.form("remove")
		_, err = c.Desk.RemoveMember(v.r.Context(), who, v.revision())
	} else {
		var m policy.MemberConfig
		if m, err = v.newMember("", v.form("name"), v.form("age"), v.form("born")); err == nil {
			_, err = c.Desk.AddMember(v.r.Context(), who, m, v.revision())
		}
	}
	if err != nil {
		p, failed := v.householdForm()
		if failed != nil {
			return failed
		}
		return v.again("household", p, err)
	}
	return v.done("/household", done)
}
