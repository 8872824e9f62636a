package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hearthdns/hearth/policy/tickets"
)

// ticketRoutes are appeals and reports as the operator sees them; package tickets does all of it.
func (p *Portal) ticketRoutes(routes map[string]route) {
	d := p.tickets
	routes["/v1/reports"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		q, err := readQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return d.List(q)
	})}
	routes["/v1/reports/show"] = route{http.MethodGet, told(func(r *http.Request) (any, error) { return d.Show(r.URL.Query().Get("number")) })}
	routes["/v1/reports/status"] = route{http.MethodGet, told(func(r *http.Request) (any, error) { return d.Status(r.URL.Query().Get("number")) })}
	routes["/v1/reports/add"] = done(`{"kind": "appeal or report", "name": "example.com", "category": "…", "why": "…", "word": "…"}`, func(ctx context.Context, a said) (tickets.Receipt, error) {
		return a.to(ctx, d)
	})
	routes["/v1/reports/decide"] = done(`{"number": "4719-2083-5561", "outcome": "declined", "word": "why"}`, d.Decide)
	routes["/v1/reports/bundle"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return d.Bundle(r.URL.Query().Get("list"), r.URL.Query().Get("since"))
	})}
	routes["/v1/reports/proposals"] = route{http.MethodGet, told(func(*http.Request) (any, error) { return Proposals{d.Proposals()}, nil })}
	routes["/v1/reports/withdraw"] = done(`{"name": "example.com", "category": "money.gambling, or nothing for all"}`, func(ctx context.Context, a withdrawal) (Withdrawn, error) {
		n, err := d.Withdraw(ctx, a.Name, a.Category)
		return Withdrawn{n}, err
	})
	routes["/v1/reports/publish"] = done("nothing", func(ctx context.Context, _ struct{}) (tickets.SignedList, error) { return d.Publish(ctx) })
	routes["/v1/reports/transparency"] = route{http.MethodGet, told(func(r *http.Request) (any, error) {
		return d.Transparency(r.Context(), r.URL.Query().Get("from"), r.URL.Query().Get("to"))
	})}
}

// readQuery reads which tickets are asked for.
func readQuery(get url.Values) (q tickets.Query, err error) {
	q = tickets.Query{Kind: tickets.Kind(get.Get("kind")), Category: get.Get("category"), List: get.Get("list"), After: get.Get("after"), Decided: get.Get("decided") == "true"}
	if text := get.Get("older"); text != "" {
		if q.Older, err = time.ParseDuration(text); err != nil {
			return q, &QueryError{Field: "older", Problem: "this is no age; write such as 48h"}
		}
	}
	if text := get.Get("limit"); text != "" {
		if q.Limit, err = strconv.Atoi(text); err != nil {
			return q, &QueryError{Field: "limit", Problem: "this is no number; write such as 50"}
		}
	}
	return q, nil
}

// What the requests carry, and what they are answered.
type (
	// said is what somebody told the operator: by telephone, for example.
	said struct {
		Kind     tickets.Kind `json:"kind"`
		Name     string       `json:"name"`
		Category string       `json:"category"`
		Why      tickets.Why  `json:"why"`
		Word     string       `json:"word"`
		Illegal  bool         `json:"illegal"`
	}
	withdrawal struct {
		Name     string `json:"name"`
		Category string `json:"category"`
	}
	// Proposals is the answer of GET /v1/reports/proposals.
	Proposals struct {
		Proposals []tickets.Proposal `json:"proposals"`
	}
	// Withdrawn is the answer of POST /v1/reports/withdraw.
	Withdrawn struct {
		Withdrawn int `json:"withdrawn"`
	}
)

// atTheSocket counts as one household: else names could be tried in bulk, and what makes no ticket is on a legal list.
const atTheSocket = "the operator"

// to makes a ticket of what somebody said.
func (a said) to(ctx context.Context, d *tickets.Desk) (tickets.Receipt, error) {
	ask := tickets.Ask{Household: atTheSocket, Name: a.Name, Category: a.Category, Why: a.Why, Word: a.Word, Illegal: a.Illegal}
	switch a.Kind {
	case tickets.Appeal:
		return d.Appeal(ctx, ask)
	case tickets.Report:
		return d.Report(ctx, ask)
	}
	return tickets.Receipt{}, &QueryError{Field: "kind", Problem: "what it is has not been said; write appeal or report"}
}

// ticketStatuses are the HTTP statuses of what package tickets refuses.
var ticketStatuses = map[tickets.Reason]int{
	tickets.Refused:  http.StatusBadRequest,
	tickets.Unknown:  http.StatusNotFound,
	tickets.Unlisted: http.StatusConflict,
	tickets.Wait:     http.StatusTooManyRequests,
	tickets.Conflict: http.StatusConflict,
}

// ofTickets is the problem that an error of package tickets is, false for another error.
func ofTickets(err error) (problem, bool) {
	var e *tickets.Error
	if !errors.As(err, &e) {
		return problem{}, false
	}
	return problem{Status: ticketStatuses[e.Reason], Detail: e.Text, Field: e.Field}, true
}
