package parents_test

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestGrantsDoNotTellTheLaw: in whatever order somebody grants a name, they are told the same of one that the law blocks
// and of one that security blocks.
func TestGrantsDoNotTellTheLaw(t *testing.T) {
	security := func(name string) parents.Ask {
		return parents.Ask{Kind: policy.GrantSecurity, Value: name, Confirm: name, Span: parents.Span{For: "1h"}}
	}
	plain := func(name string) parents.Ask {
		return parents.Ask{Kind: policy.GrantName, Value: name, Span: parents.Span{For: "1h"}}
	}
	evening := func(name string) parents.Ask {
		ask := plain(name)
		ask.AtBedtime = true
		return ask
	}
	always := func(name string) parents.Ask {
		return parents.Ask{Kind: policy.GrantName, Value: name, Span: parents.Span{For: "always"}}
	}
	notes := func(h *house, to, name string, asks []func(string) parents.Ask) string {
		var said []string
		for _, ask := range asks {
			act, err := h.Grant(t.Context(), one(to), ask(name))
			h.ok(err)
			said = append(said, strings.ReplaceAll(act.Note, name, "NAME"))
		}
		return strings.Join(said, "\n")
	}
	for _, asks := range [][]func(string) parents.Ask{
		{security, plain, security, evening}, {plain, security}, {evening, security, security}, {security, always, plain}, {always},
	} {
		for _, at := range []string{"18:00", "20:30", "16:10"} {
			for _, to := range []string{"Mia", "Leo", "Zoe", "Anna", ""} {
				h := open(t, small)
				h.At("2026-11-18 " + at)
				harmful, illegal := notes(h, to, "virus.example", asks), notes(h, to, "forbidden.example", asks)
				if harmful != illegal {
					t.Errorf("at %s to %q, of a harmful name:\n%s\nof an illegal one:\n%s", at, to, harmful, illegal)
				}
			}
		}
	}
}
