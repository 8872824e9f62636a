package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestPlansAgainstTheWallClock compares schedules with special days, minute by minute over changes of daylight saving,
// with a clock on the wall that is watched and a look at the windows of each day.
func TestPlansAgainstTheWallClock(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 6))
	for _, c := range []struct{ zone, from string }{
		{"Europe/Berlin", "2026-03-25T00:00:00Z"},
		{"Europe/Berlin", "2026-10-21T00:00:00Z"},
		{"America/New_York", "2026-03-05T00:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-01T00:00:00Z"}, // half an hour
		{"Africa/Cairo", "2026-10-26T00:00:00Z"},        // at midnight, when the day would end
		{"Pacific/Apia", "2011-12-26T00:00:00Z"},        // skipped a whole Friday
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		for range 6 {
			start := instant(t, c.from)
			plans := []*plan{randomPlan(r, start), randomPlan(r, start)}
			watch(t, plans, joinPlans(plans, loc), start, loc)
		}
	}
}

// randomPlan has nights and homework time, and things else on some of the days around an instant.
func randomPlan(r *rand.Rand, around time.Time) *plan {
	spans := []string{"21:00-06:30", "23:30-01:15", "00:30-09:00", "02:30-03:00", "11:59-11:58", "off"}
	pick := func() string { return spans[r.IntN(len(spans))] }
	config := ScheduleConfig{Bedtime: NightsConfig{School: pick(), Free: pick()}, Homework: pick()}
	if r.IntN(2) == 0 {
		config.Windows = []WindowConfig{{Days: []string{"wed", "sun"}, From: "01:30", To: "02:45", Kind: "bedtime"}}
	}
	first := DateOf(around).number()
	cal := newCalendar(CalendarConfig{Holidays: []HolidayConfig{{From: dateOf(first + r.Int64N(9)), To: dateOf(first + 8 + r.Int64N(3))}}})
	var exceptions []ExceptionConfig
	for range r.IntN(5) {
		exceptions = append(exceptions, ExceptionConfig{Date: dateOf(first + r.Int64N(9)), Member: "m", Bedtime: pick(), Homework: pick()})
	}
	p := config.read(nil).plan(cal, exceptions)
	if p == nil {
		p = new(plan)
	}
	return p
}

// watch goes through nine days.
func watch(t *testing.T, plans []*plan, s *schedule, start time.Time, loc *time.Location) {
	t.Helper()
	var edge [2]int64
	var before *[2]bool
	shown := int64(-1 << 62) // the furthest local second that the clock has shown
	for m := range 9 * minutesOfDay {
		at := start.Add(time.Duration(m) * time.Minute)
		_, offset := at.In(loc).Zone()
		shown = max(shown, at.Unix()+int64(offset))
		var want [2]bool
		for day := floorDay(shown) - longestWindow; day <= floorDay(shown); day++ {
			for _, p := range plans {
				for _, w := range p.on(day) {
					into := (shown - day*secondsOfDay) / 60
					want[w.kind] = want[w.kind] || into >= int64(w.from) && into < int64(w.to)
				}
			}
		}
		got := s.at(at.Unix())
		if got.on != want {
			t.Fatalf("%s: %v, want %v", at.In(loc), got.on, want)
		}
		for kind := range want {
			if before != nil && (edge[kind] == at.Unix()) != (before[kind] != want[kind]) {
				t.Fatalf("%s: kind %d was %v and is %v, and its edge was said to be %d", at.In(loc), kind, before[kind], want[kind], edge[kind])
			}
		}
		edge, before = got.edges, &want
	}
}

// TestSpecialDaysAreOnePlan: what nothing distinguishes is shared, and what does is not.
func TestSpecialDaysAreOnePlan(t *testing.T) {
	household := func(id, more string) string {
		return "  - {id: " + id + ", consent: {by: A, at: 2026-01-10}, timezone: Europe/Berlin, members: [{name: Mia, band: child}], schedule: {preset: true}" + more + "}\n"
	}
	summer := ", calendar: {holidays: [{from: 2026-07-01, to: 2026-08-14, name: NAME}]}"
	d := story(t, "Times.\n-- config.yaml --\nhouseholds:\n"+
		household("h-0", strings.Replace(summer, "NAME", "summer", 1))+
		household("h-1", strings.Replace(summer, "NAME", "Sommer", 1))+
		household("h-2", "")+
		household("h-3", ", calendar: {school_days: [mon, tue, wed, thu, fri]}")+
		household("h-4", `, exceptions: [{date: 2026-07-01, member: Mia, bedtime: "off"}]`)+
		household("h-5", `, exceptions: [{date: 2026-07-02, member: Mia, bedtime: "off"}]`))
	of := func(i int) *schedule { return d.order[i].Members[0].Profile.schedule }
	if of(0) != of(1) || of(2) != of(3) {
		t.Error("equal calendars make unequal schedules")
	}
	if of(0) == of(2) || of(4) == of(2) || of(4) == of(5) {
		t.Error("unequal days make equal schedules")
	}
}

// TestTimeIsValidated: each mistake about time is told with its place and what to write.
func TestTimeIsValidated(t *testing.T) {
	free := -1
	config := Config{
		Profiles: []ProfileConfig{{Name: "kids", Band: "teen", Quotas: []QuotaConfig{
			{Of: "fun.video", Minutes: new(1441)}, {Of: "tiktok", Minutes: new(10), Free: &free}, {Of: "service.tiktok", Minutes: new(10)},
			{Of: "fun.vidio"}, {Of: "sec.malware"}, {Of: "ok.help"}, {Of: "meta.popular"}, {Of: "total", Minutes: new(5)},
			{Of: "fun.games", Free: new(60)},
		}}},
		Households: []HouseholdConfig{{
			ID: "h", Consent: ConsentConfig{By: "A", At: Date{2026, 1, 1}}, Members: []MemberConfig{{Name: "Mia", Profile: "kids"}},
			Calendar: CalendarConfig{SchoolDays: []string{"mon", "moon"}, Holidays: []HolidayConfig{
				{}, {From: Date{2026, 7, 1}, To: Date{2026, 6, 1}}, {From: Date{2026, 7, 1}, To: Date{2036, 7, 1}},
			}},
			Exceptions: []ExceptionConfig{{Bedtime: "off"}, {Date: Date{2026, 7, 1}, Member: "Max", Bedtime: "late", Homework: "3-4"}, {Date: Date{2026, 7, 1}}},
		}},
	}
	text := config.Validate(nil).Error()
	for path, want := range map[string]string{
		"profiles[0].quotas[0].minutes":           "0 (not at all) to 1440",
		"profiles[0].quotas[1].free":              "0 (not at all) to 1440",
		"profiles[0].quotas[8].minutes":           "or 0 for not at all",
		"profiles[0].quotas[2].of":                "has a quota already",
		"profiles[0].quotas[3].of":                `did you mean "fun.video"`,
		"profiles[0].quotas[4].of":                "write total, a category",
		"profiles[0].quotas[5].of":                "write total, a category",
		"profiles[0].quotas[6].of":                "write total, a category",
		"households[0].timezone":                  "Europe/Berlin",
		"households[0].calendar.school_days[1]":   "moon",
		"households[0].calendar.holidays[0].from": "YYYY-MM-DD",
		"households[0].calendar.holidays[1].to":   "before the first day",
		"households[0].calendar.holidays":         "at most 1000",
		"households[0].exceptions[0].date":        "YYYY-MM-DD",
		"households[0].exceptions[1].member":      "Mia",
		"households[0].exceptions[1].bedtime":     "21:00-06:30",
		"households[0].exceptions[1].homework":    "HH:MM",
		"households[0].exceptions[2]":             "23:30-09:00",
	} {
		found := false
		for line := range strings.SplitSeq(text, "\n") {
			found = found || strings.HasPrefix(line, path+": ") && strings.Contains(line, want)
		}
		if !found {
			t.Errorf("nothing says %q of %s", want, path)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
