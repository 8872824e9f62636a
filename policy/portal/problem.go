package portal

import (
	"encoding/json"
	"errors"
	"net/http"
)

// problem is an error as the control API tells it (RFC 9457); the detail ends with what to do.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`

	Revision uint64 `json:"revision,omitempty"` // of what somebody else has changed meanwhile
	Place    string `json:"place,omitempty"`    // file:line where it is to be changed instead
}

func writeProblem(w http.ResponseWriter, status int, detail, field string) {
	problem{Status: status, Detail: detail, Field: field}.write(w)
}

func (p problem) write(w http.ResponseWriter) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// fail answers with the problem that an error is.
func fail(w http.ResponseWriter, err error) {
	var query *QueryError
	if e := asParents(err); e != nil {
		problem{Status: statuses[e.Reason], Detail: e.Text, Field: e.Field, Revision: e.Revision, Place: e.Place}.write(w)
		return
	}
	if p, ours := ofTickets(err); ours {
		p.write(w)
		return
	}
	if p, ours := ofAccounts(err); ours {
		p.write(w)
		return
	}
	switch {
	case errors.As(err, &query) && query.Unknown:
		writeProblem(w, http.StatusNotFound, query.Problem, query.Field)
	case errors.As(err, &query):
		writeProblem(w, http.StatusBadRequest, query.Problem, query.Field)
	default:
		writeProblem(w, http.StatusUnprocessableEntity, err.Error(), "")
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
