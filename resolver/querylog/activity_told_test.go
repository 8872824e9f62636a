package querylog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// TestClockIsToldByItsKind: of what the clock stopped, sums and names say whether that was a window, and which, a pause,
// or minutes that are used up; not the category that the clock was about.
func TestClockIsToldByItsKind(t *testing.T) {
	h := newHome(t)
	h.renames = strings.NewReplacer("households:", `profiles: [{name: kids, band: child, schedule: {bedtime: {school: "20:00-07:00"}, homework: "15:00-17:00"}}]
households:`, "{name: Kim, band: child}\n      - {name: Pre", "{name: Kim, profile: kids}\n      - {name: Pre")
	h.compile(map[string]policy.State{"home": {Pauses: []policy.Pause{{ID: "p", Subject: policy.Subject{Member: "Tom"}, At: h.now.Unix()}}}})
	h.asks("10.0.0.4", "page.test") // Tom
	h.at("2026-06-10 16:00")        // homework time
	h.asks("10.0.0.2", "tube.test") // Kim
	h.at("2026-06-10 21:30")
	h.asks("10.0.0.2", "page.test", "tube.test")
	for of, want := range map[string][]string{
		"home/Tom": {"blocked 1", "blocked pause 1"},
		"home/Kim": {"blocked 3", "blocked bedtime 2", "blocked homework 1"},
	} {
		if sums, _ := h.sums(of); !slices.Equal(sums, want) {
			t.Errorf("%s: %q, want %q", of, sums, want)
		}
	}
	for _, step := range []policy.Step{policy.StepBedtime, policy.StepHomework} {
		d := policy.Decision{Action: policy.Block, Applied: true, Step: step, Clock: policy.QuotaUsed, HasCategory: step == policy.StepHomework}
		if got := (&heard{Query: &Query{Decision: d}}).causes(); !slices.Equal(got, []string{"quota"}) {
			t.Errorf("a quota at the step %s: %q", step, got)
		}
	}
}

// TestTimesAreToldAsTimes: what is told has times as RFC 3339 writes them, in the zone of the household.
func TestTimesAreToldAsTimes(t *testing.T) {
	h := newHome(t)
	at := h.now.Unix()
	h.compile(map[string]policy.State{"home": {Logs: []policy.Log{{Member: "Kim", At: at, Until: at + 3600, Told: at}}}})
	h.asks("10.0.0.2", vpns...)
	h.asks("10.0.0.1", "www.bunny.test", "cdn.test")
	h.ok(h.Seen(t.Context(), "home/Kim"))
	const noon = `"2026-06-10T12:00:00+02:00"`
	report, err := h.Show(t.Context(), "home", "")
	h.ok(err)
	notices, err := h.Notices(t.Context(), "home", false)
	h.ok(err)
	export, err := h.Export(t.Context(), "home/Lou")
	h.ok(err)
	for want, told := range map[string]any{
		`"at":` + noon + `,"until":"2026-06-10T13:00:00+02:00","told":` + noon + `}`: report.Logs,
		`"at":` + noon + `,"seen":` + noon:                                           notices,
		`"count":1,"last":` + noon:                                                   export.Memory.Companions,
		`"device":"lou","last":` + noon:                                              export.Memory.Devices,
	} {
		text, err := json.Marshal(told)
		h.ok(err)
		if !strings.Contains(string(text), want) {
			t.Errorf("%s, want %s", text, want)
		}
	}
}

// TestCountries: what is known of where a name's addresses lie is kept with it, for the sheet of a thing.
func TestCountries(t *testing.T) {
	h := newHome(t)
	h.compile(learns)
	c, _, err := h.dir.ReadClient("10.0.0.8")
	h.ok(err)
	cloud, err := blocklists.ParseName("cloud.test")
	h.ok(err)
	for _, countries := range [][]string{{"DE"}, {"FR", "DE"}, nil, {"US", "NL"}} {
		h.Observe(&Query{Time: h.now.Unix(), Client: c, Memory: policy.Names, Name: cloud, Countries: countries})
		h.ok(h.Settle())
	}
	if got := h.kept("home/heard/bear"); !strings.Contains(got, `"countries":["DE","FR","US"]`) {
		t.Errorf("kept: %s", got)
	}
}
