package portal

import (
	"errors"
	"net/http"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// statuses are the HTTP statuses of what a parent is told.
var statuses = map[parents.Reason]int{
	parents.Refused:     http.StatusBadRequest,
	parents.Unknown:     http.StatusNotFound,
	parents.Conflict:    http.StatusConflict,
	parents.InFile:      http.StatusConflict,
	parents.Unconfirmed: http.StatusPreconditionRequired,
	parents.Wait:        http.StatusTooManyRequests,
	parents.Forbidden:   http.StatusForbidden,
}

// ticketStatuses are the HTTP statuses of what package tickets refuses.
var ticketStatuses = map[tickets.Reason]int{
	tickets.Refused:  http.StatusBadRequest,
	tickets.Unknown:  http.StatusNotFound,
	tickets.Unlisted: http.StatusConflict,
	tickets.Wait:     http.StatusTooManyRequests,
	tickets.Conflict: http.StatusConflict,
}

// StatusOfTicket is the HTTP status of what package tickets refuses.
func StatusOfTicket(e *tickets.Error) int { return ticketStatuses[e.Reason] }

// StatusOf is the HTTP status of what a parent is told.
func StatusOf(e *parents.Error) int { return statuses[e.Reason] }

// asParents finds the error of package parents, nil if it is another.
func asParents(err error) *parents.Error {
	var e *parents.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
