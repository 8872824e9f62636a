package portal

import (
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestMeTellsWhatIsInEffect: what stays blocked all the same is not told as allowed, the same thing is told once, and a
// filter that is off is told as what holds now.
func TestMeTellsWhatIsInEffect(t *testing.T) {
	h, desk, _ := withDiary(t)
	grant := func(kind policy.GrantKind, value, length string) {
		t.Helper()
		ask := parents.Ask{Kind: kind, Value: value, Span: parents.Span{For: length}}
		if kind == policy.GrantSecurity {
			ask.Confirm = value
		}
		if _, err := desk.Grant(t.Context(), parents.Who{Actor: machine, Member: "Tom"}, ask); err != nil {
			t.Fatal(err)
		}
	}
	grant(policy.GrantName, "denied.example", "1h")    // by a rule of the household
	grant(policy.GrantName, "forbidden.example", "1h") // by the law
	grant(policy.GrantName, "virus.example", "1h")     // for security
	grant(policy.GrantName, "phish.example", "30m")
	grant(policy.GrantSecurity, "phish.example", "1h")
	grant(policy.GrantName, "casino.example", "1h")
	body := h.me(tom)
	wants(t, "Tom's page", body, "phish.example", "Until 13:00", "casino.example", "!Until 12:30", "!denied.example", "!forbidden.example", "!virus.example")
	if n := strings.Count(body, "phish.example"); n != 1 {
		t.Errorf("one site is told %d times", n)
	}
	if _, err := desk.FilterOff(t.Context(), parents.Who{Actor: machine}, parents.Span{For: "15m"}); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{mia, tom, tablet, guest} {
		wants(t, addr, h.me(addr), "The internet is on.", "The filter is off until 12:15.")
	}
	h.Later(time.Minute)
	if _, err := desk.Pause(t.Context(), parents.Who{Actor: machine, Member: "Mia"}, parents.Span{For: "5m"}); err != nil {
		t.Fatal(err)
	}
	wants(t, "Mia's page in a pause", h.me(mia), "paused until", "!filter is off")
	wants(t, "Tom's page in Mia's pause", h.me(tom), "The filter is off until 12:15.")
}
