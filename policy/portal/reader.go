package portal

import (
	"time"

	"github.com/hearthdns/hearth/policy"
)

// reader is who a page speaks to: the wording follows the band of the profile.
type reader uint8

const (
	child reader = iota // to 9: A2, never the name of what was blocked
	teen                // 10 to 17: B1
	adult
)

func (r reader) String() string { return [...]string{"child", "teen", "adult"}[r] }

func readerOf(p *policy.Profile) reader {
	if p == nil {
		return adult
	}
	switch p.Band() {
	case policy.Little, policy.Child:
		return child
	case policy.Preteen, policy.Teen, policy.Young:
		return teen
	case policy.NoBand, policy.Adult, policy.Things:
	}
	return adult
}

// soon is how far ahead a time of day needs no day beside it: a night.
const soon = 18 * time.Hour

// clockText is a moment as a person reads it in the household's zone: "07:00" within the next night,
// "Monday 07:00" within a week, else the date.
func clockText(w *words, until, now time.Time) string {
	until = until.In(now.Location())
	switch ahead := until.Sub(now); {
	case ahead < soon:
		return until.Format("15:04")
	case ahead < 7*24*time.Hour:
		return w.Weekdays[until.Weekday()] + " " + until.Format("15:04")
	}
	return until.Format("2006-01-02 15:04")
}
