package parents_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// without is the families' YAML without the second household.
func without() string {
	at := strings.Index(families, "  - id: two")
	return families[:at]
}

func two() parents.Who { return parents.Who{Actor: machine, Household: "two", By: "Bert"} }

// TestYAMLIsReadOnly: what stands in YAML is changed there, and the error says where.
func TestYAMLIsReadOnly(t *testing.T) {
	h := open(t, families)
	_, _, err := h.Export(t.Context(), two(), false)
	errs := []error{err}
	_, err = h.Replace(t.Context(), two(), "id: two", 0)
	errs = append(errs, err)
	_, err = h.Rename(t.Context(), parents.Who{Actor: machine, Household: "two", Device: "mia-tablet"}, "other")
	errs = append(errs, err, h.Remove(t.Context(), parents.Who{Actor: machine, Household: "two", Device: "mia-tablet"}))
	_, err = h.Assign(t.Context(), parents.Who{Actor: machine, Household: "two", Device: "mia-tablet"}, parents.Assignment{Members: []string{"Bert"}})
	for _, err := range append(errs, err) {
		if e := h.refuses(err, parents.InFile); e.Place != "hearth.yaml:1" || !strings.Contains(e.Text, "hearth.yaml:1") {
			t.Errorf("%+v", e)
		}
	}
}

// TestAdopt: a household moves into the store when YAML no longer names it, in the same step; in between YAML's word
// counts, also where it changes. It moves back the same way.
func TestAdopt(t *testing.T) {
	h := open(t, families)
	got, err := h.Adopt(t.Context(), two(), "")
	h.ok(err)
	if got.InForce || got.Place != "hearth.yaml:1" {
		t.Errorf("adopted: %+v", got)
	}
	h.ok(h.Reload(t.Context())) // YAML names it still
	show, err := h.Show(t.Context(), of("two"))
	h.ok(err)
	if show.Owner != parents.OwnerYAML || show.Moving == "" {
		t.Errorf("before: %+v", show)
	}
	h.write(strings.Replace(families, "{name: Bert, band: adult}", "{name: Bert, band: adult}\n      - {name: Ida, band: little}", 1))
	h.ok(h.Reload(t.Context()))
	h.write(without())
	h.ok(h.Reload(t.Context()))
	show, err = h.Show(t.Context(), of("two"))
	h.ok(err)
	if show.Owner != parents.OwnerStore || show.Moving != "" || show.Revision == 0 || len(show.Members) != 3 {
		t.Errorf("after: %+v; want the store's, with what YAML said last", show)
	}
	h.doesNotGet("10.0.1.2", "casino.example")
	h.Crash()
	h.doesNotGet("10.0.1.2", "casino.example")

	h.write(families)
	err = h.Reload(t.Context())
	if double := new(parents.DoubleError); !errors.As(err, &double) || double.Household != "two" {
		t.Fatalf("named twice: %v", err)
	}
	h.doesNotGet("10.0.1.2", "casino.example") // the last good state serves on

	h.write(without())
	text, _, err := h.Export(t.Context(), two(), true)
	h.ok(err)
	h.ok(h.Reload(t.Context()))
	h.doesNotGet("10.0.1.2", "casino.example") // it is never absent
	h.write(without() + "  - " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n")
	h.ok(h.Reload(t.Context()))
	show, err = h.Show(t.Context(), of("two"))
	h.ok(err)
	if show.Owner != parents.OwnerYAML || show.Moving != "" || len(show.Members) != 3 {
		t.Errorf("moved back: %+v", show)
	}
	h.write(without())
	h.ok(h.Reload(t.Context()))
	if _, err = h.Show(t.Context(), of("two")); err == nil {
		t.Error("what YAML took back is still there without it")
	}
}

// TestExportIsWhole: everything that a definition can say leaves the store as it came.
func TestExportIsWhole(t *testing.T) {
	const text = `id: three
tenant: east
consent: {by: "Ida: the mother", at: 2026-02-03}
timezone: Europe/Paris
language: fr
country: FR
networks: [10.0.2.0/24, "2001:db8::/64"]
members:
  - {name: "Zoé #1", born: 2019-04-05}
  - {name: "123", band: teen, profile: owl}
devices:
  - {name: télé, profile: things, addresses: [10.0.2.9, "2001:db8::9"], macs: ["02:00:00:00:00:01"], hostnames: [tele]}
  - {name: both, members: ["Zoé #1", "123"], addresses: [10.0.2.10]}
rules:
  - {name: casino.example, action: deny, scope: exact, member: "123"}
guest: teen
observe: true
schedule:
  preset: true
  bedtime: {school: "20:30-06:30"}
  windows: [{days: [mon, fri], from: "12:00", to: "13:00", kind: homework}]
`
	h := open(t, families)
	_, err := h.Adopt(t.Context(), parents.Who{Actor: machine, By: "Ida"}, text)
	h.ok(err)
	first, revision, err := h.Export(t.Context(), parents.Who{Actor: machine, Household: "three"}, false)
	h.ok(err)
	for _, word := range []string{"east", "Ida: the mother", "2026-02-03", "Zoé #1", "2019-04-05", `"123"`, "2001:db8::/64", "02:00:00:00:00:01", "exact", "observe: true", "20:30-06:30", "homework"} {
		if !strings.Contains(string(first), word) {
			t.Errorf("%q is lost:\n%s", word, first)
		}
	}
	if _, err := h.Replace(t.Context(), parents.Who{Actor: machine, Household: "three"}, string(first), revision); err != nil {
		t.Fatal(err)
	}
	second, next, err := h.Export(t.Context(), parents.Who{Actor: machine, Household: "three"}, false)
	h.ok(err)
	if string(first) != string(second) || next <= revision {
		t.Errorf("revision %d, then %d:\n%s\n%s", revision, next, first, second)
	}
}

// TestReplace: one of two editors is told that the other was faster, and what cannot be compiled changes nothing.
func TestReplace(t *testing.T) {
	h := open(t, without())
	const text = "id: two\nconsent: {by: Bert, at: 2026-01-01}\ntimezone: Europe/Berlin\nnetworks: [10.0.1.0/24]\nmembers: [{name: Mia, band: child}]\ndevices: [{name: t, member: Mia, addresses: [10.0.1.2]}]\n"
	got, err := h.Adopt(t.Context(), two(), text)
	h.ok(err)
	if !got.InForce {
		t.Fatalf("%+v", got)
	}
	h.doesNotGet("10.0.1.2", "casino.example")
	_, err = h.Adopt(t.Context(), two(), text)
	h.refuses(err, parents.Conflict)
	after, err := h.Replace(t.Context(), two(), strings.Replace(text, "child", "adult", 1), got.Revision)
	h.ok(err)
	h.gets("10.0.1.2", "casino.example")
	_, err = h.Replace(t.Context(), two(), text, got.Revision)
	if e := h.refuses(err, parents.Conflict); e.Revision != after.Revision {
		t.Errorf("it tells of revision %d, want %d", e.Revision, after.Revision)
	}
	for _, bad := range []string{
		strings.Replace(text, "band: child", "band: kid", 1), strings.Replace(text, "id: two", "id: three", 1),
		strings.Replace(text, "10.0.1.0/24", "10.0.0.0/24", 1), text + "unheard: 1\n", "id: [", strings.Replace(text, "10.0.1.2", "10.0.0.2", 1),
	} {
		_, err = h.Replace(t.Context(), two(), bad, after.Revision)
		h.refuses(err, parents.Refused)
	}
	h.gets("10.0.1.2", "casino.example")
}

// TestAlwaysInTheStore: a name that is granted for good is a rule of the household.
func TestAlwaysInTheStore(t *testing.T) {
	h := open(t, families)
	_, err := h.Adopt(t.Context(), two(), "")
	h.ok(err)
	h.write(without())
	h.ok(h.Reload(t.Context()))
	who := two()
	who.Member = "Mia"
	act, err := h.Grant(t.Context(), who, parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "always"}})
	h.ok(err)
	if act.What != "rule" {
		t.Errorf("told: %+v", act)
	}
	h.gets("10.0.1.2", "casino.example")
	h.doesNotGet("10.0.1.2", "naked.example")
	text, _, err := h.Export(t.Context(), two(), false)
	h.ok(err)
	if !strings.Contains(string(text), "casino.example") {
		t.Errorf("the rule is not in the definition:\n%s", text)
	}
	if acts, err := h.Acts(t.Context(), of("two")); err != nil || len(acts) != 0 {
		t.Errorf("grants beside the rule: %v, %v", acts, err)
	}
}

// TestBirthday: the next band waits for a parent; at 18 the controls end by themselves.
func TestBirthday(t *testing.T) {
	h := open(t, strings.Replace(families, "- {name: Mia, band: child}", "- {name: Mia, born: 2016-11-20}", 1)) // 10 on Friday
	h.doesNotGet("10.0.1.2", "stars.example")
	h.At("2026-11-20 12:00")
	h.Crash() // the server was off at midnight
	if w := h.Waiting(); len(w) != 1 || w[0].Member != "Mia" || w[0].From != policy.Child || w[0].To != policy.Preteen {
		t.Fatalf("waiting: %+v", w)
	}
	show, err := h.Show(t.Context(), of("two"))
	h.ok(err)
	if show.Members[0].Band != "child" || show.Members[0].Waits != "preteen" {
		t.Errorf("%+v", show.Members[0])
	}
	who := two()
	who.Member = "Bert"
	_, err = h.Confirm(t.Context(), who)
	h.refuses(err, parents.Refused)
	who.Member = "mia"
	person, err := h.Confirm(t.Context(), who)
	h.ok(err)
	if person.Band != "preteen" || len(h.Waiting()) != 0 {
		t.Errorf("%+v, and waiting %+v", person, h.Waiting())
	}
	h.At("2034-11-20 00:01")
	h.ok(h.Reload(t.Context()))
	h.gets("10.0.1.2", "casino.example")
	_, log, err := h.Audit(t.Context(), of("two"))
	h.ok(err)
	if len(log) != 1 || !strings.Contains(log[0].What, "18") || log[0].Member != "Mia" {
		t.Errorf("remembered: %+v", log)
	}
}

// TestAudit: what somebody changed is remembered for 90 days, the latest first, in its own family alone.
func TestAudit(t *testing.T) {
	h := open(t, families)
	_, err := h.Pause(t.Context(), one("Mia"), parents.Span{For: "5m"})
	h.ok(err)
	h.At("2026-11-19 18:00")
	_, err = h.Grant(t.Context(), one("Mia"), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "15m"}})
	h.ok(err)
	_, log, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	what := []string{}
	for _, e := range log {
		what = append(what, e.By+" "+e.What+" "+e.Member+" "+e.Detail)
	}
	if want := []string{"Anna grant Mia name casino.example", "Anna pause Mia "}; !slices.Equal(what, want) {
		t.Errorf("remembered %q, want %q", what, want)
	}
	if _, log, err = h.Audit(t.Context(), of("two")); err != nil || len(log) != 0 {
		t.Errorf("of another family: %v, %v", log, err)
	}
	h.At("2027-02-17 12:00") // 91 days after the first, 90 after the second less six hours
	if _, log, err = h.Audit(t.Context(), of("one")); err != nil || len(log) != 1 {
		t.Errorf("after 90 days: %v, %v", log, err)
	}
}
