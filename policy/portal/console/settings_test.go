package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/policytest"
)

// TestSettings: what holds for the whole household is changed with the revision that the page was made of.
func TestSettings(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/settings").says(`value="Europe/Berlin"`, `value="DE" selected`, `value="en" selected`, `value="one" checked`)
	form := url.Values{"revision": {page.field("revision")}, "country": {"AT"}, "language": {"de"}, "zone": {"Europe/Vienna"}, "answers": {"two"}, "guest": {"teen"}, "observe": {"yes"}}
	anna.post("/settings", form).is(http.StatusOK).says("Saved", `value="AT" selected`, `value="two" checked`, `value="teen" selected`, `value="yes" checked`)
	one, _ := h.Live().Household("one")
	if one.Country != "AT" || one.Language != "de" || one.Location.String() != "Europe/Vienna" || !one.TwoAnswer || one.Guest.Name() != "teen" || !one.Guest.Observe() {
		t.Errorf("the household is %+v", one)
	}
	if len(one.Members) != 3 || len(one.Devices) != 3 {
		t.Error("the form has taken something else away")
	}
	anna.post("/settings", form).is(http.StatusConflict).says("Somebody else changed this")
	form.Set("revision", anna.get("/settings").field("revision"))
	form.Set("zone", "Middle/Earth")
	anna.post("/settings", form).is(http.StatusUnprocessableEntity).says("time zone")
	form.Set("zone", "")
	form.Set("country", "FR")
	form.Set("guest", "aliens")
	anna.post("/settings", form).is(http.StatusUnprocessableEntity)
	form.Set("guest", "")
	form.Del("observe")
	anna.post("/settings", form).says(`value="Europe/Paris"`).lacks(`value="yes" checked`)
	anna.get("/household").says("France", "Deutsch")
}

// TestSettingsElsewhere: a country that the form does not offer is called by its code, and a language can be taken back.
func TestSettingsElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "country: DE", "country: US", 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/household").says("<dd>US</dd>").lacks("country.US")
	page := anna.get("/settings").says(`value="US" selected`, `<option value="">as each browser asks`)
	form := url.Values{"revision": {page.field("revision")}, "country": {"US"}, "language": {""}, "zone": {"America/Chicago"}, "answers": {"one"}}
	anna.post("/settings", form).is(http.StatusOK).says(`<option value="" selected>as each browser asks`)
}

// TestErase: a member goes with all that is theirs alone, and nothing of anybody else.
func TestErase(t *testing.T) {
	t.Parallel()
	text := strings.Replace(family, "devices:", "devices:\n  - {name: sofa-tablet, members: [Mia, Tom], addresses: [10.0.0.9]}", 1) +
		"rules: [{name: school.example, action: allow, member: Mia}, {name: news.example, action: deny}]\nexceptions: [{date: 2026-12-24, member: Mia, bedtime: off}]\n"
	h := open(t, "", text)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	h.signedIn0("one", account.Child, "Mia")
	anna.post("/child/Mia/pin", url.Values{"digits": {"4711"}})
	anna.post("/child/Mia/grant", url.Values{"value": {"casino.example"}, "for": {"today"}})
	anna.get("/household").says("/member/Mia/erase")
	page := anna.get("/member/Mia/erase").says("the device “mia-tablet”", "their part of the device “sofa-tablet”", "the account by which they sign in")
	form := url.Values{"revision": {page.field("revision")}}
	anna.post("/member/Mia/erase", form).is(http.StatusUnprocessableEntity).says("Tick that")
	form.Set("sure", "yes")
	anna.post("/member/Nobody/erase", form).is(http.StatusNotFound)
	anna.post("/member/Anna/erase", form).is(http.StatusUnprocessableEntity).says("This is you")
	h.Later(20 * time.Minute)
	anna.get("/member/Mia/erase").says("15 minutes").lacks("sure")
	anna.post("/member/Mia/erase", form).is(http.StatusForbidden)
	anna.post("/signin", url.Values{"name": {"Anna"}, "passphrase": {passphrase}})
	anna.post("/member/Mia/erase", form).is(http.StatusOK).at("/household").says("Removed and erased", "Tom", "Anna").lacks("Mia")
	for _, path := range []string{"/", "/activity", "/changes", "/people", "/child/Tom", "/device/sofa-tablet"} {
		anna.get(path).is(http.StatusOK).lacks("Mia", "mia-tablet")
	}
	anna.get("/devices").says("sofa-tablet").lacks("mia-tablet", "Mia, ")
	anna.get("/child/Mia").is(http.StatusNotFound)
	snapshot := must(h.Log.Snapshot(t.Context(), "one/"))
	for _, e := range snapshot.Entries {
		if strings.Contains(string(e.Value), "Mia") || strings.Contains(string(e.Value), "mia-tablet") {
			t.Errorf("%s still says %s", e.Key, e.Value)
		}
	}
	if !h.blocks("one", "Tom", "news.example") {
		t.Error("a rule of the household went with a member")
	}
}

// TestEraseANamesake: a child who has a parent's name is nobody's self, and takes no account along; the other way round
// nobody gets the name.
func TestEraseANamesake(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	tom := h.signedIn("one", account.Parent, "tom")
	tom.get("/member/Tom/erase").says("Yes, everything of Tom").lacks("This is you", "the account by which they sign in")
	page := tom.get("/household")
	tom.post("/household", url.Values{"revision": {page.field("revision")}, "name": {"TOM 2"}, "age": {"5"}}).is(http.StatusOK).says("TOM 2")
	tom.post("/member/Tom/erase", url.Values{"revision": {tom.get("/member/Tom/erase").field("revision")}, "sure": {"yes"}}).is(http.StatusOK).says("Removed and erased").lacks(">Tom<")
	tom.get("/people").is(http.StatusOK).says("tom")
	again := url.Values{"revision": {tom.get("/household").field("revision")}, "name": {"Tom"}, "age": {"5"}}
	tom.post("/household", again).is(http.StatusUnprocessableEntity).says("Write another one")
	again.Set("age", "30")
	tom.post("/household", again).is(http.StatusOK).says("Tom")
	tom.get("/member/Tom/erase").says("This is you")
}

// TestEraseWhileAnotherChanges: who comes second erases nobody.
func TestEraseWhileAnotherChanges(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	old := anna.get("/member/Tom/erase").field("revision")
	anna.post("/household", url.Values{"revision": {old}, "name": {"Ida"}, "age": {"3"}}).is(http.StatusOK)
	anna.post("/member/Tom/erase", url.Values{"revision": {old}, "sure": {"yes"}}).is(http.StatusConflict).says("Somebody else changed this")
	anna.get("/household").says("Tom", "Ida")
}

// TestRemoveAlone: a member who only leaves takes their devices along, and what was remembered stays.
func TestRemoveAlone(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/member/Mia/erase").says("Or only remove")
	anna.post("/household", url.Values{"revision": {page.field("revision")}, "remove": {"Mia"}}).is(http.StatusOK).lacks(">Mia<")
	anna.get("/devices").lacks("mia-tablet").says("tom-phone")
	if len(h.kept.days["one/Mia"]) == 0 {
		t.Error("what was remembered is gone")
	}
}

// TestDots: a member whose name is a step of a path has pages as everybody has.
func TestDots(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "{name: Tom, band: teen}", "{name: Tom, band: teen}\n  - {name: \"..\", band: child}\n  - {name: \".\", band: child}\n  - {name: \"~\", band: child}", 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	for _, name := range []string{"..", ".", "~"} {
		path := "/child/~" + name
		anna.get("/").says(`href="` + path + `"`)
		anna.get(path).is(http.StatusOK).at(path).says("<h1>" + name + "</h1>")
		anna.post(path+"/pause", url.Values{"for": {"1h"}}).is(http.StatusOK).at(path).says("Paused until 19:00")
	}
	acts := must(h.Acts(t.Context(), policytest.Machine("one")))
	if len(acts) != 3 {
		t.Errorf("in force is %+v", acts)
	}
}
