package portal

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthdns/hearth/policy"
)

// patterned explains a name that only a pattern lists.
func patterned(name, qtype, answer string) Explanation {
	return Explanation{Name: name, Type: qtype, Status: "known", Household: "family", Member: "Tom", Device: "tom-phone", Profile: "teens",
		Band: "teen", Action: "block", Applied: true, Answer: answer, Step: 10, StepName: "category", Category: "adult.porn",
		Categories: []string{"adult.porn"}}
}

// engine explains an allowed name of a search engine.
func engine(name, qtype, answer string) Explanation {
	return Explanation{Name: name, Type: qtype, Status: "known", Household: "family", Member: "Tom", Device: "tom-phone", Profile: "teens",
		Band: "teen", Action: "allow", Applied: true, Answer: answer, SafeSearch: "forcesafesearch.google.com", Step: 12, StepName: "unknown", Categories: []string{}}
}

func TestExplain(t *testing.T) {
	dir := directory(t, houseOptions{language: "en"})
	tests := []struct {
		name string
		q    ExplainQuery
		want Explanation
	}{
		{"a category for a device", ExplainQuery{Name: "Naked.Example.", Device: "tom-phone"},
			Explanation{Name: "naked.example", Type: "A", Status: "known", Household: "family", Member: "Tom", Device: "tom-phone", Profile: "teens",
				Band: "teen", Action: "block", Applied: true, Answer: "the landing page's address", Step: 10, StepName: "category", Category: "adult.porn",
				Categories: []string{"adult.porn"}}},
		{"a pattern", ExplainQuery{Name: "pattern1.example", Device: "tom-phone"}, patterned("pattern1.example", "A", "the landing page's address")},
		{"a pattern for the type", ExplainQuery{Name: "typed1.example", Device: "tom-phone", Type: "aaaa"},
			patterned("typed1.example", "AAAA", "the landing page's address")},
		{"a pattern for the type, by its number", ExplainQuery{Name: "typed1.example", Device: "tom-phone", Type: "TYPE28"},
			patterned("typed1.example", "TYPE28", "NODATA: the name is there, without a record of type TYPE28")},
		{"a pattern for another type", ExplainQuery{Name: "typed1.example", Device: "tom-phone"},
			Explanation{Name: "typed1.example", Type: "A", Status: "known", Household: "family", Member: "Tom", Device: "tom-phone", Profile: "teens",
				Band: "teen", Action: "allow", Applied: true, Answer: "what the upstream says", Step: 12, StepName: "unknown", Categories: []string{}}},
		{"bed time on the coming Friday for a member", ExplainQuery{Name: "games.example", Member: "family/Tom", At: "fri 23:30", Type: "https"},
			Explanation{Name: "games.example", Type: "HTTPS", Status: "known", Household: "family", Member: "Tom", Profile: "teens", Band: "teen",
				Action: "block", Applied: true, Answer: "NODATA: the name is there, without a record of type HTTPS", Step: 5, StepName: "bedtime",
				Categories: []string{"fun.games"}, Until: moment(t, "2026-11-21 06:00")}},
		{"allowed for an address", ExplainQuery{Name: "naked.example", Client: anna},
			Explanation{Name: "naked.example", Type: "A", Client: anna, Status: "known", Household: "family", Member: "Anna", Device: "anna-phone",
				Profile: "adult", Band: "adult", Action: "allow", Applied: true, Answer: "what the upstream says", Step: 12, StepName: "unknown",
				Categories: []string{"adult.porn"}}}, // step 10 knows block, warn and timed: an allowed category goes on
		{"an engine with safe search", ExplainQuery{Name: "www.google.de", Device: "tom-phone"},
			engine("www.google.de", "A", "safe search: www.google.de answers as forcesafesearch.google.com")},
		{"a service binding of an engine", ExplainQuery{Name: "www.google.de", Device: "tom-phone", Type: "https"},
			engine("www.google.de", "HTTPS", "NODATA: safe search has www.google.de answer as forcesafesearch.google.com, and a record of type HTTPS could lead past it")},
		{"an engine without safe search", ExplainQuery{Name: "www.google.de", Client: anna},
			Explanation{Name: "www.google.de", Type: "A", Client: anna, Status: "known", Household: "family", Member: "Anna", Device: "anna-phone",
				Profile: "adult", Band: "adult", Action: "allow", Applied: true, Answer: "what the upstream says", Step: 12, StepName: "unknown", Categories: []string{}}},
		{"a client of no household", ExplainQuery{Name: "naked.example"},
			Explanation{Name: "naked.example", Type: "A", Client: "127.0.0.1", Status: "stranger", Action: "refuse", Categories: []string{},
				Answer: "REFUSED: the client belongs to no household; add its network or device to one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Now = moment(t, noon)
			got, err := Explain(dir, tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Step > 0 {
				if n := len(got.Steps); n == 0 || got.Steps[n-1].Step != got.Step || got.Steps[n-1].Verdict != got.Action {
					t.Errorf("the steps do not end with the decision: %v", got.Steps)
				}
				if got.ID == "" {
					t.Error("there is no decision id")
				}
			}
			got.Steps, got.ID, got.At = nil, "", tt.want.At
			if tt.want.Step != 5 {
				got.Until = tt.want.Until // when it may change is the policy's own affair
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("explanation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExplainKeepsTheLegalListToItself(t *testing.T) {
	for _, deny := range []string{"other.example", "example"} {
		legalReadsLikeSecurity(t, deny)
	}
}

func legalReadsLikeSecurity(t *testing.T, deny string) {
	t.Helper()
	dir := directory(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Households[0].Rules = []policy.RuleConfig{{Name: deny, Action: "deny"}}
	}})
	explain := func(name, at string) string {
		e, err := Explain(dir, ExplainQuery{Name: name, Client: leo, Now: moment(t, at)})
		if err != nil {
			t.Fatal(err)
		}
		if got := e.shown([]ListEntry{{Categories: []string{"sec.malware"}}, {Categories: []string{"illegal.order"}}}, false); len(got) != 0 {
			t.Errorf("%s at %s: the lists %v would be shown", name, at, got)
		}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(raw), name, "x")
	}
	for _, at := range []string{noon, lessons, evening} {
		want := explain("virus.example", at)
		if strings.Contains(want, "sec.") {
			t.Errorf("at %s the category is named: %s", at, want)
		}
		for _, name := range []string{"phish.example", "forbidden.example", "ordered.example"} {
			if got := explain(name, at); got != want {
				t.Errorf("%s can be told from a security block at %s:\n%s\n%s", name, at, got, want)
			}
		}
	}
}

// TestExplainMemberAlone: a parent with one household need not write which.
func TestExplainMemberAlone(t *testing.T) {
	e, err := Explain(directory(t, houseOptions{language: "en"}), ExplainQuery{Name: "a.example", Member: "Tom", Now: moment(t, noon)})
	if err != nil || e.Household != "family" || e.Member != "Tom" {
		t.Errorf("got %s/%s, %v; want family/Tom", e.Household, e.Member, err)
	}
}

func TestExplainSaysWhatToWrite(t *testing.T) {
	dir := directory(t, houseOptions{language: "en"})
	for _, tt := range []struct {
		q       ExplainQuery
		field   string
		unknown bool
		says    string
	}{
		{ExplainQuery{Name: "a..b"}, "name", false, "example.com"},
		{ExplainQuery{Name: ""}, "name", false, "example.com"},
		{ExplainQuery{Name: "a.example", Type: "A;B"}, "type", false, "AAAA"},
		{ExplainQuery{Name: "a.example", Client: "tom"}, "client", false, "192.168.1.20"},
		{ExplainQuery{Name: "a.example", Client: tom, Device: "tom-phone"}, "client", false, "one of them"},
		{ExplainQuery{Name: "a.example", Device: "nobody"}, "device", true, "household/device"},
		{ExplainQuery{Name: "a.example", Member: "Nobody"}, "member", true, "household/member"},
		{ExplainQuery{Name: "a.example", Member: "family/Nobody"}, "member", true, "Tom"},
		{ExplainQuery{Name: "a.example", Client: tom, At: "soon"}, "at", false, "fri 21:05"},
	} {
		tt.q.Now = moment(t, noon)
		_, err := Explain(dir, tt.q)
		var query *QueryError
		if !errors.As(err, &query) || query.Field != tt.field || query.Unknown != tt.unknown || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want an error of %s that says %q", tt.q, err, tt.field, tt.says)
		}
	}
}

func TestExplainInternationalNames(t *testing.T) {
	dir := directory(t, houseOptions{language: "en"})
	e, err := Explain(dir, ExplainQuery{Name: "München.example", Client: tom, Now: moment(t, noon)})
	if err != nil || e.Name != "xn--mnchen-3ya.example" {
		t.Errorf("got %q (%v), want xn--mnchen-3ya.example", e.Name, err)
	}
}

// An operator reads the category of a child's block in its own field; the id, which the child's answers and
// page carry, does not name it.
func TestExplainOfAChild(t *testing.T) {
	dir := directory(t, houseOptions{language: "en"})
	e, err := Explain(dir, ExplainQuery{Name: "naked.example", Client: mia, Now: moment(t, noon)})
	if err != nil || e.Category != "adult.porn" || !strings.HasPrefix(e.ID, "10-") {
		t.Errorf("category %q, id %q (%v), want adult.porn and an id without it", e.Category, e.ID, err)
	}
}

// TestExplainOfASafeHost: what is said of the safe host decides about the engine, and a security list is not named.
func TestExplainOfASafeHost(t *testing.T) {
	dir := directory(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Households[0].Rules = []policy.RuleConfig{{Name: "strict.bing.com", Action: "deny"}}
	}})
	e, err := Explain(dir, ExplainQuery{Name: "www.bing.com", Client: tom, Now: moment(t, noon)})
	if err != nil || e.Action != "block" || e.Step != 3 || e.Rule == "" || e.Answer != "the landing page's address" {
		t.Errorf("got %+v (%v), want a block by the rule about the safe host", e, err)
	}
	if n := len(e.Steps); n == 0 || e.Steps[n-1].Step != 3 || !strings.Contains(e.Steps[n-1].Detail, "strict.bing.com") {
		t.Errorf("the last step does not tell of the safe host: %+v", e.Steps)
	}
}
