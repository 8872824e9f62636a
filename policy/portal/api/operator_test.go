package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// TestLegalListsAreTheOperators: parents are not told that there is a list of the law.
func TestLegalListsAreTheOperators(t *testing.T) {
	h := open(t, withTokens(holders()))
	for token, told := range map[string]bool{"parent": false, "operator": true} {
		w := h.send(token, http.MethodGet, "/v1/lists", "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "starter") || strings.Contains(w.Body.String(), "court") != told {
			t.Errorf("%s: %d %s", token, w.Code, w.Body)
		}
	}
}

// TestListsTellParentsWhatTheConsoleTells: that a fetch failed and that a version waits, and neither from where nor why.
func TestListsTellParentsWhatTheConsoleTells(t *testing.T) {
	h := open(t, withTokens(holders()))
	secrets := []string{"from", "lists.example", "error", "refused by", "held", "casino.example", "rejected", "cosmetic", "bytes", "version", "format"}
	for _, token := range []string{"parent", "operator"} {
		w := h.send(token, http.MethodGet, "/v1/lists", "")
		said := w.Body.String()
		for _, want := range []string{`"name":"starter"`, `"categories":["adult.porn"]`, `"names":7`, `"fetched_at":"2026-11-17T`, `"failed":true`, `"waits":true`, `"stale":true`} {
			if w.Code != http.StatusOK || !strings.Contains(said, want) {
				t.Errorf("%s: %d %s, want %s", token, w.Code, said, want)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(said, secret) != (token == "operator") {
				t.Errorf("%s, %s: %s", token, secret, said)
			}
		}
	}
	one := holders()
	support := one["operator"]
	support.Actor.Household = "one"
	h = open(t, withTokens(tokens{"support": support}))
	if w := h.send("support", http.MethodGet, "/v1/lists", ""); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "lists.example") {
		t.Errorf("who operates one household: %d %s", w.Code, w.Body)
	}
}

// TestStatusNamesNobody: who operates from elsewhere reads of no member in the status; at the machine it says whose
// birthday waits.
func TestStatusNamesNobody(t *testing.T) {
	h := open(t, withTokens(holders()))
	h.write(strings.Split(families, "households:")[0] + "households:" + strings.Replace(neighbours, "{name: Mia, band: child}", "{name: Mia, born: 2016-11-18}", 1))
	config, _ := h.Written()
	mia := policy.Promotion{Member: "Mia", Born: config.Households[0].Members[0].Born, Band: "child"} // until yesterday
	h.Enforce(must(policy.Compile(policy.CompileConfig{
		Config: config, Index: index(), Now: h.Clock(), States: map[string]policy.State{"two": {Promotions: []policy.Promotion{mia}}},
	})))
	if w := h.ask(http.MethodGet, "/v1/status", ""); !strings.Contains(w.Body.String(), "two/Mia had a birthday") {
		t.Fatalf("at the machine: %d %s", w.Code, w.Body)
	}
	if w := h.send("operator", http.MethodGet, "/v1/status", ""); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "Mia") {
		t.Errorf("from elsewhere: %d %s", w.Code, w.Body)
	}
}

// deadlined notes until when an answer may be written.
type deadlined struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (d *deadlined) SetWriteDeadline(t time.Time) error {
	d.until = t
	return nil
}

// TestWriteDeadlines: each request says anew how long its answer may take, because HTTP/1.1 keeps what the one before said
// on the connection; what may take minutes has no end.
func TestWriteDeadlines(t *testing.T) {
	h := open(t, withTokens(holders()))
	for path, bounded := range map[string]bool{"/v1/openapi.json": true, "/v1/none": true, "/v1/status": true, "/v1/backup": false} {
		w := &deadlined{ResponseRecorder: httptest.NewRecorder(), until: time.Unix(0, 0)}
		h.Local().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.until.Equal(time.Unix(0, 0)) || w.until.IsZero() == bounded {
			t.Errorf("%s may be written until %v", path, w.until)
		}
	}
}
