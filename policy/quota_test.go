package policy

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// counting is a household with quotas of every kind.
const counting = `Counting.
-- config.yaml --
name: hearth.home.arpa
profiles:
  - name: kids
    band: teen
    always_on: [whatsapp]
    services: [{id: youtube, action: allow}]
    quotas: [{of: total, minutes: 60}, {of: fun.video, minutes: 30, free: 90}, {of: tiktok, minutes: 10}]
    rules: [{name: never.test, action: deny}, {name: mine.test, action: allow}]
  - {name: watched, band: teen, observe: true, quotas: [{of: total, minutes: 60}]}
  - {name: visitors, band: preteen, quotas: [{of: total, minutes: 30}]}
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    networks: [192.168.1.0/24]
    guest: visitors
    members: [{name: Kim, profile: kids}, {name: Toni, profile: kids}, {name: Max, profile: watched}, {name: Anna, band: adult}]
    devices:
      - {name: tablet, addresses: [192.168.1.2], members: [Kim, Toni]}
      - {name: console, addresses: [192.168.1.3], profile: visitors}
  - id: other
    consent: {by: Anna, at: 2026-01-10}
    timezone: Europe/Berlin
    members: [{name: Kim, profile: kids}]
-- lists/fun.video.txt --
tube.test
-- lists/service.netflix.txt --
films.test
-- lists/service.youtube.txt --
clips.test
-- lists/service.tiktok.txt --
tok.test
-- lists/service.whatsapp.txt --
chat.test
-- lists/ok.help.txt --
help.test
-- lists/ok.kids.txt --
play.test
-- lists/ok.infra.txt --
update.test
-- lists/ads.trackers.txt --
ads.test
-- fixed --
fixed.test
`

// used gives the minutes of a person as "of: n", without those that have none.
func used(c Client, now time.Time) map[string]int {
	out := map[string]int{}
	for _, q := range c.Quotas(now) {
		if q.Used > 0 {
			out[q.Person+" "+q.Of] = q.Used
		}
	}
	return out
}

// TestWhatCounts: each quota counts its own names, the total all but those that are always on, help, infrastructure
// or the resolver's own; what is blocked counts nowhere.
func TestWhatCounts(t *testing.T) {
	now := instant(t, "2026-03-02T12:00:00Z")
	for _, c := range []struct {
		name string
		want []string
	}{
		{"news.test", []string{"total"}},
		{"mine.test", []string{"total"}},
		{"tube.test", []string{"fun.video", "total"}},
		{"www.films.test", []string{"fun.video", "total"}}, // a service without a switch is a part of its category
		{"clips.test", []string{"total"}},                  // one that is allowed is not
		{"tok.test", []string{"service.tiktok", "total"}},
		{"play.test", []string{"total"}},
		{"help.test", nil}, {"update.test", nil}, {"chat.test", nil}, {"fixed.test", nil}, {"hearth.home.arpa", nil},
		{"ads.test", nil}, {"never.test", nil}, // blocked
	} {
		a := asker{d: story(t, counting)}
		kim, err := a.d.Locate("h", "Kim")
		if err != nil {
			t.Fatal(err)
		}
		q := a.question(t, c.name)
		kim.Count(q, kim.Decide(q, now), now)
		var got []string
		for _, s := range kim.Quotas(now) {
			if s.Used == 1 {
				got = append(got, s.Of)
			}
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s counts in %q, want %q", c.name, got, c.want)
		}
	}
}

// TestWhoseMinutes: what is used on a shared device counts for all its members, or for who said that it is them; a
// device without a person has its own, guests have theirs together, and nobody's count in another household.
func TestWhoseMinutes(t *testing.T) {
	now := instant(t, "2026-03-02T12:00:00Z")
	a := asker{d: story(t, counting)}
	uses := State{Uses: []Use{{Device: "tablet", Member: "Toni", At: now.Unix() + 3600, Until: now.Unix() + 7200}}}
	if err := a.d.Apply("h", uses); err != nil {
		t.Fatal(err)
	}
	count := func(client string, at time.Time) Client {
		c, err := a.d.Find(client)
		if err != nil {
			t.Fatal(err)
		}
		c = c.Now(at)
		q := a.question(t, "news.test")
		c.Count(q, c.Decide(q, at), at)
		return c
	}
	both := count("tablet", now)
	if got, want := used(both, now), map[string]int{"Kim total": 1, "Toni total": 1}; !equalMaps(got, want) {
		t.Errorf("on the tablet: %v, want %v", got, want)
	}
	later := now.Add(time.Hour)
	toni := count("tablet", later)
	if got, want := used(toni, later), map[string]int{"Toni total": 2}; !equalMaps(got, want) {
		t.Errorf("when Toni uses it: %v, want %v", got, want)
	}
	if got, want := used(both, later), map[string]int{"Kim total": 1, "Toni total": 2}; !equalMaps(got, want) {
		t.Errorf("then of both: %v, want %v", got, want)
	}
	for client, want := range map[string]map[string]int{
		"console": {"device:console total": 1}, "192.168.1.99": {"guests: total": 1}, "h/Max": {"Max total": 1}, "h/Anna": {},
	} {
		if got := used(count(client, now), now); !equalMaps(got, want) {
			t.Errorf("%s: %v, want %v", client, got, want)
		}
	}
	for _, client := range []string{"192.168.1.98"} {
		if got, want := used(count(client, now.Add(time.Minute)), now), map[string]int{"guests: total": 2}; !equalMaps(got, want) {
			t.Errorf("another guest: %v, want %v", got, want)
		}
	}
	if c, err := a.d.Locate("other", "Kim"); err != nil || len(used(c, now)) != 0 {
		t.Errorf("the other Kim has used %v, %v", used(c, now), err)
	}
}

func equalMaps(a, b map[string]int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, n := range a {
		if b[k] != n {
			return false
		}
	}
	return true
}

// TestUsageOutlivesDirectories: a Directory that is compiled with the same Usage goes on counting; what is
// kept is whole days, what could not be kept is given again, and merging is OR.
func TestUsageOutlivesDirectories(t *testing.T) {
	s, err := ParseScenario([]byte(counting + "-- expect --\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Prepare(t.Context(), CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	now := instant(t, "2026-03-02T12:00:00Z")
	c.Usage = NewUsage()
	compile := func(u *Usage) Client {
		c.Usage = u
		d, err := Compile(c)
		if err != nil {
			t.Fatal(err)
		}
		kim, err := d.Locate("h", "Kim")
		if err != nil {
			t.Fatal(err)
		}
		return kim
	}
	usage := c.Usage
	kim := compile(usage)
	for n := range 5 {
		kim.count(&Question{}, now.Unix()+int64(n)*60)
	}
	if again := compile(usage); again.Quotas(now)[0].Used != 5 {
		t.Errorf("after a reload %d minutes are used, want 5", again.Quotas(now)[0].Used)
	}
	broken := errors.New("the disk is full")
	if err := usage.Flush(func([]Used) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a failure to keep is %v", err)
	}
	var kept []Used
	flush := func() int {
		kept = nil
		if err := usage.Flush(func(u []Used) error { kept = u; return nil }); err != nil {
			t.Fatal(err)
		}
		return len(kept)
	}
	if n := flush(); n != 1 || kept[0].MeterKey != (MeterKey{"h", "Kim", "total"}) || kept[0].Day != (Date{2026, 3, 2}) {
		t.Fatalf("kept %d: %+v", n, kept)
	}
	before := kept[0]
	if n := flush(); n != 0 {
		t.Errorf("kept again, without a change: %+v", kept)
	}
	fresh := NewUsage()
	restarted := compile(fresh)
	restarted.count(&Question{}, now.Unix()+2*60) // a minute of those five
	restarted.count(&Question{}, now.Unix()+9*60)
	fresh.Merge(before)
	fresh.Merge(before)
	if n := restarted.Quotas(now)[0].Used; n != 6 {
		t.Errorf("after a restart %d minutes are used, want 6", n)
	}
}

// TestCountingOpensNothing: what is blocked because minutes are used up stays so when the running minute is counted, as
// what a grant answers is.
func TestCountingOpensNothing(t *testing.T) {
	stopped := 0
	lived(t, 4, func(c Client, q *Question, name string, at time.Time) {
		c = c.Now(at)
		d := c.Decide(q, at)
		if d.Clock != QuotaUsed {
			return
		}
		stopped++
		for i := range c.budget.list {
			l := c.budget.days.at(at.Unix())
			minute, _ := l.minute(at.Unix())
			c.budget.list[i].meter.mark(l.day, minute)
		}
		if after := c.Decide(q, at); after.Action != Block || after.Clock != QuotaUsed {
			t.Fatalf("%s at %s: %+v, and when the minute is counted %+v", name, at, d, after)
		}
	})
	if stopped < 100 {
		t.Errorf("quotas stopped %d questions: the test is too narrow", stopped)
	}
}

// TestMidnight: a new day begins with nothing used, and the day before can still be kept.
func TestMidnight(t *testing.T) {
	a := asker{d: story(t, counting)}
	kim, err := a.d.Locate("h", "Kim")
	if err != nil {
		t.Fatal(err)
	}
	midnight := instant(t, "2026-03-03T00:00:00+01:00")
	kim.count(&Question{}, midnight.Unix()-1)
	if n := kim.Quotas(midnight.Add(-time.Second))[0].Used; n != 1 {
		t.Errorf("%d minutes are used before midnight, want 1", n)
	}
	if q := kim.Quotas(midnight)[0]; q.Used != 0 || !q.Resets.Equal(midnight.Add(24*time.Hour)) {
		t.Errorf("at midnight: %+v", q)
	}
	kim.count(&Question{}, midnight.Unix())
	kim.count(&Question{}, midnight.Unix()+60)
	if n := kim.Quotas(midnight)[0].Used; n != 2 {
		t.Errorf("%d minutes are used after midnight, want 2", n)
	}
	if n := kim.Quotas(midnight.Add(-time.Second))[0].Used; n != 1 {
		t.Errorf("of the day before %d minutes are known, want 1", n)
	}
}

// TestQuotaStates: what people are told of a quota, with a bonus and in time.
func TestQuotaStates(t *testing.T) {
	a := asker{d: story(t, counting)}
	now := instant(t, "2026-03-02T16:00:00+01:00")
	bonus := Grant{ID: "1", Subject: Subject{Member: "Kim"}, Kind: GrantBonus, Value: "fun.video", Minutes: 15, At: now.Unix() - 60}
	if err := a.d.Apply("h", State{Grants: []Grant{bonus}}); err != nil {
		t.Fatal(err)
	}
	kim, err := a.d.Locate("h", "Kim")
	if err != nil {
		t.Fatal(err)
	}
	tube := a.question(t, "tube.test")
	for n := range int64(36) {
		kim.count(tube, now.Unix()-3600+60*n)
	}
	midnight := instant(t, "2026-03-03T00:00:00+01:00")
	got := kim.Quotas(now)
	want := []QuotaState{
		{Of: "total", Person: "Kim", Used: 36, Limit: 60},
		{Of: "fun.video", Person: "Kim", Used: 36, Limit: 45, Bonus: 15, Soon: true},
		{Of: "service.tiktok", Person: "Kim", Limit: 10, Soon: true},
	}
	for i := range got {
		want[i].Resets = midnight
		if !got[i].Resets.Equal(midnight) {
			t.Errorf("%s begins anew at %s, want %s", got[i].Of, got[i].Resets, midnight)
		}
		if want[i].Resets = got[i].Resets; got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	for n := range int64(9) {
		kim.count(tube, now.Unix()-600+60*n)
	}
	if q := kim.Quotas(now)[1]; !q.UsedUp || q.Left() != 0 {
		t.Errorf("with all used: %+v", q)
	}
	if q := kim.Quotas(instant(t, "2026-03-07T12:00:00+01:00"))[1]; q.Limit != 90 || q.Bonus != 0 {
		t.Errorf("on Saturday, without the bonus of Monday: %+v", q)
	}
}

// TestMetersTogether: many count at once, over midnight too; no minute is lost and none counts twice.
func TestMetersTogether(t *testing.T) {
	m := new(Meter)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for day := range int64(2) {
				for minute := range int64(minutesOfDay) {
					m.mark(20000+day, minute)
				}
			}
		})
	}
	all.Wait()
	for _, day := range []int64{20000, 20001} {
		if n := m.on(day).used(); n != minutesOfDay {
			t.Errorf("day %d has %d minutes, want %d", day, n, minutesOfDay)
		}
	}
}

// TestTimeTexts: bedtime, homework time, a pause and a used-up quota are told apart.
func TestTimeTexts(t *testing.T) {
	p := story(t, counting).households["h"].Members[0].Profile
	seen := map[string]bool{}
	for _, d := range []Decision{
		{Action: Block, Step: StepBedtime, Clock: Window, Applied: true}, {Action: Block, Step: StepBedtime, Clock: Paused, Applied: true},
		{Action: Block, Step: StepBedtime, Clock: QuotaUsed, Applied: true}, {Action: Block, Step: StepHomework, Clock: Window, Applied: true},
	} {
		text, said := p.Text(d), p.Justification(d)
		if text == "" || said == "" || seen[text] || seen[said] {
			t.Errorf("%s at %s: %q, %q", d.Clock, d.Step, text, said)
		}
		seen[text], seen[said] = true, true
	}
	used := Decision{Action: Block, Step: StepHomework, Clock: QuotaUsed, Applied: true}
	if got := p.Reason(used); got != ReasonQuota {
		t.Errorf("a used-up category has the reason %d", got)
	}
}
