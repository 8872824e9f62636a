package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/tickets"
)

const (
	scopeRequestsRead  = "requests:read"
	scopeRequestsWrite = "requests:write"
	requestPath        = householdPath + "/requests/{request}"
	// mostRequests is how many requests a page has at most: what a household has open fits into one.
	mostRequests = 100
)

// Request is what a child asks for, of a path.
type Request struct {
	Place
	Request string `path:"request" doc:"its id"`
}

// RequestVerdict is the answer to a request.
type RequestVerdict parents.Verdict

// requestRoutes are what children ask for, as their parents see it; package parents does all of it.
func (a *API) requestRoutes() {
	d := a.Desk
	read := func(path, id, summary string) route {
		return route{method: http.MethodGet, path: path, id: id, summary: summary, scope: scopeRequestsRead}
	}
	serve(a, read(householdPath+"/requests", "listRequests", "What children ask for, the latest first"), a.requests)
	serve(a, read(requestPath, "getRequest", "One of them, with its answers"), func(ctx context.Context, in *Request) (parents.Request, error) {
		return d.ShowRequest(ctx, in.who(ctx), in.Request)
	})
	serve(a, route{
		method: http.MethodPost, path: requestPath + "/answer", id: "answerRequest", summary: "Say yes for a while, or no with a word", scope: scopeRequestsWrite,
		send: `{"for": "30m, 1h, today or always"}, or {"decline": true, "word": "why"}`,
	}, func(ctx context.Context, in *struct {
		Request
		Body RequestVerdict
	}) (parents.Request, error) {
		return d.Answer(ctx, in.who(ctx), in.Request.Request, parents.Verdict(in.Body))
	})
	if a.Tickets != nil {
		serve(a, read(requestPath+"/letter", "getLetter", "What the maker of a list is to be told of a mistake"), a.letter)
	}
}

func (a *API) requests(ctx context.Context, in *struct {
	Place
	Paging
	Member string `query:"member" doc:"those of this person alone"`
	Closed bool   `query:"closed" doc:"those that were answered, taken back, or expired too"`
}) (Page[parents.Request], error) {
	who := Subject{Member: in.Member}.of(in.who(ctx))
	found, err := a.Desk.Requests(ctx, who, parents.RequestQuery{Closed: in.Closed, After: in.Cursor, Limit: min(in.Limit, mostRequests)})
	var e *parents.Error
	if errors.As(err, &e) && e.Field == "after" {
		err = badCursor()
	}
	return Page[parents.Request]{Items: found.Requests, Next: found.Next}, err
}

// letter is what parents may pass on to the maker of a list about a mistake that their child told them of. It has the
// name, its category and the list.
func (a *API) letter(ctx context.Context, in *Request) (tickets.Bundle, error) {
	r, err := a.Desk.ShowRequest(ctx, in.who(ctx), in.Request)
	if err != nil {
		return tickets.Bundle{}, err
	}
	name, err := blocklists.ParseName(r.Name)
	if err != nil || !r.Mistake {
		return tickets.Bundle{}, &portal.QueryError{Field: "request", Problem: "this request does not say that a site is blocked by mistake; there is nothing to pass on"}
	}
	s, err := a.Tickets.Look(ctx, name)
	if err != nil {
		return tickets.Bundle{}, err
	}
	i := slices.IndexFunc(s.Claims, func(c tickets.Claim) bool { return c.Category == r.Category })
	if i < 0 {
		return tickets.Bundle{}, &portal.QueryError{Field: "request", Problem: "no list blocks this site as " + r.Category + " any more; look at your own rules"}
	}
	return a.Tickets.Letter(r.Name, r.Category, tickets.WhyFine, s.Claims[i]), nil
}
