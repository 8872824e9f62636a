package parents_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// kept lists the kinds of the records of a household, less what the audit has of others than one name.
func (h *house) kept(household, name string) (kinds []string) {
	h.t.Helper()
	for _, e := range must(h.Bolt.Snapshot(h.t.Context(), household+"/")).Entries {
		if name == "" || strings.Contains(string(e.Value), `"`+name+`"`) {
			kinds = append(kinds, e.Key.Kind)
		}
	}
	return kinds
}

// TestEraseWhoIsGone: all that is kept under a name goes that the household no longer has, and nothing of anybody else.
func TestEraseWhoIsGone(t *testing.T) {
	h := open(t, families)
	ctx := t.Context()
	for _, member := range []string{"Mia", "Tom"} {
		h.ok(h.SetPIN(ctx, one(member), "4711"))
		_, err := h.Grant(ctx, one(member), parents.Ask{Kind: policy.GrantName, Value: "casino.example", Span: parents.Span{For: "1h"}})
		h.ok(err)
		_, err = h.Diary(ctx, one(member), parents.Diary{Full: true, For: "2d"})
		h.ok(err)
	}
	code, err := h.Invite(ctx, one(""), parents.Assignment{Members: []string{"Mia"}}, "console")
	h.ok(err)
	_, err = h.redeem(code.Code, unknownDevice)
	h.ok(err)
	_, err = h.Pause(ctx, parents.Who{Actor: machine, Household: "one", Device: "console"}, parents.Span{})
	h.ok(err)
	h.ok(h.SetPIN(ctx, parents.Who{Actor: machine, Household: "two", Member: "Mia"}, "4711"))

	erase := func(household, person string) (policy.ActivityErased, error) {
		return h.Erase(ctx, parents.Who{Actor: machine, By: "Anna"}, policy.ActivityErased{Household: household, Person: person, Gone: true})
	}
	_, err = erase("one", "Mia")
	h.refuses(err, parents.Conflict)
	if got := strings.Join(h.kept("one", "Mia"), " "); !strings.Contains(got, "pin") {
		t.Fatalf("of somebody who is there it keeps %s", got)
	}
	before, others := len(h.kept("two", "")), fmt.Sprint(h.kept("one", "Tom"))
	h.write(strings.NewReplacer("name: Mia, profile: kids", "name: Lia, profile: kids", "member: Mia", "member: Lia", "[Mia,", "[Lia,").Replace(families[:strings.Index(families, "  - id: two")]) + families[strings.Index(families, "  - id: two"):])
	h.ok(h.Reload(ctx))
	told := 0
	h.Erased = func(string) { told++ }
	got, err := erase("one", "Mia")
	h.ok(err)
	if told != 1 {
		t.Errorf("the store is told %d times that something was erased", told)
	}
	for kind, n := range map[string]int{"pin": 1, "grant": 1, "log": 1, "enrolment": 1} {
		if got.State[kind] != n {
			t.Errorf("%d of the kind %s are gone, want %d: %v", got.State[kind], kind, n, got.State)
		}
	}
	if left := h.kept("one", "Mia"); len(left) != 0 {
		t.Errorf("left of Mia: %v", left)
	}
	if now := fmt.Sprint(h.kept("one", "Tom")); now != others || len(h.kept("two", "")) != before {
		t.Errorf("of Tom there was %s and is %s; the second family has %d records, had %d", others, now, len(h.kept("two", "")), before)
	}
	if got, err = erase("one", "console"); err != nil || got.State["pause"] != 1 {
		t.Errorf("of the device: %v, %v", got, err)
	}
	_, list, err := h.Audit(t.Context(), of("one"))
	h.ok(err)
	if list[0].By != "Anna" || !strings.Contains(list[0].What, "gone erased") || !strings.Contains(list[0].Detail, "pause 1") {
		t.Errorf("the audit says %+v", list[0])
	}
	n := len(h.kept("one", ""))
	_, err = erase("one", "Mia")
	h.refuses(err, parents.Unknown)
	if len(h.kept("one", "")) != n {
		t.Error("what changed nothing is written down")
	}
	h.Crash() // it does not come back
	if left := h.kept("one", "Mia"); len(left) != 0 {
		t.Errorf("after a crash: %v", left)
	}
}

// TestEraseWhoIsThere: of somebody who is configured only activity goes, and that is written down.
func TestEraseWhoIsThere(t *testing.T) {
	h := open(t, families)
	h.ok(h.SetPIN(t.Context(), one("Mia"), "4711"))
	for person, member := range map[string]string{"Mia": "Mia", "device:shared": ""} {
		_, err := h.Erase(t.Context(), parents.Who{Actor: machine, By: "Anna"}, policy.ActivityErased{Household: "one", Person: person, Partitions: 3})
		h.ok(err)
		_, list, err := h.Audit(t.Context(), of("one"))
		h.ok(err)
		if e := list[0]; e.What != "activity erased" || e.Member != member || (e.Device == "shared") != (member == "") || e.By != "Anna" || !strings.Contains(e.Detail, "3 days") {
			t.Errorf("the audit says %+v", e)
		}
	}
	if got := fmt.Sprint(h.kept("one", "Mia")); !strings.Contains(got, "pin") {
		t.Errorf("kept: %s", got)
	}
}

// TestEraseHousehold: of one that is gone everything goes, and what stays says who did that, for 90 days.
func TestEraseHousehold(t *testing.T) {
	h := open(t, families)
	whole := policy.ActivityErased{Household: "two", Gone: true}
	h.ok(h.SetPIN(t.Context(), parents.Who{Actor: machine, Household: "two", Member: "Mia"}, "4711"))
	_, err := h.Erase(t.Context(), parents.Who{Actor: machine, By: "Anna"}, whole)
	h.refuses(err, parents.Conflict)
	h.write(families[:strings.Index(families, "  - id: two")])
	h.ok(h.Reload(t.Context()))
	got, err := h.Erase(t.Context(), parents.Who{Actor: machine, By: "Anna"}, whole)
	h.ok(err)
	if got.State["pin"] != 1 || got.State["audit"] != 1 {
		t.Errorf("erased: %+v", got)
	}
	if left := fmt.Sprint(h.kept("two", "")); left != "[audit]" || len(h.kept("two", "Mia")) != 0 {
		t.Errorf("left: %s", left)
	}
	_, list, err := h.Audit(t.Context(), of("two"))
	h.ok(err)
	if len(list) != 1 || list[0].By != "Anna" || list[0].What != "all of the household erased" {
		t.Errorf("the audit says %+v", list)
	}
	h.Crash()
	h.At("2027-03-01 12:00")
	h.ok(h.Sweep(t.Context()))
	if left := h.kept("two", ""); len(left) != 0 {
		t.Errorf("after 90 days: %v", left)
	}
	_, _, err = h.Audit(t.Context(), of("two"))
	h.refuses(err, parents.Unknown)
}

// TestEraseUnnames: what somebody did to others stays written down and in force, without their name, wherever it stood as
// a word; a longer name that has it in it stays.
func TestEraseUnnames(t *testing.T) {
	h := open(t, families)
	ctx := t.Context()
	as := func(by, member string) parents.Who {
		return parents.Who{Actor: machine, Household: "one", Member: member, By: by}
	}
	for _, by := range []string{"Ria", "Maria"} {
		_, err := h.Grant(ctx, as(by, "Tom"), parents.Ask{Kind: policy.GrantName, Value: by + ".example", Span: parents.Span{For: "1h"}})
		h.ok(err)
	}
	h.ok(h.Note(ctx, "one", parents.Entry{What: "x", Detail: "for Tom and Ria"}))
	h.ok(h.Note(ctx, "one", parents.Entry{What: "y", Detail: "for Maria"}))
	r, err := h.Erase(ctx, parents.Who{Actor: machine, By: "Anna"}, policy.ActivityErased{Household: "one", Person: "Ria", Gone: true})
	h.ok(err)
	if r.State["named in grant"] != 1 || r.State["named in audit"] != 2 || len(r.State) != 2 {
		t.Errorf("it says %v", r.State)
	}
	acts, err := h.Acts(ctx, of("one"))
	h.ok(err)
	if len(acts) != 2 {
		t.Errorf("in force: %+v", acts)
	}
	whole := ""
	for _, e := range must(h.Bolt.Snapshot(ctx, "one/")).Entries {
		whole += string(e.Value) + "\n"
	}
	if strings.Contains(whole, `"Ria"`) || strings.Contains(whole, "and Ria") || strings.Count(whole, `"Maria"`) != 2 || !strings.Contains(whole, "for Maria") {
		t.Errorf("left:\n%s", whole)
	}
	h.Crash()
	if acts, err = h.Acts(ctx, of("one")); err != nil || len(acts) != 2 {
		t.Errorf("after a crash: %v, %+v", err, acts)
	}
}

// TestEraseByCase: names differ in case alone where nobody has the one in another; else they are two people's.
func TestEraseByCase(t *testing.T) {
	h := open(t, families)
	for _, member := range []string{"ria", "RIA", "mia"} {
		h.ok(h.Note(t.Context(), "one", parents.Entry{What: "invited", Member: member}))
	}
	h.ok(h.Note(t.Context(), "one", parents.Entry{What: "invited", Member: "Mia"}))
	h.Forget = func(_ context.Context, _, person string, _ bool) (map[string]int, error) {
		if person != "Ria" {
			t.Errorf("others forget %s", person)
		}
		return nil, nil
	}
	for person, want := range map[string]int{"Ria": 2, "mia": 1} {
		r, err := h.Erase(t.Context(), parents.Who{Actor: machine}, policy.ActivityErased{Household: "one", Person: person, Gone: true})
		h.ok(err)
		if r.State["audit"] != want {
			t.Errorf("of %s: %v, want %d", person, r.State, want)
		}
	}
	if left := h.kept("one", "Mia"); len(left) != 1 {
		t.Errorf("of Mia: %v", left)
	}
}

// TestEraseElsewhere: what others keep of who is gone goes with it, and counts; of who is there they are not asked, and
// where they fail it is said.
func TestEraseElsewhere(t *testing.T) {
	h := open(t, families)
	var asked []string
	h.Forget = func(_ context.Context, household, person string, _ bool) (map[string]int, error) {
		if asked = append(asked, household+"/"+person); person == "Bo" {
			return nil, errors.New("the disk is full")
		}
		return map[string]int{"account": 2}, nil
	}
	erase := func(person string, gone bool) (policy.ActivityErased, error) {
		return h.Erase(t.Context(), parents.Who{Actor: machine}, policy.ActivityErased{Household: "one", Person: person, Gone: gone})
	}
	_, err := erase("Mia", false)
	h.ok(err)
	_, err = erase("Mia", true)
	h.refuses(err, parents.Conflict)
	r, err := erase("Lia", true)
	h.ok(err)
	if r.State["account"] != 2 || fmt.Sprint(asked) != "[one/Lia]" {
		t.Errorf("erased %v, asked %v", r.State, asked)
	}
	if _, err = erase("Bo", true); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("it says %v", err)
	}
}

// TestEraseNoHousehold: what the operators and the tickets keep under an id of their own is no household that is gone.
func TestEraseNoHousehold(t *testing.T) {
	h := open(t, families)
	for _, id := range []string{"operators", "tickets"} {
		h.ok(h.Note(t.Context(), id, parents.Entry{What: "x"}))
		_, err := h.Erase(t.Context(), parents.Who{Actor: machine}, policy.ActivityErased{Household: id, Gone: true})
		h.refuses(err, parents.Refused)
		if left := h.kept(id, ""); len(left) != 1 {
			t.Errorf("left of %s: %v", id, left)
		}
	}
}

// TestNote: what was done elsewhere stands in the audit of its household, also of one that is not in force, for 90 days.
func TestNote(t *testing.T) {
	h := open(t, families)
	for _, household := range []string{"one", "operators"} {
		h.ok(h.Note(t.Context(), household, parents.Entry{By: "Anna", What: "signed in", Member: "Anna"}))
		_, list, err := h.Audit(t.Context(), of(household))
		h.ok(err)
		if len(list) != 1 || list[0].By != "Anna" || list[0].What != "signed in" || list[0].At == 0 {
			t.Errorf("%s: %+v", household, list)
		}
	}
	h.At("2027-03-01 12:00")
	h.ok(h.Sweep(t.Context()))
	if left := append(h.kept("one", ""), h.kept("operators", "")...); len(left) != 0 {
		t.Errorf("after 90 days: %v", left)
	}
}

// TestEraseHouseholdThatComes: one that is written down and not in force yet is not gone.
func TestEraseHouseholdThatComes(t *testing.T) {
	h := open(t, families)
	h.Renew = func(context.Context) error { return errors.New("another file is not in order") }
	if _, err := h.Adopt(t.Context(), parents.Who{Actor: machine}, "{id: three, consent: {by: Cy, at: 2026-01-10}, members: [{name: Cy, band: adult}]}"); err == nil {
		t.Fatal("it is in force")
	}
	_, err := h.Erase(t.Context(), parents.Who{Actor: machine, By: "Anna"}, policy.ActivityErased{Household: "three", Gone: true})
	h.refuses(err, parents.Conflict)
	if left := fmt.Sprint(h.kept("three", "")); !strings.Contains(left, "definition") {
		t.Errorf("left: %s", left)
	}
}

// TestRenameIsTold: whoever remembers something of a device is told its old name as it was, and its new one.
func TestRenameIsTold(t *testing.T) {
	h := open(t, families)
	var told []string
	h.Renamed = func(household, was, next string) { told = append(told, household+" "+was+" "+next) }
	code, err := h.Invite(t.Context(), one(""), parents.Assignment{Members: []string{"Anna"}}, "console")
	h.ok(err)
	_, err = h.redeem(code.Code, unknownDevice)
	h.ok(err)
	_, err = h.Rename(t.Context(), parents.Who{Actor: machine, Household: "one", Device: "Console"}, "shared")
	h.refuses(err, parents.Refused)
	_, err = h.Rename(t.Context(), parents.Who{Actor: machine, Household: "one", Device: "Console"}, " switch ")
	h.ok(err)
	h.Renew = func(context.Context) error { return errors.New("another file is not in order") }
	if _, err = h.Rename(t.Context(), parents.Who{Actor: machine, Household: "one", Device: "switch"}, "games"); err == nil {
		t.Error("it is in force")
	}
	if fmt.Sprint(told) != "[one console switch one switch games]" {
		t.Errorf("told %q", told)
	}
}
