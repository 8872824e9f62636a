package policy

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestScheduleAgainstTheWallClock compares schedule.at, minute by minute over
// both changes of daylight saving, with a clock on the wall that is watched: an
// edge happens the first time that it shows the time of the edge or a later one.
func TestScheduleAgainstTheWallClock(t *testing.T) {
	windows := []window{
		{bedtime, 6*minutesOfDay + 22*60, 7*minutesOfDay + 2*60 + 30}, // Saturday 22:00 to Sunday 02:30
		{bedtime, 2*60 + 45, 2*60 + 50},                               // Sunday 02:45 to 02:50
		{bedtime, 5*minutesOfDay + 23*60, 6*minutesOfDay + 7*60},      // Friday 23:00 to Saturday 07:00
		{bedtime, 1*60 + 15, 1*60 + 45},                               // Sunday 01:15 to 01:45
		{homework, 15 * 60, 17 * 60},
		{homework, 2*60 + 10, 3*60 + 20},
	}
	for _, c := range []struct{ zone, from string }{
		{"Europe/Berlin", "2026-03-27T12:00:00Z"},
		{"Europe/Berlin", "2026-10-23T12:00:00Z"},
		{"Europe/London", "2026-10-23T12:00:00Z"},
		{"America/New_York", "2026-03-06T12:00:00Z"},
		{"America/New_York", "2026-10-30T12:00:00Z"},
		{"Australia/Lord_Howe", "2026-04-03T00:00:00Z"}, // half an hour
		{"Australia/Lord_Howe", "2026-10-02T00:00:00Z"},
		{"Africa/Casablanca", "2026-02-13T00:00:00Z"},
		{"Pacific/Apia", "2011-12-28T00:00:00Z"}, // skipped a whole Friday
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		s := newSchedule(windows, loc)
		start := instant(t, c.from)
		shown := int64(-1 << 62) // the furthest local second that the clock has shown
		for m := range 4 * minutesOfDay {
			at := start.Add(time.Duration(m) * time.Minute)
			_, offset := at.In(loc).Zone()
			shown = max(shown, at.Unix()+int64(offset))
			var want [2]bool
			for _, w := range windows {
				into := (shown + 4*86400) % secondsOfWeek / 60
				for _, week := range []int64{0, 7 * minutesOfDay} {
					if into+week >= int64(w.from) && into+week < int64(w.to) {
						want[w.kind] = true
					}
				}
			}
			if got := s.at(at.Unix()); got.on != want {
				t.Fatalf("%s, %s: %v, want %v", c.zone, at.In(loc), got.on, want)
			}
		}
	}
}

// TestSchedulesOfLongAgo: a time before 1970 is in a week too.
func TestSchedulesOfLongAgo(t *testing.T) {
	s := newSchedule([]window{{bedtime, 21 * 60, 30 * 60}}, time.UTC) // Sunday 21:00 to Monday 06:00
	for _, c := range []struct {
		at   string
		want bool
		edge string
	}{
		{"1969-12-28T21:00:00Z", true, "1969-12-29T06:00:00Z"},
		{"1969-12-28T20:59:59Z", false, "1969-12-28T21:00:00Z"},
		{"1969-12-31T12:00:00Z", false, "1970-01-04T21:00:00Z"},
	} {
		got := s.at(instant(t, c.at).Unix())
		if edge := instant(t, c.edge).Unix(); got.on[bedtime] != c.want || got.edges[bedtime] != edge {
			t.Errorf("%s: %v until %d, want %v until %d", c.at, got.on[bedtime], got.edges[bedtime], c.want, edge)
		}
	}
}

// TestScheduleKeepsTime: what a schedule remembers is what the calendar says, also
// while the clock is put back and forth, and while many ask at once.
func TestScheduleKeepsTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule([]window{{bedtime, 21 * 60, 30 * 60}, {homework, 2*minutesOfDay + 15*60, 2*minutesOfDay + 17*60}}, berlin)
	start := instant(t, "2026-10-24T12:00:00Z").Unix()
	var asking sync.WaitGroup
	for seed := range uint64(4) {
		asking.Go(func() {
			r := rand.New(rand.NewPCG(seed, 8))
			at, kept := start, 0
			for range 5000 {
				at += r.Int64N(600) - 60
				if r.IntN(100) == 0 {
					at = start + r.Int64N(14*86400)
				}
				before := s.last.Load()
				got := s.at(at)
				if want := s.stretch(at).state; *got != want {
					t.Errorf("%s: %+v, want %+v", time.Unix(at, 0).In(berlin), *got, want)
					return
				}
				if before != nil && got == &before.state {
					kept++
				}
			}
			if kept == 0 {
				t.Error("nothing was remembered")
			}
		})
	}
	asking.Wait()
}

func TestParseAt(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := instant(t, "2026-10-23T21:05:30+02:00") // a Friday
	for _, c := range []struct{ text, want string }{
		{"", "2026-10-23T21:05:30+02:00"},
		{"-", "2026-10-23T21:05:30+02:00"},
		{"fri 21:05", "2026-10-23T21:05:00+02:00"},
		{"Friday 21:04", "2026-10-30T21:04:00+01:00"},
		{" NOW ", "2026-10-23T21:05:30+02:00"},
		{" FRI  21:06 ", "2026-10-23T21:06:00+02:00"},
		{"today 06:00", "2026-10-23T06:00:00+02:00"},
		{"tomorrow 06:00", "2026-10-24T06:00:00+02:00"},
		{"2026-10-25t02:30:00z", "2026-10-25T02:30:00Z"},
		{"sat 00:00", "2026-10-24T00:00:00+02:00"},
		{"21:06", "2026-10-23T21:06:00+02:00"},
		{"21:00", "2026-10-24T21:00:00+02:00"},
		{"sun 02:30", "2026-10-25T02:30:00+02:00"}, // the first of two
		{"2026-10-25 02:30", "2026-10-25T02:30:00+02:00"},
		{"2026-10-25 03:00", "2026-10-25T03:00:00+01:00"},
		{"2026-03-29 02:30", "2026-03-29T03:00:00+02:00"}, // does not exist: the jump
		{"2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00"},
	} {
		got, err := ParseAt(c.text, now, berlin)
		if want := instant(t, c.want); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", c.text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "fri", "fri 25:00", "xyz 21:00", "f 21:05", "fr 21:05", "fri 21:05 sharp", "2026-12-24", "today", "21", "9:00", "2026-13-01 10:00"} {
		if got, err := ParseAt(text, now, berlin); err == nil {
			t.Errorf("%q is no time, got %s", text, got)
		}
	}
}

func TestBandAt(t *testing.T) {
	born := Date{2012, 2, 29}
	for _, c := range []struct {
		day  Date
		want Band
		next Date
	}{
		{Date{2012, 2, 29}, Little, Date{2018, 3, 1}},
		{Date{2018, 2, 28}, Little, Date{2018, 3, 1}},
		{Date{2018, 3, 1}, Child, Date{2022, 3, 1}},
		{Date{2022, 3, 1}, Preteen, Date{2025, 3, 1}},
		{Date{2025, 2, 28}, Preteen, Date{2025, 3, 1}},
		{Date{2025, 3, 1}, Teen, Date{2028, 2, 29}},
		{Date{2028, 2, 29}, Young, Date{2030, 3, 1}},
		{Date{2030, 2, 28}, Young, Date{2030, 3, 1}},
		{Date{2030, 3, 1}, Adult, Date{}},
		{Date{2090, 1, 1}, Adult, Date{}},
	} {
		if got, next := BandAt(born, c.day); got != c.want || next != c.next {
			t.Errorf("%s: %s until %s, want %s until %s", c.day, got, next, c.want, c.next)
		}
	}
}
