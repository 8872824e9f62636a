package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
)

// tokens are who has which token.
type tokens map[string]api.Caller

func (t tokens) Token(_ context.Context, bearer string) (api.Caller, error) {
	c, there := t[bearer]
	if !there {
		return c, fmt.Errorf("looking it up: %w", api.ErrToken)
	}
	return c, nil
}

var everything = []string{
	"households:read", "households:write", "grants:write", "requests:read", "requests:write", "reports:read", "reports:write",
	"lists:read", "lists:write", "activity:read", "explain", "operate",
}

// holders are tokens of every role in the first household, and of operators, with all scopes.
func holders() tokens {
	of := func(role parents.Role, name, household string) api.Caller {
		return api.Caller{ID: name, Actor: parents.Actor{Role: role, Household: household, Name: name}, Scopes: everything}
	}
	ops := of(parents.Operator, "Ops", "")
	ops.Accounts = account.Token{All: true, Scopes: []account.Scope{"operate"}, Name: "Ops"}.Actor()
	return tokens{
		"nobody": of(parents.Nobody, "", "one"), "child": of(parents.Child, "Tom", "one"), "carer": of(parents.Carer, "Gran", "one"),
		"parent": of(parents.Parent, "Anna", "one"), "operator": ops, "support": of(parents.Operator, "Desk", "one"),
		"machine": of(parents.Machine, "Root", ""),
	}
}

func withTokens(t tokens) func(*api.Config, *portal.Config) {
	return func(c *api.Config, _ *portal.Config) { c.Tokens = t }
}

// frankly lets lists be compared: there is no legal one.
func frankly(_ *api.Config, p *portal.Config) { p.Frank = func() bool { return true } }

// send sends a request with a token.
func (h *house) send(token, method, path, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.Remote().ServeHTTP(w, r)
	return w
}

// who may use which route: the least role of those of a household, in the order child, carer, parent, operator. A child
// takes what is its own alone. Each has a request that makes sense in the first household.
var who = map[string]struct{ least, path, body string }{
	"getStatus": {"operator", "", ""}, "reload": {"operator", "", ""}, "getBackup": {"operator", "", ""}, "getExport": {"operator", "", ""},
	"getCache": {"operator", "", ""}, "flushCache": {"operator", "", `{"name": "example.com"}`},
	"explain": {"carer", "?name=naked.example&member=one/Tom", ""}, "getSettings": {"carer", "", ""}, "getDeviceSettings": {"parent", "", ""},
	"listLists": {"parent", "", ""}, "findInLists": {"parent", "?name=naked.example", ""}, "diffLists": {"operator", "?from=one&to=bad", ""},
	"lintLists": {"operator", "", ""}, "updateLists": {"operator", "", ""}, "acceptList": {"operator", "", ""},
	"listHouseholds": {"carer", "", ""}, "addHousehold": {"operator", "", `{"definition": "id: three\nconsent: {by: Ada, at: 2026-01-01}\nmembers: [{name: Ada, band: adult}]"}`},
	"getHousehold": {"carer", "", ""}, "listChanges": {"carer", "", ""}, "listActs": {"carer", "", ""},
	"adoptHousehold": {"parent", "", ""}, "getDefinition": {"parent", "", ""}, "replaceDefinition": {"parent", "", `{"definition": "id: one", "revision": 1}`},
	"releaseHousehold": {"parent", "", ""}, "listMembers": {"carer", "", ""}, "getMember": {"carer", "", ""}, "confirmBand": {"parent", "", ""},
	"takeGrant": {"child", "", ""}, "addMember": {"parent", "", `{"name": "Ida", "band": "little"}`},
	"changeMember": {"parent", "", `{"band": "teen"}`}, "eraseMember": {"parent", "?revision=1", ""}, "setPin": {"parent", "", `{"pin": "4711"}`}, "removePin": {"parent", "", ""},
	"listDevices": {"carer", "", ""}, "listUnknownDevices": {"carer", "", ""}, "getDevice": {"carer", "", ""},
	"inviteDevice": {"parent", "", `{"members": ["Tom"]}`}, "renameDevice": {"parent", "", `{"name": "new"}`}, "assignDevice": {"parent", "", `{"members": ["Mia"]}`},
	"removeDevice": {"parent", "", ""}, "listPauses": {"carer", "", ""}, "pause": {"carer", "", `{"member": "Mia", "for": "30m"}`}, "endPause": {"carer", "", `{"member": "Mia"}`},
	"listFilterOff": {"carer", "", ""}, "filterOff": {"parent", "", `{"member": "Mia", "for": "15m"}`}, "filterOn": {"carer", "", `{"member": "Mia"}`},
	"listGrants": {"carer", "", ""}, "grant": {"carer", "", `{"member": "Mia", "kind": "name", "value": "casino.example", "for": "15m"}`}, "revokeGrant": {"carer", "", ""},
	"getActivity": {"parent", "", ""}, "exportActivity": {"parent", "?of=Mia", ""}, "eraseActivity": {"parent", "", `{"of": "Mia"}`},
	"listCompanions": {"parent", "?of=Mia", ""}, "listSightings": {"parent", "", ""}, "listNotices": {"parent", "", ""},
	"listLogs": {"parent", "", ""}, "keepLog": {"parent", "", `{"member": "Mia", "for": "2d"}`}, "endLog": {"parent", "", ""},
	"listChannels": {"parent", "", ""}, "addChannel": {"parent", "", `{"kind": "webhook", "to": "https://home.example/hook"}`}, "removeChannel": {"parent", "", ""}, "testChannel": {"parent", "", ""},
	"getDecision": {"parent", "", ""}, "listRequests": {"carer", "", ""}, "getRequest": {"carer", "", ""}, "answerRequest": {"carer", "", `{"for": "30m"}`}, "getLetter": {"carer", "", ""},
	"listAccounts": {"operator", "", ""}, "listAccountInvitations": {"operator", "", ""}, "listSessions": {"operator", "", ""}, "listTokens": {"operator", "", ""},
	"listAllAccounts": {"machine", "", ""}, "listAllAccountInvitations": {"machine", "", ""}, "listAllSessions": {"machine", "", ""}, "listAllTokens": {"machine", "", ""},
	"setUp": {"machine", "", ""}, "resetAccount": {"machine", "", ""}, "invitePerson": {"operator", "", `{"role": "parent"}`},
	"amendAccount": {"operator", "", `{"name": "Ann"}`}, "removeAccount": {"operator", "", ""}, "endSessions": {"operator", "", ""}, "withdrawAccountInvitation": {"operator", "", ""},
	"makeToken": {"operator", "", `{"name": "lights", "scopes": ["explain"], "until": "2026-12-31"}`}, "endToken": {"operator", "", ""},
	"listReports": {"operator", "", ""}, "addReport": {"operator", "", `{"kind": "report", "name": "new.example", "why": "scary"}`}, "getReport": {"operator", "", ""}, "getReportStatus": {"operator", "", ""},
	"decideReport": {"operator", "", `{"number": "4719-2083-5561", "outcome": "declined", "word": "why"}`}, "getBundle": {"operator", "", ""}, "listProposals": {"operator", "", ""},
	"withdrawProposals": {"operator", "", `{"name": "casino.example"}`}, "publishProposals": {"operator", "", ""}, "getTransparency": {"operator", "?from=2026-01-01&to=2026-03-31", ""},
	"getSheet": {"carer", "", ""}, "learnThing": {"parent", "", `{"for": "2d"}`}, "confirmThing": {"parent", "", `{}`},
}

// operation is a route as the document describes it.
type operation struct {
	method, path, id string
	scope            string
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// at gives the path of a route in a household.
func (o operation) at(household string) string {
	device := "tom-phone"
	if strings.Contains(o.path, "/things/") {
		device = "robot"
	} else if strings.HasSuffix(o.path, "/settings") {
		device = "mia-tablet"
	}
	values := map[string]string{"{household}": household, "{member}": "Tom", "{device}": device, "{grant}": "abcdefgh", "{list}": "one", "{request}": "abcdefgh", "{channel}": "abcdefgh", "{decision}": "10.fun.games-01234567-89abcdef", "{account}": "Anna", "{invitation}": "abcdefgh", "{token}": "abcdefgh", "{number}": "4719-2083-5561"}
	return placeholder.ReplaceAllStringFunc(o.path, func(name string) string { return values[name] }) + who[o.id].path
}

// operations reads the document.
func (h *house) operations() (all []operation) {
	h.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Security    []map[string][]string `json:"security"`
		} `json:"paths"`
	}
	w := h.send("", http.MethodGet, "/v1/openapi.json", "")
	h.ok(json.Unmarshal(w.Body.Bytes(), &doc))
	for path, of := range doc.Paths {
		for method, o := range of {
			if len(o.Security) != 1 || len(o.Security[0]["token"]) != 1 {
				h.t.Fatalf("%s %s needs %v, want one scope", method, path, o.Security)
			}
			all = append(all, operation{strings.ToUpper(method), path, o.OperationID, o.Security[0]["token"][0]})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	if len(all) != len(who) {
		h.t.Errorf("the document has %d routes, and the table of these tests %d", len(all), len(who))
	}
	return all
}

// TestRoles: each route with a token of each role, and with none.
func TestRoles(t *testing.T) {
	ranks := []string{"nobody", "child", "carer", "parent", "operator"}
	h := open(t, withTokens(holders()), frankly)
	for _, o := range h.operations() {
		row, there := who[o.id]
		if !there {
			t.Errorf("nobody has said who may use %s", o.id)
		}
		for _, role := range append(ranks, "machine", "support") {
			h.Later(time.Second) // so that it is not too fast
			w := h.send(role, o.method, o.at("one"), row.body)
			may := slices.Index(ranks, role) >= slices.Index(ranks, row.least)
			switch role {
			case "machine": // nobody far away is the machine's owner
				may = false
			case "support": // an operator for one household
				may = row.least != "operator" && row.least != "machine"
			default:
				may = may && row.least != "machine"
			}
			if refused := w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden; refused == may {
				t.Errorf("%s as %s: status %d %s", o.id, role, w.Code, w.Body)
			}
		}
		if w := h.send("", o.method, o.at("one"), row.body); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s without a token: status %d %s", o.id, w.Code, w.Body)
		}
	}
}

// TestScopes: a token does what its scopes say and nothing else.
func TestScopes(t *testing.T) {
	all := holders()
	for _, scope := range everything {
		c := all["operator"]
		c.ID, c.Scopes = scope, []string{scope}
		all["only "+scope] = c
		c.ID, c.Scopes = "not "+scope, slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == scope })
		all["all but "+scope] = c
	}
	h := open(t, withTokens(all), frankly)
	for _, o := range h.operations() {
		if w := h.send("all but "+o.scope, o.method, o.at("one"), who[o.id].body); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), o.scope) {
			t.Errorf("%s without %s: status %d %s", o.id, o.scope, w.Code, w.Body)
		}
		if who[o.id].least == "machine" {
			continue // no token will do
		}
		if w := h.send("only "+o.scope, o.method, o.at("one"), who[o.id].body); w.Code == http.StatusForbidden || w.Code == http.StatusUnauthorized {
			t.Errorf("%s with %s: status %d %s", o.id, o.scope, w.Code, w.Body)
		}
	}
}

// TestOtherHouseholds: a token of the first household has at every route of the second the answer that it has at one
// that nobody has, and reads nothing of it.
func TestOtherHouseholds(t *testing.T) {
	h := open(t, withTokens(holders()))
	for _, o := range h.operations() {
		if !strings.Contains(o.path, "{household}") {
			continue
		}
		h.Later(10 * time.Second) // so that it is not too fast
		for _, role := range []string{"child", "carer", "parent", "support"} {
			w := h.send(role, o.method, o.at("two"), who[o.id].body)
			if none := h.send(role, o.method, o.at("none"), who[o.id].body); w.Code != http.StatusNotFound || w.Body.String() != none.Body.String() {
				t.Errorf("%s as %s: %d %s, and of one that nobody has %d %s", o.id, role, w.Code, w.Body, none.Code, none.Body)
			}
		}
	}
	h.Later(10 * time.Second)
	secrets := regexp.MustCompile(`Bert|secret-phone|neighbour|10\.0\.1|"two"`)
	for _, path := range []string{
		"/v1/households", "/v1/households?limit=1000", "/v1/households/-", "/v1/households/-/devices", "/v1/households/-/unknown-devices",
		"/v1/explain?name=a.example&member=two/Bert", "/v1/explain?name=a.example&member=Bert", "/v1/explain?name=a.example&device=secret-phone",
		"/v1/explain?name=a.example&device=two/secret-phone", "/v1/explain?name=a.example&client=10.0.1.3", "/v1/explain?name=a.example&client=192.0.2.1",
		"/v1/explain?name=a.example", "/v1/households/-/devices/secret-phone/settings", "/v1/households/-/activity/export?of=Bert", "/v1/households/-/activity?of=two/Bert",
	} {
		w := h.send("parent", http.MethodGet, path, "")
		body := w.Body.String()
		for _, said := range []string{"Bert", "two/Bert", "secret-phone", "two/secret-phone"} { // what was asked may be repeated
			if strings.Contains(path, said) {
				body = strings.ReplaceAll(body, said, "")
			}
		}
		if secrets.MatchString(body) {
			t.Errorf("%s tells of another's household: %s", path, body)
		}
		if strings.Contains(path, "explain") && w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, w.Code)
		}
	}
	theirs, strangers := h.send("parent", http.MethodGet, "/v1/explain?name=a.example&client=10.0.1.3", ""), h.send("parent", http.MethodGet, "/v1/explain?name=a.example&client=192.0.2.1", "")
	if theirs.Body.String() != strangers.Body.String() {
		t.Errorf("an address of another's household is told from a stranger's: %s, %s", theirs.Body, strangers.Body)
	}
	if w := h.send("parent", http.MethodGet, "/v1/households", ""); !strings.Contains(w.Body.String(), `"id":"one"`) {
		t.Errorf("its own is not listed: %s", w.Body)
	}
}

// TestOperatorsLookIsWritten: the household reads who looked, at what is beside the desk too.
func TestOperatorsLookIsWritten(t *testing.T) {
	for _, path := range []string{
		"/v1/households/one", "/v1/households/one/members", "/v1/households/one/devices", "/v1/households/one/activity", "/v1/households/one/activity/export?of=Mia",
		"/v1/households/one/logs", "/v1/households/one/devices/mia-tablet/settings", "/v1/explain?name=a.example&member=one/Mia", "/v1/households/one/things/robot/sheet", "/v1/households",
		"/v1/export?household=one", "/v1/export", "/v1/backup",
	} {
		h := open(t, withTokens(holders()))
		if w := h.send("operator", http.MethodGet, path, ""); w.Code != http.StatusOK {
			t.Fatalf("%s: status %d %s", path, w.Code, w.Body)
		}
		last := want[api.Page[api.Change]](h, 200, http.MethodGet, "/v1/households/one/audit", "").Items[0]
		if last.What != "household looked at" || last.Role != "operator" || last.By != "Ops" {
			t.Errorf("%s: the household reads %+v", path, last)
		}
	}
}

// TestEndedRights: rights that have ended are none.
func TestEndedRights(t *testing.T) {
	all := holders()
	c := all["parent"]
	c.Actor.Until = time.Date(2026, 11, 18, 12, 0, 0, 0, must(time.LoadLocation("Europe/Berlin")))
	all["parent"] = c
	h := open(t, withTokens(all))
	if w := h.send("parent", http.MethodGet, "/v1/lists", ""); w.Code != http.StatusForbidden {
		t.Errorf("at the end: status %d %s", w.Code, w.Body)
	}
	h.Later(-time.Second)
	if w := h.send("parent", http.MethodGet, "/v1/lists", ""); w.Code != http.StatusOK {
		t.Errorf("a second before: status %d %s", w.Code, w.Body)
	}
}

// TestNobodyElseSaysWho: the header of the control socket counts there alone.
func TestNobodyElseSaysWho(t *testing.T) {
	h := open(t, withTokens(holders()))
	w := h.send("parent", http.MethodPost, "/v1/households/one/pauses", `{"member": "Mia"}`, "Hearth-By: Bert")
	if w.Code != http.StatusCreated || strings.Contains(w.Body.String(), "Bert") || !strings.Contains(w.Body.String(), `"by":"Anna"`) {
		t.Errorf("status %d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/households/one/pauses", strings.NewReader(`{"member": "Mia"}`))
	r.Header.Set("Hearth-By", "root")
	local := httptest.NewRecorder()
	h.Local().ServeHTTP(local, r)
	if !strings.Contains(local.Body.String(), `"by":"root"`) {
		t.Errorf("on the socket: %s", local.Body)
	}
}

// TestRate: a token that asks too fast waits, and no other household does.
func TestRate(t *testing.T) {
	all := holders()
	c := all["parent"]
	c.ID, c.Actor.Household = "other", "two"
	all["other"] = c
	h := open(t, withTokens(all))
	slow := 0
	for range 150 {
		if w := h.send("parent", http.MethodGet, "/v1/lists", ""); w.Code == http.StatusTooManyRequests {
			if slow++; w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "wait 1 s") {
				t.Fatalf("%v %s", w.Header(), w.Body)
			}
		}
	}
	if slow != 50 { // 100 at once, then 10 a second, and the clock stands
		t.Errorf("%d of 150 were too many, want 50", slow)
	}
	if w := h.send("other", http.MethodGet, "/v1/lists", ""); w.Code != http.StatusOK {
		t.Errorf("another household: status %d", w.Code)
	}
	h.Later(time.Second)
	if w := h.send("parent", http.MethodGet, "/v1/lists", ""); w.Code != http.StatusOK {
		t.Errorf("a second later: status %d", w.Code)
	}
}

// TestGuessing: who tries tokens is slowed, by network; whoever has a right one in that network is not.
func TestGuessing(t *testing.T) {
	h := open(t, withTokens(holders()))
	ask := func(from, token string) int {
		r := httptest.NewRequest(http.MethodGet, "/v1/lists", nil)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.Remote().ServeHTTP(w, r)
		return w.Code
	}
	for i := range 10 {
		if got := ask(fmt.Sprintf("[2001:db8::%d]:4000", i), "wrong"); got != http.StatusUnauthorized {
			t.Fatalf("try %d: status %d", i, got)
		}
	}
	if got := ask("[2001:db8::ffff]:4000", "wrong"); got != http.StatusTooManyRequests {
		t.Errorf("after ten tries of the network: status %d", got)
	}
	if got := ask("[2001:db8::ffff]:4000", "parent"); got != http.StatusOK {
		t.Errorf("a right token in that network: status %d", got)
	}
	if got := ask("[2001:db8:0:1::1]:4000", "wrong"); got != http.StatusUnauthorized {
		t.Errorf("from another network: status %d", got)
	}
	h.Later(10 * time.Second)
	if got := ask("[2001:db8::ffff]:4000", "wrong"); got != http.StatusUnauthorized {
		t.Errorf("ten seconds later: status %d", got)
	}
}
