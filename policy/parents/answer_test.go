package parents_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

const ruleForMia = "name: social.example\n    action: allow\n    member: Mia\n"

// inStore is the first family, owned by the store.
func inStore(t *testing.T, text string) *house {
	t.Helper()
	h := open(t, text)
	_, err := h.Adopt(t.Context(), of("one"), "")
	h.ok(err)
	from, to := strings.Index(text, "  - id: one"), strings.Index(text, "  - id: two")
	h.write(text[:from] + text[to:])
	h.ok(h.Reload(t.Context()))
	return h
}

// definition is that of the first family.
func (h *house) definition() string {
	h.t.Helper()
	text, _, err := h.Export(h.t.Context(), of("one"), false)
	h.ok(err)
	return string(text)
}

// pauses pauses Mia, and ends that.
func (h *house) pauses() {
	h.t.Helper()
	_, err := h.Pause(h.t.Context(), one("Mia"), parents.Span{For: "30m"})
	h.ok(err)
	h.doesNotGet(mia, "social.example")
	_, err = h.Resume(h.t.Context(), one("Mia"))
	h.ok(err)
}

// TestAlwaysIsARule: a name that a child asked for and has for always is a rule of that child, and no pause ends it; where
// two parents answer, once both said always.
func TestAlwaysIsARule(t *testing.T) {
	for name, c := range map[string]struct {
		answers string
		yes     []string
	}{"one": {"", []string{"Anna"}}, "two": {"\n    answers: two", []string{"Anna", "Bert"}}} {
		t.Run(name, func(t *testing.T) {
			h := inStore(t, strings.Replace(families, "  - id: one", "  - id: one"+c.answers, 1))
			r := h.requests(mia, "social.example")
			for i, by := range c.yes {
				h.doesNotGet(mia, "social.example")
				var err error
				r, err = h.Answer(t.Context(), parent(by), r.ID, parents.Verdict{For: "always", Word: "have fun"})
				if h.ok(err); (r.Status == parents.Granted) != (i == len(c.yes)-1) {
					t.Fatalf("after %s's yes: %+v", by, r)
				}
			}
			if !r.Until.IsZero() || r.Grant != "" || !strings.Contains(r.Note, "It is a rule of the household now.") || strings.Contains(r.Note, "changes nothing") {
				t.Errorf("told: %+v", r)
			}
			if kept := must(h.ShowRequest(t.Context(), parent("Anna"), r.ID)); kept.Status != parents.Granted || len(kept.Answers) != len(c.yes) {
				t.Errorf("kept: %+v", kept)
			}
			h.gets(mia, "social.example")
			h.pauses()
			h.Crash()
			h.gets(mia, "social.example")
			h.doesNotGet(mia, "casino.example")
			h.doesNotGet(otherMia, "social.example")
			if text := h.definition(); strings.Count(text, ruleForMia) != 1 {
				t.Errorf("the definition:\n%s", text)
			}
			if acts := must(h.Acts(t.Context(), of("one"))); len(acts) != 0 {
				t.Errorf("beside the rule: %+v", acts)
			}
			_, entries, err := h.Audit(t.Context(), parent("Anna"))
			h.ok(err)
			granted := 0
			for _, e := range entries {
				if strings.Contains(e.Detail, "social") {
					t.Errorf("a site is remembered: %+v", e)
				}
				if e.What == "request granted" && e.Member == "Mia" && e.By == c.yes[len(c.yes)-1] {
					granted++
				}
			}
			if granted != 1 {
				t.Errorf("written down: %+v", entries)
			}
			_, err = h.Answer(t.Context(), parent("Otto"), r.ID, parents.Verdict{Decline: true})
			h.refuses(err, parents.Conflict)
		})
	}
}

// TestOwnAlwaysIsARule: what who is grown up opens for themself for always is a rule of theirs as well, in force at once,
// which no pause ends; where YAML owns the household it is a grant.
func TestOwnAlwaysIsARule(t *testing.T) {
	const addr, rule = "10.0.0.5", "name: social.example\n    action: allow\n    member: Anna\n"
	grown := strings.Replace(strings.Replace(families, "{name: Anna, band: adult}", "{name: Anna, profile: still}", 1),
		"households:", "  - {name: still, band: adult, categories: [{id: social.networks, action: block}]}\nhouseholds:", 1)
	for owner, h := range map[string]*house{"store": inStore(t, grown), "YAML": open(t, grown)} {
		client, w := h.Wish(addr, "social.example")
		w.For = "always"
		r := must(h.Request(t.Context(), client, w))
		if r.Status != parents.Granted || !r.Until.IsZero() || (r.Grant == "") != (owner == "store") {
			t.Fatalf("%s: %+v", owner, r)
		}
		h.gets(addr, "social.example")
		h.doesNotGet(mia, "social.example")
		_, err := h.Pause(t.Context(), one("Anna"), parents.Span{For: "30m"})
		h.ok(err)
		_, err = h.Resume(t.Context(), one("Anna"))
		if h.ok(err); owner == "YAML" {
			h.doesNotGet(addr, "social.example")
			continue
		}
		h.Crash()
		h.gets(addr, "social.example")
		if text := h.definition(); strings.Count(text, rule) != 1 {
			t.Errorf("the definition:\n%s", text)
		}
	}
}

// TestAlwaysIsNoRule: what only one of two parents wants for always ends, what a device has that is several people's is
// a grant, and a carer gives nothing for always.
func TestAlwaysIsNoRule(t *testing.T) {
	h := inStore(t, strings.Replace(families, "  - id: one", "  - id: one\n    answers: two", 1))
	r := h.requests(mia, "social.example")
	for by, long := range map[string]string{"Anna": "always", "Bert": "1h"} {
		_, err := h.Answer(t.Context(), parent(by), r.ID, parents.Verdict{For: long})
		h.ok(err)
	}
	h.gets(mia, "social.example")
	h.Later(time.Hour)
	h.doesNotGet(mia, "social.example")
	if text := h.definition(); strings.Contains(text, "social.example") {
		t.Errorf("the definition:\n%s", text)
	}

	h = inStore(t, families)
	before := h.definition()
	carer := parents.Who{Actor: parents.Actor{Role: parents.Carer, Household: "one", Name: "Oma"}}
	_, err := h.Answer(t.Context(), carer, h.requests(mia, "social.example").ID, parents.Verdict{For: "always"})
	h.refuses(err, parents.Forbidden)
	r, err = h.Answer(t.Context(), parent("Anna"), h.requests(shared, "social.example").ID, parents.Verdict{For: "always"})
	if h.ok(err); r.Grant == "" || r.Status != parents.Granted {
		t.Errorf("told: %+v", r)
	}
	h.gets(shared, "social.example")
	if after := h.definition(); after != before {
		t.Errorf("the definition:\n%s", after)
	}
}

// TestAlwaysAskedInYAML: the answer says which line makes the grant a rule.
func TestAlwaysAskedInYAML(t *testing.T) {
	h := open(t, families)
	r, err := h.Answer(t.Context(), parent("Anna"), h.requests(mia, "social.example").ID, parents.Verdict{For: "always"})
	h.ok(err)
	if r.Grant == "" || r.Kind != policy.GrantName || !strings.Contains(r.Note, "hearth.yaml:1") || !strings.Contains(r.Note, `{name: social.example, action: allow, member: "Mia"}`) {
		t.Errorf("told: %+v", r)
	}
	h.gets(mia, "social.example")
}
