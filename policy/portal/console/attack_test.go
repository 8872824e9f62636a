package console_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/console"
)

var regexpMoney = regexp.MustCompile(`<li><bdi>starter-money`)

var regexpCode = regexp.MustCompile(`one\.[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}`)

// pages and acts are all routes about a household.
var (
	pages = []string{"/", "/setup/family", "/setup/times", "/setup/done", "/child/Mia", "/child/Mia/week", "/child/Mia/limits", "/devices", "/device/mia-tablet", "/activity", "/changes", "/household", "/people", "/channels", "/settings", "/member/Mia/erase", "/lists", "/requests", "/requests/r1"}
	acts  = []string{"/answer", "/in", "/setup/family", "/setup/times", "/child/Mia/pause", "/child/Mia/resume", "/child/Mia/time", "/child/Mia/bonus", "/child/Mia/grant", "/child/Mia/revoke", "/child/Mia/confirm", "/child/Mia/pin",
		"/house/pause", "/house/resume", "/child/Mia/week", "/child/Mia/limits", "/devices", "/device/mia-tablet/rename", "/device/mia-tablet/assign", "/device/mia-tablet/remove", "/device/mia-tablet/learn", "/device/mia-tablet/confirm", "/household", "/people", "/people/x/remove", "/people/x/withdraw", "/channels", "/channels/push", "/channels/names", "/channels/x/test", "/channels/x/remove", "/settings", "/member/Mia/erase"}
	mine = []string{"/account/passphrase", "/account/begin", "/account/passkey", "/account/passkey/end", "/account/session/end", "/account/session/other"}
)

// TestEveryRouteIsTried holds the lists above to the routes that there are.
func TestEveryRouteIsTried(t *testing.T) {
	t.Parallel()
	source := must(os.ReadFile("console.go"))
	found := regexp.MustCompile(`"(GET|POST) (/[^"]*)": `).FindAllStringSubmatch(string(source), -1)
	if len(found) < 40 {
		t.Fatalf("only %d routes were found", len(found))
	}
	open := []string{"/signin", "/signin/provider", "/signin/provider/back", "/signin/begin", "/signin/passkey", "/signout", "/join", "/setup", "/account"}
	all := strings.Join(append(append(append(append([]string{}, pages...), acts...), mine...), open...), "\n") + "\n"
	for _, f := range found {
		pattern := regexp.QuoteMeta(f[2])
		pattern = regexp.MustCompile(`\\\{\\\$\\\}`).ReplaceAllString(pattern, "")
		pattern = regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(pattern, `[^/\n]+`)
		if !regexp.MustCompile(`(?m)^` + pattern + `$`).MatchString(all) {
			t.Errorf("no test tries %s %s", f[1], f[2])
		}
	}
}

// TestNobody: without a session every route leads to the sign-in.
func TestNobody(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.signedIn("one", account.Parent, "Anna")
	p := h.somebody()
	for _, path := range append(append([]string{}, pages...), "/account") {
		p.get(path).at("/signin").lacks("Mia")
	}
	for _, path := range append(append([]string{}, acts...), mine...) {
		p.post(path, url.Values{"for": {"1h"}}).at("/signin")
	}
	if h.blocks("one", "Mia", "news.example") {
		t.Error("nobody has paused Mia")
	}
}

// TestChildSession: a child's session is refused on every route of parents, also about itself.
func TestChildSession(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	mia := h.signedIn0("one", account.Child, "Mia")
	for _, path := range pages {
		mia.get(path).is(http.StatusForbidden).says("http://ask.hearth.home.arpa/me").lacks("Tom")
		mia.leadsToNothing(path)
	}
	for _, path := range acts {
		mia.post(path, url.Values{"for": {"1h"}, "name": {"x"}, "id": {h.asked}}).is(http.StatusForbidden)
	}
	mia.get("/account").is(http.StatusOK).says("Mia").lacks("Anna")
	mia.leadsToNothing("/account")
	if !new(h.request(h.asked)).Open() {
		t.Error("a child has answered a request")
	}
}

// leadsToNothing holds that no link of a child's page leads to one that is not for children.
func (p *person) leadsToNothing(path string) {
	p.t.Helper()
	for _, link := range regexp.MustCompile(`<a [^>]*href="(/[^"]*)"`).FindAllStringSubmatch(p.get(path).text, -1) {
		if link[1] != "/account" {
			p.t.Errorf("%s leads a child to %s", path, link[1])
		}
	}
}

// signedIn0 is signedIn for who does not get in.
func (h *house) signedIn0(household string, role account.Role, name string) *person {
	h.t.Helper()
	i := must(h.book.Invite(h.t.Context(), account.Machine(), account.Offer{Household: household, Role: role, Name: name}))
	p := h.somebody()
	p.post("/join", url.Values{"code": {i.Code}, "name": {name}, "passphrase": {passphrase}}).is(http.StatusForbidden)
	return p
}

// TestOtherHousehold: a parent of one household neither sees nor changes another's, whatever the request names.
func TestOtherHousehold(t *testing.T) {
	t.Parallel()
	h := open(t, "", family, another)
	h.fill()
	bert := h.signedIn("two", account.Parent, "Bert")
	for _, path := range pages {
		a := bert.get(path).lacks("Tom", "social.example", "netflix")
		if strings.Contains(path, "mia") || strings.Contains(path, "Mia") {
			a.is(http.StatusNotFound) // what was asked for may be named, no more
		} else {
			a.lacks("mia-tablet")
		}
	}
	anna := h.signedIn("one", account.Parent, "Anna")
	revision := anna.get("/household").field("revision")
	for _, path := range acts {
		a := bert.post(path, url.Values{"for": {"1h"}, "household": {"one"}, "id": {h.asked}, "revision": {revision}, "value": {"casino.example"}, "minutes": {"15"}, "digits": {"8273"}, "name": {"x"}})
		if strings.Contains(strings.ToLower(path), "mia") {
			a.is(http.StatusNotFound)
		}
	}
	bert.http.Jar.SetCookies(must(url.Parse(h.srv.URL)), []*http.Cookie{{Name: "__Host-hearth-in", Value: "one", Secure: true, Path: "/"}})
	bert.get("/").lacks("Tom").says("Zoe")
	if h.blocks("one", "Mia", "news.example") || !new(h.request(h.asked)).Open() {
		t.Error("somebody of another household has changed something")
	}
}

// TestOperator: an operator chooses a household, and the household reads that in its changes.
func TestOperator(t *testing.T) {
	t.Parallel()
	h := open(t, "", family, another)
	otto := h.signedIn("operators", account.Operator, "Otto")
	otto.get("/").says("one", "two").lacks("Mia")
	otto.post("/in", url.Values{"household": {"three"}}).is(http.StatusNotFound)
	otto.post("/in", url.Values{"household": {"one"}}).at("/").says("Mia")
	h.signedIn("one", account.Parent, "Anna").get("/changes").says("Household looked at", "Otto", "Operator")
}

// TestForeignForms: what another site sends changes nothing, on any route.
func TestForeignForms(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	for _, path := range append(append(append([]string{}, acts...), mine...), "/signin", "/signout", "/join", "/setup", "/signin/begin", "/signin/passkey") {
		for _, head := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}} {
			r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, h.srv.URL+path, strings.NewReader("for=1h&name=x&passphrase=x")))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range head {
				r.Header.Set(k, v)
			}
			anna.read(anna.http.Do(r)).is(http.StatusForbidden).says("from another site")
		}
	}
	anna.get("/").at("/")
	if h.blocks("one", "Mia", "news.example") {
		t.Error("another site has paused Mia")
	}
}

// TestHostileNames: what people and machines call themselves stays text, everywhere.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	text := strings.NewReplacer("name: Tom", `name: '`+evil+`'`, "member: Tom", `member: '`+evil+`'`).Replace(family)
	text = strings.ReplaceAll(text, "</", "<") // a name has no slash
	h := open(t, "", text)
	name := strings.ReplaceAll(evil, "</", "<")
	h.ask("10.0.0.3", "casino.example", evil)
	anna := h.signedIn("one", account.Parent, `Anna <u>`)
	for _, path := range append(append([]string{}, pages...), "/account", "/child/"+url.PathEscape(name), "/child/"+url.PathEscape(name)+"/week", "/child/"+url.PathEscape(name)+"/limits",
		"/?done="+url.QueryEscape(evil), "/activity?of="+url.QueryEscape(evil), "/changes?from=-1", "/%22%3E%3Cscript%3E") {
		anna.get(path).lacks("<script>alert", "<img src=x", "<u>")
	}
	anna.get("/child/" + url.PathEscape(name)).is(http.StatusOK)
	for _, path := range []string{"/signin", "/join", "/child/Mia/grant", "/household", "/devices"} {
		anna.post(path, url.Values{"name": {evil}, "code": {evil}, "value": {evil}, "for": {evil}, "revision": {evil}}).lacks("<script>alert", "<img src=x")
	}
}

// TestHeaders: every answer carries what keeps others from framing, sniffing and scripting it; cookies are the browser's
// own; nothing leads elsewhere; and no page is larger than 30 kB.
func TestHeaders(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	for _, path := range append(append([]string{}, pages...), "/account", "/nothing", "/icon.svg") {
		a := anna.get(path)
		csp := a.head.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || a.head.Get("X-Frame-Options") != "DENY" || a.head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the headers are %v", path, a.head)
		}
		if len(a.text) > 30_000 {
			t.Errorf("%s has %d octets, more than 30 kB", path, len(a.text))
		}
		if strings.Contains(a.text, `style="`) || strings.Contains(a.text, `onclick`) {
			t.Errorf("%s has what the policy forbids", path)
		}
		t.Logf("%6d octets %s", len(a.text), path)
	}
	p := h.somebody()
	p.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a := p.post("/signin?next=https://evil.example&to=//evil.example", url.Values{"name": {"Anna"}, "passphrase": {passphrase}, "own": {"yes"}, "next": {"//evil.example"}}).is(http.StatusSeeOther)
	if got := a.head.Get("Location"); got != "/" {
		t.Errorf("the sign-in leads to %q", got)
	}
	cookies := a.head.Values("Set-Cookie")
	if len(cookies) < 2 {
		t.Fatalf("the cookies are %q", cookies)
	}
	for _, c := range cookies {
		for _, want := range []string{"__Host-", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
			if !strings.Contains(c, want) {
				t.Errorf("the cookie %s lacks %s", c[:20], want)
			}
		}
		if strings.Contains(c, "Domain") {
			t.Errorf("a cookie has a domain")
		}
	}
}

// TestSessionFixation: a sign-in never takes over the cookie that the browser brought.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	at := must(url.Parse(h.srv.URL))
	before := map[string]string{}
	for _, c := range anna.http.Jar.Cookies(at) {
		before[c.Name] = c.Value
	}
	anna.post("/signin", url.Values{"name": {"Anna"}, "passphrase": {passphrase}}).at("/")
	for _, c := range anna.http.Jar.Cookies(at) {
		if c.Name == "__Host-hearth-session" && c.Value == before[c.Name] {
			t.Error("the session has the cookie that was there before")
		}
	}
	old := h.somebody()
	old.http.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-hearth-session", Value: before["__Host-hearth-session"], Secure: true, Path: "/"}})
	old.get("/").at("/signin")
}

// TestWords: every text that a page or the code asks for is in the catalogue.
func TestWords(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, pattern := range []string{"*.go", "pages/*.html"} {
		for _, file := range must(filepath.Glob(pattern)) {
			if !strings.HasSuffix(file, "_test.go") {
				all.Write(must(os.ReadFile(file)))
			}
		}
	}
	asked := map[string]bool{}
	for _, f := range regexp.MustCompile(`(?:Say|say)\(?[ "]+([a-z_]+(?:\.[a-z_]+)*)"`).FindAllStringSubmatch(all.String(), -1) {
		asked[f[1]] = true
	}
	if len(asked) < 150 {
		t.Fatalf("only %d texts are asked for", len(asked))
	}
	h := console.Catalogue()
	for key := range asked {
		if !h.Has(key) {
			t.Errorf("the catalogue has no %s", key)
		}
	}
}

// TestCarer: a carer gives time and answers, and changes nothing that lasts, on any route.
func TestCarer(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	h.fill()
	anna := h.signedIn("one", account.Parent, "Anna")
	revision := anna.get("/household").field("revision")
	oma := h.signedIn("one", account.Carer, "Oma")
	may := []string{"/answer", "/child/Mia/pause", "/child/Mia/resume", "/child/Mia/time", "/child/Mia/bonus", "/child/Mia/grant", "/house/pause", "/house/resume"}
	form := url.Values{"for": {"30m"}, "id": {h.asked}, "value": {"casino.example"}, "revision": {revision}, "name": {"Ida"}, "age": {"3"}, "role": {"parent"}, "take": {"Tom"}, "digits": {"8273"}}
	for _, path := range may {
		if path == "/child/Mia/bonus" {
			oma.post(path, url.Values{"value": {"fun.games"}, "minutes": {"15"}}).is(http.StatusOK)
			continue
		}
		oma.post(path, form).is(http.StatusOK)
	}
	oma.post("/channels/push", form).is(http.StatusUnsupportedMediaType) // which their own phone may send
	for _, path := range []string{"/channels/x/test", "/channels/x/remove"} {
		oma.post(path, form).is(http.StatusNotFound)
	}
	for _, path := range acts {
		if slices.Contains(may, path) || strings.HasPrefix(path, "/channels/x/") || path == "/channels/push" || path == "/in" || path == "/setup/family" || path == "/child/Mia/revoke" {
			continue
		}
		if got := oma.post(path, form); got.status != http.StatusForbidden {
			t.Errorf("a carer who sends %s is answered with %d at %s, want 403", path, got.status, got.path)
		}
	}
	oma.post("/child/Mia/grant", url.Values{"value": {"casino.example"}, "for": {"always"}}).is(http.StatusForbidden)
	if after := anna.get("/household").lacks("Ida").field("revision"); after != revision {
		t.Error("a carer has changed the household")
	}
	anna.get("/devices").says("mia-tablet")
}
