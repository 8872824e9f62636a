package portal

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// requestRoutes are what children ask for, as their parents see it; package parents does all of it.
func (p *Portal) requestRoutes(routes map[string]route) {
	d := p.desk
	routes["/v1/requests"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		get := r.URL.Query().Get
		q := parents.RequestQuery{Closed: get("closed") == "true", After: get("after")}
		if text := get("limit"); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, &QueryError{Field: "limit", Problem: "this is no number; write such as 50"}
			}
			q.Limit = n
		}
		who := whose(r)
		who.Member = get("member")
		return d.Requests(r.Context(), who, q)
	})}
	routes["/v1/requests/show"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return d.ShowRequest(r.Context(), whose(r), r.URL.Query().Get("id"))
	})}
	routes["/v1/requests/answer"] = done(`{"household": "…", "id": "…", "for": "30m, 1h, today or always" or "decline": true, "word": "…"}`, func(ctx context.Context, a answering) (parents.Request, error) {
		return d.Answer(ctx, a.Who, a.ID, a.Verdict)
	})
	if p.tickets != nil {
		routes["/v1/requests/letter"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
			asked, err := d.ShowRequest(r.Context(), whose(r), r.URL.Query().Get("id"))
			if err != nil {
				return nil, err
			}
			return p.letter(r.Context(), &asked)
		})}
	}
}

// answering is what the answer to a request carries.
type answering struct {
	parents.Who
	parents.Verdict
	ID string `json:"id"`
}

// letter is what parents may pass on to the maker of a list about a mistake that their child told them of. It has the
// name, its category and the list.
func (p *Portal) letter(ctx context.Context, r *parents.Request) (tickets.Bundle, error) {
	name, err := blocklists.ParseName(r.Name)
	if err != nil || !r.Mistake {
		return tickets.Bundle{}, &QueryError{Field: "id", Problem: "this request does not say that a site is blocked by mistake; there is nothing to pass on"}
	}
	s, err := p.tickets.Look(ctx, name)
	if err != nil {
		return tickets.Bundle{}, err
	}
	i := slices.IndexFunc(s.Claims, func(c tickets.Claim) bool { return c.Category == r.Category })
	if i < 0 {
		return tickets.Bundle{}, &QueryError{Field: "id", Problem: "no list blocks this site as " + r.Category + " any more; look at your own rules"}
	}
	return p.tickets.Letter(r.Name, r.Category, tickets.WhyFine, s.Claims[i]), nil
}
