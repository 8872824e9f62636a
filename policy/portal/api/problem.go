package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/tickets"
)

// Problem is why something was not done (RFC 9457). The detail ends with what to do.
type Problem struct {
	Type     string `json:"type" doc:"about:blank: the status says it all"`
	Title    string `json:"title" doc:"what the status is called"`
	Status   int    `json:"status"`
	Detail   string `json:"detail" doc:"what is wrong, and what to write instead"`
	Field    string `json:"field,omitempty" doc:"the field or parameter that is wrong"`
	Revision uint64 `json:"revision,omitempty" doc:"of what somebody else has changed meanwhile"`
	Place    string `json:"place,omitempty" doc:"file:line where it is to be changed instead"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (*Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// named fills what follows from the status.
func (p *Problem) named() *Problem {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	return p
}

func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = jsonFormat.Marshal(w, p.named())
}

// problemOf is the problem that an error is.
func problemOf(err error) *Problem {
	var p *Problem
	var told *parents.Error
	var query *portal.QueryError
	var ticket *tickets.Error
	var ofAccount *account.Error
	var sent *notify.Failure
	switch {
	case errors.As(err, &p):
	case errors.As(err, &told):
		p = &Problem{Status: portal.StatusOf(err), Detail: told.Text, Field: told.Field, Revision: told.Revision, Place: told.Place}
	case errors.As(err, &ticket):
		p = &Problem{Status: portal.StatusOf(err), Detail: ticket.Text, Field: ticket.Field}
	case errors.As(err, &ofAccount):
		p = &Problem{Status: portal.StatusOf(err), Detail: ofAccount.Text, Field: ofAccount.Field}
	case errors.As(err, &sent):
		p = &Problem{Status: portal.StatusOf(err), Detail: sent.Text, Field: sent.Field}
	case errors.As(err, &query) && query.Unknown:
		p = &Problem{Status: http.StatusNotFound, Detail: query.Problem, Field: query.Field}
	case errors.As(err, &query):
		p = &Problem{Status: http.StatusBadRequest, Detail: query.Problem, Field: query.Field}
	default: // what cannot be done now, with its reason
		p = &Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error()}
	}
	return p.named()
}

// speakProblems has huma say what is wrong with a request as Problems. It keeps that for the whole program.
var speakProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, text string, errs ...error) huma.StatusError { return misread(nil, status, text, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, text string, errs ...error) huma.StatusError {
		return misread(ctx, status, text, errs)
	}
})

// misread is the problem of a request that does not fit the document. What was sent is not repeated.
func misread(ctx huma.Context, status int, text string, errs []error) *Problem {
	p := &Problem{Status: status, Detail: text}
	if status == http.StatusUnprocessableEntity {
		p.Status = http.StatusBadRequest
	}
	if len(errs) > 0 {
		p.Detail = errs[0].Error()
	}
	var wrong *huma.ErrorDetail
	if len(errs) > 0 && errors.As(errs[0], &wrong) {
		in, field, _ := strings.Cut(wrong.Location, ".")
		p.Detail = wrong.Message
		if lacking, is := strings.CutPrefix(wrong.Message, "expected required property "); is {
			field, _, _ = strings.Cut(lacking, " ")
		}
		p.Field = cmp.Or(field, in)
	}
	if ctx != nil && ctx.Operation() != nil {
		if send, _ := ctx.Operation().Metadata[sendKey].(string); send != "" {
			p.Detail += "; send " + send
		} else if known := queryOf(ctx.Operation()); strings.HasPrefix(p.Detail, "unknown query") {
			p.Detail += "; write " + known
		}
	}
	return p.named()
}

// queryOf lists the query parameters of a route.
func queryOf(o *huma.Operation) string {
	var names []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// jsonFormat reads one JSON value and writes one.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	},
	Unmarshal: json.Unmarshal,
}

// bodyTime is how long the body of a request may take: it is short.
const bodyTime = 10 * time.Second

// readBody takes the whole body of a request into memory before anything is done.
func readBody(w http.ResponseWriter, r *http.Request) *Problem {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer has one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = deadline.SetReadDeadline(time.Time{})
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return &Problem{Status: http.StatusRequestEntityTooLarge, Field: "body", Detail: fmt.Sprintf("the body is longer than %d octets: send less", maxBody)}
	case err != nil:
		return &Problem{Status: http.StatusBadRequest, Field: "body", Detail: "the body cannot be read: send it again"}
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return nil
}
