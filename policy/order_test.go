package policy

import (
	"testing"
)

// TestAdjacentPairs puts one name into the way of each two neighbours of the
// order, and sees the earlier one decide; and the later one once the earlier
// has nothing to say. Step 11 has no state yet, so 10 and 12 are neighbours.
func TestAdjacentPairs(t *testing.T) {
	const text = `Pairs.
-- config.yaml --
profiles:
  - name: kids
    band: preteen
    services:
      - {id: tiktok, action: block}
      - {id: roblox, action: allow}
    schedule:
      bedtime: {school: "21:00-06:30"}
      homework: "20:00-22:00"
households:
  - id: h
    consent: {by: Anna, at: 2026-01-10}
    timezone: UTC
    members: [{name: Mia, profile: kids}]
    rules:
      - {name: p23.test, action: deny}
      - {name: p34.test, action: deny}
      - {name: only3.test, action: deny}
      - {name: p78.test, action: allow}
      - {name: p89.test, action: allow}
-- fixed --
p12.test
only2.test
p23.test
-- lists/illegal.order.txt --
p12.test
-- lists/ok.infra.txt --
p34.test
p45.test
-- lists/sec.malware.txt --
p67.test
p78.test
-- lists/service.tiktok.txt --
p89.test
only9.test
p910.test
-- lists/adult.porn.txt --
p910.test
p1012.test
-- lists/fun.games.txt --
p56.test
p67.test
-- lists/sec.nrd.txt --
p1012.test
only12.test
`
	a := asker{d: story(t, text)}
	p := a.member(t, "h", "Mia")
	const noon, work, night = "2026-03-02T12:00:00Z", "2026-03-02T20:30:00Z", "2026-03-02T21:30:00Z" // a Monday
	for _, c := range []struct {
		name, at string
		want     Step
		action   Action
	}{
		{"p12.test", noon, StepLaw, Block},
		{"only2.test", noon, StepNeeded, Fixed},
		{"p23.test", noon, StepNeeded, Fixed},
		{"only3.test", noon, StepDenied, Block},
		{"p34.test", noon, StepDenied, Block},
		{"p45.test", night, StepAlwaysOn, Allow},
		{"only12.test", night, StepBedtime, Block},
		{"p56.test", night, StepBedtime, Block},
		{"p56.test", work, StepHomework, Block},
		{"p67.test", work, StepHomework, Block},
		{"p67.test", noon, StepSecurity, Block},
		{"p78.test", noon, StepSecurity, Block},
		{"p89.test", noon, StepAllowed, Allow},
		{"only9.test", noon, StepService, Block},
		{"p910.test", noon, StepService, Block},
		{"p1012.test", noon, StepCategory, Block},
		{"only12.test", noon, StepUnknown, Block},
	} {
		if d := p.Decide(a.question(t, c.name), instant(t, c.at)); d.Step != c.want || d.Action != c.action {
			t.Errorf("%s at %s: %s at step %s, want %s at %s", c.name, c.at, d.Action, d.Step, c.action, c.want)
		}
	}
}
