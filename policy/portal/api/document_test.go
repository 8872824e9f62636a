package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/tickets"
)

// document is the OpenAPI document, with a validator made of it.
func (h *house) document() (map[string]any, validator.Validator) {
	h.t.Helper()
	text := h.send("", http.MethodGet, "/v1/openapi.json", "").Body.Bytes()
	var doc map[string]any
	h.ok(json.Unmarshal(text, &doc))
	parsed, err := libopenapi.NewDocument(text)
	h.ok(err)
	v, errs := validator.NewValidator(parsed)
	for _, err := range errs {
		h.t.Fatal(err)
	}
	return doc, v
}

// TestDocument: it is a valid OpenAPI 3.1 document, and everybody may read it.
func TestDocument(t *testing.T) {
	h := open(t)
	doc, v := h.document()
	if doc["openapi"] != "3.1.0" {
		t.Errorf("it is of OpenAPI %v", doc["openapi"])
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
}

// tries are how many requests are made of each route.
const tries = 200

// TestNothingIsUndocumented makes valid and broken requests of each route out of the document, and wants answers that
// it describes: no 500, no other status, no other body.
func TestNothingIsUndocumented(t *testing.T) {
	doc, v := open(t).document()
	g := &generator{Rand: rand.New(rand.NewPCG(7, 31)), doc: doc}
	answered := map[string]map[int]int{}
	paths := doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) { // so that the seed says what is made
		of := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(of)) {
			o := of[method].(map[string]any)
			id := o["operationId"].(string)
			answered[id] = map[int]int{}
			h := open(t, withTokens(holders()), frankly) // so that no route takes away what the next one needs
			g.found = h.furnish(path)
			for range tries {
				h.Later(5 * time.Second) // so that nothing is too fast
				r := g.request(strings.ToUpper(method), path, o)
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				door := h.Remote()
				if g.IntN(6) == 0 {
					door = h.Local()
				}
				door.ServeHTTP(w, r)
				answered[id][w.Code]++
				r.Body = io.NopCloser(bytes.NewReader(body))
				h.documented(v, r, w, o)
			}
		}
	}
	for id, codes := range answered {
		good := codes[200] + codes[201]
		// some need what only another route makes; the tests of those routes do that
		if good == 0 && !slices.Contains([]string{"revokeGrant", "endPause", "filterOn", "confirmBand", "renameDevice", "assignDevice", "getDefinition", "releaseHousehold", "adoptHousehold", "replaceDefinition", "addHousehold", "testChannel", "endLog", "getDevice", "removeDevice", "exportActivity", "inviteDevice", "confirmThing"}, id) {
			t.Errorf("%s was never done: %v", id, codes)
		}
	}
}

// documented wants a status and a body of the document.
func (h *house) documented(v validator.Validator, r *http.Request, w *httptest.ResponseRecorder, o map[string]any) {
	h.t.Helper()
	if _, there := o["responses"].(map[string]any)[fmt.Sprint(w.Code)]; !there || w.Code >= 500 && w.Code != 503 {
		h.t.Errorf("%s %s: status %d is not described: %s", r.Method, r.URL, w.Code, w.Body)
		return
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/octet-stream") || o["operationId"] == "getExport" {
		return
	}
	if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
		for _, err := range errs {
			h.t.Errorf("%s %s: %d %s: %s %s", r.Method, r.URL, w.Code, w.Body, err.Message, err.Reason)
		}
	}
}

// invited has a parent invited to the first household.
func (h *house) invited(name string) account.Invitation {
	h.t.Helper()
	return must(h.book.Invite(h.t.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: name}))
}

// generator makes requests from schemas; some of it is wrong on purpose.
type generator struct {
	*rand.Rand
	doc   map[string]any
	found map[string]string // what there is in the house, by the parameter that names it
}

// furnish gives a house what a route may need: an account with an invitation and a token, a request, tickets.
func (h *house) furnish(path string) map[string]string {
	found := map[string]string{}
	switch {
	case strings.Contains(path, "account"), strings.Contains(path, "sessions"), strings.Contains(path, "tokens"):
		anna := h.invited("Anna")
		must(h.book.Accept(h.t.Context(), account.Join{Client: account.Client{Address: netip.MustParseAddr("192.0.2.1")}, Code: anna.Code, Name: "Anna", Passphrase: "quiet harbour lantern"}))
		t, _, err := h.book.NewToken(h.t.Context(), account.Machine(), account.Wish{Household: "one", Name: "lights", Scopes: []account.Scope{"explain"}, Until: h.Clock().Add(100 * 24 * time.Hour)})
		h.ok(err)
		found["account"], found["token"], found["invitation"] = "Anna", t.ID, h.invited("Bert").ID
	case strings.Contains(path, "channels"):
		found["channel"] = must(h.post.Add(h.t.Context(), "one", notify.Channel{Kind: notify.Webhook, To: "https://home.example/hook"})).ID
	case strings.Contains(path, "requests"):
		found["request"] = h.wants(tom, "casino.example", true).ID
	case strings.Contains(path, "reports"), strings.Contains(path, "proposals"), strings.Contains(path, "bundle"), strings.Contains(path, "transparency"):
		r := must(h.tickets.Appeal(h.t.Context(), tickets.Ask{Household: "one", Name: "casino.example", Category: "money.gambling", Why: tickets.WhyFine}))
		must(h.tickets.Decide(h.t.Context(), tickets.Verdict{Number: r.Number, Outcome: tickets.Upheld, By: "Ops"}))
		found["list"], found["number"], found["name"], found["category"] = "big", must(h.tickets.Report(h.t.Context(), tickets.Ask{Household: "one", Name: "new.example", Why: "scary"})).Number, "casino.example", "money.gambling"
	}
	return found
}

// words are what paths and texts are made of: what there is, what is not, and what breaks programs.
var words = []string{
	"one", "one", "-", "two", "Mia", "Tom", "Anna", "mia-tablet", "tom-phone", "robot", "guests", "name", "time", "30m", "2d", "today", "casino.example", "naked.example", "starter", "bad", "4711",
	"", "nobody", "ordered.example", "a..b", "🦊", "%", "..", "a/b", "\x00", "'; drop", "<script>", "{{.}}", strings.Repeat("x", 300), "-1", "18446744073709551616", "ü.example", "\u202e",
}

func (g *generator) word() string { return words[g.IntN(len(words))] }

// likely are words that are right for a parameter of a name.
var likely = map[string][]string{
	"household": {"one", "one", "one", "-", "two"}, "member": {"Mia", "Tom", "Anna"}, "device": {"mia-tablet", "tom-phone", "robot"}, "list": {"starter"}, "grant": {"abcdefgh"},
	"name": {"naked.example", "example.com"}, "of": {"Mia", "guests"}, "from": {"one", "2026-01-01"}, "to": {"bad", "2026-03-31"}, "older": {"48h"}, "role": {"parent"}, "scope": {"explain"}, "outcome": {"declined"}, "why": {"scary", "fine"}, "category": {"money.gambling"}, "since": {"2026-01-01"}, "decision": {"10.fun.games-01234567-89abcdef", "7-01234567-89abcdef"}, "cursor": {"MQ"}, "limit": {"1", "100"}, "type": {"A"}, "at": {"fri 21:05"}, "client": {tom}, "day": {"today"},
	"for": {"30m", "2d", "1h"}, "kind": {"name", "name", "name", "time", "report"}, "value": {"casino.example"}, "pin": {"4711"}, "until": {"23:00", "23:00", "2026-12-31"}, "profile": {"things"}, "confirm": {"virus.example"},
}

func (g *generator) text(name string) string {
	if there := g.found[name]; there != "" && g.IntN(3) > 0 {
		return there
	}
	if all := likely[name]; len(all) > 0 && g.IntN(4) > 0 {
		return all[g.IntN(len(all))]
	}
	return g.word()
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

func (g *generator) request(method, path string, o map[string]any) *http.Request {
	at := parameter.ReplaceAllStringFunc(path, func(p string) string {
		if p == "{device}" && g.IntN(3) > 0 {
			return map[bool]string{true: "robot", false: "mia-tablet"}[strings.Contains(path, "/things/")]
		}
		for {
			if text := url.PathEscape(g.text(p[1 : len(p)-1])); text != "" && text != ".." { // else it is another route
				return text
			}
		}
	})
	query := url.Values{}
	for _, p := range list(o["parameters"]) {
		p := p.(map[string]any)
		name := p["name"].(string)
		rare := slices.Contains([]string{"client", "device", "cursor", "at"}, name) // they exclude others, or need what is not there
		if p["in"] == "query" && name != "household" && (name == "name" || g.IntN(3) > 0 && (!rare || g.IntN(3) == 0)) {
			query.Set(name, g.text(name))
		}
	}
	if g.IntN(20) == 0 {
		query.Set(g.word(), g.word())
	}
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	body, kind := g.body(o)
	r := httptest.NewRequest(method, at, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Authorization", "Bearer "+[]string{"operator", "operator", "operator", "parent", "carer", "child", "wrong"}[g.IntN(7)])
	if g.IntN(6) == 0 {
		r.Header.Set("Idempotency-Key", strings.ToValidUTF8(g.word(), "")+"k")
	}
	r.RemoteAddr = fmt.Sprintf("198.51.%d.%d:4000", g.IntN(256), g.IntN(256)) // so that guesses are of many
	return r
}

func (g *generator) body(o map[string]any) (text, kind string) {
	described, there := o["requestBody"].(map[string]any)
	if !there {
		return "", ""
	}
	schema := described["content"].(map[string]any)["application/json"].(map[string]any)["schema"]
	switch g.IntN(12) {
	case 0:
		return []string{"", "{", "null", "[]", "1", `"x"`, "{}", `{"a": {"a": {"a": 1}}}`, "\xff"}[g.IntN(9)], "application/json"
	case 1:
		return g.word(), []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ";"}[g.IntN(4)]
	case 2, 3:
		return who[o["operationId"].(string)].body, "application/json"
	}
	b, _ := json.Marshal(g.value(schema.(map[string]any), ""))
	return string(b), "application/json"
}

// value makes a value of a schema, or rarely one of another.
func (g *generator) value(schema map[string]any, name string) any {
	if ref, is := schema["$ref"].(string); is {
		schema = g.doc["components"].(map[string]any)["schemas"].(map[string]any)[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
	}
	if g.IntN(25) == 0 {
		return []any{nil, 1.5, -1, true, g.word(), []any{}, map[string]any{}}[g.IntN(7)]
	}
	kind := schema["type"]
	if all, is := kind.([]any); is {
		kind = all[0]
	}
	switch kind {
	case "object":
		return g.object(schema)
	case "array":
		all := []any{}
		for range g.IntN(3) {
			all = append(all, g.value(schema["items"].(map[string]any), strings.TrimSuffix(name, "s")))
		}
		return all
	case "integer":
		return g.IntN(40)
	case "boolean":
		return g.IntN(4) == 0
	}
	return g.text(name)
}

func (g *generator) object(schema map[string]any) map[string]any {
	out, required := map[string]any{}, list(schema["required"])
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		must := slices.Contains(required, any(name))
		if must && g.IntN(20) > 0 || !must && g.IntN(3) == 0 {
			out[name] = g.value(properties[name].(map[string]any), name)
		}
	}
	if g.IntN(15) == 0 {
		out[g.word()] = g.word()
	}
	return out
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}
