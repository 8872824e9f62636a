package parents_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestPause: a pause stops one child's internet at once, not help, nobody else, no other family; it outlives a crash
// and a reload, and ends by itself.
func TestPause(t *testing.T) {
	h := open(t, families)
	h.gets("10.0.0.2", "plain.example")
	act, err := h.Pause(t.Context(), one("mia"), parents.Span{For: "30m"}) // as people write her name
	h.ok(err)
	if act.Member != "Mia" || act.Until.Format("15:04") != "18:30" || act.By != "Anna" {
		t.Errorf("told: %+v", act)
	}
	check := func() {
		t.Helper()
		h.doesNotGet("10.0.0.2", "plain.example")
		h.doesNotGet("10.0.0.4", "plain.example") // what she shares
		h.gets("10.0.0.2", "help.example")
		h.gets("10.0.0.3", "plain.example")
		h.gets("10.0.0.5", "plain.example")
		h.gets("10.0.1.2", "plain.example") // another Mia
	}
	check()
	h.Crash()
	check()
	h.ok(h.Reload(t.Context()))
	check()
	h.At("2026-11-18 18:30")
	h.gets("10.0.0.2", "plain.example")
	_, err = h.Resume(t.Context(), one("Mia"))
	h.refuses(err, parents.Unknown)
}

// TestReloadLosesNoAct: what somebody does while a reload compiles is in force when the reload is over.
func TestReloadLosesNoAct(t *testing.T) {
	h := open(t, families)
	_, err := h.Pause(t.Context(), one("Tom"), parents.Span{})
	h.ok(err)
	h.Between = func() {
		_, err := h.Pause(t.Context(), one("Mia"), parents.Span{})
		h.ok(err)
		_, err = h.Resume(t.Context(), one("Tom"))
		h.ok(err)
	}
	h.ok(h.Reload(t.Context()))
	h.doesNotGet("10.0.0.2", "plain.example")
	h.gets("10.0.0.3", "plain.example")
}

// TestPauseOfTheHouse: it stops everyone under 18 and guests, has no end of its own, and is ended under its own name.
func TestPauseOfTheHouse(t *testing.T) {
	h := open(t, families)
	_, err := h.Pause(t.Context(), one(""), parents.Span{})
	h.ok(err)
	h.doesNotGet("10.0.0.2", "plain.example")
	h.doesNotGet("10.0.0.77", "plain.example")
	h.gets("10.0.0.5", "plain.example")
	h.gets("10.0.1.2", "plain.example")
	_, err = h.Resume(t.Context(), one("Mia"))
	if e := h.refuses(err, parents.Unknown); !strings.Contains(e.Text, "the house") {
		t.Errorf("it does not say what is paused: %s", e.Text)
	}
	_, err = h.Resume(t.Context(), one(""))
	h.ok(err)
	h.gets("10.0.0.2", "plain.example")
}

// TestPauseEndsGrants: a pause set later ends the grants of whom it concerns, in the store too, and no others.
func TestPauseEndsGrants(t *testing.T) {
	h := open(t, families)
	for _, name := range []string{"Mia", "Tom", "Anna"} {
		_, err := h.Grant(t.Context(), one(name), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "1h"}})
		h.ok(err)
	}
	h.gets("10.0.0.2", "casino.example")
	_, err := h.Pause(t.Context(), one("Mia"), parents.Span{For: "5m"})
	h.ok(err)
	h.At("2026-11-18 18:10")
	h.doesNotGet("10.0.0.2", "casino.example")
	h.gets("10.0.0.3", "casino.example")
	_, err = h.Pause(t.Context(), one(""), parents.Span{For: "5m"})
	h.ok(err)
	acts, err := h.Acts(t.Context(), of("one"))
	h.ok(err)
	if len(acts) != 2 || acts[0].What != "pause" || acts[1].Member != "Anna" {
		t.Errorf("in force: %+v; want the pause and the grant of the one who is grown up", acts)
	}
	_, log, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	if len(log) != 5 || log[0].What != "pause" || !strings.Contains(log[0].Detail, "ended the grant of name casino.example to Tom") {
		t.Errorf("remembered: %+v", log)
	}
}

// TestFilterOff: it stops the filter, neither the law nor security nor the internet, for at most four hours.
func TestFilterOff(t *testing.T) {
	h := open(t, families)
	for _, s := range []parents.Span{{}, {For: "5h"}, {For: "always"}, {For: "20s"}, {Until: "tomorrow 18:00"}} {
		_, err := h.FilterOff(t.Context(), one("Mia"), s)
		h.refuses(err, parents.Refused)
	}
	_, err := h.FilterOff(t.Context(), one("Mia"), parents.Span{For: "15m"})
	h.ok(err)
	h.gets("10.0.0.2", "casino.example")
	h.doesNotGet("10.0.0.2", "virus.example")
	h.doesNotGet("10.0.0.2", "forbidden.example")
	h.doesNotGet("10.0.1.2", "casino.example")
	h.At("2026-11-18 18:15")
	h.doesNotGet("10.0.0.2", "casino.example")
	h.At("2026-11-18 18:20")
	_, err = h.FilterOff(t.Context(), one(""), parents.Span{Until: "18:40"})
	h.ok(err)
	h.gets("10.0.0.3", "casino.example")
	_, err = h.FilterOn(t.Context(), one(""))
	h.ok(err)
	h.doesNotGet("10.0.0.3", "casino.example")
}

// TestGrants: each kind lifts what it names and nothing else.
func TestGrants(t *testing.T) {
	for _, tc := range []struct {
		ask        parents.Ask
		opens      string
		stays      []string
		atBedtimes bool
	}{
		{parents.Ask{Kind: policy.GrantName, Value: "casino.example"}, "casino.example", []string{"naked.example"}, false},
		{parents.Ask{Kind: policy.GrantName, Value: "CASINO.example.", AtBedtime: true}, "www.casino.example", []string{"naked.example"}, true},
		{parents.Ask{Kind: policy.GrantCategory, Value: "money.gambling"}, "casino.example", []string{"naked.example"}, false},
		{parents.Ask{Kind: policy.GrantSecurity, Value: "virus.example", Confirm: "virus.example"}, "virus.example", []string{"forbidden.example"}, false},
		{parents.Ask{Kind: policy.GrantTime}, "plain.example", []string{"casino.example"}, true},
	} {
		h := open(t, families)
		tc.ask.For = "3h"
		act, err := h.Grant(t.Context(), one("Mia"), tc.ask)
		h.ok(err)
		h.gets("10.0.0.2", tc.opens)
		for _, name := range tc.stays {
			h.doesNotGet("10.0.0.2", name)
		}
		h.At("2026-11-18 20:30")
		if tc.atBedtimes {
			h.gets("10.0.0.2", tc.opens)
		} else {
			h.doesNotGet("10.0.0.2", tc.opens)
		}
		_, err = h.Revoke(t.Context(), one(""), act.ID)
		h.ok(err)
		h.doesNotGet("10.0.0.2", tc.opens)
		_, err = h.Revoke(t.Context(), one(""), act.ID)
		h.refuses(err, parents.Unknown)
	}
}

// TestGrantsTellNothing: what is said of a grant is the same for a name that the law blocks and one that security does, at
// every hour, with a rule of one's own too.
func TestGrantsTellNothing(t *testing.T) {
	for _, at := range []string{"2026-11-18 18:00", "2026-11-18 20:30"} {
		for _, rule := range []string{"other.example", "example"} {
			grantsTellNothing(t, at, rule)
		}
	}
}

func grantsTellNothing(t *testing.T, at, rule string) {
	t.Helper()
	h := open(t, strings.Replace(families, "    devices:", "    rules: [{name: "+rule+", action: deny}]\n    devices:", 1))
	h.At(at)
	said := map[string]bool{}
	for _, name := range []string{"forbidden.example", "virus.example"} {
		for _, ask := range []parents.Ask{{Kind: policy.GrantName}, {Kind: policy.GrantSecurity, Confirm: name}, {Kind: policy.GrantSecurity}} {
			ask.Value, ask.For = name, "15m"
			act, err := h.Grant(t.Context(), one("Mia"), ask)
			text := string(ask.Kind) + ask.Confirm + act.Note
			if err != nil {
				h.refuses(err, parents.Unconfirmed)
				text += err.Error()
			}
			said[strings.ReplaceAll(text, name, "NAME")] = true
		}
	}
	if len(said) != 3 {
		t.Errorf("at %s, with a rule against %s: six answers with %d different texts, want 3: %v", at, rule, len(said), said)
	}
	h.doesNotGet("10.0.0.2", "forbidden.example")
}

// TestWrongGrants: what makes no sense is refused with what to write instead, and changes nothing.
func TestWrongGrants(t *testing.T) {
	h := open(t, families)
	for _, tc := range []struct {
		who    parents.Who
		ask    parents.Ask
		reason parents.Reason
		says   string
	}{
		{one("Nobody"), parents.Ask{Kind: policy.GrantTime}, parents.Unknown, "Mia, Tom, Anna"},
		{parents.Who{Actor: machine, Household: "three"}, parents.Ask{Kind: policy.GrantTime}, parents.Unknown, "one, two"},
		{parents.Who{Actor: machine}, parents.Ask{Kind: policy.GrantTime}, parents.Refused, "one, two"},
		{parents.Who{Actor: machine, Household: "one", Device: "x"}, parents.Ask{Kind: policy.GrantTime}, parents.Unknown, "device list"},
		{one("Mia"), parents.Ask{Kind: "everything"}, parents.Refused, "write time"},
		{one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "http://casino.example/"}, parents.Refused, "name alone"},
		{one("Mia"), parents.Ask{Kind: policy.GrantCategory, Value: "money.gamling"}, parents.Refused, "money.gambling"},
		{one("Mia"), parents.Ask{Kind: policy.GrantCategory, Value: "money"}, parents.Refused, "write one of money.gambling"},
		{one("Mia"), parents.Ask{Kind: policy.GrantCategory, Value: "sec.malware"}, parents.Refused, "sec.malware"},
		{one("Mia"), parents.Ask{Kind: policy.GrantCategory, Value: "ok.help"}, parents.Refused, `"ok.help" is no category that can be granted: grant the name itself`},
		{one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "COM."}, parents.Refused, "such as example.com"},
		{one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "co.uk"}, parents.Refused, "such as example.co.uk"},
		{one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "github.io", AtBedtime: true}, parents.Refused, "such as example.github.io"},
		{one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "рф"}, parents.Refused, "such as example.xn--p1ai"},
		{one("Mia"), parents.Ask{Kind: policy.GrantService, Value: "tiktik"}, parents.Refused, "tiktok"},
		{one("Mia"), parents.Ask{Kind: policy.GrantBonus, Value: "total"}, parents.Refused, "minutes"},
		{one("Mia"), parents.Ask{Kind: policy.GrantTime, Span: parents.Span{Until: "2026-11-18 17:00"}}, parents.Refused, "over already"},
		{one("Mia"), parents.Ask{Kind: policy.GrantTime, Span: parents.Span{For: "soon"}}, parents.Refused, "15m"},
	} {
		if tc.ask.For == "" && tc.ask.Until == "" {
			tc.ask.For = "15m"
		}
		_, err := h.Grant(t.Context(), tc.who, tc.ask)
		if e := h.refuses(err, tc.reason); !strings.Contains(e.Text, tc.says) {
			t.Errorf("%+v: %q does not say %q", tc.ask, e.Text, tc.says)
		}
	}
	if acts, err := h.Acts(t.Context(), of("one")); err != nil || len(acts) != 0 {
		t.Errorf("in force: %v, %v", acts, err)
	}
}

// TestTheLawIsNotGranted: whoever asks for what the law blocks learns neither what of it there is nor how it is called.
func TestTheLawIsNotGranted(t *testing.T) {
	h := open(t, families)
	for _, kind := range []policy.GrantKind{policy.GrantCategory, policy.GrantService, policy.GrantBonus} {
		for _, value := range []string{"illegal", "illegal.csam", "illegal.order", "Illegal.CSAM", "illegal.none", "illegl.csam", "illegal-csam", "csam"} {
			_, err := h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: kind, Value: value, Minutes: 0, Span: parents.Span{For: "15m"}})
			e := h.refuses(err, parents.Refused)
			if text := strings.ReplaceAll(e.Text, strconv.Quote(value), ""); strings.Contains(text, "illegal") || strings.Contains(text, "csam") {
				t.Errorf("%s %s: %s", kind, value, e.Text)
			}
			if strings.HasPrefix(strings.ToLower(value), "illegal") && value != "illegal-csam" && e.Text != "this cannot be granted" {
				t.Errorf("%s %s: %s", kind, value, e.Text)
			}
		}
	}
	for _, kind := range []policy.GrantKind{policy.GrantName, policy.GrantSecurity} { // of a site that is only called so
		_, err := h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: kind, Value: "illegal.example", Confirm: "illegal.example", Span: parents.Span{For: "15m"}})
		h.ok(err)
	}
}

// TestBonusNeedsItsQuota: minutes that are added to a quota that nobody has would change nothing.
func TestBonusNeedsItsQuota(t *testing.T) {
	for _, tc := range []struct{ quotas, of, says string }{
		{"", "total", "write quotas"},
		{"quotas: [{of: tiktok, minutes: 5}]", "total", "write one of service.tiktok"},
		{"quotas: [{of: tiktok, minutes: 5}]", "tiktok", ""},
	} {
		h := open(t, strings.Replace(families, "    standing:", "    "+tc.quotas+"\n    standing:", 1))
		for _, who := range []parents.Who{one("Mia"), one("")} {
			_, err := h.Grant(t.Context(), who, parents.Ask{Kind: policy.GrantBonus, Value: tc.of, Minutes: 10})
			if tc.says == "" {
				h.ok(err)
			} else if e := h.refuses(err, parents.Refused); !strings.Contains(e.Text, tc.says) {
				t.Errorf("%q does not say %q", e.Text, tc.says)
			}
		}
		if _, err := h.Grant(t.Context(), one("Anna"), parents.Ask{Kind: policy.GrantBonus, Value: tc.of, Minutes: 10}); err == nil {
			t.Errorf("Anna, who has no quota, got a bonus of %s", tc.of)
		}
	}
}

// TestAuditKeepsTheOrder: the latest comes first, of changes within one second too.
func TestAuditKeepsTheOrder(t *testing.T) {
	h := open(t, families)
	for range 8 {
		_, err := h.Pause(t.Context(), one("Mia"), parents.Span{For: "5m"})
		h.ok(err)
		_, err = h.Resume(t.Context(), one("Mia"))
		h.ok(err)
	}
	_, log, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	for i, e := range log {
		if want := []string{"pause ended", "pause"}[i%2]; e.What != want {
			t.Errorf("entry %d: %s, want %s", i, e.What, want)
		}
	}
}

// TestToday: it ends at the next bedtime, which may lie behind midnight, and at midnight where there is none.
func TestToday(t *testing.T) {
	for _, tc := range []struct{ who, from, until string }{
		{"Mia", "2026-11-18 18:00", "2026-11-18 20:00"},
		{"Mia", "2026-11-20 18:00", "2026-11-20 21:00"},  // Friday
		{"Mia", "2026-11-18 20:30", "2026-11-19 00:00"},  // in bedtime already: not the whole next day
		{"Mia", "2026-11-19 06:00", "2026-11-19 20:00"},  // at dawn
		{"Tom", "2026-11-18 18:00", "2026-11-19 00:30"},  // the evening's bedtime
		{"Anna", "2026-11-18 18:00", "2026-11-19 00:00"}, // none
		{"", "2026-11-18 18:00", "2026-11-18 20:00"},     // the house: as soon as the first day ends
		{"Anna", "2026-10-25 00:30", "2026-10-26 00:00"}, // a day of 25 hours
	} {
		h := open(t, families)
		h.At(tc.from)
		act, err := h.Grant(t.Context(), one(tc.who), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "today"}})
		h.ok(err)
		if got := act.Until.Format("2006-01-02 15:04"); got != tc.until {
			t.Errorf("today of %q at %s ends at %s, want %s", tc.who, tc.from, got, tc.until)
		}
	}
}

// TestAlwaysInYAML: the grant holds until it is revoked, and the answer says which line makes it a rule.
func TestAlwaysInYAML(t *testing.T) {
	h := open(t, families)
	act, err := h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "always"}})
	h.ok(err)
	if !act.Until.IsZero() || !strings.Contains(act.Note, `hearth.yaml:1`) || !strings.Contains(act.Note, `{name: casino.example, action: allow, member: "Mia"}`) {
		t.Errorf("told: %+v", act)
	}
	h.At("2027-11-18 18:00")
	h.gets("10.0.0.2", "casino.example")
	h.doesNotGet("10.0.0.3", "casino.example")
}

// TestStandingGrant: the child takes it, twice a day and not more, and not out of a pause.
func TestStandingGrant(t *testing.T) {
	h := open(t, families)
	_, err := h.Take(t.Context(), one("Tom"))
	h.refuses(err, parents.Refused)
	h.At("2026-11-18 20:05")
	h.doesNotGet("10.0.0.2", "plain.example")
	got, err := h.Take(t.Context(), one("Mia"))
	h.ok(err)
	if got.Left != 1 || got.Until.Format("15:04") != "20:20" {
		t.Errorf("taken: %+v", got)
	}
	h.gets("10.0.0.2", "plain.example")
	_, err = h.Pause(t.Context(), one("Mia"), parents.Span{For: "10m"})
	h.ok(err)
	_, err = h.Take(t.Context(), one("Mia"))
	h.refuses(err, parents.Refused)
	h.At("2026-11-18 20:15")
	h.doesNotGet("10.0.0.2", "plain.example") // the pause ended what was taken
	h.Crash()
	_, err = h.Take(t.Context(), one("Mia"))
	h.ok(err)
	_, err = h.Take(t.Context(), one("Mia"))
	h.refuses(err, parents.Refused)
	h.At("2026-11-19 20:05")
	got, err = h.Take(t.Context(), one("Mia"))
	h.ok(err)
	if got.Left != 1 {
		t.Errorf("on the next day: %+v", got)
	}
}

// TestContinue: who was warned goes on, for that category alone, at most half an hour and not beyond bedtime.
func TestContinue(t *testing.T) {
	h := open(t, strings.Replace(families, "profile: owl", "band: preteen", 1)) // preteens are warned of misinfo
	h.doesNotGet("10.0.0.3", "stars.example")
	h.doesNotGet("10.0.0.3", "casino.example")
	client, question := h.Question("10.0.0.3", "casino.example")
	_, err := h.Continue(t.Context(), client, question)
	h.refuses(err, parents.Refused) // B is no W
	client, question = h.Question("10.0.0.3", "stars.example")
	act, err := h.Continue(t.Context(), client, question)
	h.ok(err)
	if act.Value != "misinfo" || act.Until.Format("15:04") != "18:30" {
		t.Errorf("told: %+v", act)
	}
	h.gets("10.0.0.3", "stars.example")
	h.doesNotGet("10.0.0.3", "casino.example")
	h.doesNotGet("10.0.0.2", "stars.example")
	h.At("2026-11-18 18:30")
	h.doesNotGet("10.0.0.3", "stars.example")
}

// TestGrantNeedsAnEnd: nothing is granted for good because a word was forgotten.
func TestGrantNeedsAnEnd(t *testing.T) {
	h := open(t, families)
	for _, kind := range []policy.GrantKind{policy.GrantTime, policy.GrantName} {
		ask := parents.Ask{Kind: kind}
		if kind == policy.GrantName {
			ask.Value = "casino.example"
		}
		_, err := h.Grant(t.Context(), one("Mia"), ask)
		if e := h.refuses(err, parents.Refused); e.Field != "for" {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}
