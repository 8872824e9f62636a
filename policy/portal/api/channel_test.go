package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/api"
)

// TestChannels: a program adds a way to the parents, sees its secret once, tries it and takes it away; the household reads
// that; what no message may be sent to is refused.
func TestChannels(t *testing.T) {
	h := open(t, withTokens(holders()))
	const path = "/v1/households/one/channels"
	w := h.send("parent", http.MethodPost, path, `{"kind": "webhook", "to": "https://home.example/hook", "name": "lamp"}`)
	if w.Code != http.StatusCreated || !strings.Contains(w.Body.String(), `"secret":"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(w.Body.String(), `"failure":"nobody answers there`) {
		t.Errorf("nothing tells that its test did not arrive: %s", w.Body)
	}
	all := want[api.Page[api.Channel]](h, 200, http.MethodGet, path, "").Items
	if len(all) != 1 || all[0].Secret != "" || all[0].Name != "lamp" || all[0].Kind != "webhook" {
		t.Fatalf("there are %+v", all)
	}
	if w := h.send("parent", http.MethodPost, path+"/"+all[0].ID+"/test", ""); w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "home.example/hook") {
		t.Errorf("a test that cannot arrive: %d %s", w.Code, w.Body)
	}
	for _, body := range []string{
		`{"kind": "webhook", "to": "http://127.0.0.1/"}`, `{"kind": "webhook", "to": "https://[::ffff:10.0.0.1]/"}`, `{"kind": "mail", "to": "x"}`, `{"kind": "push", "to": "https://push.example/1"}`,
		`{"kind": "pigeon", "to": "x"}`, `{"kind": "ntfy", "to": "topic"}`, `{"kind": "webhook"}`, `{"kind": "webhook", "to": "https://home.example/none", "of": []}`,
	} {
		if w := h.send("parent", http.MethodPost, path, body); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := h.send("parent", http.MethodPost, path, `{"kind": "webhook", "to": "https://home.example/hook", "for": ["nobody"]}`); w.Code != http.StatusNotFound {
		t.Errorf("for nobody: %d %s", w.Code, w.Body)
	}
	if w := h.send("parent", http.MethodDelete, path+"/"+all[0].ID, ""); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if all := want[api.Page[api.Channel]](h, 200, http.MethodGet, path, "").Items; len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
	said := ""
	for _, e := range want[api.Page[api.Change]](h, 200, http.MethodGet, "/v1/households/one/audit", "").Items {
		said += e.By + " " + e.What + " " + e.Detail + "\n"
	}
	if !strings.Contains(said, "Anna channel of messages removed webhook\nAnna channel of messages added webhook\n") {
		t.Errorf("the household reads\n%s", said)
	}
}
