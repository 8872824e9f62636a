package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// described is a route as the document has it.
type described struct {
	method, path string
	of           map[string]any
}

func (o described) id() string { return o.of["operationId"].(string) }

// body is the schema of what is sent, where something is.
func (o described) body() (schema map[string]any, there bool) {
	body, there := o.of["requestBody"].(map[string]any)
	if !there {
		return nil, false
	}
	return body["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any), true
}

// generator makes requests from schemas; some of it is wrong on purpose, unless valid is set.
type generator struct {
	*rand.Rand
	doc   map[string]any
	found found
	valid bool
	sent  map[string]bool // fields of objects
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

func (g *generator) request(o described) *http.Request {
	at := parameter.ReplaceAllStringFunc(o.path, func(p string) string {
		if p == "{device}" && g.IntN(3) > 0 {
			return map[bool]string{true: "robot", false: "mia-tablet"}[strings.Contains(o.path, "/things/")]
		}
		for {
			if text := url.PathEscape(g.text(p[1 : len(p)-1])); text != "" && text != ".." { // else it is another route
				return text
			}
		}
	})
	query := url.Values{}
	for _, p := range list(o.of["parameters"]) {
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
	r := httptest.NewRequest(o.method, at, strings.NewReader(body))
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

func (g *generator) body(o described) (text, kind string) {
	schema, there := o.body()
	if !there {
		return "", ""
	}
	switch g.IntN(12) {
	case 0:
		return []string{"", "{", "null", "[]", "1", `"x"`, "{}", `{"a": {"a": {"a": 1}}}`, "\xff"}[g.IntN(9)], "application/json"
	case 1:
		return g.word(), []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", ";"}[g.IntN(4)]
	case 2, 3:
		return who[o.id()].body, "application/json"
	}
	b, _ := json.Marshal(g.value(schema, ""))
	return string(b), "application/json"
}

// resolved follows a reference.
func (g *generator) resolved(schema map[string]any) map[string]any {
	if ref, is := schema["$ref"].(string); is {
		return g.doc["components"].(map[string]any)["schemas"].(map[string]any)[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
	}
	return schema
}

// fields are those of an object, which the server does not say itself.
func (g *generator) fields(schema map[string]any) map[string]any {
	properties, _ := g.resolved(schema)["properties"].(map[string]any)
	return properties
}

// value makes a value of a schema, or rarely one of another.
func (g *generator) value(schema map[string]any, name string) any {
	schema = g.resolved(schema)
	if !g.valid && g.IntN(25) == 0 {
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
	text := g.text(name)
	if most, bounded := schema["maxLength"].(float64); g.valid && bounded && len(text) > int(most) {
		text = "x"
	}
	if least, bounded := schema["minLength"].(float64); g.valid && bounded && len(text) < int(least) {
		text = strings.Repeat("x", int(least))
	}
	return text
}

func (g *generator) object(schema map[string]any) map[string]any {
	out, required, properties := map[string]any{}, list(schema["required"]), g.fields(schema)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		must := slices.Contains(required, any(name))
		if must && (g.valid || g.IntN(20) > 0) || !must && g.IntN(3) == 0 {
			out[name] = g.value(properties[name].(map[string]any), name)
			if g.valid {
				g.sent[name] = true
			}
		}
	}
	if !g.valid && g.IntN(15) == 0 {
		out[g.word()] = g.word()
	}
	return out
}

func list(v any) []any {
	all, _ := v.([]any)
	return all
}
