package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/tickets"
)

// TestPages: pages of one tell each item once, of a list that is cut here and of one that the desk cuts; a cursor that is
// none is refused, and so is a page of none or of too many.
func TestPages(t *testing.T) {
	h := open(t)
	for _, name := range []string{"casino.example", "naked.example"} {
		h.Later(time.Second)
		h.wants("10.0.0.2", name, false)
	}
	all := h.pages(t, "/v1/households/one/members?limit=1", func(path string) (string, string) {
		p := want[api.Page[parents.Person]](h, 200, http.MethodGet, path, "")
		return p.Items[0].Name, p.Next
	})
	if all != "Mia Tom Anna " {
		t.Errorf("the members are %s", all)
	}
	all = h.pages(t, "/v1/households/one/requests?limit=1", func(path string) (string, string) {
		p := want[api.Page[parents.Request]](h, 200, http.MethodGet, path, "")
		return p.Items[0].Name, p.Next
	})
	if all != "naked.example casino.example " {
		t.Errorf("the requests are %s", all)
	}
	for _, name := range []string{"casino.example", "naked.example", "games.example"} {
		r := must(h.tickets.Appeal(t.Context(), tickets.Ask{Household: "one", Name: name, Why: tickets.WhyFine}))
		must(h.tickets.Decide(t.Context(), tickets.Verdict{Number: r.Number, Outcome: tickets.Upheld}))
		h.Later(time.Second)
	}
	all = h.pages(t, "/v1/reports?decided=true&limit=1", func(path string) (string, string) {
		p := want[api.Reports](h, 200, http.MethodGet, path, "")
		if len(p.Items) != 1 || p.Total != 3 {
			t.Errorf("%d of %d reports", len(p.Items), p.Total)
		}
		return p.Items[0].Name, p.Next
	})
	if all != "games.example naked.example casino.example " {
		t.Errorf("the reports are %s", all)
	}
	all = h.pages(t, "/v1/proposals?limit=1", func(path string) (string, string) {
		p := want[api.Page[tickets.Proposal]](h, 200, http.MethodGet, path, "")
		return p.Items[0].Name, p.Next
	})
	if all != "naked.example games.example casino.example " { // by category
		t.Errorf("the proposals are %s", all)
	}
	for _, path := range []string{"/v1/reports?cursor=nothing", "/v1/reports?limit=0", "/v1/reports?limit=1001", "/v1/reports?after=x", "/v1/proposals?cursor=x", "/v1/proposals?limit=0"} {
		if w := h.ask(http.MethodGet, path, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"members?cursor=x", "members?cursor=LTE", "requests?cursor=nothing", "members?limit=0", "requests?limit=1001"} {
		if w := h.ask(http.MethodGet, "/v1/households/one/"+path, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// pages follows the cursors, and gives what stood first on each page.
func (h *house) pages(t *testing.T, path string, read func(string) (string, string)) (all string) {
	t.Helper()
	first, next := read(path)
	for all = first + " "; next != ""; all += first + " " {
		first, next = read(path + "&cursor=" + next)
	}
	return all
}
