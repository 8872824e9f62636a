package api

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/tickets"
)

// maxBody bounds what a request may carry: the definition of a large household has a tenth of it.
const maxBody = 64 << 10

// Config is what an API stands on.
type Config struct {
	// Portal explains decisions, and knows what devices are set to.
	Portal *portal.Portal
	// View gives the Directory in force.
	View func() *policy.Directory
	// Control is the program as a whole; nil leaves its routes out.
	Control Control
	// Desk is where parents change what holds; nil leaves that out.
	Desk *parents.Desk
	// Activity is what is remembered of people; nil leaves that out. It needs a Desk.
	Activity portal.Activity
	// Tickets are appeals and reports; nil leaves them out.
	Tickets *tickets.Desk
	// Accounts say who may sign in; nil leaves that out. It needs a Desk.
	Accounts *account.Book
	// SetupPages say, in lines, where the first account is opened now; nil: nowhere.
	SetupPages func() []string
	// Post brings messages to parents; nil leaves its channels out. It needs a Desk and Accounts.
	Post *notify.Post
	// Tokens says who has a token; nil: nobody has one.
	Tokens Tokens
	// Version is that of the program, for the document.
	Version string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets what went wrong, without names of people and sites; nil discards.
	Log *slog.Logger
}

// API serves the routes. It is safe for concurrent use.
type API struct {
	Config
	huma     huma.API
	mux      *http.ServeMux
	document []byte
	rates    rates
	repeats  *repeats
	secret   map[string]bool // patterns of routes whose answers hold what is shown once
	counts   counters
}

// New makes an API.
func New(c Config) (*API, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{Config: c, mux: http.NewServeMux(), rates: newRates(), repeats: newRepeats(), secret: map[string]bool{}, counts: newCounters()}
	speakProblems()
	a.huma = humago.New(a.mux, a.described())
	a.huma.UseMiddleware(a.count, a.judge)
	a.explainRoutes()
	if c.Control != nil {
		a.machineRoutes()
		a.listRoutes()
	}
	if c.Tickets != nil {
		a.reportRoutes()
	}
	if c.Desk != nil {
		a.householdRoutes()
		a.memberRoutes()
		a.deviceRoutes()
		a.actRoutes()
		a.requestRoutes()
		if c.Accounts != nil {
			a.accountRoutes()
			if c.Post != nil {
				a.channelRoutes()
			}
		}
		if c.Activity != nil {
			a.activityRoutes()
			a.thingRoutes()
		}
	}
	var err error
	a.document, err = json.Marshal(a.huma.OpenAPI())
	a.mux.HandleFunc("GET "+documentPath, a.serveDocument)
	return a, err
}

// documentPath is where the OpenAPI document lies. It tells nothing of anybody, so that everybody may read it.
const documentPath = "/v1/openapi.json"

const about = "The admin API of Hearth. Errors are problem details (RFC 9457) that say what to write instead. " +
	"`-` as the household means the only one: that of the token, or of a server that has but one. " +
	"Lists come in pages: `next` is the cursor of the next one. " +
	"A POST with an `Idempotency-Key` that was answered within a day is done once, and answered the same again; where the answer held a code, a token or a secret, 409 says that it was done."

// described is the head of the document.
func (a *API) described() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Hearth", Version: cmp.Or(a.Version, "1"), Description: about},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{bearer: {Type: "http", Scheme: "bearer", Description: "A token with scopes and an end. On the control socket none is needed."}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

func (a *API) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(a.document)
}

// maxBy bounds the words by which somebody at the socket is remembered, in octets.
const maxBy = 64

// Local serves whoever may open the control socket: the machine is theirs.
func (a *API) Local() http.Handler {
	return a.guarded(func(_ http.ResponseWriter, r *http.Request) (Caller, *Problem) {
		c := Caller{Actor: parents.Actor{Role: parents.Machine}, By: r.Header.Get(byHeader), Accounts: account.Machine()}
		c.Accounts.Name = cmp.Or(strings.ToValidUTF8(c.By[:min(len(c.By), maxBy)], ""), c.Accounts.Name)
		return c, nil
	})
}

// guarded serves the routes to whom knows lets in.
func (a *API) guarded(knows func(http.ResponseWriter, *http.Request) (Caller, *Problem)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeUntil(w, time.Now().Add(answerTime))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if p := a.routed(w, r); p != nil {
			p.write(w)
			return
		}
		if r.URL.Path == documentPath {
			a.mux.ServeHTTP(w, r)
			return
		}
		caller, p := knows(w, r)
		if p == nil {
			p = readBody(w, r)
		}
		if p != nil {
			p.write(w)
			return
		}
		a.once(w, r.WithContext(withCaller(r.Context(), caller)), caller)
	})
}

// methods are those that routes have.
var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// routed says what is wrong with a request that no route takes.
func (a *API) routed(w http.ResponseWriter, r *http.Request) *Problem {
	if a.takes(r, r.Method) {
		return nil
	}
	var allowed []string
	for _, m := range methods {
		if a.takes(r, m) {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		return &Problem{Status: http.StatusNotFound, Detail: "there is no such route: " + documentPath + " describes them all"}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &Problem{Status: http.StatusMethodNotAllowed, Detail: "this is asked with " + strings.Join(allowed, " or ")}
}

// takes says whether a route takes the path of a request with a method, as it is written.
func (a *API) takes(r *http.Request, method string) bool {
	if at := r.URL.EscapedPath(); path.Clean(at) != at {
		return false
	}
	asked := *r
	asked.Method = method
	_, pattern := a.mux.Handler(&asked)
	_, at, _ := strings.Cut(pattern, " ")
	return strings.HasPrefix(at, "/v1/")
}
