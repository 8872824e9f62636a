package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/tickets"
)

const (
	scopeReportsRead  = "reports:read"
	scopeReportsWrite = "reports:write"
	reportsPath       = "/v1/reports"
)

// atTheSocket counts as one household: else names could be tried in bulk, and what makes no ticket is on a legal list.
const atTheSocket = "the operator"

// mostReports is how many tickets a page has at most.
const mostReports = 200

// Reports are a page of the queue.
type Reports struct {
	Page[tickets.Ticket]
	Total int `json:"total" doc:"how many there are in all that are asked for"`
}

// Withdrawn is how many proposals were taken back.
type Withdrawn struct {
	Withdrawn int `json:"withdrawn"`
}

// ticketQuery is which tickets are asked for.
type ticketQuery struct {
	Paging
	Kind     string `query:"kind" doc:"appeal or report; without it both"`
	Category string `query:"category" doc:"of this category alone"`
	List     string `query:"list" doc:"about this list alone"`
	Older    string `query:"older" doc:"opened so long ago, such as 48h"`
	Decided  bool   `query:"decided" doc:"those that are decided, the newest first, instead of those that wait"`
}

// reportRoutes are appeals and reports as the operator sees them; package tickets does all of it.
func (a *API) reportRoutes() {
	d := a.Tickets
	of := func(method, path, id, summary, send string) route {
		scope := scopeReportsRead
		if method == http.MethodPost {
			scope = scopeReportsWrite
		}
		return route{method: method, path: reportsPath + path, id: id, summary: summary, send: send, scope: scope, least: parents.Operator}
	}
	serve(a, of(http.MethodGet, "", "listReports", "Appeals and reports, what is to be done first before all else", ""), a.reports)
	serve(a, of(http.MethodGet, "/{number}", "getReport", "One of them", ""), func(_ context.Context, in *numbered) (tickets.Ticket, error) { return d.Show(in.Number) })
	serve(a, of(http.MethodGet, "/{number}/status", "getReportStatus", "What became of it, as who sent it sees it", ""), func(_ context.Context, in *numbered) (TicketStatus, error) {
		s, err := d.Status(in.Number)
		return TicketStatus(s), err
	})
	add := of(http.MethodPost, "", "addReport", "Write down what somebody said", `{"kind": "appeal or report", "name": "example.com", "category": "…", "why": "…", "word": "…"}`)
	add.made = true
	serve(a, add, a.addReport)
	serve(a, of(http.MethodPost, "/decide", "decideReport", "Decide it", `{"number": "4719-2083-5561", "outcome": "declined", "word": "why"}`), func(ctx context.Context, in *struct {
		Body tickets.Verdict
	}) (tickets.Ticket, error) {
		if c := callerOf(ctx); c.Actor.Name != "" {
			in.Body.By = c.Actor.Name
		}
		return d.Decide(ctx, in.Body)
	})
	a.proposalRoutes(of)
}

func (a *API) reports(_ context.Context, in *ticketQuery) (Reports, error) {
	q := tickets.Query{Kind: tickets.Kind(in.Kind), Category: in.Category, List: in.List, After: in.Cursor, Decided: in.Decided, Limit: min(in.Limit, mostReports)}
	if in.Older != "" {
		var err error
		if q.Older, err = time.ParseDuration(in.Older); err != nil {
			return Reports{}, &portal.QueryError{Field: "older", Problem: "this is no age; write such as 48h"}
		}
	}
	found, err := a.Tickets.List(q)
	if e := new(tickets.Error); errors.As(err, &e) && e.Field == "after" {
		err = badCursor()
	}
	return Reports{Page[tickets.Ticket]{Items: found.Tickets, Next: found.Next}, found.Total}, err
}

// numbered is a ticket of a path.
type numbered struct {
	Number string `path:"number" doc:"such as 4719-2083-5561"`
}

// TicketStatus is what became of a ticket.
type TicketStatus tickets.Status

func (a *API) addReport(ctx context.Context, in *struct {
	Body struct {
		Kind     tickets.Kind `json:"kind" doc:"appeal or report"`
		Name     string       `json:"name"`
		Category string       `json:"category,omitempty"`
		Why      tickets.Why  `json:"why,omitempty"`
		Word     string       `json:"word,omitempty"`
		Illegal  bool         `json:"illegal,omitempty"`
	}
}) (tickets.Receipt, error) {
	b := in.Body
	ask := tickets.Ask{Household: atTheSocket, Name: b.Name, Category: b.Category, Why: b.Why, Word: b.Word, Illegal: b.Illegal}
	switch b.Kind {
	case tickets.Appeal:
		return a.Tickets.Appeal(ctx, ask)
	case tickets.Report:
		return a.Tickets.Report(ctx, ask)
	}
	return tickets.Receipt{}, &portal.QueryError{Field: "kind", Problem: "what it is has not been said; write appeal or report"}
}

// proposalRoutes are about what was accepted, and what is published of it.
func (a *API) proposalRoutes(of func(method, path, id, summary, send string) route) {
	d := a.Tickets
	at := func(method, path, id, summary, send string) route {
		r := of(method, "", id, summary, send)
		r.path = path
		return r
	}
	serve(a, at(http.MethodGet, "/v1/proposals", "listProposals", "What was accepted", ""), func(_ context.Context, in *struct{ Paging }) (Page[tickets.Proposal], error) {
		return page(in.Paging, d.Proposals())
	})
	serve(a, at(http.MethodPost, "/v1/proposals/withdraw", "withdrawProposals", "Take back what was accepted", `{"name": "example.com", "category": "money.gambling, or nothing for all"}`), func(ctx context.Context, in *struct {
		Body struct {
			Name     string `json:"name"`
			Category string `json:"category,omitempty"`
		}
	}) (Withdrawn, error) {
		n, err := d.Withdraw(ctx, in.Body.Name, in.Body.Category)
		return Withdrawn{n}, err
	})
	serve(a, at(http.MethodPost, "/v1/proposals/publish", "publishProposals", "Sign the list of them", ""), func(ctx context.Context, _ *nothing) (tickets.SignedList, error) { return d.Publish(ctx) })
	serve(a, at(http.MethodGet, "/v1/lists/{list}/bundle", "getBundle", "What the maintainer of a list is told", ""), func(_ context.Context, in *struct {
		List  string `path:"list"`
		Since string `query:"since"`
	}) (tickets.Bundle, error) {
		return d.Bundle(in.List, in.Since)
	})
	serve(a, at(http.MethodGet, "/v1/transparency", "getTransparency", "How many there were, by category, list and outcome", ""), func(ctx context.Context, in *struct {
		From string `query:"from"`
		To   string `query:"to"`
	}) (tickets.Figures, error) {
		return d.Transparency(ctx, in.From, in.To)
	})
}
