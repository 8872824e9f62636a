package portal

import (
	"strings"
	"testing"

	"github.com/hearthdns/hearth/blocklists/help"
)

func helpTable(t *testing.T) help.Table {
	t.Helper()
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestHelpByCountry(t *testing.T) {
	table := helpTable(t)
	for _, tt := range []struct {
		country   string
		crisis    bool
		talk      string
		emergency string
		report    string
	}{
		{"AT", true, "147", "112", "stopline.at"},
		{"CH", true, "147", "", "inhope.org"},
		{"de", true, "116 111", "112", "internet-beschwerdestelle.de"},
		{"FR", false, "119, 3018", "112", "pointdecontact.net"},
		{"FR", true, "119", "112", "pointdecontact.net"}, // a line for trouble online would send somebody in a crisis away
		{"ES", true, "900 20 20 10", "112", "inhope.org"},
		{"ES", false, "900 20 20 10, 017", "112", "inhope.org"},
		{"IE", true, "1800 66 66 66", "112", "hotline.ie"},
		{"AU", true, "1800 55 1800", "", "inhope.org"},
		{"AQ", true, "", "", "inhope.org"},
		{"", true, "", "", "inhope.org"},
	} {
		var numbers []string
		for _, row := range talk(table, tt.country, tt.crisis) {
			numbers = append(numbers, row.Call())
		}
		talks := strings.Join(numbers, ", ")
		if got := emergency(table, tt.country); talks != tt.talk || got != tt.emergency {
			t.Errorf("%q, crisis %t: %q, %q; want %q, %q", tt.country, tt.crisis, talks, got, tt.talk, tt.emergency)
		}
		if rows := report(table, tt.country); len(rows) == 0 || rows[0].Name != tt.report {
			t.Errorf("%q: reports go to %v, want %s first", tt.country, rows, tt.report)
		}
	}
}

// TestOnlyVerifiedHelpIsShown: of a table where every row is written as if it could be shown, but without a source,
// nothing is; not even where a mistake in the loader would let a number in.
func TestOnlyVerifiedHelpIsShown(t *testing.T) {
	var bare help.Table
	for _, row := range helpTable(t) {
		row.VerifiedOn = help.Row{}.VerifiedOn
		row.Numbers = []help.Number{{Takes: "call", Text: "116 111"}}
		bare = append(bare, row)
	}
	for _, country := range []string{"AT", "DE", "FR", help.World} {
		if rows := append(talk(bare, country, false), report(bare, country)...); len(rows) > 0 || emergency(bare, country) != "" {
			t.Errorf("%s: unverified rows are shown: %v, %q", country, rows, emergency(bare, country))
		}
	}
}

func TestSuspendedHelpIsNotShown(t *testing.T) {
	left, _ := helpTable(t).Without([]help.Suspension{{Name: "rataufdraht.at"}, {Name: "stopline.at"}})
	if rows := talk(left, "AT", true); len(rows) != 0 {
		t.Errorf("suspended, and shown: %v", rows)
	}
	if rows := report(left, "AT"); len(rows) == 0 || rows[0].Name != "inhope.org" {
		t.Errorf("reports go to %v, want inhope.org", rows)
	}
	h := newHome(t, houseOptions{language: "en", country: "AT"})
	h.help = func() help.Table { return left }
	if body := readable(t, h.get(tom, "harm.example").Body.String()); strings.Contains(body, "147") {
		t.Errorf("the page shows the number of a suspended name: %s", body)
	}
}

func TestWithoutANumberThereIsAPerson(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", country: "AQ"})
	body := readable(t, h.get(tom, "harm.example").Body.String())
	if !strings.Contains(body, "A person you trust can listen") || !strings.Contains(body, "emergency number of your country") {
		t.Errorf("the page of a country without a verified number offers nobody: %s", body)
	}
	if strings.Contains(body, "116") || strings.Contains(body, "112") {
		t.Errorf("the page shows a number that no source names for this country: %s", body)
	}
}
