package api_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// blocked has the pages remember a block of a device, and gives the id that its page shows.
func (h *house) blocked(addr, name string) string {
	h.t.Helper()
	dir, at := h.Live(), netip.MustParseAddr(addr)
	n := must(blocklists.ParseName(name))
	c := dir.Identify(at).Now(h.Clock())
	q := dir.Ask(n, new(blocklists.Hashes))
	d := c.Decide(&q, h.Clock())
	if !d.Blocks() {
		h.t.Fatalf("%s is not blocked for %s: %v", name, addr, d.Action)
	}
	h.Portal.Observe(c, at, n, d, h.Clock())
	return string(c.Profile.AppendID(nil, d))
}

// TestDecision: support reads the reason by the id, and neither the site nor whose it was, unless the household lets it;
// the household reads each look.
func TestDecision(t *testing.T) {
	h := open(t, withTokens(holders()))
	secrets := []string{"naked", "Tom", "tom-phone", "10.0.0.4"}
	look := func(token, household, id string) (int, string) {
		w := h.send(token, http.MethodGet, "/v1/households/"+household+"/decisions/"+id, "")
		return w.Code, w.Body.String()
	}
	id := h.blocked(tom, "naked.example")
	h.Later(time.Minute)
	h.blocked(tom, "naked.example")
	code, said := look("operator", "one", id)
	for _, want := range []string{`"step":10`, `"step_name":"category"`, `"category":"adult.porn"`, `"in_force":true`, `"band":"teen"`, `"count":2`, `"at":"2026-11-18T12:01:00+01:00"`} {
		if code != http.StatusOK || !strings.Contains(said, want) {
			t.Errorf("%d %s, want %s", code, said, want)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("it says %s: %s", secret, said)
		}
	}
	for range 2 {
		look("operator", "one", id)
	}
	looks := 0
	for _, e := range want[api.Page[api.Change]](h, 200, http.MethodGet, "/v1/households/one/audit", "").Items {
		if e.What == "decision looked at" && e.By == "Ops" && e.Role == "operator" && e.Detail == id {
			looks++
		}
	}
	if looks != 3 {
		t.Errorf("the household reads of %d looks, want 3", looks)
	}
	if code, said := look("operator", "two", id); code != http.StatusOK || !strings.Contains(said, `"blocks":[]`) {
		t.Errorf("in the other household: %d %s", code, said)
	}
	if code, said := look("operator", "nowhere", id); code != http.StatusNotFound || !strings.Contains(said, "one") {
		t.Errorf("in one that there is not: %d %s", code, said)
	}
	if code, said := look("parent", "two", id); code != http.StatusNotFound {
		t.Errorf("for another's parent: %d %s", code, said)
	}
	h.agree("support: names\n")
	if _, said := look("operator", "one", id); strings.Contains(said, "naked") || !strings.Contains(said, `"in_force":false`) {
		t.Errorf("what was before is told: %s", said)
	}
	id = h.blocked(tom, "naked.example")
	if code, said = look("operator", "one", id); code != http.StatusOK || !strings.Contains(said, `"name":"naked.example","member":"Tom","device":"tom-phone"`) {
		t.Errorf("where they may see it: %d %s", code, said)
	}
	h.agree("support: reason\n")
	if _, said = look("operator", "one", id); strings.Contains(said, "naked") || strings.Contains(said, "Tom") {
		t.Errorf("when they may not any more: %s", said)
	}
}

// agree has the parents of the first household write a line into its definition.
func (h *house) agree(line string) {
	h.t.Helper()
	d := want[api.Definition](h, 200, http.MethodGet, "/v1/households/one/definition", "")
	text := ""
	for old := range strings.Lines(d.Definition) {
		if !strings.HasPrefix(old, "support:") {
			text += old
		}
	}
	body := fmt.Sprintf(`{"definition": %q, "revision": %d}`, text+line, d.Revision)
	if w := h.send("parent", http.MethodPut, "/v1/households/one/definition", body); w.Code != http.StatusOK {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// TestDecisionsTellNothingOfTheLaw: what the law and security block is not remembered, so that both have one answer; an id
// that names what none names is none; a child's id has no category, and support is told it all the same.
func TestDecisionsTellNothingOfTheLaw(t *testing.T) {
	h := open(t)
	law, security := h.blocked(tom, "forbidden.example"), h.blocked(tom, "virus.example")
	if law != security {
		t.Fatalf("their ids are %s and %s", law, security)
	}
	d := want[portal.Decision](h, 200, http.MethodGet, "/v1/households/one/decisions/"+law, "")
	if d.StepName != "security" || d.Category != "" || len(d.Blocks) != 0 {
		t.Errorf("%+v", d)
	}
	child := h.blocked("10.0.0.2", "casino.example")
	d = want[portal.Decision](h, 200, http.MethodGet, "/v1/households/one/decisions/"+child, "")
	if strings.Contains(child, "gambling") || d.Category != "" || len(d.Blocks) != 1 || d.Blocks[0].Category != "money.gambling" || d.Blocks[0].Band != "child" || d.Blocks[0].Name != "" {
		t.Errorf("%s: %+v", child, d)
	}
	ends := d.ID[strings.Index(d.ID, "-"):]
	for _, id := range []string{"1.illegal.csam" + ends, "10.illegal.order" + ends, "7.sec.malware" + ends, "10.harm.selfharm" + ends, "0" + ends, "13" + ends, "10.no.such" + ends, "10", "x", "10.fun.games"} {
		if w := h.ask(http.MethodGet, "/v1/households/one/decisions/"+id, ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "as the page or the answer has it") {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	h.Later(24*time.Hour + time.Second)
	if d = want[portal.Decision](h, 200, http.MethodGet, "/v1/households/one/decisions/"+child, ""); len(d.Blocks) != 0 {
		t.Errorf("after a day: %+v", d)
	}
	h.blocked(tom, "naked.example")
	if n := h.metric(h.Portal, "hearth_portal_decisions"); n != 1 {
		t.Errorf("%v are remembered, want 1", n)
	}
}
