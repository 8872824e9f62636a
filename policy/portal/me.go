package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// mePath is where ask.<name> tells whoever reads it what holds for them.
const mePath = "/me"

// Bounds of the page, so that it stays small whatever a household does.
const (
	maxMyActs    = 12
	maxMyNotices = 7
	maxMyNames   = 40 // of a day
	maxMyLatest  = 20 // of all days
)

// mePage is what stands on the page of a person or a device, in this order.
type mePage struct {
	Notices []line // that the child sees before the parents do
	Told    string // that the parents see them too
	Now     []string
	Hours   []hours // of today and tomorrow
	Quotas  []minutes
	Acts    []line
	More    string // of acts that found no room
	Kept    []string
	Days    []dayLine // of what is remembered, the latest
	Before  []dayLine // and those before
	Named   bool      // of some of those days names are kept
	Names   []askRow
	Pages   []link // of names

	hidden      int
	HiddenNames string // says how many names are not told
	Still       *link  // stops the page from reading itself again, or begins it
}

type line struct{ Text, Note string }

// hours are the windows of one day.
type hours struct {
	Day  string
	Rows []line
}

// minutes is what is left of a quota.
type minutes struct {
	What, Text, Note string
	Left, Limit      int
}

// me is the page of whoever reads it: of a person where the device is theirs alone or they have said that they use it,
// else of "this device".
func (p *Portal) me(v *visit, r *http.Request) (int, *view) {
	if v.client.Status == policy.Stranger || v.client.Status == policy.OptedOut || v.profile == nil {
		return http.StatusOK, p.hello(v)
	}
	v = v.asGuest()
	said := &v.words.Pages.Me
	page := base(v, day, said.Title, sentences(said.Lead))
	page.Facts = []fact{{Label: v.words.Label.For, Value: v.name(), Note: v.band()}}
	if v.client.Member == nil || v.client.Status != policy.Known {
		page.Title, page.Lead = said.Device, sentences(said.DeviceLead)
	}
	page.Links = append(p.deskLinks(v), p.ownLinks(v)...)
	if asked := r.URL.Query().Get("day"); asked != "" && v.private() && p.activity != nil {
		return p.myDay(v, r, page, asked)
	}
	page.Me = &mePage{Now: append(v.present(), p.unfiltered(v)...), Hours: v.hours(), Quotas: v.minutes(), Kept: v.kept(p.remembers())}
	if v.client.Stopped(v.now).Clock != policy.NoClock {
		page.Tone = night
	}
	page.Soon = v.coming()
	p.myActs(v, page.Me)
	p.myNotices(v, r, page)
	p.myDays(v, r, page.Me)
	page.Me.Still = &link{p.askURL(v, mePath) + "?still=yes", said.Still}
	if p.desk != nil {
		page.Log = p.myLogs(v, r)
	}
	if r.URL.Query().Has("still") {
		page.Me.Still = &link{p.askURL(v, mePath), said.Moving}
	} else if r.Method == http.MethodGet {
		page.Refresh = v.refresh()
	}
	return http.StatusOK, page
}

// private says that nobody else reads along: the device is the person's alone, or they have said by PIN that they use it
// and have none of their own.
func (v *visit) private() bool {
	c := &v.client
	if c.Status != policy.Known || c.Assumed || c.Member == nil || c.Device == nil {
		return false
	}
	theirs := func(d *policy.Device) bool { return len(d.Members) == 1 && d.Members[0] == c.Member }
	return theirs(c.Device) || !slices.ContainsFunc(c.Household.Devices, theirs)
}

// present says what holds now.
func (v *visit) present() (lines []string) {
	said := &v.words.Pages.Me
	say := func(text string, ends int64) {
		lines = append(lines, fill(text, map[string]string{"until": clockText(v.words, time.Unix(ends, 0), v.now)}))
	}
	switch s := v.client.Stopped(v.now); {
	case s.Clock == policy.Paused && s.Ends == 0:
		say(said.PausedOpen, 0)
	case s.Clock == policy.Paused:
		say(said.Paused, s.Ends)
	case s.Clock == policy.Window:
		say(said.InBedtime, s.Ends)
	case s.Clock == policy.QuotaUsed:
		say(said.UsedUp, s.Ends)
	default:
		switch s := v.client.StoppedTimed(v.now); s.Clock {
		case policy.Window:
			say(said.InHomework, s.Ends)
		case policy.QuotaUsed:
			say(said.SomeUsed, s.Ends)
		case policy.NoClock, policy.Paused:
			say(said.Free, 0)
		}
	}
	if v.profile.Observe() {
		say(said.Observed, 0)
	}
	if v.unsure {
		say(said.Unsure, 0)
	}
	return lines
}

// coming says what stops within ten minutes.
func (v *visit) coming() (lines []string) {
	said := &v.words.Pages.Me
	texts := map[policy.Clock][2]string{ // of all names, of timed ones
		policy.Window: {said.SoonBedtime, said.SoonHomework}, policy.Paused: {said.SoonPause, said.SoonPause}, policy.QuotaUsed: {said.SoonUsed, said.SoonUsed},
	}
	if v.profile == nil {
		return nil
	}
	for _, next := range v.machine.Coming(v.now) {
		text := texts[next.Clock][0]
		if next.Timed {
			text = texts[next.Clock][1]
		}
		lines = append(lines, fill(text, map[string]string{"until": clockText(v.words, next.From, v.now)}))
	}
	for _, q := range v.quotas() {
		if _, comes := q.Coming(v.now); comes {
			lines = append(lines, fill(said.SoonQuota.For(q.Left()), map[string]string{"category": v.quotaOf(q)}))
		}
	}
	return lines
}

// quotas are those of whoever reads the page; of what several people have on a shared device the one with the least
// left, because that is what stops it, and not whose it is.
func (v *visit) quotas() (list []policy.QuotaState) {
	for _, q := range v.client.Quotas(v.now) {
		i := slices.IndexFunc(list, func(o policy.QuotaState) bool { return o.Of == q.Of })
		switch {
		case i < 0:
			list = append(list, q)
		case q.Left() < list[i].Left():
			list[i] = q
		}
	}
	return list
}

// quotaOf is what a quota is of, in plain words.
func (v *visit) quotaOf(q policy.QuotaState) string {
	if q.Of == "total" {
		return v.words.Pages.Me.AllTime
	}
	return v.plainly(q.Of)
}

// plainly is a category or service by its id in plain words; the id itself where there are none.
func (v *visit) plainly(id string) string {
	t := v.dir.Index().Taxonomy()
	for _, try := range []string{id, "service." + id} {
		if c, ok := t.Lookup(try); ok {
			row := t.Definition(c)
			if what := v.what(row, v.profile.What(policy.Decision{Step: policy.StepCategory, Category: c, HasCategory: true})); what != "" {
				return what
			}
			return v.title(c)
		}
	}
	return id
}

func (v *visit) minutes() (rows []minutes) {
	said := &v.words.Pages.Me
	for _, q := range v.quotas() {
		row := minutes{What: v.quotaOf(q), Left: q.Left(), Limit: max(q.Limit, 1)}
		row.Text = fill(said.Left.For(q.Left()), map[string]string{"most": strconv.Itoa(q.Limit)})
		if q.Bonus > 0 {
			row.Note = said.Added.For(q.Bonus)
		}
		rows = append(rows, row)
	}
	return rows
}

// hours are the windows that begin today and tomorrow, in the order of the clock.
func (v *visit) hours() (days []hours) {
	said := &v.words.Pages.Me
	y, m, d := v.now.Date()
	for i, name := range []string{said.Today, said.Tomorrow} {
		from, to := time.Date(y, m, d+i, 0, 0, 0, 0, v.now.Location()), time.Date(y, m, d+i+1, 0, 0, 0, 0, v.now.Location())
		one := hours{Day: name}
		for _, w := range v.profile.OffTimes(from, to) {
			row := line{said.Bedtime, w.From.Format("15:04") + "–"}
			if w.Timed {
				row.Text = said.Homework
			}
			if !w.Until.IsZero() {
				row.Note += w.Until.Format("15:04")
			}
			one.Rows = append(one.Rows, row)
		}
		slices.SortFunc(one.Rows, func(a, b line) int { return cmp.Compare(a.Note, b.Note) })
		if len(one.Rows) > 0 {
			days = append(days, one)
		}
	}
	return days
}

// acts are those that concern whoever reads the page.
func (p *Portal) acts(v *visit) []parents.Act {
	if p.desk == nil {
		return nil
	}
	return p.desk.ActsFor(v.client)
}

// unfiltered says that the filter is off for whoever reads the page. A pause that came later stops them all the same.
func (p *Portal) unfiltered(v *visit) []string {
	var until time.Time
	for _, act := range p.acts(v) {
		if act.What == "filter off" && act.Until.After(until) {
			until = act.Until
		}
	}
	if until.IsZero() || v.client.Stopped(v.now).Clock != policy.NoClock {
		return nil
	}
	return []string{fill(v.words.Pages.Me.FilterOff, map[string]string{"until": clockText(v.words, until, v.now)})}
}

// myActs are the grants that concern whoever reads the page and have an effect. Pauses and a filter that is off are told
// as what holds now.
func (p *Portal) myActs(v *visit, me *mePage) {
	if v.client.Status != policy.Known {
		return
	}
	said := &v.words.Pages.Me
	ends := map[string]time.Time{} // of what is told, the zero Time if it does not
	for _, act := range p.acts(v) {
		text := v.granted(&act)
		if text == "" || v.futile(&act) {
			continue
		}
		once := text
		if policy.GrantKind(act.Kind) == policy.GrantBonus {
			once = act.ID // each adds its minutes
		}
		last, told := ends[once]
		if told && (last.IsZero() || !act.Until.IsZero() && !act.Until.After(last)) {
			continue
		}
		note := said.Open
		if !act.Until.IsZero() {
			note = v.words.Label.Until + " " + clockText(v.words, act.Until, v.now)
		}
		if ends[once] = act.Until; told {
			me.Acts = slices.DeleteFunc(me.Acts, func(l line) bool { return l.Text == text })
		}
		me.Acts = append(me.Acts, line{text, note})
	}
	if more := len(me.Acts) - maxMyActs; more > 0 {
		me.Acts, me.More = me.Acts[:maxMyActs], said.More.For(more)
	}
}

// futile says that what an act gives stays blocked all the same, and not by the clock: by a rule that denies it, for
// security, or by the law.
func (v *visit) futile(act *parents.Act) bool {
	q := policy.Question{Hashes: new(blocklists.Hashes)}
	switch policy.GrantKind(act.Kind) {
	case policy.GrantTime, policy.GrantBonus:
		return false
	case policy.GrantName, policy.GrantSecurity:
		name, err := blocklists.ParseName(act.Value)
		if err != nil {
			return true
		}
		q = v.dir.Ask(name, q.Hashes)
	case policy.GrantService, policy.GrantCategory, policy.GrantContinue:
		t := v.dir.Index().Taxonomy()
		for _, id := range []string{act.Value, "service." + act.Value} {
			if c, known := t.Lookup(id); known {
				q.Match.Categories.Add(c)
			}
		}
	}
	d := v.client.Decide(&q, v.now)
	return d.Blocks() && d.Clock == policy.NoClock
}

// granted says what an act gives, "" for one that gives nothing. A name that a child should not read is not told.
func (v *visit) granted(act *parents.Act) string {
	said := &v.words.Pages.Me
	switch policy.GrantKind(act.Kind) {
	case policy.GrantTime:
		return said.ExtraTime
	case policy.GrantBonus:
		return fill(said.Bonus.For(act.Minutes), map[string]string{"category": v.quotaOf(policy.QuotaState{Of: act.Value})})
	case policy.GrantName, policy.GrantSecurity:
		if v.who == policy.ReaderChild && unfit(v.dir, block{name: act.Value}) {
			return said.Hidden
		}
		return act.Value
	case policy.GrantService, policy.GrantCategory, policy.GrantContinue:
		if v.who == policy.ReaderChild {
			if c, ok := v.dir.Index().Taxonomy().Lookup(act.Value); ok && grown(v.dir, c) {
				return said.Hidden
			}
		}
		return v.plainly(act.Value)
	}
	return ""
}

// grown says whether a category is none to tell a child of.
func grown(dir *policy.Directory, c blocklists.Category) bool {
	return slices.Contains([]string{"sex", "violence", "selfharm", "drugs"}, dir.Index().Taxonomy().Definition(c).Group)
}

// refresh is after how many seconds the page reads itself again: when something on it changes, at most after five
// minutes, and so seldom that who reads slowly is not disturbed.
func (v *visit) refresh() int {
	const least, most = 30, 300
	next := int64(most)
	for _, at := range []int64{v.client.Stopped(v.now).Until, v.client.StoppedTimed(v.now).Until} {
		for _, edge := range []int64{at, at - policy.SoonMinutes*60} {
			if edge > v.now.Unix() {
				next = min(next, edge-v.now.Unix()+1)
			}
		}
	}
	return int(max(next, least))
}
