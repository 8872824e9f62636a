package policy

import (
	"testing"
	"time"
)

// TestRemembers follows the row "query log" of the band table, and what is recorded for nobody.
func TestRemembers(t *testing.T) {
	a := asker{d: story(t, remembered)}
	now := time.Date(2026, 6, 10, 10, 0, 0, 0, time.UTC)
	toy, err := a.d.LocateDevice("h/toy")
	if err != nil {
		t.Fatal(err)
	}
	console, err := a.d.LocateDevice("h/console")
	if err != nil {
		t.Fatal(err)
	}
	member := func(name string) *Profile { return a.member(t, "h", name) }
	for _, tt := range []struct {
		who                  string
		p                    *Profile
		page, bet, bad, dark Memory
	}{
		{"little", member("Little"), Totals, Totals, Totals, Totals},
		{"child", member("Child"), Totals, Totals, Totals, Totals},
		{"preteen", member("Preteen"), Totals, Totals, Totals, Totals},
		{"teen", member("Teen"), Totals, Totals, Names, Totals},
		{"young", member("Young"), Forget, Forget, Names, Forget},
		{"adult", member("Adult"), Forget, Forget, Forget, Forget},
		{"things", toy.Profile, Names, Names, Names, Totals},
		{"shared by a child and a young person", console.Profile, Forget, Forget, Totals, Forget},
	} {
		for name, want := range map[string]Memory{
			"page.test": tt.page, "bet.test": tt.bet, "bad.test": tt.bad, "dark.test": tt.dark,
			"help.test": Forget, "order.test": Forget,
		} {
			q := a.question(t, name)
			if got := tt.p.Remembers(q, tt.p.Decide(q, now)); got != want {
				t.Errorf("%s, %s: %s, want %s", tt.who, name, got, want)
			}
		}
	}
	q, p := a.question(t, "bad.test"), member("Teen")
	d := p.Decide(q, now)
	if n := testing.AllocsPerRun(100, func() { p.Remembers(q, d) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
