package policy

import "testing"

// TestIsCountry: codes are those of ISO 3166-1; XX and ZZ are for users to define, and are no country's.
func TestIsCountry(t *testing.T) {
	for code, want := range map[string]bool{"DE": true, "CH": true, "GB": true, "NO": true, "TR": true, "XX": false, "ZZ": false, "QM": false, "EU": false, "de": false, "DEU": false, "276": false, "D": false, "UK": false} {
		if got := isCountry(code); got != want {
			t.Errorf("%s is a country: %v, want %v", code, got, want)
		}
	}
}
