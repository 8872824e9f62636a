package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The band table of the design, written by hand: B block, W warn, A allow, T
// timed, P protected, L what the allow-list says, - no cell. The columns are
// little, child, preteen, teen, young, adult, things.
const cellTable = `
ok.help            P P P P P P -
ok.help.core       P P P P P P -
sec.malware        B B B B B B B
sec.phishing       B B B B B B B
sec.scam           B B B B B B B
sec.miner          B B B B B B B
sec.stalkerware    B B B B B B B
illegal.csam       B B B B B B B
illegal.order      B B B B B B B
sec.nrd            B B B W A A B
adult.porn         B B B B B A B
adult.services     B B B B B A B
adult.mixed        B B B W A A B
harm.selfharm      B B B B B A B
harm.gore          B B B B W A B
harm.hate          B B B B W A B
harm.weapons       B B B B W A B
harm.drugs         B B B B W A B
harm.alcohol       B B B B W A B
harm.tobacco       B B B B W A B
money.gambling     B B B B B A B
adult.dating       B B B B W A B
harm.crime         B B B W A A B
piracy             B B B B W A B
bypass.vpn         B B B B W A B
bypass.dns         B B B B W A B
bypass.remote      B B B B W A B
social.chat.random B B B B W A B
social.networks    B B B T A A B
social.chat        B B T A A A B
social.ugc         B B W A A A -
fun.video          L T T T A A A
fun.games          L T T T A A A
fun.ai             B B W W A A B
money.shopping     B B W A A A B
money.crypto       B B W B W A B
misinfo            B B W A A A -
ads.trackers       B B B B A A B
`

// notInTable are categories that the band table has no row for: coarse humour
// is blocked below 10, where blocking too much is accepted, and left alone above. That
// other search engines are blocked is told in the row of safe search.
const notInTable = `
talk.profanity     L B A A A A -
search.other       B A A A A A -
`

// TestEveryCell decides about a name of each category in each band.
func TestEveryCell(t *testing.T) {
	var lists strings.Builder
	rows := strings.Split(strings.TrimSpace(cellTable+notInTable), "\n")
	seen := map[string]bool{}
	for _, row := range rows {
		if row == "" {
			continue
		}
		id := strings.Fields(row)[0]
		seen[id] = true
		lists.WriteString("-- lists/" + id + ".txt --\n" + id + ".cell.test\n")
	}
	a := asker{d: story(t, "Every cell.\n"+lists.String())}
	for _, row := range a.d.ground.taxonomy.All() {
		class, _, _ := strings.Cut(row.ID, ".")
		if !seen[row.ID] && !row.Service && class != "ok" && class != "meta" {
			t.Errorf("no row for %s", row.ID)
		}
	}
	for _, row := range rows {
		if row == "" {
			continue
		}
		columns := strings.Fields(row)
		for i, band := range Bands() {
			cell := columns[1+i]
			q := a.question(t, columns[0]+".cell.test")
			d := a.d.Profile(band.String()).Decide(q, time.Unix(0, 0))
			if want, ok := cellHolds(cell, columns[0], band, d); !ok {
				t.Errorf("%s for %s is %s: want %s, got %s", columns[0], band, cell, want, a.d.describe(d, time.UTC))
			}
		}
	}
}

// cellHolds says what a cell means for a decision, and whether it is so.
func cellHolds(cell, id string, band Band, d Decision) (string, bool) {
	at := StepCategory
	switch {
	case strings.HasPrefix(id, "illegal."):
		at = StepLaw
	case id == "sec.nrd":
		at = StepUnknown
	case strings.HasPrefix(id, "sec."):
		at = StepSecurity
	case id == "ok.help.core":
		at = StepNeeded
	case id == "ok.help":
		at = StepAlwaysOn
	}
	switch cell {
	case "B":
		return "a block at " + at.String(), d.Action == Block && d.Step == at && !d.Timed
	case "W":
		return "a warning at " + at.String(), d.Action == Warn && d.Step == at
	case "A":
		return "an untimed allow", d.Action == Allow && !d.Timed
	case "T":
		return "a timed allow", d.Action == Allow && d.Timed
	case "P":
		return "an allow at " + at.String(), d.Action == Allow && d.Step == at
	case "L":
		return "what the allow-list says", d.Action == Block && d.Step == StepUnknown && band == Little
	case "-": // things: help is open in every mode, else the allow-list decides
		if strings.HasPrefix(id, "ok.help") {
			return "an allow", d.Action == Allow
		}
		return "what the allow-list says", d.Action == Block && d.Step == StepUnknown && band == Things
	}
	return "a known letter", false
}

// TestPresetModes asserts the cells that are no category: the mode, unknown
// names, schedules, and what the transform will need.
func TestPresetModes(t *testing.T) {
	type facts struct {
		Filter, Unknown               string
		School, Free, Homework        string
		SafeSearch, Other, YouTube    string
		SafeSearchOptional            bool
		Remember, Alarms              string
		Listed, Always, Pick, Options string
	}
	kids := "ok.help ok.infra ok.school"
	want := map[Band]facts{
		Little: {Remember: "totals", Alarms: "totals", Filter: "allow-list", Unknown: "block", School: "19:00-07:00", Free: "19:30-07:00",
			SafeSearch: "on", Other: "block", YouTube: "blocked", Listed: "ok.help ok.kids ok.school ok.infra", Always: kids},
		Child: {Remember: "totals", Alarms: "totals", Filter: "listed", Unknown: "popular", School: "20:00-07:00", Free: "21:00-07:00", Homework: "15:00-17:00",
			SafeSearch: "on", YouTube: "strict", Always: kids, Pick: "social.chat"},
		Preteen: {Remember: "totals", Alarms: "totals", Filter: "block-list", Unknown: "allow", School: "21:00-06:30", Free: "22:00-06:30", Homework: "15:00-17:30",
			SafeSearch: "on", YouTube: "strict", Always: kids},
		Teen: {Remember: "totals", Alarms: "names", Filter: "block-list", Unknown: "allow", School: "22:00-06:00", Free: "23:00-06:00",
			SafeSearch: "on", YouTube: "moderate", Always: kids},
		Young: {Remember: "nothing", Alarms: "names", Filter: "block-list", Unknown: "allow", SafeSearch: "on", SafeSearchOptional: true, YouTube: "off",
			Always: kids, Options: "ads.trackers"},
		Adult:  {Remember: "nothing", Alarms: "nothing", Filter: "security", Unknown: "allow", SafeSearch: "off", YouTube: "off", Always: "ok.help ok.infra", Options: "ads.trackers"},
		Things: {Remember: "names", Alarms: "names", Filter: "allow-list", Unknown: "block", Listed: "ok.help ok.infra", Always: "ok.help ok.infra"},
	}
	for _, band := range Bands() {
		p, err := LoadPreset(band)
		if err != nil {
			t.Fatal(err)
		}
		got := facts{p.Filter, p.Unknown, p.Bedtime.School, p.Bedtime.Free, p.Homework, p.SafeSearch, p.OtherSearch, p.YouTube,
			p.SafeSearchOptional, p.Remember, p.Alarms, strings.Join(p.Listed, " "), strings.Join(p.Always, " "),
			strings.Join(p.ParentsPick, " "), strings.Join(p.Optional, " ")}
		if diff := cmp.Diff(want[band], got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", band, diff)
		}
	}
}
