package portal

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
)

// TestExplainTellsNothingOfWhoOptedOut: only the law blocks for such a household, so each block told would be a legal one.
func TestExplainTellsNothingOfWhoOptedOut(t *testing.T) {
	no := false
	dir := directory(t, houseOptions{language: "en", config: func(c *policy.Config) { c.Households[0].Enabled = &no }})
	explain := func(name string) string {
		e, err := Explain(dir, ExplainQuery{Name: name, Client: tom, Now: moment(t, noon)})
		if err != nil || e.Status != "opted-out" {
			t.Fatal(e.Status, err)
		}
		return strings.ReplaceAll(fmt.Sprint(e), name, "x")
	}
	want := explain("plain.example")
	for _, name := range []string{"ordered.example", "forbidden.example", "virus.example"} {
		if got := explain(name); got != want {
			t.Errorf("%s reads\n%s\nanother name\n%s", name, got, want)
		}
	}
}

// TestLegalPageIsNotRemembered: neither the visit nor the block, in no list, log or page.
func TestLegalPageIsNotRemembered(t *testing.T) {
	var log bytes.Buffer
	h := newHome(t, houseOptions{language: "en"}, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	before := h.get(tom, "ask."+own).Body.String()
	for _, name := range []string{"forbidden.example", "www.ordered.example"} {
		w := h.get(tom, name)
		if w.Code != http.StatusForbidden {
			t.Fatalf("%s: status %d", name, w.Code)
		}
		for _, never := range []string{"<form", "<button", "Set-Cookie", "ask." + own, name} {
			if strings.Contains(w.Body.String(), never) || w.Header().Get(never) != "" {
				t.Errorf("%s: the page has %q", name, never)
			}
		}
		h.Observe(h.identify(h.view(), netip.MustParseAddr(tom)), netip.MustParseAddr(tom), wire(t, name), policy.Decision{Action: policy.Block, Step: policy.StepLaw, Applied: true}, h.Clock())
	}
	if after := h.get(tom, "ask."+own).Body.String(); after != before {
		t.Error("the page of the last blocks has changed")
	}
	if log.Len() > 0 {
		t.Errorf("the log says: %s", log.String())
	}
}

// TestLegalPageNamesAHotline: of the household's country, or where one is found.
func TestLegalPageNamesAHotline(t *testing.T) {
	for country, want := range map[string]string{"IE": "hotline.ie", "": "inhope.org", "AQ": "inhope.org"} {
		h := newHome(t, houseOptions{language: "en", country: country})
		if body := h.get(tom, "ordered.example").Body.String(); !strings.Contains(body, want) {
			t.Errorf("country %q: the page does not name %s", country, want)
		}
	}
}

// TestWithheldPagesLookAlike: who found many legal names gets the page of the law for every name.
func TestWithheldPagesLookAlike(t *testing.T) {
	var asked []policy.Step
	h := newHome(t, houseOptions{language: "en"}, func(c *Config) {
		c.Withheld = func(a netip.Addr, q *policy.Question, d policy.Decision) bool {
			asked = append(asked, d.Step)
			return a == netip.MustParseAddr(leo) && q.Hashes.N > 0
		}
	})
	want := h.get(tom, "ordered.example").Body.String()
	if len(asked) != 1 || asked[0] != policy.StepLaw {
		t.Errorf("told of %v, want one block by the law", asked)
	}
	for _, name := range []string{"ordered.example", "forbidden.example", "virus.example", "naked.example", "plain.example"} {
		if w := h.get(leo, name); w.Body.String() != want || w.Code != http.StatusForbidden {
			t.Errorf("%s: status %d, another page than that of the law", name, w.Code)
		}
	}
	if w := h.get(tom, "plain.example"); w.Code == http.StatusForbidden {
		t.Error("withheld from somebody else")
	}
}
