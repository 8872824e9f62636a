package portal

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

var deskStatuses = map[parents.Reason]int{
	parents.Refused:     http.StatusBadRequest,
	parents.Unknown:     http.StatusNotFound,
	parents.Conflict:    http.StatusConflict,
	parents.InFile:      http.StatusConflict,
	parents.Unconfirmed: http.StatusPreconditionRequired,
	parents.Wait:        http.StatusTooManyRequests,
	parents.Forbidden:   http.StatusForbidden,
}

var accountStatuses = map[account.Reason]int{
	account.Refused:   http.StatusBadRequest,
	account.Unknown:   http.StatusNotFound,
	account.SignedOut: http.StatusUnauthorized,
	account.Wrong:     http.StatusForbidden,
	account.Stale:     http.StatusForbidden,
	account.Wait:      http.StatusTooManyRequests,
	account.Conflict:  http.StatusConflict,
}

var ticketStatuses = map[tickets.Reason]int{
	tickets.Refused:  http.StatusBadRequest,
	tickets.Unknown:  http.StatusNotFound,
	tickets.Unlisted: http.StatusConflict,
	tickets.Wait:     http.StatusTooManyRequests,
	tickets.Conflict: http.StatusConflict,
}

// failureStatuses: all others are 422, since the other side did not take it.
var failureStatuses = map[notify.Why]int{
	notify.Wrong: http.StatusBadRequest, notify.Off: http.StatusBadRequest, notify.Forbidden: http.StatusBadRequest, notify.Often: http.StatusTooManyRequests, notify.Full: http.StatusBadRequest,
}

// StatusOf is the HTTP status of what a use-case refuses, the one for pages and programs alike; 0 of any other error.
func StatusOf(err error) int {
	var desk *parents.Error
	var book *account.Error
	var ticket *tickets.Error
	var post *notify.Failure
	switch {
	case errors.As(err, &desk):
		return deskStatuses[desk.Reason]
	case errors.As(err, &book):
		return accountStatuses[book.Reason]
	case errors.As(err, &ticket):
		return ticketStatuses[ticket.Reason]
	case errors.As(err, &post):
		return cmp.Or(failureStatuses[post.Why], http.StatusUnprocessableEntity)
	}
	return 0
}

// asParents finds the error of package parents, nil if it is another.
func asParents(err error) *parents.Error {
	var e *parents.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}
