package api

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/hearthdns/hearth/policy/parents"
)

// route is one operation of the document.
type route struct {
	method, path string
	id           string // of the operation, as generated clients call it
	summary      string
	scope        string
	send         string       // a body that is right, for who sent a wrong one
	least        parents.Role // who may; zero: a use-case judges that
	long         bool         // it may take minutes
	made         bool         // it makes something: 201
	secret       bool         // it answers with what is shown once
}

// problems are the statuses of what a route refuses, beside those of a wrong body.
var problems = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
	http.StatusPreconditionRequired, http.StatusTooManyRequests, http.StatusServiceUnavailable,
}

func (r route) operation() huma.Operation {
	o := huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Summary: r.summary, Errors: append([]int(nil), problems...),
		Tags:            []string{strings.Split(r.path, "/")[2]},
		Security:        []map[string][]string{{bearer: {r.scope}}},
		Metadata:        map[string]any{sendKey: r.send, leastKey: r.least, longKey: r.long},
		MaxBodyBytes:    -1, // readBody has judged it
		BodyReadTimeout: -1,
	}
	if r.made {
		o.DefaultStatus = http.StatusCreated
	}
	return o
}

// reply is what a route answers.
type reply[T any] struct{ Body T }

// serve adds a route: what it is asked is In, what it answers T.
func serve[In, T any](a *API, r route, do func(context.Context, *In) (T, error)) {
	a.secret[r.method+" "+r.path] = r.secret
	huma.Register(a.huma, r.operation(), func(ctx context.Context, in *In) (*reply[T], error) {
		body, err := do(ctx, in)
		if err != nil {
			return nil, problemOf(err)
		}
		return &reply[T]{body}, nil
	})
}

// file adds a route that answers with a file, which is written as it is made.
func file[In any](a *API, r route, kind string, write func(context.Context, *In, io.Writer) error) {
	o := r.operation()
	o.Responses = map[string]*huma.Response{"200": {Description: "the file", Content: map[string]*huma.MediaType{
		kind: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}}
	huma.Register(a.huma, o, func(_ context.Context, in *In) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			stream(ctx, kind, func(to io.Writer) error { return write(ctx.Context(), in, to) })
		}}, nil
	})
}

func unwrap(ctx huma.Context) (*http.Request, http.ResponseWriter) { return humago.Unwrap(ctx) }

// stream answers with what write writes. What goes wrong before its first octet is told; after that the reply is cut
// off, so that nobody takes it for whole.
func stream(ctx huma.Context, kind string, write func(io.Writer) error) {
	_, w := unwrap(ctx)
	to := &begun{w: w, kind: kind}
	switch err := write(to); {
	case err != nil && to.any:
		panic(http.ErrAbortHandler)
	case err != nil:
		refuse(ctx, problemOf(err))
	case !to.any:
		_, _ = to.Write(nil)
	}
}

// begun notices whether anything was written, and says of which kind it is.
type begun struct {
	w    http.ResponseWriter
	kind string
	any  bool
}

func (b *begun) Write(p []byte) (int, error) {
	if !b.any {
		b.w.Header().Set("Content-Type", b.kind)
	}
	b.any = true
	return b.w.Write(p)
}
