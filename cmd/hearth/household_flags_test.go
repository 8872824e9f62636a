package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
)

// TestWhoseDevice: whose a device is to be is written MEMBER or HOUSEHOLD/MEMBER, as with every other command.
func TestWhoseDevice(t *testing.T) {
	for _, c := range []struct{ household, device, members, want string }{
		{"", "", "[home/Ben]", "home  [Ben]"},
		{"home", "home/tablet", "[home/Ben Kim]", "home tablet [Ben Kim]"},
		{"", "home/tablet", "[home/Ben home/Kim]", "home tablet [Ben Kim]"},
		{"", "", "[home/Ben out/Kim]", "home  [Ben out/Kim]"}, // which the server refuses
		{"", "tablet", "[Ben]", " tablet [Ben]"},
	} {
		who, to := &whom{parents.Who{Household: c.household, Device: c.device}}, parents.Assignment{Members: strings.Fields(strings.Trim(c.members, "[]"))}
		who.give(&to)
		w := who.ready()
		if got := fmt.Sprint(w.Household, " ", w.Device, " ", to.Members); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.household, c.device, c.members, got, c.want)
		}
	}
}

// TestNobodyIsNotEverybody: a variable of a script that is not set is not the whole house, and no time is not for ever.
func TestNobodyIsNotEverybody(t *testing.T) {
	for _, args := range [][]string{
		{"pause", "--member", ""}, {"pause", "--member", "Kim", "--for", ""}, {"filter", "off", "--device", ""}, {"grant", "name", "a.example", "--until", ""}, {"requests", "list", "--household", ""},
		{"account", "token", "new", "x", "--scope", "explain", "--until", "2027-01-31", "--household", ""},
	} {
		if r := hearth(t, args...); r.code != 2 || !strings.Contains(r.err, "is empty; write it, or leave --") {
			t.Errorf("hearth %q: exit %d, %s", args, r.code, r.err)
		}
	}
	if r := hearth(t, "activity", "one", "two"); r.code != 2 || !strings.Contains(r.err, `write "one" alone`) {
		t.Errorf("two names: exit %d, %s", r.code, r.err)
	}
}
