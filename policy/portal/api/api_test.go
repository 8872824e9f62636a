package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/api"
)

func TestMachineRoutes(t *testing.T) {
	h := open(t)
	tests := []struct {
		method, path, body string
		status             int
		want, never        string
	}{
		{http.MethodGet, "/v1/status", "", 200, `"version":"1.2.3"`, ""},
		{http.MethodGet, "/v1/status", "", 200, `"policy":"`, ""},
		{http.MethodGet, "/v1/explain?name=naked.example&client=" + tom, "", 200, `"category":"adult.porn"`, ""},
		{http.MethodGet, "/v1/explain?name=naked.example&client=" + tom, "", 200, `"source":"big"`, "court"},
		{http.MethodGet, "/v1/explain?name=ordered.example&client=" + tom, "", 200, `"step_name":"security"`, "court"},
		{http.MethodGet, "/v1/explain?name=games.example&member=one/Tom&at=fri+23:30", "", 200, `"step_name":"bedtime"`, ""},
		{http.MethodGet, "/v1/explain?name=a..b", "", 400, `"field":"name"`, ""},
		{http.MethodGet, "/v1/explain?name=a.example&device=nobody", "", 404, `household/device`, ""},
		{http.MethodGet, "/v1/explain?nam=a.example", "", 400, `write name, client, device`, ""},
		{http.MethodGet, "/v1/lists", "", 200, `{"items":[{"name":"starter"`, ""},
		{http.MethodGet, "/v1/lists/find?name=naked.example", "", 200, `"line":3`, "court"},
		{http.MethodGet, "/v1/lists/find?name=ordered.example", "", 200, `"entries":[],"categories":[],"withheld":true`, "court"},
		{http.MethodGet, "/v1/lists/find?name=virus.example", "", 200, `"entries":[],"categories":[],"withheld":true`, "bad"},
		{http.MethodGet, "/v1/lists/find?name=", "", 400, "example.com", ""},
		{http.MethodPost, "/v1/lists/update", "", 200, `"outcome":"unchanged"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"names":["one","two"]}`, 200, `"outcome":"unchanged"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"name":"one"}`, 400, `\"names\"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"names":["` + strings.Repeat("x", 1<<17) + `"]}`, 413, `send less`, ""},
		{http.MethodPost, "/v1/lists/one/accept", "", 200, `"name":"one","outcome":"updated"`, ""},
		{http.MethodGet, "/v1/lists/diff?from=one", "", 400, "NAME@held", ""},
		{http.MethodGet, "/v1/lists/find?name=naked.example", "", 200, `"single_source":true`, "illegal"},
		{http.MethodGet, "/v1/lists/lint", "", 200, `"kind":"redundant","count":3,"of":7`, ""},
		{http.MethodGet, "/v1/cache", "", 200, `"hits":3`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":"Www.Example.com","subtree":true}`, 200, `{"name":"www.example.com","subtree":true,"flushed":7}`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":".","subtree":true}`, 200, `"flushed":7`, ""},
		{http.MethodPost, "/v1/cache/flush", `{}`, 400, `"field":"name"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":""}`, 400, `"field":"name"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":"a..b"}`, 400, `"field":"name"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":"a.example","nam":"a.example"}`, 400, `\"subtree\"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":`, 400, `\"subtree\"`, ""},
		{http.MethodGet, "/v1/cache/flush", "", 405, "asked with POST", ""},
		{http.MethodPost, "/v1/reload", "", 200, `"after":"b"`, ""},
		{http.MethodGet, "/v1/reload", "", 405, "asked with POST", ""},
		{http.MethodPost, "/v1/explain", "", 405, "asked with GET", ""},
		{http.MethodGet, "/", "", 404, "/v1/openapi.json", ""},
		{http.MethodGet, "/v1", "", 404, "/v1/openapi.json", ""},
		{http.MethodGet, "//v1/status", "", 404, "/v1/openapi.json", ""},
		{http.MethodGet, "/v1/x/../status", "", 404, "/v1/openapi.json", ""},
		{http.MethodGet, "/v1/status/", "", 404, "/v1/openapi.json", ""},
	}
	for _, tt := range tests {
		w := h.ask(tt.method, tt.path, tt.body)
		body := w.Body.String()
		if w.Code != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %.60s %.60s: status %d, %s; want %d with %s", tt.method, tt.path, tt.body, w.Code, body, tt.status, tt.want)
		}
		if tt.never != "" && strings.Contains(body, tt.never) {
			t.Errorf("%s %s says %q: %s", tt.method, tt.path, tt.never, body)
		}
		wantType := "application/json"
		if tt.status != 200 {
			wantType = "application/problem+json"
		}
		if got := w.Header().Get("Content-Type"); got != wantType {
			t.Errorf("%s %.60s: content type %q, want %q", tt.method, tt.path, got, wantType)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %.60s: it may be kept: %q", tt.method, tt.path, got)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: not JSON: %s", tt.method, tt.path, body)
		}
	}
	if got := strings.Join(h.controls.updated, " "); got != "one two" {
		t.Errorf("the lists %q were updated, want one two", got)
	}
	if got := strings.Join(h.controls.flushed, ", "); got != "www.example.com true, . true" {
		t.Errorf("%q was flushed", got)
	}
}

func TestMachineTellsWhatIsBroken(t *testing.T) {
	h := open(t)
	h.controls.broken = errors.New("config.yaml:3:7: unknown key \"netwroks\"; write networks")
	for path, method := range map[string]string{"/v1/reload": http.MethodPost, "/v1/lists": http.MethodGet, "/v1/lists/update": http.MethodPost} {
		w := h.ask(method, path, "")
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "config.yaml:3:7") {
			t.Errorf("%s: status %d, %s", path, w.Code, w.Body)
		}
	}
}

func TestWithoutControl(t *testing.T) {
	h := open(t, func(c *api.Config, _ *portal.Config) { c.Control = nil })
	if w := h.ask(http.MethodGet, "/v1/explain?name=naked.example&client="+tom, ""); w.Code != http.StatusOK {
		t.Errorf("status %d, want %d", w.Code, http.StatusOK)
	}
	if w := h.ask(http.MethodPost, "/v1/reload", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want %d", w.Code, http.StatusNotFound)
	}
}

// TestFindTellsNoLegalNameFromASecurityOne: on the API both have the same answer of explain and find; who reads the
// lists themselves finds the entries of security lists.
func TestFindTellsNoLegalNameFromASecurityOne(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/v1/lists/find?name=", "/v1/explain?client=" + tom + "&name=", "/v1/explain?client=198.51.100.1&name="} {
		read := func(name string) string {
			return strings.ReplaceAll(h.ask(http.MethodGet, path+name, "").Body.String(), name, "x")
		}
		if legal, security := read("ordered.example"), read("virus.example"); legal != security {
			t.Errorf("%s:\n%s\n%s", path, legal, security)
		}
	}
	if w := h.ask(http.MethodGet, "/v1/lists/diff?from=bad&to=bad@held", ""); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "--config") {
		t.Errorf("lists are compared on the socket: status %d, %s", w.Code, w.Body)
	}
	frank := open(t, func(_ *api.Config, p *portal.Config) { p.Frank = func() bool { return true } })
	for name, want := range map[string]string{"virus.example": `"source":"bad"`, "ordered.example": `"entries":[]`} {
		body := frank.ask(http.MethodGet, "/v1/lists/find?name="+name, "").Body.String()
		if !strings.Contains(body, want) || !strings.Contains(body, `"withheld":false`) {
			t.Errorf("%s: %s", name, body)
		}
	}
	if body := frank.ask(http.MethodGet, "/v1/lists/diff?from=bad&to=bad@held", "").Body.String(); !strings.Contains(body, `"examples":["new.example"]`) {
		t.Errorf("lists are not compared where there is no legal list: %s", body)
	}
}

// TestHouseholdRoutes: what a program does to a household is in force, and told.
func TestHouseholdRoutes(t *testing.T) {
	h := open(t)
	all := want[api.Page[parents.Household]](h, 200, "GET", "/v1/households", "")
	if len(all.Items) != 2 || all.Items[0].ID != "two" || all.Items[0].Owner != parents.OwnerYAML || all.Items[1].Owner != parents.OwnerStore {
		t.Errorf("the households are %+v", all)
	}
	act := want[parents.Act](h, 201, "POST", "/v1/households/one/pauses", `{"member": "Mia", "for": "30m"}`)
	if act.What != "pause" || act.Member != "Mia" || act.Until.Sub(act.At).Minutes() != 30 {
		t.Errorf("the pause is %+v", act)
	}
	grant := want[parents.Act](h, 201, "POST", "/v1/households/one/grants", `{"member": "Tom", "kind": "name", "value": "casino.example", "for": "1h"}`)
	if got := want[api.Page[parents.Act]](h, 200, "GET", "/v1/households/one/grants", "").Items; len(got) != 1 || got[0].ID != grant.ID {
		t.Errorf("the grants are %+v", got)
	}
	if got := want[portal.Explanation](h, 200, "GET", "/v1/explain?name=casino.example&member=one/Tom", ""); got.Action != "allow" {
		t.Errorf("what is granted is answered with %q", got.Action)
	}
	if got := want[api.Page[parents.Act]](h, 200, "GET", "/v1/households/one/acts", "").Items; len(got) != 2 {
		t.Errorf("in force is %+v", got)
	}
	want[parents.Act](h, 200, "DELETE", "/v1/households/one/grants/"+grant.ID, "")
	want[parents.Act](h, 200, "POST", "/v1/households/one/pauses/end", `{"member": "Mia"}`)
	want[parents.Act](h, 201, "POST", "/v1/households/one/filter/off", `{"device": "tom-phone", "for": "15m"}`)
	want[parents.Act](h, 200, "POST", "/v1/households/one/filter/on", `{"device": "tom-phone"}`)
	if got := want[api.Page[parents.Act]](h, 200, "GET", "/v1/households/one/acts", "").Items; len(got) != 0 {
		t.Errorf("in force is %+v", got)
	}
	if got := want[parents.Taken](h, 200, "POST", "/v1/households/one/members/Mia/take", ""); got.Minutes != 15 || got.Left != 1 {
		t.Errorf("taken is %+v", got)
	}
	changes := want[api.Page[api.Change]](h, 200, "GET", "/v1/households/one/audit?limit=1", "")
	if len(changes.Items) != 1 || changes.Items[0].What != "standing grant" || changes.Items[0].Role != "machine" || changes.Next == "" {
		t.Errorf("the last change is %+v", changes)
	}
	next := want[api.Page[api.Change]](h, 200, "GET", "/v1/households/one/audit?limit=1&cursor="+changes.Next, "")
	if len(next.Items) != 1 || next.Items[0].What != "filter on" {
		t.Errorf("the change before is %+v", next)
	}
}

// TestDeviceRoutes: devices are listed, added, renamed, given away and removed.
func TestDeviceRoutes(t *testing.T) {
	h := open(t)
	if got := want[api.Page[parents.Seen]](h, 200, "GET", "/v1/households/one/unknown-devices", "").Items; len(got) != 1 || got[0].Name != "visitor" {
		t.Errorf("not known are %+v", got)
	}
	code := want[api.Invitation](h, 201, "POST", "/v1/households/one/invitations", `{"members": ["Tom"], "name": "tom-laptop"}`)
	if len(code.Code.Code) != 9 || code.For != "Tom" || !strings.HasPrefix(code.URL, "http://ask.hearth.test.arpa/device?code=") {
		t.Errorf("the code is %+v", code)
	}
	if got := want[parents.Device](h, 200, "POST", "/v1/households/one/devices/tom-phone/rename", `{"name": "tom's phone"}`); got.Name != "tom's phone" {
		t.Errorf("renamed is %+v", got)
	}
	if got := want[parents.Device](h, 200, "POST", "/v1/households/one/devices/tom's%20phone/assign", `{"members": ["Tom", "Mia"]}`); strings.Join(got.Members, " ") != "Mia Tom" {
		t.Errorf("assigned is %+v", got)
	}
	want[parents.Device](h, 200, "GET", "/v1/households/one/devices/tom's%20phone", "")
	if got := want[api.Gone](h, 200, "DELETE", "/v1/households/one/devices/tom's%20phone", ""); got.Device != "tom's phone" {
		t.Errorf("gone is %+v", got)
	}
	want[api.Problem](h, 404, "GET", "/v1/households/one/devices/tom's%20phone", "")
	if got := want[portal.Settings](h, 200, "GET", "/v1/households/one/devices/mia-tablet/settings", ""); got.TLS != "k7m2q9x4w8t3bvnp.dns.example.org" {
		t.Errorf("the tablet is set to %+v", got)
	}
	want[api.Secret](h, 200, "PUT", "/v1/households/one/members/Mia/pin", `{"pin": "4711"}`)
	if got := want[parents.Person](h, 200, "GET", "/v1/households/one/members/Mia", ""); !got.PIN {
		t.Errorf("she has no PIN: %+v", got)
	}
	if got := want[api.Secret](h, 200, "DELETE", "/v1/households/one/members/Mia/pin", ""); got.Set {
		t.Errorf("she has one: %+v", got)
	}
	sheet := want[parents.Sheet](h, 200, "POST", "/v1/households/one/things/robot/learn", `{"for": "3d"}`)
	if !sheet.Learning {
		t.Errorf("the robot does not learn: %+v", sheet)
	}
	if sheet = want[parents.Sheet](h, 200, "POST", "/v1/households/one/things/robot/confirm", `{}`); sheet.Learning {
		t.Errorf("the robot learns: %+v", sheet)
	}
	want[parents.Sheet](h, 200, "GET", "/v1/households/one/things/robot/sheet", "")
}

// TestDefinitionRoutes: who changes a definition names what they change, and one of YAML is changed there.
func TestDefinitionRoutes(t *testing.T) {
	h := open(t)
	d := want[api.Definition](h, 200, "GET", "/v1/households/one/definition", "")
	if !strings.Contains(d.Definition, "id: one") || d.Revision == 0 {
		t.Fatalf("the definition is %+v", d)
	}
	d.Definition = strings.Replace(d.Definition, "name: Tom", "name: Toni", 1)
	d.Definition = strings.Replace(d.Definition, "member: Tom", "member: Toni", 1)
	body, _ := json.Marshal(d)
	if got := want[parents.Household](h, 200, "PUT", "/v1/households/one/definition", string(body)); got.Members[1].Name != "Toni" {
		t.Errorf("the household is %+v", got)
	}
	if p := want[api.Problem](h, 409, "PUT", "/v1/households/one/definition", string(body)); p.Revision <= d.Revision || p.Field != "revision" {
		t.Errorf("who was slower is told %+v", p)
	}
	if p := want[api.Problem](h, 409, "GET", "/v1/households/two/definition", ""); p.Place != "hearth.yaml:1" {
		t.Errorf("of one in YAML is told %+v", p)
	}
	added := want[parents.Adopted](h, 201, "POST", "/v1/households", `{"definition": "id: three\nconsent: {by: Ada, at: 2026-01-01}\ntimezone: Europe/Berlin\nmembers: [{name: Ada, band: adult}]\n"}`)
	if !added.InForce || added.Household != "three" {
		t.Errorf("added is %+v", added)
	}
	if p := want[api.Problem](h, 400, "POST", "/v1/households", `{"definition": "id: [", "x": 1}`); !strings.Contains(p.Detail, "definition") {
		t.Errorf("a broken one is told %+v", p)
	}
	if got := want[parents.Adopted](h, 200, "POST", "/v1/households/two/adopt", ""); got.InForce || got.Place == "" {
		t.Errorf("what is to move is %+v", got)
	}
	want[api.Definition](h, 200, "POST", "/v1/households/one/release", "")
}

// TestActivityRoutes: what is remembered comes in pages of days, and is erased on the record.
func TestActivityRoutes(t *testing.T) {
	h := open(t)
	r := want[api.Remembered](h, 200, "GET", "/v1/households/one/activity?of=Mia&limit=2", "")
	if r.Household != "one" || r.Person != "Mia" || len(r.Days) != 2 || r.Next == "" {
		t.Errorf("remembered is %+v", r)
	}
	if r = want[api.Remembered](h, 200, "GET", "/v1/households/one/activity?of=Mia&limit=2&cursor="+r.Next, ""); len(r.Days) != 1 || r.Next != "" {
		t.Errorf("the rest is %+v", r)
	}
	want[api.Problem](h, 404, "GET", "/v1/households/one/activity?of=Nobody", "")
	want[api.Problem](h, 400, "GET", "/v1/households/one/activity?cursor=!", "")
	want[api.Problem](h, 400, "GET", "/v1/households/one/activity?limit=0", "")
	want[map[string]any](h, 200, "GET", "/v1/households/one/activity/export?of=Mia", "")
	want[map[string]any](h, 200, "POST", "/v1/households/one/activity/erase", `{"of": "Mia"}`)
	if got := want[api.Page[api.Change]](h, 200, "GET", "/v1/households/one/audit", "").Items[0]; got.What != "activity erased" || got.Member != "Mia" {
		t.Errorf("on the record is %+v", got)
	}
	want[map[string]any](h, 201, "POST", "/v1/households/one/logs", `{"member": "Mia", "full": true, "for": "2d"}`)
	want[map[string]any](h, 200, "DELETE", "/v1/households/one/logs/Mia", "")
	for _, path := range []string{"companions?of=Mia", "devices", "notices"} {
		want[map[string]any](h, 200, "GET", "/v1/households/one/activity/"+path, "")
	}
}

// TestTheOnlyHousehold: - is the only one, and of several none.
func TestTheOnlyHousehold(t *testing.T) {
	h := open(t)
	if p := want[api.Problem](h, 400, "GET", "/v1/households/-", ""); !strings.Contains(p.Detail, "two, one") {
		t.Errorf("of several is told %+v", p)
	}
	h.write(strings.Split(families, "households:")[0])
	if got := want[parents.Household](h, 200, "GET", "/v1/households/-", ""); got.ID != "one" {
		t.Errorf("the only one is %q", got.ID)
	}
	if got := want[api.Remembered](h, 200, "GET", "/v1/households/-/activity?of=Mia", ""); got.Household != "one" {
		t.Errorf("remembered is %+v", got)
	}
}
