package portal

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// claims are the ways in which a request may say that it comes from Tom's phone, or from anybody's.
var (
	claimedFields = []string{
		"X-Forwarded-For: " + tom, "Forwarded: for=" + tom, "X-Real-IP: " + tom, "X-Client-IP: " + tom, "True-Client-IP: " + tom, "CF-Connecting-IP: " + tom, "Via: 1.1 " + tom,
		"X-Forwarded-Host: naked.example", "X-Forwarded-User: Tom", "Remote-User: Tom", "Authorization: Basic VG9tOlRvbQ==", "From: tom@family.example",
		"Cookie: member=Tom; device=tom-phone; household=family; session=Tom; who=Tom; client=" + tom,
		"X-Hearth-Device: family/tom-phone", "X-Hearth-Member: family/Tom", "X-Hearth-Household: other",
	}
	claimedValues = url.Values{
		"client": {tom}, "address": {tom}, "addr": {tom}, "ip": {tom}, "device": {"tom-phone"}, "member": {"Tom"}, "user": {"Tom"}, "household": {"other"}, "viewer": {"family/tom-phone"},
		"reader": {"family/tom-phone/Tom"}, "for": {"Tom"}, "as": {"Tom"}, "band": {"adult"}, "profile": {"teens"}, "lang": {"de"}, "now": {"2030-01-01"},
	}
)

// routesOfChildren are all paths of the pages, with what stands behind one of them; those of a request are {id}.
var routesOfChildren = []string{
	"/", "/continue?name=forum.example", "/device", "/who", "/enrol", "/enrol/hearth.mobileconfig", "/enrol/ca.crt", "/request?name=naked.example", "/request/{id}", "/withdraw",
	"/me", "/mistake?name=naked.example", "/bad?name=naked.example", "/outcome/ABCD-EFGH", "/app.webmanifest", "/icon.svg", "/icon-180.png", "/nothing",
}

// TestNobodySpeaksForAnother: at every route, and from everybody, no field of the header, no cookie and nothing in the query
// changes a page: who reads it is the address of the connection.
func TestNobodySpeaksForAnother(t *testing.T) {
	h, _ := withTickets(t, tickets.ToOperator)
	id := h.ask(t, tom, "naked.example", "for school")
	written := regexp.MustCompile(`Path\s*= "(/[^"]+)"`)
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range written.FindAllStringSubmatch(string(text), -1) {
			covered := func(route string) bool { return strings.HasPrefix(route, m[1]) }
			if m[1] != eventsPath && !slices.ContainsFunc(routesOfChildren, covered) {
				t.Errorf("the route %s of %s is not tried", m[1], file)
			}
		}
	}
	for _, from := range []string{mia, leo, tom, anna, lea, tablet, guest, stranger} {
		for _, host := range []string{askHost, own, "naked.example", "casino.example", "forum.example", "10.0.0.1"} {
			for _, route := range routesOfChildren {
				route = strings.ReplaceAll(route, "{id}", id)
				plain := h.getPath(from, host, route)
				with := route + map[bool]string{true: "&", false: "?"}[strings.Contains(route, "?")] + claimedValues.Encode()
				said := h.getPath(from, host, with, claimedFields...)
				if plain.Code != said.Code || plain.Body.String() != said.Body.String() || plain.Header().Get("Location") != said.Header().Get("Location") || len(said.Header().Values("Set-Cookie")) > 0 {
					t.Errorf("%s at %s%s: claims made %d of %d:\n%s\nin place of\n%s", from, host, route, said.Code, plain.Code, said.Body, plain.Body)
				}
			}
		}
		if from == tom {
			continue
		}
		if w := h.getPath(from, askHost, requestPath+"/"+id+"?"+claimedValues.Encode(), claimedFields...); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "for school") {
			t.Errorf("%s reads what Tom asked for: %d", from, w.Code)
		}
		if w := h.getPath(from, askHost, requestPath+"/"+id+eventsPath+"?"+claimedValues.Encode(), claimedFields...); w.Code != http.StatusNotFound {
			t.Errorf("%s hears of what Tom asked for: %d", from, w.Code)
		}
	}
}

// TestNoFormSpeaksForAnother: what a form asks for is asked by whose device it came from, whatever else stands in it.
func TestNoFormSpeaksForAnother(t *testing.T) {
	h, desk := withTickets(t, tickets.ToOperator)
	post := func(from, path, page string) *httptest.ResponseRecorder {
		t.Helper()
		form := formOf(t, h.getPath(from, askHost, page).Body.String())
		form.Set("why", "other")
		for key, values := range claimedValues {
			if !form.Has(key) && key != "for" { // which says for how long
				form[key] = values
			}
		}
		return h.submit(from, path, ourPage, form)
	}
	if w := post(leo, requestPath, requestPath+"?name=naked.example"); w.Code != http.StatusSeeOther {
		t.Fatalf("Leo asks: %d\n%s", w.Code, w.Body)
	}
	page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{Closed: true})
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(page); !strings.Contains(string(text), `"Leo"`) || strings.Contains(string(text), "Tom") {
		t.Errorf("who asked: %s", text)
	}
	if w := post(leo, continuePath, continuePath+"?name=forum.example"); w.Code != http.StatusOK {
		t.Fatalf("Leo goes on: %d\n%s", w.Code, w.Body)
	}
	if !h.open(t, leo, "forum.example") || h.open(t, mia, "forum.example") {
		t.Error("it is not open for Leo alone")
	}
	acts, err := desk.Acts(t.Context(), of("family"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range acts {
		if text, _ := json.Marshal(a); strings.Contains(string(text), "Tom") || strings.Contains(string(text), "tom-phone") {
			t.Errorf("something was done for Tom: %s", text)
		}
	}
}
