package portal

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEveryHelpRowHasASource(t *testing.T) {
	h, err := loadHelp()
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, source, day string) {
		t.Helper()
		at, err := url.Parse(source)
		if err != nil || !strings.HasPrefix(at.Scheme, "http") || at.Host == "" {
			t.Errorf("%s has no source that was read: %q", what, source)
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			t.Errorf("%s: verified_on is %q, want a day", what, day)
		}
	}
	check("the emergency number", h.Emergency.Source, h.Emergency.VerifiedOn)
	check(h.Anywhere.Name, h.Anywhere.Source, h.Anywhere.VerifiedOn)
	for _, row := range h.Rows {
		for _, line := range row.Talk {
			check(row.Country+" "+line.Name, line.Source, line.VerifiedOn)
			if line.Digits() == "" || strings.Trim(line.Digits(), "0123456789") != "" {
				t.Errorf("%s %s: %q is not a number to call", row.Country, line.Name, line.Number)
			}
			if line.For != "anything" && line.For != "online" {
				t.Errorf("%s %s is for %q, want anything or online", row.Country, line.Name, line.For)
			}
		}
		for _, place := range row.Report {
			check(row.Country+" "+place.Name, place.Source, place.VerifiedOn)
			wire(t, place.Site)
		}
	}
}

func TestHelpByCountry(t *testing.T) {
	h, err := loadHelp()
	if err != nil {
		t.Fatal(err)
	}
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
		{"FR", false, "3018", "112", "pointdecontact.net"},
		{"FR", true, "", "112", "pointdecontact.net"}, // a line for trouble online would send somebody in a crisis away
		{"ES", true, "", "112", "inhope.org"},
		{"IE", true, "", "112", "hotline.ie"},
		{"US", true, "", "", "inhope.org"},
		{"", true, "", "", "inhope.org"},
	} {
		number := ""
		if lines := h.talk(tt.country, tt.crisis); len(lines) > 0 {
			number = lines[0].Number
		}
		if number != tt.talk || h.emergency(tt.country) != tt.emergency || h.report(tt.country)[0].Site != tt.report {
			t.Errorf("%q, crisis %t: %q, %q, %q; want %q, %q, %q", tt.country, tt.crisis, number, h.emergency(tt.country),
				h.report(tt.country)[0].Site, tt.talk, tt.emergency, tt.report)
		}
	}
}

func TestWithoutANumberThereIsAPerson(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", country: "US"})
	body := readable(t, h.get(tom, "harm.example").Body.String())
	if !strings.Contains(body, "A person you trust can listen") || !strings.Contains(body, "emergency number of your country") {
		t.Errorf("the page of a country without a verified number offers nobody: %s", body)
	}
	if strings.Contains(body, "116") || strings.Contains(body, "112") {
		t.Errorf("the page shows a number that no source names for this country: %s", body)
	}
}
