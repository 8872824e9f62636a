package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// TestMembers: somebody is added once, changed and erased; who was slower and who errs is told so.
func TestMembers(t *testing.T) {
	h := open(t, withTokens(holders()))
	add := func(body string) *httptest.ResponseRecorder {
		return h.send("parent", http.MethodPost, "/v1/households/-/members", body, "Idempotency-Key: a")
	}
	first, again := add(`{"name": "Ida", "born": "2024-02-03"}`), add(`{"name": "Ida", "born": "2024-02-03"}`)
	if first.Code != http.StatusCreated || again.Body.String() != first.Body.String() || !strings.Contains(first.Body.String(), `"band":"little"`) {
		t.Fatalf("added %d %s, again %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	old := want[parents.Household](h, 200, http.MethodGet, "/v1/households/one", "").Revision
	if p := want[parents.Person](h, 200, http.MethodPatch, "/v1/households/one/members/Ida", `{"band": "teen"}`); p.Band != "teen" {
		t.Errorf("changed: %+v", p)
	}
	for _, tt := range []struct {
		status             int
		method, path, body string
		says               string
	}{
		{409, http.MethodPatch, "/Ida", `{"band": "child", "revision": 1}`, `"field":"revision"`},
		{409, http.MethodDelete, "/Ida?revision=1", "", `"field":"revision"`},
		{400, http.MethodPatch, "/Ida", `{"band": "tean"}`, "write little, child"},
		{400, http.MethodPatch, "/Ida", `{"name": "Eva"}`, "YYYY-MM-DD"},
		{404, http.MethodPatch, "/Nobody", `{"band": "child"}`, "write one of Mia"},
		{400, http.MethodPost, "", `{"name": "Eva"}`, "born as YYYY-MM-DD"},
		{400, http.MethodPost, "", `{"band": "teen"}`, `"field":"name"`},
		{404, http.MethodDelete, "/tom-phone", "", `"field":"member"`},
	} {
		if w := h.ask(tt.method, "/v1/households/one/members"+tt.path, tt.body); w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s %s %s: %d %s, want %d with %s", tt.method, tt.path, tt.body, w.Code, w.Body, tt.status, tt.says)
		}
	}
	if w := h.ask(http.MethodPost, "/v1/households/two/members", `{"name": "Eva", "band": "teen"}`); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "hearth.yaml:1") {
		t.Errorf("of a file: %d %s", w.Code, w.Body)
	}
	gone := want[parents.Parted](h, 200, http.MethodDelete, "/v1/households/one/members/Tom", "")
	if gone.Person != "Tom" || strings.Join(gone.Devices, " ") != "tom-phone" || gone.Partitions == 0 {
		t.Errorf("erased: %+v", gone)
	}
	left := want[api.Page[parents.Person]](h, 200, http.MethodGet, "/v1/households/one/members", "")
	if len(left.Items) != 3 || want[parents.Household](h, 200, http.MethodGet, "/v1/households/one", "").Revision <= old {
		t.Errorf("left: %+v", left)
	}
}
