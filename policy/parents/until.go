package parents

import (
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Span is how long something lasts: For is minutes as "30m" or "1h", "today" or "always", Until a time of the
// household such as "21:05", "fri 21:05" or RFC 3339. With neither it has no end.
type Span struct {
	For   string `json:"for,omitempty"`
	Until string `json:"until,omitempty"`
}

// longest bounds what is counted in minutes; what lasts longer has a date, or no end.
const longest = 24 * time.Hour

// ends gives the unix second at which a span ends, 0 if it has no end.
func (s Span) ends(p *place) (int64, error) {
	switch word := strings.ToLower(s.For); {
	case s.For != "" && s.Until != "":
		return 0, refused("until", "write for or until, not both")
	case s.Until != "":
		at, err := policy.ParseAt(s.Until, p.now, p.household.Location)
		if err != nil {
			return 0, refused("until", "%v", err)
		}
		if !at.After(p.now) {
			return 0, refused("until", "%s is over already: write a time to come", at.Format("2006-01-02 15:04"))
		}
		return at.Unix(), nil
	case word == "today":
		return p.today().Unix(), nil
	case word == "" || word == "always":
		return 0, nil
	}
	long, err := time.ParseDuration(s.For)
	if err != nil || long < time.Minute || long > longest || long%time.Minute != 0 {
		return 0, refused("for", "%q is no number of minutes: write such as 15m, 30m or 1h, at most %dh", s.For, int(longest.Hours()))
	}
	return p.now.Add(long).Unix(), nil
}
