package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
)

// Caller is who uses the API.
type Caller struct {
	ID     string        // of the token, "" of the machine
	Actor  parents.Actor // of one household, or of all
	Scopes []string      // of the token; the machine needs none
	By     string        // who says so of whom the machine knows no name, for the record

	Accounts account.Actor // the same, as package account judges it; the zero one is nobody
}

// Tokens proves who has a token.
type Tokens interface {
	// Token gives who has it. Its error is ErrToken if nobody does, or not any more.
	Token(ctx context.Context, bearer string) (Caller, error)
}

// The scopes that routes need.
const (
	scopeHouseholdsRead  = "households:read"
	scopeHouseholdsWrite = "households:write"
	scopeGrantsWrite     = "grants:write"
	scopeActivityRead    = "activity:read"
	scopeListsRead       = "lists:read"
	scopeListsWrite      = "lists:write"
	scopeExplain         = "explain"
	scopeOperate         = "operate"
)

const (
	bearer   = "token"     // the security scheme of the document
	byHeader = "Hearth-By" // who asks, on the control socket
	sendKey  = "send"      // of Operation.Metadata: what to send instead
	leastKey = "least"     // likewise: the role that a route needs which no use-case judges
	longKey  = "long"      // likewise: it may take minutes
)

// answerTime is how long an answer may take that is made of what is there.
const answerTime = time.Minute

type callerKey struct{}

func withCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf gives who asks; the zero Caller is nobody.
func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// judge lets a request through whose caller may use the route at all: it knows the household, it has the scope, its
// rights have not ended. What it may do there is judged by the use-case.
func (a *API) judge(ctx huma.Context, next func(huma.Context)) {
	c, o := callerOf(ctx.Context()), ctx.Operation()
	if p := a.refuses(c, o, ctx.Param("household")); p != nil {
		refuse(ctx, p)
		return
	}
	if long, _ := o.Metadata[longKey].(bool); long {
		_, w := unwrap(ctx)
		writeUntil(w, time.Time{})
	}
	next(ctx)
}

// writeUntil says how long an answer may be written; the zero Time is for ever. It holds for what follows on the connection
// too, so each request says it anew.
func writeUntil(w http.ResponseWriter, t time.Time) {
	_ = http.NewResponseController(w).SetWriteDeadline(t) // not every writer has one
}

// refuse answers with a problem.
func refuse(ctx huma.Context, p *Problem) {
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	_ = jsonFormat.Marshal(ctx.BodyWriter(), p.named())
}

func (a *API) refuses(c Caller, o *huma.Operation, household string) *Problem {
	own, scope := c.Actor.Household, scopeOf(o)
	least, _ := o.Metadata[leastKey].(parents.Role)
	switch {
	case c.Actor.Role == parents.Nobody || c.Actor.Role < parents.Operator && own == "":
		return &Problem{Status: http.StatusUnauthorized, Detail: "nobody is signed in: send a token"}
	case !c.Actor.Until.IsZero() && !a.Now().Before(c.Actor.Until):
		return &Problem{Status: http.StatusForbidden, Detail: "your rights have ended: ask a parent of the household"}
	case household != "" && household != only && own != "" && household != own:
		return &Problem{Status: http.StatusNotFound, Field: "household", Detail: "there is no such household for you: write " + own}
	case c.Actor.Role != parents.Machine && !slices.Contains(c.Scopes, scope):
		return &Problem{Status: http.StatusForbidden, Detail: "the token may not do this: use one with the scope " + scope}
	case least == parents.Machine && c.Actor.Role < least:
		return &Problem{Status: http.StatusForbidden, Detail: "this is done at the machine alone: ask who has its shell, or mean one household"}
	case c.Actor.Role < least:
		return &Problem{Status: http.StatusForbidden, Detail: "a " + c.Actor.Role.String() + " may not do this: use a token of the role " + least.String()}
	case least >= parents.Operator && own != "":
		return &Problem{Status: http.StatusForbidden, Detail: "this concerns the whole machine: use a token of all households"}
	}
	return nil
}

// scopeOf is the scope that a route needs.
func scopeOf(o *huma.Operation) string {
	for _, s := range o.Security {
		return strings.Join(s[bearer], " ")
	}
	return ""
}

// only stands for the only household there is for somebody.
const only = "-"

// Place is the household of a path.
type Place struct {
	Household string `path:"household" doc:"its id, or - for the only one" example:"-"`
}

// who is the caller, in that household.
func (p Place) who(ctx context.Context) parents.Who {
	c := callerOf(ctx)
	who := parents.Who{Household: p.Household, By: c.By, Actor: c.Actor}
	if who.Household == only {
		who.Household = c.Actor.Household
	}
	return who
}

// Subject is whom in the household something concerns.
type Subject struct {
	Member string `json:"member,omitempty" doc:"this person; without member and device the whole house"`
	Device string `json:"device,omitempty" doc:"or this device"`
}

// of is the caller with whom it concerns.
func (s Subject) of(who parents.Who) parents.Who {
	who.Member, who.Device = s.Member, s.Device
	return who
}
