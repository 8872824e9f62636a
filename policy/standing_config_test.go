package policy

import (
	"strings"
	"testing"
)

// TestStandingGrants: what nobody could keep an eye on, or could not be told apart, is refused.
func TestStandingGrants(t *testing.T) {
	for _, tc := range []struct {
		standing []StandingConfig
		says     string
	}{
		{[]StandingConfig{{Minutes: 15, Times: 1, Per: "day"}, {Minutes: 60, Times: 2, Per: "week"}}, ""},
		{[]StandingConfig{{Minutes: 0, Times: 1, Per: "day"}}, "standing[0].minutes"},
		{[]StandingConfig{{Minutes: 121, Times: 1, Per: "day"}}, "standing[0].minutes"},
		{[]StandingConfig{{Minutes: 15, Times: 0, Per: "day"}}, "standing[0].times"},
		{[]StandingConfig{{Minutes: 15, Times: 21, Per: "day"}}, "standing[0].times"},
		{[]StandingConfig{{Minutes: 15, Times: 1, Per: "evening"}}, "day or week"},
		{[]StandingConfig{{Minutes: 15, Times: 1, Per: "day"}, {Minutes: 15, Times: 2, Per: "week"}}, "standing[1].minutes"},
		{make([]StandingConfig, 9), "at most 8"},
	} {
		err := Config{Profiles: []ProfileConfig{{Name: "kids", Band: "child", Standing: tc.standing}}}.Validate(nil)
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%+v: %v; want %q", tc.standing, err, tc.says)
		}
	}
}
