package portal

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
)

// TestEndOfTheRuleIsTold: page and explanation tell when that ends which blocks the name, not when something else may
// block it as well: what is left of all minutes, or bedtime.
func TestEndOfTheRuleIsTold(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Profiles[1].Quotas = []policy.QuotaConfig{{Of: "total", Minutes: new(30)}, {Of: "fun.games", Minutes: new(0)}}
	}})
	for _, tt := range []struct{ what, name, at, told, ends string }{
		{"homework", "games.example", lessons, "until 17:30", "2026-11-18T17:30:00+01:00"},
		{"minutes of games that are used up", "games.example", "2026-11-18 13:00", "Until 00:00", "2026-11-19T00:00:00+01:00"},
		{"a category", "casino.example", noon, "", ""},
	} {
		body := readable(t, h.at(t, tt.at).get(leo, tt.name).Body.String())
		if !strings.Contains(body, tt.told) || tt.told == "" && strings.Contains(strings.ToLower(body), "until") {
			t.Errorf("%s: the page does not say %q: %s", tt.what, tt.told, body)
		}
		e, err := Explain(h.Live(), ExplainQuery{Name: tt.name, Client: leo, Now: moment(t, tt.at)})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if !e.Until.IsZero() {
			got = e.Until.Format("2006-01-02T15:04:05Z07:00")
		}
		if e.Action != "block" || got != tt.ends {
			t.Errorf("%s: explained as %s until %s, want block until %s", tt.what, e.Action, got, tt.ends)
		}
	}
}
