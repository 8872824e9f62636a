package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/policy/store"
)

// blocks says whether a member does not get a name.
func (h *house) blocks(household, member, name string) bool {
	h.t.Helper()
	c, err := h.Live().Locate(household, member)
	if err != nil {
		h.t.Fatal(err)
	}
	q := h.Live().Ask(must(blocklists.ParseName(name)), new(blocklists.Hashes))
	d := c.Decide(&q, h.Clock())
	return d.Blocks()
}

// TestSetUp walks from nothing to a household in force: a code, a passphrase, two children, proposals that are in force
// only where they are ticked, and the check of the own device.
func TestSetUp(t *testing.T) {
	t.Parallel()
	h := open(t, "")
	p := h.somebody()
	p.get("/").at("/setup").says("Set-up code")
	p.post("/setup", url.Values{"code": {"operators.ABCD-EFGH-JKLM-NPQR"}, "name": {"Anna"}, "passphrase": {passphrase}}).is(http.StatusForbidden).says("not good")
	code := must(h.book.Setup(t.Context()))
	p.post("/setup", url.Values{"code": {code.Code}, "name": {"Anna"}, "passphrase": {"short"}}).is(http.StatusUnprocessableEntity).says(code.Code)
	p.post("/setup", url.Values{"code": {code.Code}, "name": {"Anna"}, "household": {"Müller & Co"}, "passphrase": {passphrase}}).is(http.StatusOK).at("/setup/family").says("127.0.0.1/32", "192.168.1.0/24")
	p.get("/").at("/setup/family")
	p.post("/setup/family", url.Values{"more": {"yes"}, "rows": {"3"}, "name.0": {"Mia"}}).is(http.StatusOK).says(`name="name.5"`, `value="Mia"`)
	form := url.Values{"country": {"AT"}, "language": {"de"}, "rows": {"3"}, "networks": {"192.168.1.0/24"}, "name.0": {"Mia"}, "age.0": {"8"}, "name.1": {"Tom"}, "born.1": {"2012-03-04"}}
	form.Set("networks", "8.8.8.0/24")
	p.post("/setup/family", form).is(http.StatusUnprocessableEntity).says("no network of a home")
	form.Set("networks", "192.168.1.0/24")
	form.Set("name.2", "Ida")
	p.post("/setup/family", form).is(http.StatusUnprocessableEntity).says("How old is Ida?")
	form.Del("name.2")
	times := p.post("/setup/family", form).is(http.StatusOK).at("/setup/times").says("20:00–07:00", "Talk about it with Tom").lacks(`value="Mia" checked`, `value="Tom" checked`)
	home, there := h.Live().Household("m-ller-co")
	if !there || home.Country != "AT" || home.Location.String() != "Europe/Vienna" || len(home.Members) != 3 {
		t.Fatalf("the household is %+v", home)
	}
	p.post("/setup/times", url.Values{"revision": {times.field("revision")}, "take": {"Mia"}}).is(http.StatusOK).at("/setup/done").says("192.168.1.2", "fd00::2", "second resolver", "Not yet")
	night := time.Date(2026, 11, 18, 22, 30, 0, 0, time.UTC)
	for name, asleep := range map[string]bool{"Mia": true, "Tom": false} {
		c := must(h.Live().Locate("m-ller-co", name))
		if got := c.Stopped(night).Clock == policy.Window; got != asleep {
			t.Errorf("%s at 23:30: in bed is %v, want %v", name, got, asleep)
		}
	}
	h.net.paths = console.Paths{IPv4: h.Clock()}
	p.get("/setup/done").says("Yes, it asks Hearth").says("127.0.0.1")
	p.get("/").at("/").says("Mia", "Tom")
	p.get("/setup").lacks("Set-up code")
	p.get("/setup/family").at("/") // there is one: nobody founds a second here
	p.get("/changes").says("Household moved here from its file", "Anna", "the machine")
}

// TestNoRouterGuide: where Hearth answers nobody but its own machine, no router is told to hand it out.
func TestNoRouterGuide(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	made, _ := h.srv.Config.Handler.(*console.Console)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/setup/done").says("One change at your router", "Under DHCP")
	made.Servers = func() []netip.Addr { return nil }
	anna.get("/setup/done").says("Good to do next").lacks("One change at your router", "Under DHCP", "write the same")
}

// TestLiveCheck: the page has pictures by which is seen which way a device asks, and no place beside to load them from; it reads
// itself again, and tells what they have shown with what to change.
func TestLiveCheck(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.net.paths = console.Paths{IPv4: h.Clock()}
	anna := h.signedIn("one", account.Parent, "Anna")
	begun := anna.get("/setup/done").says("<b>IPv4</b> Yes", "looking at your network", `<img src="https://next-0.check.hearth.home.arpa:8444/dot" alt="" hidden>`)
	if got := begun.head.Get("Refresh"); got != "15; url=/setup/done?check=next" {
		t.Errorf("Refresh: %q", got)
	}
	if csp := begun.head.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self' https://*.check.hearth.home.arpa:8444;") {
		t.Errorf("the pictures are not let in: %s", csp)
	}
	if csp := anna.get("/").head.Get("Content-Security-Policy"); strings.Contains(csp, "check.") {
		t.Errorf("another page lets them in: %s", csp)
	}
	all := []string{"in place of your devices", "another DNS server too", "the router drops it", "looking at your network"}
	if good := anna.get("/setup/done?check=shown").says("<b>IPv4</b> Yes").lacks(all...); good.head.Get("Refresh") != "" {
		t.Error("all is well, and the page reads itself again")
	}
	anna.get("/setup/done?check=%22%3E%3Cscript%3E").is(http.StatusOK).lacks("<script>")
	router := netip.MustParseAddr("192.168.1.1")
	for _, c := range []struct {
		probe console.Probe
		says  []string
	}{
		{console.Probe{Second: true}, all[1:2]},
		{console.Probe{Dropped: true, Via: router}, []string{"(192.168.1.1)", all[0], all[2]}},
		{console.Probe{Unasked: true}, []string{"<b>IPv4</b> Not yet"}},
		{console.Probe{Via: router, Told: true}, []string{"<b>192.168.1.1</b> Yes, it asks Hearth."}},
	} {
		h.net.mu.Lock()
		h.net.probe = c.probe
		h.net.mu.Unlock()
		page := anna.get("/setup/done?check=shown").says(c.says...)
		if good := page.head.Get("Refresh") == ""; good != c.probe.Told {
			t.Errorf("%+v: all is well: %v", c.probe, good)
		}
	}
}

// TestSetUpReserved: a family that takes a name which is kept for something else is not left without a household.
func TestSetUpReserved(t *testing.T) {
	t.Parallel()
	h := open(t, "")
	p := h.somebody()
	p.post("/setup", url.Values{"code": {must(h.book.Setup(t.Context())).Code}, "name": {"Anna"}, "household": {"Tickets"}, "passphrase": {passphrase}}).at("/setup/family")
	p.post("/setup/family", url.Values{"country": {"DE"}, "language": {"en"}, "networks": {"10.0.0.0/24"}}).is(http.StatusOK)
	if all := h.Live().Households(); len(all) != 1 || all[0].ID != "home" {
		t.Errorf("there are %d households", len(all))
	}
}

// TestSetUpOfYAML: a household that stands in YAML gets an account, is shown with its place, and is not changed here.
func TestSetUpOfYAML(t *testing.T) {
	t.Parallel()
	h := open(t, `households: [{id: one, consent: {by: Anna, at: 2026-01-01}, timezone: Europe/Berlin, members: [{name: Mia, band: child}], devices: [{name: tablet, member: Mia, addresses: [10.0.0.2]}]}]`)
	p := h.somebody()
	p.get("/setup").lacks("A short name")
	code := must(h.book.Setup(t.Context()))
	p.post("/setup", url.Values{"code": {code.Code}, "name": {"Anna"}, "passphrase": {passphrase}}).is(http.StatusOK).at("/setup/done")
	p.get("/").says("Mia", "hearth.yaml:1")
	p.get("/child/Mia").says("hearth.yaml:1").lacks("Change the times")
	p.get("/child/Mia/week").is(http.StatusConflict).says("hearth.yaml:1")
	p.get("/household").says("hearth.yaml:1").lacks("Add somebody")
	p.post("/household", url.Values{"name": {"Ida"}, "age": {"3"}, "revision": {"0"}}).is(http.StatusConflict).says("hearth.yaml:1")
	p.post("/device/tablet/remove", nil).is(http.StatusConflict)
	p.post("/child/Mia/pause", url.Values{"for": {"1h"}}).is(http.StatusOK).says("Paused until 19:00")
}

// TestSignIn: passphrase, sign-out, where one is signed in, and a change of the passphrase.
func TestSignIn(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	other := h.somebody()
	other.get("/").at("/signin")
	other.post("/signin", url.Values{"name": {"Anna"}, "passphrase": {"something else here"}}).is(http.StatusForbidden).says(`value="Anna"`, "do not fit").lacks("something else")
	other.post("/signin", url.Values{"name": {"one/Anna"}, "passphrase": {passphrase}, "own": {"yes"}}).is(http.StatusOK).at("/")
	page := anna.get("/account").says("Where you are signed in")
	anna.post("/account/session/end", url.Values{"id": {page.field("id")}}).says("signed out")
	other.get("/").at("/signin")
	next := "nine grey boats under ice"
	anna.post("/account/passphrase", url.Values{"old": {"wrong wrong wrong"}, "next": {next}}).is(http.StatusForbidden)
	anna.post("/account/passphrase", url.Values{"old": {passphrase}, "next": {next}}).is(http.StatusOK).says("is changed")
	anna.post("/signout", nil).at("/signin")
	anna.get("/").at("/signin")
	anna.post("/signin", url.Values{"name": {"Anna"}, "passphrase": {next}}).at("/")
}

// TestToday: who is on, what waits, what was blocked; and the answers and switches of one tap.
func TestToday(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/").says("Mia asks", "3 minutes ago", "social.example", "for school", "Social and chat", "Games", "<svg", "<table>", "mia-tablet", "1 other device", "120 of 120").lacks("illegal", "law")
	anna.post("/answer", url.Values{"id": {h.asked}, "for": {"30m"}, "word": {"have fun"}}).at("/").says("Yes was said").lacks("social.example")
	if r := h.request(h.asked); r.Status != parents.Granted || r.Answers[0].Word != "have fun" || r.Answers[0].By != "Anna" || !r.Until.Equal(h.Clock().Add(30*time.Minute)) {
		t.Errorf("the answer was %+v", r)
	}
	if h.blocks("one", "Mia", "social.example") {
		t.Error("what was granted is blocked")
	}
	anna.post("/answer", url.Values{"id": {h.asked}, "for": {"no"}}).is(http.StatusConflict).says("has been answered already")
	anna.post("/answer", url.Values{"id": {"r1"}, "for": {"no"}}).is(http.StatusNotFound)
	no := h.ask("10.0.0.3", "casino.example", "")
	anna.post("/answer", url.Values{"id": {no}, "for": {"forever"}}).is(http.StatusUnprocessableEntity)
	anna.post("/answer", url.Values{"id": {no}, "for": {"no"}, "word": {"not this one"}}).says("No was said")
	if r := h.request(no); r.Status != parents.Declined || r.Answers[0].Word != "not this one" {
		t.Errorf("the answer was %+v", r)
	}
	anna.post("/house/pause", url.Values{"for": {"30m"}}).says("Paused until 18:30", "End pause")
	if !h.blocks("one", "Mia", "news.example") {
		t.Error("a pause of the house stops nothing")
	}
	anna.post("/house/resume", nil).says("The pause is over")
	anna.post("/house/erase", nil).is(http.StatusNotFound)
}

// TestTwoAnswer: where two parents answer, the first yes is told and opens nothing, a carer has none to say, and the second
// parent's opens.
func TestTwoAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "language: en", "language: en\nanswers: two", 1))
	id := h.ask("10.0.0.2", "social.example", "")
	anna, alex, oma := h.signedIn("one", account.Parent, "Anna"), h.signedIn("one", account.Parent, "Alex"), h.signedIn("one", account.Carer, "Oma")
	oma.get("/").says("two parents answer", `value="no"`).lacks(`name="for" value="today"`)
	oma.post("/answer", url.Values{"id": {id}, "for": {"30m"}}).is(http.StatusForbidden)
	anna.post("/answer", url.Values{"id": {id}, "for": {"today"}}).at("/").says("Your yes is noted", "You have agreed").lacks(`name="for" value="today"`)
	anna.post("/answer", url.Values{"id": {id}, "for": {"today"}}).is(http.StatusConflict)
	alex.get("/").says("Anna has agreed")
	if !h.blocks("one", "Mia", "social.example") {
		t.Error("one of two parents has opened a site")
	}
	alex.post("/answer", url.Values{"id": {id}, "for": {"30m"}}).says("Yes was said")
	if h.blocks("one", "Mia", "social.example") {
		t.Error("both parents have agreed, and it is blocked")
	}
}

// fill puts something on every page.
func (h *house) fill() {
	h.Later(-3 * time.Minute)
	h.asked = h.ask("10.0.0.2", "social.example", "for school")
	h.Later(3 * time.Minute)
	sums := []policy.ActivitySum{{Verdict: "allowed", Count: 2140}, {Verdict: "blocked", Count: 96}, {Verdict: "blocked", Cause: "ads.trackers", Count: 61}, {Verdict: "blocked", Cause: "fun.games", Count: 22}, {Verdict: "blocked", Cause: "adult.porn", Count: 3}, {Verdict: "blocked", Cause: "bedtime", Count: 10}, {Verdict: "blocked", Cause: "illegal.csam", Count: 1}, {Verdict: "blocked", Cause: "law", Count: 1}}
	day := policy.ActivityDay{Person: "Mia", Day: "2026-11-18", Sums: sums, Names: []policy.ActivityName{{Name: "casino.example", Verdict: "blocked", First: "17:01", Last: "17:02"}, {Name: "tried.example", Verdict: "observed", First: "17:03", Last: "17:03"}}}
	before := day
	before.Day = "2026-11-17"
	h.kept.days["one"], h.kept.days["one/Mia"] = []policy.ActivityDay{day, before}, []policy.ActivityDay{day, before}
	h.kept.seen = []policy.Sighting{{Device: "mia-tablet", Last: h.Clock().Add(-2 * time.Minute)}, {Device: "tom-phone", Last: h.Clock().Add(-3 * time.Hour)}}
	h.kept.notices = []policy.NoticeReport{{Text: "tom-phone asked for several programs that get round the filter. It may be a school or work program.", At: h.Clock().Add(-time.Hour)}}
}

// TestChild: a pause, time, minutes, a site, and taking it back.
func TestChild(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/child/Mia").says("child, 6-9", "Mo", "20:00", "Netflix", "mia-tablet", "40 of 40 minutes")
	anna.post("/child/Mia/grant", url.Values{"value": {"casino.example"}, "for": {"30m"}}).says("casino.example", "until 18:30")
	if h.blocks("one", "Mia", "casino.example") {
		t.Error("what was opened is blocked")
	}
	page := anna.get("/child/Mia")
	anna.post("/child/Mia/revoke", url.Values{"id": {page.field("id")}}).says("Taken back")
	if !h.blocks("one", "Mia", "casino.example") {
		t.Error("what was taken back is open")
	}
	anna.post("/child/Mia/grant", url.Values{"value": {"no name at all"}, "for": {"30m"}}).is(http.StatusUnprocessableEntity)
	anna.post("/child/Mia/bonus", url.Values{"value": {"fun.games"}, "minutes": {"15"}}).says("55 of 55 minutes")
	anna.post("/child/Mia/time", url.Values{"for": {"15m"}, "back": {"today"}}).at("/")
	anna.post("/child/Mia/pin", url.Values{"digits": {"1"}}).is(http.StatusUnprocessableEntity)
	anna.post("/child/Mia/pin", url.Values{"digits": {"4711"}}).says("PIN is changed")
	anna.get("/child/Nobody").is(http.StatusNotFound)
}

// TestWeek: the schedule of one child is changed with the revision that the page was made of.
func TestWeek(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/child/Tom/week").says("22:00–06:00", "Talk about it with Tom")
	form := url.Values{"revision": {page.field("revision")}, "school.from": {"21:30"}, "school.to": {"06:30"}, "days.0": {"wed", "fri"}, "from.0": {"17:30"}, "to.0": {"18:30"}, "kind.0": {"bedtime"}}
	half := url.Values{"revision": form["revision"], "school.from": {"21:30"}}
	anna.post("/child/Tom/week", half).is(http.StatusUnprocessableEntity).says("a beginning and an end")
	anna.post("/child/Tom/week", form).is(http.StatusOK).says("The times are saved", `value="21:30"`, "Wednesday: off from 17:30 to 18:30")
	if !h.blocks("one", "Tom", "news.example") { // it is 18:00 on a Wednesday
		t.Error("a window that is open stops nothing")
	}
	anna.post("/child/Tom/week", form).is(http.StatusConflict).says("Somebody else changed this")
	again := anna.get("/child/Tom/week")
	anna.post("/child/Tom/week", url.Values{"revision": {again.field("revision")}, "take": {"preset"}}).says("These times hold now")
	if h.blocks("one", "Tom", "news.example") {
		t.Error("the proposed times have a window at 18:00")
	}
}

// TestMidnight: a time until the end of the day is one that a field of a browser can show, and is saved as it was.
func TestMidnight(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "{name: Tom, band: teen}", `{name: Tom, band: teen, schedule: {homework: "17:00-24:00", windows: [{days: [wed], from: "00:00", to: "24:00", kind: bedtime}]}}`, 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/child/Tom/week").says(`name="homework.to" value="00:00"`, `name="to.0" value="00:00"`).lacks("value=\"24:00")
	form := url.Values{"revision": {page.field("revision")}, "homework.from": {"17:00"}, "homework.to": {"00:00"}, "days.0": {"wed"}, "from.0": {"00:00"}, "to.0": {"00:00"}, "kind.0": {"bedtime"}}
	anna.post("/child/Tom/week", form).is(http.StatusOK).says("The times are saved")
	text, _, err := h.Export(t.Context(), policytest.Machine("one"), false)
	if err != nil || strings.Count(string(text), "24:00") != 2 {
		t.Errorf("the definition is (%v)\n%s", err, text)
	}
	if !h.blocks("one", "Tom", "news.example") {
		t.Error("a window of a whole day stops nothing at 18:00")
	}
}

// TestManyWindows: a week that was written elsewhere with more rows than the form adds loses none of them.
func TestManyWindows(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("{days: [mon], from: \"01:00\", to: \"02:00\", kind: bedtime}, ", 13) + `{days: [wed], from: "17:30", to: "18:30", kind: bedtime}`
	h := open(t, "", strings.Replace(family, "{name: Tom, band: teen}", "{name: Tom, band: teen, schedule: {windows: ["+rows+"]}}", 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/child/Tom/week").says(`name="from.13"`)
	form := url.Values{"revision": {page.field("revision")}}
	for _, n := range strings.Split("0 1 2 3 4 5 6 7 8 9 10 11 12 13", " ") {
		form["days."+n], form["from."+n], form["to."+n] = []string{"wed"}, []string{"17:30"}, []string{"18:30"}
	}
	anna.post("/child/Tom/week", form).says("The times are saved", `name="from.13"`)
}

// TestLimits: quotas and switches of one child.
func TestLimits(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.get("/child/Mia/limits").says("Netflix", "TikTok", `value="120"`)
	form := url.Values{"revision": {page.field("revision")}, "minutes.total": {"60"}, "minutes.fun.games": {""}, "new.of": {"fun.video"}, "new.minutes": {"45"}, "new.free": {"90"}, "service.netflix": {""}, "new.service": {"tiktok"}, "new.action": {"block"}}
	anna.post("/child/Mia/limits", form).is(http.StatusOK).says(`name="minutes.fun.video" value="45"`, `name="free.fun.video" value="90"`, `name="service.tiktok"`).lacks(`name="minutes.fun.games"`, `name="service.netflix"`)
	anna.get("/child/Mia").says("60 of 60 minutes", "45 of 45 minutes")
	form.Set("revision", "1")
	anna.post("/child/Mia/limits", form).is(http.StatusConflict)
}

// TestDevices: enrol with a code and a picture, rename, give, remove; and what a thing talks to.
func TestDevices(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/devices").says("mia-tablet", "&lt;b&gt;printer", "10.0.0.77")
	anna.post("/devices", url.Values{"for": {"member/Tom"}, "name": {"tom-laptop"}}).is(http.StatusOK).says("Code for Tom", `class="qr"`, "http://ask.hearth.home.arpa/device?code=")
	anna.post("/devices", url.Values{"for": {"member/Nobody"}}).is(http.StatusNotFound)
	anna.post("/device/tom-phone/rename", url.Values{"name": {"Tom’s phone/2"}}).is(http.StatusUnprocessableEntity)
	anna.post("/device/tom-phone/rename", url.Values{"name": {"Tom’s phone? 50%"}}).is(http.StatusOK).says("new name", "Tom’s phone? 50%")
	anna.post("/device/mia-tablet/assign", url.Values{"for": {"all"}}).says("changed hands", "Mia, Tom, Anna")
	anna.get("/device/television").says("What it talks to")
	anna.post("/device/television/learn", nil).says("It is learning")
	anna.post("/device/television/remove", nil).at("/devices").lacks(">television<")
}

// TestSomeMembers: a device of two of three members is shown as theirs, and stays so unless somebody else is chosen.
func TestSomeMembers(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "member: Mia, addresses", "members: [Mia, Tom], addresses", 1))
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/device/mia-tablet").says(`<option value="same" selected>Mia, Tom</option>`)
	anna.post("/device/mia-tablet/assign", url.Values{"for": {"same"}}).says(`<option value="same" selected>Mia, Tom</option>`)
	anna.post("/device/mia-tablet/assign", url.Values{"for": {"all"}}).says(`<option value="all" selected>`).lacks(`value="same"`)
}

// TestConfirmSeen: what a thing may ask for is what a parent saw on the page; of the rest nothing is let through that was not.
func TestConfirmSeen(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.post("/device/television/learn", nil)
	heard := policy.Heard{Device: "television"}
	for i := range 70 {
		heard.Names = append(heard.Names, policy.Destination{Name: fmt.Sprintf("n%02d.telemetry.maker.example", i)})
	}
	put := func() {
		must(h.Log.Put(t.Context(), store.Write{Key: store.Key{Household: "one", Kind: policy.KindHeard, ID: policy.RecordID("television")}, Value: must(json.Marshal(heard))}))
	}
	put()
	seen := func() (names []string) {
		for _, f := range regexp.MustCompile(`name="seen" value="([^"]+)"`).FindAllStringSubmatch(anna.get("/device/television").says("more names than fit").text, -1) {
			names = append(names, f[1])
		}
		return names
	}
	first := seen()
	if n := len(anna.get("/device/television").text); n > 30_000 {
		t.Errorf("the page has %d octets, more than 30 kB", n)
	}
	heard.Names = append(heard.Names, policy.Destination{Name: "late.example"})
	put()
	anna.post("/device/television/confirm", url.Values{"seen": first, "without": {first[0]}})
	sheet := must(h.Sheet(t.Context(), parents.Who{Household: "one", Device: "television", Actor: parents.Actor{Role: parents.Machine}}))
	if got := sheet.Learned.Confirmed; len(first) != 40 || !slices.Equal(got, first[1:]) {
		t.Errorf("%d were shown, and confirmed is %v", len(first), got)
	}
	next := seen()
	anna.post("/device/television/confirm", url.Values{"seen": next})
	sheet = must(h.Sheet(t.Context(), parents.Who{Household: "one", Device: "television", Actor: parents.Actor{Role: parents.Machine}}))
	if len(sheet.Learned.Confirmed) != 71 {
		t.Errorf("after the second page %d are confirmed, want all 71", len(sheet.Learned.Confirmed))
	}
}

// TestPeople: a carer is invited with an end date, joins, and may do what a carer may.
func TestPeople(t *testing.T) {
	t.Parallel()
	h := open(t, "", strings.Replace(family, "Europe/Berlin", "America/New_York", 1)) // where the last day ends on the next one of UTC
	anna := h.signedIn("one", account.Parent, "Anna")
	page := anna.post("/people", url.Values{"role": {"carer"}, "name": {"Oma"}, "until": {"2026-12-01"}}).is(http.StatusOK).says("shown once")
	code := regexpCode.FindString(page.text)
	oma := h.somebody()
	oma.post("/join", url.Values{"code": {code}}).says("You are invited as: Carer", `value="Oma"`)
	oma.post("/join", url.Values{"code": {code}, "name": {"Oma"}, "passphrase": {passphrase}}).at("/")
	oma.get("/").says("Mia").lacks("Blocked today", "/activity")
	oma.post("/child/Mia/time", url.Values{"for": {"30m"}}).is(http.StatusOK)
	oma.get("/child/Mia").lacks("Change the times", "Always")
	for _, path := range []string{"/activity", "/child/Mia/week", "/child/Mia/limits", "/people"} {
		if got := oma.get(path).status; got != http.StatusForbidden && got != http.StatusNotFound {
			t.Errorf("a carer gets %s with %d", path, got)
		}
	}
	anna.get("/people").says("Carer · until 2026-12-01").lacks("until 2026-12-02")
	oma.get("/account").says("until 2026-12-01")
	anna.post("/people", url.Values{"role": {"carer"}, "name": {"Opa"}, "until": {"2026-11-17"}}).is(http.StatusUnprocessableEntity).says("2026-11-17").lacks("2026-11-18 is")
	h.Later(20 * time.Minute)
	anna.get("/people").says("15 minutes").lacks("Make a code")
	anna.post("/people", url.Values{"role": {"parent"}}).is(http.StatusForbidden).says("15 minutes")
	h.Later(14 * 24 * time.Hour)
	oma.get("/").at("/signin")
}

// TestRecords: activity, changes, the household.
func TestRecords(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	anna.get("/activity").says("2026-11-17", "Ads", "Mia").lacks("casino.example", "illegal")
	anna.get("/activity?of=Mia&day=2026-11-18").says("casino.example", "Blocked 17:01", "tried.example", "Would be blocked 17:03")
	anna.get("/activity?of=Zoe").is(http.StatusNotFound)
	page := anna.get("/household").says("Mia", "Germany", "English")
	anna.post("/household", url.Values{"revision": {page.field("revision")}, "name": {"Ida"}, "born": {"2024-02-03"}}).says("Ida", "small child")
	anna.post("/household", url.Values{"revision": {page.field("revision")}, "name": {"Eva"}, "age": {"3"}}).is(http.StatusConflict)
	page = anna.get("/household")
	anna.post("/household", url.Values{"revision": {page.field("revision")}, "remove": {"Ida"}}).lacks("Ida</a>")
	anna.get("/changes").says("Person added", "Person removed", "Anna")
}
