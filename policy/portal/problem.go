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
}

func writeProblem(w http.ResponseWriter, status int, detail, field string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{"about:blank", http.StatusText(status), status, detail, field})
}

// fail answers with the problem that an error is.
func fail(w http.ResponseWriter, err error) {
	var query *QueryError
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
