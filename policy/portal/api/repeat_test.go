package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
)

// TestRepeats: what is sent again with its key is done once, by tenant, for a day.
func TestRepeats(t *testing.T) {
	all := holders()
	c := all["parent"]
	c.ID = "another"
	all["another"] = c
	h := open(t, withTokens(all))
	pause := func(token, key, body string) *httptest.ResponseRecorder {
		return h.send(token, http.MethodPost, "/v1/households/one/pauses", body, "Idempotency-Key: "+key)
	}
	first := pause("parent", "a", `{"member": "Mia", "for": "30m"}`)
	again := pause("parent", "a", `{"member": "Mia", "for": "30m"}`)
	if first.Code != http.StatusCreated || again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Idempotency-Replayed") != "true" || first.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("first %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if w := pause("parent", "a", `{"member": "Mia", "for": "31m"}`); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Idempotency-Key") {
		t.Errorf("another body: %d %s", w.Code, w.Body)
	}
	if w := pause("another", "a", `{"member": "Mia", "for": "31m"}`); w.Code != http.StatusCreated {
		t.Errorf("of another token: %d %s", w.Code, w.Body)
	}
	if w := pause("parent", "b", `{"member": "Mia", "for": "30m"}`); w.Body.String() == first.Body.String() {
		t.Errorf("with another key it is not done: %s", w.Body)
	}
	if w := pause("parent", strings.Repeat("x", 256), `{}`); w.Code != http.StatusBadRequest {
		t.Errorf("a long key: %d %s", w.Code, w.Body)
	}
	wrong := pause("parent", "c", `{"member": "Nobody"}`)
	if w := pause("parent", "c", `{"member": "Nobody"}`); w.Code != http.StatusNotFound || w.Body.String() != wrong.Body.String() || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a problem again: %d %s", w.Code, w.Body)
	}
	h.Later(24 * time.Hour)
	if w := pause("parent", "a", `{"member": "Mia", "for": "31m"}`); w.Code != http.StatusCreated {
		t.Errorf("a day later: %d %s", w.Code, w.Body)
	}
}

// TestSecretsAreAnsweredOnce: who sends again what was answered with a code, a token or a secret learns that it was done, and
// nothing of the secret; it is done once.
func TestSecretsAreAnsweredOnce(t *testing.T) {
	h, f := open(t), found{}
	h.channel(f)
	until := h.Clock().AddDate(0, 0, 9).Format(time.DateOnly)
	for path, body := range map[string]string{
		"/v1/setup":                                    "",
		"/v1/households/one/account-invitations":       `{"role": "parent", "name": "Ben"}`,
		"/v1/households/one/tokens":                    `{"name": "light", "scopes": ["explain"], "until": "` + until + `"}`,
		"/v1/households/operators/account-invitations": `{"role": "operator", "name": "Eva"}`,
		"/v1/households/one/invitations":               `{"members": ["Mia"]}`,
		"/v1/households/one/channels":                  f["body"],
	} {
		send := func() *httptest.ResponseRecorder {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Header.Set("Idempotency-Key", "a")
			w := httptest.NewRecorder()
			h.Local().ServeHTTP(w, r)
			return w
		}
		if first := send(); first.Code != http.StatusCreated {
			t.Errorf("%s: %d %s", path, first.Code, first.Body)
		}
		if again := send(); again.Code != http.StatusConflict || again.Header().Get("Idempotency-Replayed") != "true" || !strings.Contains(again.Body.String(), "this was done") {
			t.Errorf("%s again: %d %s", path, again.Code, again.Body)
		}
	}
	if all := must(h.book.Invitations(t.Context(), account.Machine(), "one")); len(all) != 1 {
		t.Errorf("%d invitations wait", len(all))
	}
}

// TestAnswersEndWithAnErasure: of a household of which something was erased no answer is kept, what was done is not done
// again, and what was refused may be tried anew; other households notice nothing.
func TestAnswersEndWithAnErasure(t *testing.T) {
	h := open(t)
	pause := func(household, key, member string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/v1/households/"+household+"/pauses", strings.NewReader(`{"member": "`+member+`", "for": "30m"}`))
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		h.Local().ServeHTTP(w, r)
		return w
	}
	done, refused, other := pause("one", "a", "Mia"), pause("one", "b", "Nobody"), pause("two", "c", "Bert")
	if done.Code != http.StatusCreated || refused.Code != http.StatusNotFound || other.Code != http.StatusCreated {
		t.Fatalf("%d %s, %d %s, %d %s", done.Code, done.Body, refused.Code, refused.Body, other.Code, other.Body)
	}
	acts := len(want[parents.Household](h, 200, http.MethodGet, "/v1/households/one", "").Acts)
	h.Forget("one")
	if w := pause("one", "a", "Mia"); w.Code != http.StatusConflict || strings.Contains(w.Body.String(), "Mia") {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	if n := len(want[parents.Household](h, 200, http.MethodGet, "/v1/households/one", "").Acts); n != acts {
		t.Errorf("it was done again: %d acts, want %d", n, acts)
	}
	if w := pause("one", "b", "Nobody"); w.Code != http.StatusNotFound || w.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("refused, and sent again: %d %v", w.Code, w.Header())
	}
	if w := pause("two", "c", "Bert"); w.Body.String() != other.Body.String() || w.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("of another household: %d %s", w.Code, w.Body)
	}
}
