package portal

import (
	"errors"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
)

// TestLastDay: what ends with a day ends at midnight where the household is, also on the day on which its clocks change.
func TestLastDay(t *testing.T) {
	k := keyring{zone: func(household string) *time.Location {
		zone, err := time.LoadLocation(map[string]string{"berlin": "Europe/Berlin", "auckland": "Pacific/Auckland"}[household])
		if err != nil {
			t.Fatal(err)
		}
		return zone
	}}
	for _, tt := range []struct{ household, day, want string }{
		{"berlin", "2027-03-28", "2027-03-28T22:00:00Z"}, // 23 hours long: it began at 2027-03-27T23:00:00Z
		{"auckland", "2027-01-31", "2027-01-31T11:00:00Z"},
	} {
		got, err := k.through(tt.household, tt.day)
		if err != nil || got.UTC().Format(time.RFC3339) != tt.want {
			t.Errorf("%s in %s ends %v, %v, want %s", tt.day, tt.household, got.UTC(), err, tt.want)
		}
	}
	if got, err := k.through("berlin", ""); err != nil || !got.IsZero() {
		t.Errorf("no day: %v, %v", got, err)
	}
	for _, day := range []string{"tomorrow", "31.01.2027", "2027-02-30", "2027-01-31T00:00:00Z"} {
		var wrong *QueryError
		if _, err := k.through("berlin", day); !errors.As(err, &wrong) || wrong.Field != "until" {
			t.Errorf("%q: %v", day, err)
		}
	}
}

// TestBeginsWith: an id may be shortened as far as it means one thing, and not to nothing.
func TestBeginsWith(t *testing.T) {
	all := []account.Token{{ID: "abcdefgh"}, {ID: "abcdefij"}, {ID: "short"}}
	for id, want := range map[string]string{"abcdefg": "abcdefgh", "abcdefij": "abcdefij", "abcdef": "", "abc": "", "": "", "short": "", "zzzzzzzz": "", "abcdefghi": ""} {
		got, err := begins(all, id, "token", func(t account.Token) string { return t.ID })
		if got.ID != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v, want %q", id, got.ID, err, want)
		}
	}
}
