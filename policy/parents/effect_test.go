package parents_test

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// small has a child on an allow-list, a rule against one site, a member without a device and a quota that is used up.
var small = strings.NewReplacer(
	"{name: Anna, band: adult}", "{name: Anna, band: adult}\n      - {name: Leo, band: little}\n      - {name: Zoe, profile: played}\n      - {name: Ada, band: teen}",
	"    devices:", "    rules: [{name: never.example, action: deny}]\n    devices:\n      - {name: leo, member: Leo, addresses: [10.0.0.8]}\n      - {name: zoe, member: Zoe, addresses: [10.0.0.9]}",
	`free: "21:00-07:00"}}`, `free: "21:00-07:00"}, homework: "15:00-17:00"}`,
	"households:", "  - {name: played, band: teen, quotas: [{of: total, minutes: 0}]}\nhouseholds:",
).Replace(strings.Split(families, "  - id: two")[0])

// TestGrantsWithoutEffect: who grants what changes nothing is told so, and what to do instead.
func TestGrantsWithoutEffect(t *testing.T) {
	name := func(value string) parents.Ask { return parents.Ask{Kind: policy.GrantName, Value: value} }
	evening := parents.Ask{Kind: policy.GrantName, Value: "casino.example", AtBedtime: true}
	const nothing = "Nothing stops it at present"
	for _, tt := range []struct {
		at, to string
		ask    parents.Ask
		says   string // "": that it has an effect
	}{
		{"18:00", "Mia", name("casino.example"), ""},
		{"18:00", "Mia", name("plain.example"), nothing},
		{"18:00", "Mia", name("virus.example"), "stays blocked for security: if you know that it is harmless, grant security"},
		{"18:00", "Mia", name("never.example"), "A rule of your own still blocks it: deny never.example and all beneath."},
		{"20:30", "Mia", name("casino.example"), "It is bedtime until Thu 07:00: grant time, or the name at bedtime too."},
		{"20:30", "Mia", evening, ""},
		{"20:30", "Mia", parents.Ask{Kind: policy.GrantCategory, Value: "money.gambling"}, "It is bedtime until Thu 07:00: grant time."},
		{"20:30", "Mia", parents.Ask{Kind: policy.GrantTime}, ""},
		{"18:00", "Mia", parents.Ask{Kind: policy.GrantTime}, nothing},
		{"19:30", "Mia", parents.Ask{Kind: policy.GrantTime}, ""}, // bedtime begins meanwhile
		{"16:10", "Mia", parents.Ask{Kind: policy.GrantTime}, ""}, // homework time
		{"16:10", "Mia", parents.Ask{Kind: policy.GrantCategory, Value: "fun.games"}, "It is homework time until Wed 17:00: grant time."},
		{"16:10", "Mia", parents.Ask{Kind: policy.GrantCategory, Value: "money.gambling"}, ""},
		{"18:00", "Mia", parents.Ask{Kind: policy.GrantService, Value: "tiktok"}, ""},
		{"18:00", "Leo", parents.Ask{Kind: policy.GrantService, Value: "tiktok"}, "only sites of an allow-list are let through: grant the names"},
		{"18:00", "Leo", parents.Ask{Kind: policy.GrantCategory, Value: "fun.games"}, "only sites of an allow-list are let through: grant the names"},
		{"18:00", "Leo", name("plain.example"), ""},
		{"18:00", "Mia", parents.Ask{Kind: policy.GrantSecurity, Value: "virus.example", Confirm: "virus.example"}, ""},
		{"18:00", "Mia", parents.Ask{Kind: policy.GrantSecurity, Value: "casino.example", Confirm: "casino.example"}, "It is not for security that it is blocked: grant the name."},
		{"20:30", "Mia", parents.Ask{Kind: policy.GrantSecurity, Value: "virus.example", Confirm: "virus.example"}, "It is bedtime until Thu 07:00: grant time."},
		{"18:00", "Zoe", name("casino.example"), "The minutes of the day are used up until Thu 00:00: grant time"},
		{"18:00", "Zoe", parents.Ask{Kind: policy.GrantTime}, ""},
		{"18:00", "Zoe", parents.Ask{Kind: policy.GrantBonus, Value: "total", Minutes: 10}, ""},
		{"18:00", "Ada", name("casino.example"), "No device is Ada's alone"},
		{"20:30", "", name("casino.example"), " For Mia: It is bedtime until Thu 07:00"},
		{"18:00", "", name("plain.example"), ""}, // Leo has an allow-list
		{"18:00", "", name("virus.example"), " It stays blocked for security"},
	} {
		h := open(t, small)
		h.At("2026-11-18 " + tt.at)
		if tt.ask.Kind != policy.GrantBonus {
			tt.ask.For = "1h"
		}
		act, err := h.Grant(t.Context(), one(tt.to), tt.ask)
		h.ok(err)
		said := strings.TrimPrefix(act.Note, map[policy.GrantKind]string{
			policy.GrantName:     "It lifts the rules for sites of this name, neither the law nor what protects from dangerous sites.",
			policy.GrantSecurity: "It lifts what protects from dangerous sites for exactly this name, never the law.",
			policy.GrantService:  "It lifts the switch of the service and its category for it, nothing else.",
			policy.GrantCategory: "It lifts the category, no switch of a service and no rule of your own.",
			policy.GrantTime:     "It lifts bedtime, homework time and used-up quotas, and a pause that was before it.",
			policy.GrantBonus:    "It adds minutes to the quota for today.",
		}[tt.ask.Kind])
		if !strings.Contains(said, tt.says) || tt.says == "" && said != "" && tt.to != "" || tt.to == "" && strings.Contains(said, nothing) {
			t.Errorf("at %s %s %s to %q: %q does not say %q", tt.at, tt.ask.Kind, tt.ask.Value, tt.to, said, tt.says)
		}
	}
}

// TestGrantsInAPause: a pause stops what is granted later, and time lifts it.
func TestGrantsInAPause(t *testing.T) {
	h := open(t, small)
	_, err := h.Pause(t.Context(), one("Mia"), parents.Span{Until: "19:00"})
	h.ok(err)
	act, err := h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "1h"}})
	h.ok(err)
	if !strings.Contains(act.Note, "A pause stops it until Wed 19:00: grant time") {
		t.Errorf("told: %s", act.Note)
	}
	act, err = h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: policy.GrantTime, Span: parents.Span{For: "15m"}})
	h.ok(err)
	if !strings.HasSuffix(act.Note, "a pause that was before it.") {
		t.Errorf("told: %s", act.Note)
	}
}

// TestAlwaysWithoutEffect: what becomes a rule is held against the other rules too.
func TestAlwaysWithoutEffect(t *testing.T) {
	h := open(t, small)
	_, err := h.Adopt(t.Context(), one(""), "")
	h.ok(err)
	h.write(strings.Split(small, "households:")[0])
	h.ok(h.Reload(t.Context()))
	for name, says := range map[string]string{
		"virus.example": "stays blocked for security", "never.example": "A rule of your own still blocks it", "plain.example": "Nothing stops it at present", "casino.example": "",
	} {
		act, err := h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: policy.GrantName, Value: name, Span: parents.Span{For: "always"}})
		h.ok(err)
		if !strings.Contains(act.Note, says) || says == "" && !strings.HasSuffix(act.Note, "dangerous sites.") {
			t.Errorf("%s: told %s", name, act.Note)
		}
	}
}

// TestTakenWithoutEffect: a child that takes a standing grant while nothing is stopped is told so.
func TestTakenWithoutEffect(t *testing.T) {
	h := open(t, families)
	taken, err := h.Take(t.Context(), one("Mia"))
	h.ok(err)
	if taken.Note != "Nothing stops it at present, so that it changes nothing." {
		t.Errorf("told: %q", taken.Note)
	}
	h.At("2026-11-18 20:30")
	taken, err = h.Take(t.Context(), one("Mia"))
	h.ok(err)
	if taken.Note != "" {
		t.Errorf("at bedtime told: %q", taken.Note)
	}
}
