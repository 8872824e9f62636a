package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// week is the picture of a schedule: a column a day from Monday, an hour every gridHour units.
type week struct {
	Days   []weekDay
	Blocks []block
	Hours  []hourLine
	Lines  []string // the same in words
}

type weekDay struct {
	Text      string
	X, Column int
}

type block struct {
	X, Y, Height int
	Timed        bool
}

type hourLine struct{ Y, Text, Hour int }

// Units of the picture.
const (
	gridLeft = 28
	gridTop  = 18
	gridDay  = 42
	gridHour = 9
)

// weekOf draws the present week of a profile.
func (v *visit) weekOf(p *policy.Profile) *week {
	now := v.now()
	y, m, d := now.Date()
	monday := time.Date(y, m, d-(int(now.Weekday())+6)%7, 0, 0, 0, 0, now.Location())
	w := &week{}
	for i := range 7 {
		w.Days = append(w.Days, weekDay{v.say("short." + weekdays[(i+1)%7]), gridLeft + i*gridDay + gridDay/2, gridLeft + i*gridDay + 2})
	}
	for hour := 0; hour <= 24; hour += 6 {
		w.Hours = append(w.Hours, hourLine{gridTop + hour*gridHour, gridTop + hour*gridHour + 4, hour})
	}
	// From the evening before, whose windows reach into Monday.
	for _, off := range p.OffTimes(monday.AddDate(0, 0, -1), monday.AddDate(0, 0, 7)) {
		until := off.Until
		if until.IsZero() {
			until = monday.AddDate(0, 0, 8)
		}
		for i := range 7 {
			from, to := monday.AddDate(0, 0, i), monday.AddDate(0, 0, i+1)
			if b, there := overlap(off.From, until, from, to); there {
				b.X, b.Timed = gridLeft+i*gridDay+2, off.Timed
				w.Blocks = append(w.Blocks, b)
			}
		}
		if !off.From.Before(monday) {
			key := "week.bedtime_line"
			if off.Timed {
				key = "week.homework_line"
			}
			w.Lines = append(w.Lines, v.say(key, "day", v.weekday(off.From.Weekday()), "from", off.From.Format("15:04"), "to", until.Format("15:04")))
		}
	}
	return w
}

// overlap is the part of a stretch that lies in a day.
func overlap(from, to, begin, end time.Time) (b block, there bool) {
	if from.Before(begin) {
		from = begin
	}
	if to.After(end) {
		to = end
	}
	if !from.Before(to) {
		return b, false
	}
	at := func(t time.Time) int { // by the clock on the wall, so that a day of 23 hours has all its lines
		if t.Equal(end) {
			return 24 * 60
		}
		return t.Hour()*60 + t.Minute()
	}
	b.Y = gridTop + at(from)*gridHour/60
	b.Height = max(1, (at(to)-at(from))*gridHour/60)
	return b, true
}

// weekForm is the editor of a schedule.
type weekForm struct {
	Name, URL              string
	Revision               uint64
	Week                   *week
	School, Free, Homework span
	Rows                   []windowRow
	Proposed               proposal
	Preset                 bool
}

type span struct{ From, To string }

type windowRow struct {
	N        int
	Days     []option
	From, To string
	Homework bool
}

// maxWindows is up to how many rows the form adds empty ones; a file may have more.
const maxWindows = 12

func (c *Console) weekPage(v *visit) error {
	p, err := v.weekForm()
	if err != nil {
		return err
	}
	return v.show("week", p)
}

func (v *visit) weekForm() (*page, error) {
	name := v.name()
	m, revision, err := v.part()
	if err != nil {
		return nil, err
	}
	member := v.memberOf(name)
	if member == nil {
		return nil, v.gone(name)
	}
	preset, err := policy.LoadPreset(member.Band)
	if err != nil {
		return nil, err
	}
	s := m.Schedule
	f := weekForm{
		Name: name, URL: "/child/" + segment(name), Revision: revision, Week: v.weekOf(member.Profile), Preset: s.Preset,
		Proposed: proposal{School: off(preset.Bedtime.School), Free: off(preset.Bedtime.Free), Homework: off(preset.Homework), Talk: member.Band >= policy.Preteen},
	}
	own := func(text, proposed string) span {
		if text == "" && s.Preset {
			text = proposed
		}
		from, to, _ := strings.Cut(text, "-")
		if from == "off" {
			from = ""
		}
		return span{from, shownEnd(to)}
	}
	f.School, f.Free, f.Homework = own(s.Bedtime.School, preset.Bedtime.School), own(s.Bedtime.Free, preset.Bedtime.Free), own(s.Homework, preset.Homework)
	for i, w := range s.Windows {
		f.Rows = append(f.Rows, v.windowRow(i, w))
	}
	for range 2 {
		if len(f.Rows) < maxWindows {
			f.Rows = append(f.Rows, v.windowRow(len(f.Rows), policy.WindowConfig{Kind: "bedtime"}))
		}
	}
	return v.blank(v.say("week.title", "name", name), "today", f), nil
}

func (v *visit) windowRow(n int, w policy.WindowConfig) windowRow {
	row := windowRow{N: n, From: w.From, To: shownEnd(w.To), Homework: w.Kind == "homework"}
	for i := range weekdays {
		id := weekdays[(i+1)%7]
		row.Days = append(row.Days, option{id, v.say("short." + id), slices.Contains(w.Days, id) || slices.Contains(w.Days, "all")})
	}
	return row
}

// week writes a schedule down.
func (c *Console) week(v *visit) error {
	err := v.repart(func(m *policy.MemberConfig) (err error) {
		m.Schedule, err = v.readWeek()
		return err
	})
	if err != nil {
		p, failed := v.weekForm()
		if failed != nil {
			return failed
		}
		return v.again("week", p, err)
	}
	return v.done("/child/"+segment(v.name())+"/week", "week")
}

// readWeek reads the form; a part that is empty is off.
func (v *visit) readWeek() (s policy.ScheduleConfig, err error) {
	if v.form("take") == "preset" {
		return policy.ScheduleConfig{Preset: true}, nil
	}
	part := func(key string) (string, error) {
		from, to, half := v.form(key+".from"), v.form(key+".to"), key+".from"
		if from != "" {
			half = key + ".to"
		}
		switch {
		case from == "" && to == "":
			return "off", nil
		case from == "" || to == "":
			return "", v.wrong(half, "week.half")
		}
		return from + "-" + writtenEnd(to), nil
	}
	for _, p := range []struct {
		key string
		to  *string
	}{{"school", &s.Bedtime.School}, {"free", &s.Bedtime.Free}, {"homework", &s.Homework}} {
		if *p.to, err = part(p.key); err != nil {
			return s, err
		}
	}
	for n := 0; n < maxWindows || v.r.PostForm.Has("from."+strconv.Itoa(n)); n++ {
		i := strconv.Itoa(n)
		w := policy.WindowConfig{Days: v.r.PostForm["days."+i], From: v.form("from." + i), To: v.form("to." + i), Kind: "bedtime"}
		if v.form("kind."+i) == "homework" {
			w.Kind = "homework"
		}
		if len(w.Days) == 0 && w.From == "" && w.To == "" {
			continue
		}
		if len(w.Days) == 0 || w.From == "" || w.To == "" {
			return s, v.wrong("from."+i, "week.half_row")
		}
		w.To = writtenEnd(w.To)
		s.Windows = append(s.Windows, w)
	}
	return s, nil
}

// The end of a day is 24:00 where it is written, and 00:00 in a field of a form: no other has a browser (HTML 2.3.5.4).
const endOfDay, midnight = "24:00", "00:00"

func shownEnd(to string) string {
	if to == endOfDay {
		return midnight
	}
	return to
}

func writtenEnd(to string) string {
	if to == midnight {
		return endOfDay
	}
	return to
}
