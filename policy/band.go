package policy

import (
	"fmt"
	"time"
)

// Band is an age band: the preset that a profile starts from.
type Band uint8

// The bands, from the youngest to the grown-ups. Things is for devices that no
// person sits at. NoBand is a profile of a household that has not opted in.
const (
	NoBand  Band = iota
	Little       // 0-5
	Child        // 6-9
	Preteen      // 10-12
	Teen         // 13-15
	Young        // 16-17
	Adult        // 18 and more
	Things
)

var bandNames = [...]string{"", "little", "child", "preteen", "teen", "young", "adult", "things"}

// Bands lists the bands that have a preset, youngest first, then Things.
func Bands() []Band { return []Band{Little, Child, Preteen, Teen, Young, Adult, Things} }

// String gives the band's reserved profile name; "" for NoBand.
func (b Band) String() string {
	if int(b) < len(bandNames) {
		return bandNames[b]
	}
	return fmt.Sprintf("band(%d)", uint8(b))
}

// MarshalText writes the band's name.
func (b Band) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// ParseBand reads a band's name; false if there is no such band.
func ParseBand(name string) (Band, bool) {
	for _, b := range Bands() {
		if bandNames[b] == name {
			return b, true
		}
	}
	return NoBand, false
}

// Minor says whether the band is one of a person under 18.
func (b Band) Minor() bool { return b >= Little && b <= Young }

// BandAt gives the band of a person born on that date, on the given day.
// A birthday counts from its first minute; who is born on 29 February has it
// on 1 March in other years. The second result is the birthday on which the
// band changes next, zero for an adult.
func BandAt(born Date, day Date) (Band, Date) {
	starts := [...]struct {
		age  int
		band Band
	}{{0, Little}, {6, Child}, {10, Preteen}, {13, Teen}, {16, Young}, {18, Adult}}
	band, next := Little, Date{}
	for _, s := range starts {
		birthday := born.addYears(s.age)
		if day.Before(birthday) {
			next = birthday
			break
		}
		band = s.band
	}
	return band, next
}

// Date is a day of the calendar, without a time or a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf gives the day that t has in its own location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// IsZero says that no date was written.
func (d Date) IsZero() bool { return d == Date{} }

// Before says whether d lies before o.
func (d Date) Before(o Date) bool {
	if d.Year != o.Year {
		return d.Year < o.Year
	}
	if d.Month != o.Month {
		return d.Month < o.Month
	}
	return d.Day < o.Day
}

// String writes YYYY-MM-DD; "" for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText writes YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads YYYY-MM-DD, or the date in front of an RFC 3339 time (a
// YAML reader may already have made a time of it); empty text is no date.
func (d *Date) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		*d = Date{}
		return nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			return fmt.Errorf("%q is no date: write it as YYYY-MM-DD, for example 2015-04-30", s)
		}
	}
	*d = DateOf(t)
	return nil
}

// addYears normalises 29 February to 1 March.
func (d Date) addYears(n int) Date {
	return DateOf(time.Date(d.Year+n, d.Month, d.Day, 0, 0, 0, 0, time.UTC))
}

func (d Date) in(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}
