package console

import "time"

// day is a date as it is written everywhere alike.
func day(t time.Time) string { return t.Format(time.DateOnly) }

// lastDay is the last whole day before rights end, in the household's zone: the day that was written into the form.
func (v *visit) lastDay(end time.Time) string {
	return day(end.In(v.now().Location()).Add(-time.Second))
}

// when is a time to come in the household's zone, with its day if that is another.
func (v *visit) when(t time.Time) string {
	if t.IsZero() {
		return v.say("time.open")
	}
	now := v.now()
	t = t.In(now.Location())
	switch {
	case day(t) == day(now):
		return t.Format("15:04")
	case t.Sub(now) < 6*24*time.Hour && t.After(now):
		return v.weekday(t.Weekday()) + " " + t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (v *visit) weekday(d time.Weekday) string { return v.say("day." + weekdays[d]) }

// ago says how long something is past.
func (v *visit) ago(t time.Time) string {
	switch past := v.c.Now().Sub(t); {
	case t.IsZero():
		return v.say("time.never")
	case past < time.Minute:
		return v.say("time.now")
	case past < time.Hour:
		return v.say("time.minutes", "n", int(past.Minutes()))
	case past < 24*time.Hour:
		return v.say("time.hours", "n", int(past.Hours()))
	default:
		return v.say("time.days", "n", int(past.Hours()/24))
	}
}
