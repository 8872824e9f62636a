package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxBody bounds what a request to the control API may carry.
const maxBody = 64 << 10

// API is the control API in JSON, for the control socket alone: it says who has which device. Errors are
// problem details (RFC 9457) that say what to do.
//
//	GET  /v1/status                   what runs, with which policy and index
//	GET  /v1/explain?name=…           what happens to a name: client=, device= or member=, type=, at=
//	GET  /v1/enrol                    what a device= is set to for encrypted DNS, or what holds for all
//	GET  /v1/lists                    the sources
//	GET  /v1/lists/find?name=…        which entries cover a name
//	GET  /v1/lists/diff?from=…&to=…   what differs: a source, NAME@held, NAME@previous; offline a file
//	GET  /v1/lists/lint               entries that an operator should know of
//	POST /v1/lists/update             {"names": []}: those, or all that are due
//	POST /v1/lists/accept             {"name": "…"}: its version that is held back
//	GET  /v1/cache                    what the cache of answers holds
//	POST /v1/cache/flush              {"name": "…", "subtree": false}: has it forget a name, or all beneath it too
//	GET  /v1/backup                   the state, as hearth restore takes it
//	GET  /v1/export?household=…       what is held of a household, or of all, for people to read
//	GET  /v1/acts?household=…         what people did that is in force
//	POST /v1/pause                    {"household", "member" or "device", "for" or "until"}: stops the internet
//	POST /v1/pause/end                of the same subject
//	POST /v1/filter/off               {…, "for": "15m"}: stops the filter, not the internet
//	POST /v1/filter/on                before its time
//	POST /v1/grant                    {…, "kind", "value", "for" or "until", "at_bedtime", "minutes", "confirm"}
//	POST /v1/grant/revoke             {"household", "id"}
//	POST /v1/grant/take               {"household", "member"}: one of the member's standing grants
//	GET  /v1/household                all of them
//	GET  /v1/household/show           one, with what is in force
//	GET  /v1/household/audit          who changed what, 90 days
//	POST /v1/household/export         {"household", "release"}: the definition in YAML
//	POST /v1/household/adopt          {"household"} or {"definition"}: moves it into the store
//	POST /v1/household/replace        {"household", "definition", "revision"}
//	POST /v1/household/confirm        {"household", "member"}: the band that a birthday brought
//	GET  /v1/device?household=…       the devices, and what is unknown
//	POST /v1/device/enrol             {"household", "members" or "profile", "name"}: a code for one device
//	POST /v1/device/rename            {"household", "device", "name"}; assign and remove likewise
//	POST /v1/device/pin               {"household", "member", "pin"}
//	GET  /v1/activity?of=HOME/KIM     what is remembered of somebody, or of a household; day=YYYY-MM-DD
//	GET  /v1/activity/export?of=…     everything that is kept of somebody
//	POST /v1/activity/erase           {"of"}: forgets all activity of somebody; of who or what is gone everything, with "all" a household
//	POST /v1/activity/log             {"household", "member", "full", "for"}: a log of names, or "off", "told", "confirmed"
//	GET  /v1/activity/companions?of=… what pages of an allow-list seem to need
//	GET  /v1/activity/notices?of=…    what parents should know of; for=child what the child itself sees
//	POST /v1/activity/seen            {"of"}: the child has seen them
//	GET  /v1/activity/devices?of=…    when devices asked last
//	POST /v1/thing/learn              {"household", "device", "for"}; confirm likewise, with "without"
//	GET  /v1/thing/sheet              household=, device=: what a thing talks to
//	GET  /v1/requests                 what children ask for: household=, member=, closed=true, after=, limit=
//	GET  /v1/requests/show?id=…       one of them; letter likewise, for the maker of a list
//	POST /v1/requests/answer          {"household", "id", "for" or "decline", "word"}
//	GET  /v1/reports                  tickets: kind=, list=, category=, older=48h, decided=true, after=, limit=
//	GET  /v1/reports/show?number=…    one of them; status likewise, as who asked sees it
//	POST /v1/reports/add              {"kind": "appeal" or "report", "name", "category", "why", "word", "illegal"}
//	POST /v1/reports/decide           {"number", "outcome", "word", "category", "list", "of"}
//	GET  /v1/reports/bundle?list=…    what the maker of a list is to be told; since=YYYY-MM-DD
//	GET  /v1/reports/proposals        what was accepted for the signed list
//	POST /v1/reports/withdraw         {"name", "category"}: takes it off again
//	POST /v1/reports/publish          writes and signs that list
//	GET  /v1/reports/transparency     from=YYYY-MM-DD&to=YYYY-MM-DD: sums for everybody
//	GET  /v1/account?household=…      who may sign in, and which invitations wait
//	POST /v1/account/setup            a code for the first account
//	POST /v1/account/reset            {"household", "name"}: a code that starts an account anew
//	POST /v1/account/invite           {"household", "role", "name", "until"}
//	POST /v1/account/withdraw         {"household", "id"}: of an invitation
//	POST /v1/account/amend            {"household", "name", "next", "until"}; remove likewise
//	GET  /v1/account/sessions         household=, name=: where somebody is signed in
//	POST /v1/account/sessions/end     {"household", "name"}: all of theirs
//	GET  /v1/account/tokens           household=
//	POST /v1/account/tokens/new       {"household" or "all", "name", "scopes", "until"}
//	POST /v1/account/tokens/end       {"household", "id"}
//	POST /v1/reload                   the configuration
func (p *Portal) API() http.Handler {
	routes := map[string]route{
		"/v1/explain": {http.MethodGet, p.serveExplain},
		"/v1/enrol":   {http.MethodGet, p.serveEnrol},
	}
	if p.ctl != nil {
		routes["/v1/status"] = route{http.MethodGet, p.serveStatus}
		routes["/v1/lists"] = route{http.MethodGet, p.serveLists}
		routes["/v1/lists/find"] = route{http.MethodGet, p.serveFind}
		routes["/v1/lists/diff"] = route{http.MethodGet, p.serveDiff}
		routes["/v1/lists/lint"] = route{http.MethodGet, p.serveLint}
		routes["/v1/lists/accept"] = route{http.MethodPost, p.serveAccept}
		routes["/v1/lists/update"] = route{http.MethodPost, p.serveUpdate}
		routes["/v1/cache"] = route{http.MethodGet, p.serveCache}
		routes["/v1/cache/flush"] = route{http.MethodPost, p.serveFlush}
		routes["/v1/backup"] = route{http.MethodGet, p.serveBackup}
		routes["/v1/export"] = route{http.MethodGet, p.serveExport}
		routes["/v1/reload"] = route{http.MethodPost, p.serveReload}
	}
	if p.desk != nil {
		p.householdRoutes(routes)
	}
	if p.activity != nil {
		p.activityRoutes(routes)
	}
	if p.tickets != nil {
		p.ticketRoutes(routes)
	}
	if p.accounts != nil {
		keyring{p.accounts, p.view, p.zone, p.setupPages}.routes(routes)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		at, ok := routes[r.URL.Path]
		switch {
		case !ok:
			writeProblem(w, http.StatusNotFound, "there is no "+r.URL.Path+"; the routes are "+strings.Join(slices.Sorted(maps.Keys(routes)), ", "), "")
		case r.Method != at.method:
			w.Header().Set("Allow", at.method)
			writeProblem(w, http.StatusMethodNotAllowed, r.URL.Path+" is asked with "+at.method, "")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			at.serve(w, r)
		}
	})
}

type route struct {
	method string
	serve  http.HandlerFunc
}

func (p *Portal) serveExplain(w http.ResponseWriter, r *http.Request) {
	get := r.URL.Query().Get
	e, err := p.Explain(r.Context(), ExplainQuery{
		Name: get("name"), Client: get("client"), Device: get("device"), Member: get("member"), Type: get("type"), At: get("at"),
	})
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, e)
}

// Explain is Explain for the policy in force at the present, with what the sources say.
func (p *Portal) Explain(ctx context.Context, q ExplainQuery) (Explanation, error) {
	q.Now, q.Presence = p.now(), p.find()
	e, err := Explain(p.view(), q)
	if err != nil || p.ctl == nil {
		return e, err
	}
	found, err := p.ctl.Lists().Find(ctx, e.Name)
	frank := p.isFrank()
	e.Lists = e.shown(tellable(found, frank).Entries, frank)
	return e, err
}

func (p *Portal) serveStatus(w http.ResponseWriter, r *http.Request) {
	s := p.ctl.Status(r.Context())
	dir := p.view()
	ix := dir.Index()
	s.Policy = dir.Hash()
	s.Index = IndexState{ID: ix.ID(), Names: ix.Names(), Bytes: ix.Bytes(), Built: ix.Built()}
	if err := p.ctl.State().Refused(); err != nil {
		s.Warnings = append(s.Warnings, "state: it is as it last was and nothing can be changed: "+err.Error())
	}
	for _, x := range dir.Waiting() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s/%s had a birthday: confirm the band %s with hearth household confirm %[1]s/%[2]s", x.Household, x.Member, x.To))
	}
	for _, warning := range dir.Warnings() {
		s.Warnings = append(s.Warnings, warning.Path+": "+warning.Text)
	}
	writeJSON(w, s)
}

func (p *Portal) serveLists(w http.ResponseWriter, r *http.Request) {
	stats, err := p.ctl.Lists().Stats(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, struct {
		Lists []ListStat `json:"lists"`
	}{stats})
}

func (p *Portal) serveFind(w http.ResponseWriter, r *http.Request) {
	name, err := parseName(r.URL.Query().Get("name"))
	if err != nil {
		fail(w, &QueryError{Field: "name", Problem: "this is not a domain name (" + err.Error() + "); write one such as example.com"})
		return
	}
	found, err := p.ctl.Lists().Find(r.Context(), name.String())
	if err != nil {
		fail(w, err)
		return
	}
	frank := p.isFrank()
	writeJSON(w, struct {
		Name string `json:"name"`
		ListFound
		Withheld bool `json:"withheld"` // those of security lists, if there are any
	}{name.String(), tellable(found, frank), !frank})
}

// isFrank reports whether security lists may be told of.
func (p *Portal) isFrank() bool { return p.frank != nil && p.frank() }

func (p *Portal) serveDiff(w http.ResponseWriter, r *http.Request) {
	from, to := r.URL.Query().Get("from"), r.URL.Query().Get("to")
	if from == "" || to == "" {
		fail(w, &QueryError{Field: "from", Problem: "two lists are compared; write from=NAME&to=NAME, NAME@held or NAME@previous"})
		return
	}
	if !p.isFrank() { // a list that is compared with one name tells whether it has it
		writeProblem(w, http.StatusForbidden, "lists are not compared here, because a legal list is configured; with --config FILE, who may read the state folder compares them", "")
		return
	}
	diff, err := p.ctl.Lists().Diff(r.Context(), from, to)
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, diff)
}

func (p *Portal) serveUpdate(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Names []string `json:"names"`
	}
	if !decode(w, r, &ask, `{"names": ["a list"]}, or nothing for all lists that are due`) {
		return
	}
	updates, err := p.ctl.Lists().Update(r.Context(), ask.Names...)
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, struct {
		Updates []ListUpdate `json:"updates"`
	}{updates})
}

func (p *Portal) serveAccept(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Name string `json:"name"`
	}
	if !decode(w, r, &ask, `{"name": "a list"}`) {
		return
	}
	done, err := p.ctl.Lists().Accept(r.Context(), ask.Name)
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, done)
}

// decode reads the body of a request, if there is one, and says what to send where it is not understood.
func decode(w http.ResponseWriter, r *http.Request, ask any, send string) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(ask)
	if err == nil || errors.Is(err, io.EOF) {
		return true
	}
	writeProblem(w, http.StatusBadRequest, "the body is not understood ("+err.Error()+"); send "+send, "body")
	return false
}

func (p *Portal) serveLint(w http.ResponseWriter, r *http.Request) {
	found, err := p.ctl.Lists().Lint(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, found)
}

func (p *Portal) serveReload(w http.ResponseWriter, r *http.Request) {
	done, err := p.ctl.Reload(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	writeJSON(w, done)
}
