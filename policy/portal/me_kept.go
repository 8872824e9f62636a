package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// dayLine is how many queries of a day were allowed and blocked.
type dayLine struct {
	link
	Date             string
	Allowed, Blocked uint64
	Sums             bool // are kept of it
	Names            int
}

// kept says what is remembered of whoever reads the page, if anything is being remembered at all.
func (v *visit) kept(anything bool) (lines []string) {
	said, c := &v.words.Pages.Me, &v.client
	queries, alarms := policy.Forget, policy.Forget
	if anything {
		queries, alarms = v.profile.Keeps()
	}
	say := func(texts ...string) { lines = append(lines, strings.Join(texts, " ")) }
	switch known := c.Status == policy.Known && !c.Assumed; {
	case !known && queries >= policy.Totals:
		say(said.KeptGuest, said.KeptFor.For(c.SumsKept()))
	case queries == policy.Names:
		say(said.KeptNames, said.KeptMost.For(c.SumsKept()))
	case queries == policy.Totals:
		say(said.KeptSums, said.KeptFor.For(c.SumsKept()))
	}
	if queries < policy.Names && alarms == policy.Names && c.Status == policy.Known && !c.Assumed {
		say(said.KeptSecurity, said.KeptFor.For(policy.KeepWeek))
	}
	if anything && len(v.logs()) > 0 {
		say(said.KeptLog, said.KeptMost.For(policy.KeepWeek))
	}
	if len(lines) == 0 {
		say(said.KeptNothing)
	}
	if len(v.quotas()) > 0 {
		say(said.KeptMinutes)
	}
	say(said.KeptNever)
	if v.who != policy.ReaderAdult && c.Status == policy.Known {
		say(said.KeptSame)
	}
	return lines
}

// genuine says that a person looks at the page that is answered: it was not fetched ahead, nor by a page of another
// site, which may do so out of sight.
func (p *Portal) genuine(v *visit, r *http.Request) bool {
	ahead := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose")
	if r.Method == http.MethodHead || strings.Contains(ahead, "prefetch") || strings.Contains(ahead, "prerender") {
		return false
	}
	from := r.Header.Get("Referer")
	return from == "" || strings.HasPrefix(from, p.url(v, "ask.")) || strings.HasPrefix(from, p.url(v, ""))
}

// myNotices are those about a child, which the child sees before the parents do. That it was seen is noted.
func (p *Portal) myNotices(v *visit, r *http.Request, page *view) {
	if p.activity == nil || !v.private() {
		return
	}
	of, said := v.client.Household.ID+"/"+v.client.Member.Name, &v.words.Pages.Me
	found, err := p.activity.Notices(r.Context(), of, true)
	if err != nil {
		p.log.Warn("notices of a page", "error", err)
		return
	}
	unseen := false
	told := map[string]bool{}
	for _, n := range slices.Backward(found) {
		text := map[policy.NoticeKind]string{policy.NoticeBypass: said.NoticeBypass, policy.NoticeSelfHarm: said.NoticeSelfHarm}[n.Kind]
		unseen = unseen || n.Seen.IsZero()
		key := string(n.Kind) + "/" + n.Device
		if text == "" || told[key] || len(told) >= maxMyNotices {
			continue
		}
		told[key] = true
		if n.Kind == policy.NoticeSelfHarm { // help first
			page.Help, page.Tone = p.helpBox(v, true), care
			page.English = inEnglish(v, func(v *visit) *view {
				said := &v.words.Pages.Me
				return &view{Title: said.Notices, Lead: []string{said.NoticeSelfHarm}, Help: p.helpBox(v, true)}
			})
		}
		page.Me.Notices = append(page.Me.Notices, line{fill(text, map[string]string{"device": n.Device}), dateText(v.words, n.At.In(v.now.Location()))})
	}
	if len(page.Me.Notices) > 0 {
		page.Me.Told = said.NoticesTold
	}
	if unseen && p.genuine(v, r) {
		if err := p.activity.Seen(r.Context(), of); err != nil {
			p.log.Warn("noting that notices were seen", "error", err)
		}
	}
}

// dateText is a day as a person reads it.
func dateText(w *wording, at time.Time) string {
	return w.Weekdays[at.Weekday()] + " " + at.Format(time.DateOnly)
}

// myDays are the sums of the days that are kept: of a person, on their own device with a page of each day; of a device
// that several share the sums alone.
func (p *Portal) myDays(v *visit, r *http.Request, me *mePage) {
	c := &v.client
	if p.activity == nil || c.Status != policy.Known || c.Assumed {
		return
	}
	if c.Member != nil && !v.private() {
		me.Kept = append(me.Kept, v.words.Pages.Me.Elsewhere)
		return
	}
	report, err := p.activity.Show(r.Context(), c.Household.ID+"/"+c.Person(), "")
	if err != nil {
		p.log.Warn("what is remembered, for a page", "error", err)
		return
	}
	for _, d := range report.Days {
		at, err := time.ParseInLocation(time.DateOnly, d.Day, v.now.Location())
		if err != nil {
			continue
		}
		one := dayLine{link: link{Text: v.words.Weekdays[at.Weekday()]}, Date: d.Day, Sums: len(d.Sums) > 0, Names: len(d.Names)}
		for _, s := range d.Sums {
			switch {
			case s.Cause != "":
			case s.Verdict == "blocked":
				one.Blocked += s.Count
			default: // what was only observed was allowed
				one.Allowed += s.Count
			}
		}
		if v.private() {
			one.URL = p.askURL(v, mePath) + "?day=" + url.QueryEscape(d.Day)
			me.Named = me.Named || one.Names > 0
		}
		me.Days = append(me.Days, one)
	}
	slices.Reverse(me.Days)
	if me.Named {
		for _, d := range slices.Backward(report.Days) {
			rows := v.names(d, d.Day+" ", me)
			slices.Reverse(rows)
			me.Names = append(me.Names, rows[:min(len(rows), maxMyLatest-len(me.Names))]...)
		}
	}
	me.Days = me.Days[:min(len(me.Days), policy.KeepMonth)]
	if week := policy.KeepWeek; len(me.Days) > week {
		me.Days, me.Before = me.Days[:week], me.Days[week:]
	}
}

// myDay is the page of one day of somebody: exactly what the parents can read of it.
func (p *Portal) myDay(v *visit, r *http.Request, page *view, asked string) (int, *view) {
	said := &v.words.Pages.Me
	at, err := time.ParseInLocation(time.DateOnly, asked, v.now.Location())
	if err != nil {
		return http.StatusNotFound, p.missing(v)
	}
	report, err := p.activity.Show(r.Context(), v.client.Household.ID+"/"+v.client.Person(), at.Format(time.DateOnly))
	if err != nil || len(report.Days) == 0 {
		return http.StatusNotFound, p.missing(v)
	}
	page.Title, page.Lead, page.Me = dateText(v.words, at), sentences(said.DayLead), &mePage{}
	var names []askRow
	for _, d := range report.Days {
		page.Facts = append(page.Facts, v.sums(d.Sums)...)
		names = append(names, v.names(d, "", page.Me)...)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("from")) // what is no number is the beginning
	from = max(0, min(from, len(names)))
	page.Me.Names = names[from:min(from+maxMyNames, len(names))]
	next := func(from int, text string) {
		page.Me.Pages = append(page.Me.Pages, link{p.askURL(v, mePath) + "?day=" + at.Format(time.DateOnly) + "&from=" + strconv.Itoa(from), text})
	}
	if from > 0 {
		next(max(0, from-maxMyNames), said.Earlier)
	}
	if from+maxMyNames < len(names) {
		next(from+maxMyNames, said.Later)
	}
	page.Links = append([]link{{p.askURL(v, mePath), said.Link}}, page.Links...)
	return http.StatusOK, page
}

// verdicts are what became of a name, in words.
func (v *visit) verdicts() map[string]string {
	said := &v.words.Pages.Me
	return map[string]string{"allowed": said.Allowed, "blocked": said.Blocked, "observed": said.Observing}
}

// names are those of a day, in the order of the clock, with something before the time. Those that a child should not read
// are not told, but that they are there is.
func (v *visit) names(d policy.ActivityDay, before string, me *mePage) (rows []askRow) {
	said, words := &v.words.Pages.Me, v.verdicts()
	slices.SortFunc(d.Names, func(a, b policy.ActivityName) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
	})
	for _, n := range d.Names {
		row := askRow{Name: n.Name, Why: words[n.Verdict], Ago: before + n.First}
		switch {
		case v.who == policy.ReaderChild && unfit(v.dir, block{name: n.Name, category: n.Cause}):
			row.Name = said.Hidden
			me.hidden++
			me.HiddenNames = said.HiddenNames.For(me.hidden)
		case v.who != policy.ReaderChild && n.Cause != "":
			row.Why += ", " + v.reason(n.Cause)
		}
		if n.Last != n.First {
			row.Ago += "–" + n.Last
		}
		rows = append(rows, row)
	}
	return rows
}

// sums are the numbers of a day; to a child without kinds of sites.
func (v *visit) sums(all []policy.ActivitySum) (facts []fact) {
	words := v.verdicts()
	for _, verdict := range []string{"allowed", "blocked", "observed"} {
		var sum uint64
		kinds := map[string]uint64{}
		for _, s := range all {
			switch {
			case s.Verdict != verdict:
			case s.Cause == "":
				sum = s.Count
			case v.who != policy.ReaderChild:
				kinds[v.reason(s.Cause)] += s.Count
			}
		}
		if sum == 0 {
			continue
		}
		var texts []string
		for kind, n := range kinds {
			texts = append(texts, kind+" "+strconv.FormatUint(n, 10))
		}
		slices.Sort(texts)
		facts = append(facts, fact{Label: words[verdict], Value: strconv.FormatUint(sum, 10), Note: strings.Join(texts, ", ")})
	}
	return facts
}

// reason says why something was counted: by its kind, or by what of time or of the household decided.
func (v *visit) reason(cause string) string {
	switch cause {
	case policy.StepBedtime.String():
		return v.words.Pages.Me.Bedtime
	case policy.StepHomework.String():
		return v.words.Pages.Me.Homework
	case policy.Paused.String():
		return v.words.Pages.Me.Pause
	case policy.QuotaUsed.String():
		return v.words.Pages.Me.Quotas
	case policy.StepDenied.String(), policy.StepUnknown.String():
		return v.words.Label.Rule
	}
	return v.plainly(cause)
}

// myLogs says of each log that a parent asked for when, by whom, and from when on, and lets who is asked agree.
func (p *Portal) myLogs(v *visit, r *http.Request) (banners []banner) {
	said := &v.words.Pages.Me
	if banners = v.log(); len(banners) == 0 {
		return nil
	}
	band := v.client.Member.Band
	for i, l := range v.logs() {
		b, by := &banners[i], l.By
		if l.Told == 0 && p.genuine(v, r) {
			if told, err := p.desk.Diary(r.Context(), v.myself(), parents.Diary{Told: true}); err == nil {
				l = told
			}
		}
		if by == "" || by == parents.ByNobody {
			by = said.AParent
		}
		clock := func(text string, unix int64) string {
			at := time.Unix(unix, 0).In(v.now.Location())
			return fill(text, map[string]string{"name": by, "until": dateText(v.words, at) + " " + at.Format("15:04")})
		}
		b.Lines = append(b.Lines, clock(said.LogBy, l.At))
		switch begins := l.Begins(band); {
		case begins == 0 && band == policy.Young:
			b.Lines = append(b.Lines, said.LogAgree)
			b.Form = p.sealed(v, form{Action: mePath, Button: said.LogButton}, mePath, strconv.FormatInt(l.At, 10))
		case begins > v.now.Unix():
			b.Lines = append(b.Lines, clock(said.LogBegins, begins))
		case l.Confirmed != 0:
			b.Lines = append(b.Lines, clock(said.LogAgreed, l.Confirmed))
		}
	}
	return banners
}

// myself is the member who reads the page, as who asks and whom it concerns.
func (v *visit) myself() parents.Who {
	home, name := v.client.Household.ID, v.client.Member.Name
	return parents.Who{Household: home, Member: name, Actor: parents.Actor{Role: parents.Child, Household: home, Name: name}}
}

// agree takes the word of somebody of 16 or 17 that they agree to the log which they were shown.
func (p *Portal) agree(v *visit, r *http.Request) (int, *view) {
	shown, ours := p.unsealed(v, r.PostForm.Get, mePath)
	status, problem := http.StatusBadRequest, v.words.Pages.Continue.Old
	for _, l := range v.logs() {
		if !ours || strconv.FormatInt(l.At, 10) != shown || v.client.Member.Band != policy.Young || l.Confirmed != 0 {
			continue
		}
		if _, err := p.desk.Diary(r.Context(), v.myself(), parents.Diary{Confirmed: true}); err != nil {
			status, problem = http.StatusInternalServerError, v.words.Pages.Continue.Trouble
			continue
		}
		return p.me(p.visit(r, v.host), r)
	}
	_, page := p.me(v, r)
	return status, trouble(page, problem)
}
