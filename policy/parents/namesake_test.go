package parents_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestNamesakes: nobody who is not known as a grown-up comes into a household by the name of a parent or carer who signs
// in there, by any way; who was there before stays.
func TestNamesakes(t *testing.T) {
	h, _ := stored(t)
	ctx := t.Context()
	h.Adult = func(_ context.Context, household, name string) (bool, error) {
		return household == "two" && (name == "Ben" || name == "Mia"), nil
	}
	for _, m := range []policy.MemberConfig{{Name: "Ben", Band: "teen"}, {Name: "Ben", Born: policy.Date{Year: 2020, Month: 1, Day: 2}}, {Name: "Ben", Profile: "strict"}} {
		_, err := h.AddMember(ctx, two(), m, nil)
		h.refuses(err, parents.Refused)
	}
	for _, m := range []policy.MemberConfig{{Name: "Benny", Band: "teen"}, {Name: "Ben", Born: policy.Date{Year: 1980, Month: 1, Day: 2}}} {
		if _, err := h.AddMember(ctx, two(), m, nil); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	text, revision, err := h.Export(ctx, two(), false)
	h.ok(err)
	if _, err = h.Replace(ctx, two(), string(text), revision); err != nil {
		t.Errorf("Mia, who was there before: %v", err)
	}
	_, err = h.RemoveMember(ctx, inTwo("Mia"), nil)
	h.ok(err)
	_, now, err := h.Export(ctx, two(), false)
	h.ok(err)
	_, err = h.Replace(ctx, two(), string(text), now)
	h.refuses(err, parents.Refused)
}

// TestEraseANamesake: a parent takes a child of the same name out, and not themself.
func TestEraseANamesake(t *testing.T) {
	h, _ := stored(t)
	_, err := h.AddMember(t.Context(), two(), policy.MemberConfig{Name: "Ida", Band: "adult"}, nil)
	h.ok(err)
	for name, stays := range map[string]bool{"Mia": false, "Ida": true} {
		who := parents.Who{Household: "two", Member: name, Actor: parents.Actor{Role: parents.Parent, Household: "two", Name: name, Account: "a1"}}
		if _, err := h.EraseMember(t.Context(), who, &memory{}, nil); (err != nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEraseLeavesWhatANamesakeDid: what an operator of the name did keeps it, and so does what a parent did who signs in by
// it still, on whatever ground: nobody takes another out of what was written down.
func TestEraseLeavesWhatANamesakeDid(t *testing.T) {
	for signs, want := range map[bool]string{true: "operator parent", false: "operator"} {
		h, _ := stored(t)
		h.Adult = func(_ context.Context, household, name string) (bool, error) {
			return signs && household == "two" && name == "Mia", nil
		}
		bert := inTwo("Bert")
		bert.By = "Mia" // at the machine, and so of whoever it was
		for _, actor := range []parents.Actor{bert.Actor, {Role: parents.Parent, Household: "two", Name: "Mia", Account: "a1"}, {Role: parents.Operator, Name: "Mia"}} {
			bert.Actor = actor
			_, err := h.Pause(t.Context(), bert, parents.Span{For: "1h"})
			h.ok(err)
		}
		_, err := h.EraseMember(t.Context(), inTwo("Mia"), &memory{}, nil)
		h.ok(err)
		_, list, err := h.Audit(t.Context(), two())
		h.ok(err)
		var by []string
		for _, e := range list {
			if e.By == "Mia" {
				by = append(by, e.Role)
			}
		}
		if got := strings.Join(by, " "); got != want {
			t.Errorf("a parent of the name signs in: %v: by %q, want %q", signs, got, want)
		}
	}
}
