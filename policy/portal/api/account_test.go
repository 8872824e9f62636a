package api

import (
	"errors"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/portal"
)

// TestLastDay: what ends with a day ends at midnight where the household is, also on the day on which its clocks change.
func TestLastDay(t *testing.T) {
	zone := func(household string) *time.Location {
		zone, err := time.LoadLocation(map[string]string{"berlin": "Europe/Berlin", "auckland": "Pacific/Auckland"}[household])
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}
	for _, tt := range []struct{ household, day, want string }{
		{"berlin", "2027-03-28", "2027-03-28T22:00:00Z"}, // 23 hours long: it began at 2027-03-27T23:00:00Z
		{"auckland", "2027-01-31", "2027-01-31T11:00:00Z"},
	} {
		got, err := through(tt.day, zone(tt.household))
		if err != nil || got.UTC().Format(time.RFC3339) != tt.want {
			t.Errorf("%s in %s ends %v, %v, want %s", tt.day, tt.household, got.UTC(), err, tt.want)
		}
	}
	if got, err := through("", zone("berlin")); err != nil || !got.IsZero() {
		t.Errorf("no day: %v, %v", got, err)
	}
	for _, day := range []string{"tomorrow", "31.01.2027", "2027-02-30", "2027-01-31T00:00:00Z"} {
		var wrong *portal.QueryError
		if _, err := through(day, zone("berlin")); !errors.As(err, &wrong) || wrong.Field != "until" {
			t.Errorf("%q: %v", day, err)
		}
	}
}
