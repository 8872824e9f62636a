package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// site is a place in the code of a package that refuses something.
type site struct {
	at, reason, which, field string
	values                   []string
}

// reasons are the names of constants in the code, by what makes an error of them.
var reasons = map[string]string{
	"refused": "refused", "unknown": "unknown", "weak": "refused", "Refused": "refused", "Unknown": "unknown", "Conflict": "conflict", "InFile": "in_file",
	"Unconfirmed": "unconfirmed", "Wait": "wait", "Forbidden": "forbidden", "SignedOut": "signed_out", "Wrong": "wrong", "Stale": "stale",
}

// sites reads the code of a package.
func sites(t *testing.T, folder string) (all []site) {
	t.Helper()
	files := must(filepath.Glob(filepath.Join("..", "..", folder, "*.go")))
	set := token.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(set, path, must(os.ReadFile(path)), 0))
		told := map[ast.Node]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			s, is := siteOf(n, told)
			if s.at = set.Position(posOf(n)).String(); is {
				all = append(all, s)
			}
			return true
		})
	}
	return all
}

func posOf(n ast.Node) token.Pos {
	if n == nil {
		return token.NoPos
	}
	return n.Pos()
}

// siteOf says what a node refuses: refused("name", …), the same .with("case", "place", value), or &Error{…}.
func siteOf(n ast.Node, told map[ast.Node]bool) (s site, is bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if with, is := n.Fun.(*ast.SelectorExpr); is && with.Sel.Name == "with" {
			if s, is = siteOf(with.X, map[ast.Node]bool{}); !is {
				return s, false
			}
			told[with.X] = true
			s.which = written(n.Args[0])
			for i := 1; i < len(n.Args); i += 2 {
				s.values = append(s.values, written(n.Args[i]))
			}
			return s, true
		}
		if fun, is := n.Fun.(*ast.Ident); is && (fun.Name == "refused" || fun.Name == "unknown") && !told[n] {
			return site{reason: fun.Name, field: written(n.Args[0])}, true
		}
	case *ast.CompositeLit:
		kind, named := n.Type.(*ast.Ident)
		if from, is := n.Type.(*ast.SelectorExpr); is {
			kind, named = from.Sel, true
		}
		if !named || kind.Name != "Error" || told[n] {
			return s, false
		}
		s.reason = "refused" // the first of the constants
		for _, e := range n.Elts {
			pair := e.(*ast.KeyValueExpr)
			switch key := pair.Key.(*ast.Ident).Name; key {
			case "Reason":
				name, selected := pair.Value.(*ast.Ident)
				if from, is := pair.Value.(*ast.SelectorExpr); is {
					name, selected = from.Sel, true
				}
				if s.reason = ""; selected || name != nil {
					s.reason = reasons[name.Name]
				}
			case "Field":
				s.field = written(pair.Value)
			case "Case":
				s.which = written(pair.Value)
			case "Values":
				for _, v := range pair.Value.(*ast.CompositeLit).Elts {
					s.values = append(s.values, written(v))
				}
			case "Place":
				s.values = append(s.values, "place")
			}
		}
		return s, true
	}
	return s, false
}

// written is a text that stands in the code, "" of one that is made.
func written(e ast.Expr) string {
	if l, is := e.(*ast.BasicLit); is {
		text, _ := strconv.Unquote(l.Value)
		return text
	}
	return ""
}

var places = regexp.MustCompile(`\{([a-z]+)\}`)

// TestRefusalsHaveTexts goes over all that the use-cases refuse: each has a text of its case, its field or its reason, with
// no place that the error does not fill; and there is no text that nothing needs.
func TestRefusalsHaveTexts(t *testing.T) {
	t.Parallel()
	english, used := console.Catalogue(), map[string]bool{}
	all := slices.Concat(sites(t, "parents"), sites(t, "account"), sites(t, "portal"))
	if len(all) < 120 {
		t.Fatalf("the code refuses %d things: the test does not find them", len(all))
	}
	for _, s := range all {
		key := english.Refusal(s.reason, s.which, s.field)
		used[key] = true
		if s.which != "" && s.which != "any" && !strings.HasSuffix(key, "."+s.which) {
			t.Errorf("%s: refusal.%s.%s has no text", s.at, s.reason, s.which)
		}
		if !english.Has(key) {
			t.Errorf("%s: there is no text %s", s.at, key)
		}
		for _, place := range places.FindAllStringSubmatch(english.Say(key), -1) {
			if !slices.Contains(s.values, place[1]) {
				t.Errorf("%s: %s has a place %q that the error does not fill", s.at, key, place[1])
			}
		}
	}
	for _, r := range parents.Reasons() {
		used["refusal."+r.String()+".any"] = true
	}
	for _, r := range account.Reasons() {
		used["refusal."+r.String()+".any"] = true
	}
	for _, w := range notify.Whys() {
		used["refusal.failed."+string(w)] = true
	}
	for _, k := range notify.Carriers() {
		used["refusal.failed."+string(k)] = true
	}
	for _, own := range []string{"choice", "timezone", "schedule", "minutes"} { // of forms, and of a definition
		used["refusal.refused."+own] = true
	}
	for _, key := range console.Keys("refusal.") {
		if !used[key] {
			t.Errorf("nothing needs the text %s", key)
		}
	}
	for key := range used {
		if strings.HasSuffix(key, ".any") && !english.Has(key) {
			t.Errorf("there is no general text %s", key)
		}
	}
}

// sentence is what a refusal says on a page.
var sentence = regexp.MustCompile(`(?s)<p class="note bad" id="wrong" role="alert">(.*?)</p>`)

// TestRefusedForms: a form that is refused comes back in the language of the page, with what was typed in it but
// passphrases and PINs, and with the reason beside the field.
func TestRefusedForms(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	asked := h.ask("10.0.0.2", "social.example", "")
	anna := h.signedIn("one", account.Parent, "Anna")
	for _, code := range []string{"de", "ar"} {
		browser := anna.asks(code)
		week, limits, settings, household := browser.get("/child/Mia/week").field("revision"), browser.get("/child/Mia/limits").field("revision"), browser.get("/settings").field("revision"), browser.get("/household").field("revision")
		for _, c := range []struct {
			path  string
			form  url.Values
			key   string // of the text
			field string // beside which it stands
			pairs []any
		}{
			{"/child/Mia/grant", url.Values{"value": {"https://a b/"}, "for": {"30m"}}, "refusal.refused.value", "value", nil},
			{"/child/Mia/grant", url.Values{"value": {"co.uk"}, "for": {"30m"}}, "refusal.refused.shared", "value", nil},
			{"/child/Mia/pin", url.Values{"digits": {"12"}}, "refusal.refused.pin", "digits", []any{"least", 4, "most", 12}},
			{"/child/Mia/pin", url.Values{"digits": {"1234"}}, "refusal.refused.pin", "digits", []any{"least", 4, "most", 12}},
			{"/child/Mia/week", url.Values{"revision": {week}, "school.from": {"20:00"}, "free.from": {"21:00"}, "free.to": {"07:00"}}, "week.half", "school.to", nil},
			{"/child/Mia/week", url.Values{"revision": {week}, "school.from": {"20:00"}, "school.to": {"20:00"}}, "refusal.refused.schedule", "", nil},
			{"/child/Mia/limits", url.Values{"revision": {limits}, "minutes.total": {"many"}, "free.total": {"150"}}, "refusal.refused.minutes", "minutes.total", nil},
			{"/child/Mia/limits", url.Values{"revision": {limits}, "minutes.total": {"1441"}}, "refusal.refused.minutes", "minutes.total", nil},
			{"/devices", url.Values{"for": {"thing"}, "name": {"a/b"}}, "refusal.refused.name", "name", nil},
			{"/device/mia-tablet/rename", url.Values{"name": {"tom-phone"}}, "refusal.refused.name", "name", nil},
			{"/household", url.Values{"revision": {household}, "name": {"Mia"}, "age": {"8"}}, "refusal.refused.name", "name", nil},
			{"/household", url.Values{"revision": {household}, "name": {"Ida"}, "born": {"2099-01-01"}}, "family.no_born", "born", []any{"name", "Ida"}},
			{"/household", url.Values{"revision": {household}, "name": {"Ida"}, "age": {"old"}}, "family.no_age", "age", []any{"name", "Ida"}},
			{"/settings", url.Values{"revision": {settings}, "country": {"XX"}, "zone": {"Europe/Vienna"}}, "refusal.refused.choice", "country", nil},
			{"/settings", url.Values{"revision": {settings}, "language": {"tlh"}, "zone": {"Europe/Vienna"}}, "refusal.refused.choice", "language", nil},
			{"/settings", url.Values{"revision": {settings}, "zone": {"Mars/Base"}, "observe": {"yes"}}, "refusal.refused.timezone", "zone", nil},
			{"/people", url.Values{"role": {"carer"}, "name": {"Oma"}, "until": {"2026-11-17"}}, "refusal.refused.until", "until", nil},
			{"/people", url.Values{"role": {"carer"}, "name": {"Oma"}, "until": {"soon"}}, "refusal.refused.until", "until", nil},
			{"/people", url.Values{"role": {"child"}, "name": {strings.Repeat("x", 300)}}, "refusal.refused.name", "name", nil},
			{"/account/passphrase", url.Values{"old": {passphrase}, "next": {"purple"}}, "refusal.refused.passphrase", "next", []any{"least", 15, "most", 128}},
			{"/answer", url.Values{"id": {asked}, "for": {"30m"}, "word": {strings.Repeat("ab ", 120)}}, "refusal.refused.word", "word", []any{"most", 280}},
		} {
			a := browser.post(c.path, c.form).is(http.StatusUnprocessableEntity)
			said := sentence.FindStringSubmatch(a.text)
			if want := console.Say(code, c.key, c.pairs...); said == nil || said[1] != want {
				t.Errorf("%s %v in %s: the page says %q, want %q", c.path, c.form, code, said, want)
				continue
			}
			if beside := regexp.MustCompile(`<(input|select)[^>]* name="` + regexp.QuoteMeta(c.field) + `"[^>]* aria-invalid="true" aria-describedby="([a-z-]+ )?wrong"`); c.field != "" && !beside.MatchString(a.text) {
				t.Errorf("%s %v in %s: what is wrong does not stand beside %s", c.path, c.form, code, c.field)
			}
			for name, values := range c.form {
				if name == "old" || name == "next" {
					a.lacks(values[0])
				} else if name == "digits" {
					a.lacks(`value="` + values[0] + `"`)
				} else if is := regexp.MustCompile(`<input[^>]* name="` + regexp.QuoteMeta(name) + `"[^>]* value="` + regexp.QuoteMeta(strings.TrimSpace(values[0]))); name != "revision" && name != "for" && name != "country" && name != "language" && !is.MatchString(a.text) {
					t.Errorf("%s in %s lost %s=%q", c.path, code, name, values[0])
				}
			}
		}
	}
}

// TestRefusedFormsAreNoMarkup: what comes back in a form that is refused is text, and the style of its page is as the policy names it.
func TestRefusedFormsAreNoMarkup(t *testing.T) {
	t.Parallel()
	anna := open(t, "", family).signedIn("one", account.Parent, "Anna")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	for _, evil := range []string{`/"><script>alert(1)</script>`, `/' onfocus=alert(1) x='`, `/</style><img src=x>`} {
		a := anna.post("/devices", url.Values{"for": {"thing"}, "name": {evil}}).is(http.StatusUnprocessableEntity).lacks("<script>alert", "<img src=x>").says(`value="` + html.EscapeString(evil) + `"`)
		if got := style.FindStringSubmatch(a.text); got == nil || !strings.Contains(a.head.Get("Content-Security-Policy"), portal.Source([]byte(got[1]))) {
			t.Error("the policy of a page that is refused does not name its style")
		}
	}
}

// TestNoEnglishElsewhere: what is refused in Arabic has no sentence of the packages in it.
func TestNoEnglishElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna").asks("ar")
	all := []string{"request"}
	for path, form := range map[string]url.Values{
		"/answer": {"id": {"none"}, "for": {"30m"}}, "/child/Mia/revoke": {"id": {"none"}}, "/child/Mia/confirm": {}, "/child/Mia/pause": {"for": {"ever"}},
		"/child/Mia/bonus": {"value": {"fun.video"}, "minutes": {"15"}}, "/device/none/remove": {}, "/device/mia-tablet/learn": {}, "/people/none/remove": {},
		"/people/none/withdraw": {}, "/people": {"role": {"king"}}, "/channels/none/test": {}, "/account/session/end": {"id": {"none"}},
		"/account/passphrase": {"old": {"wrong wrong wrong"}, "next": {passphrase}}, "/household": {"name": {"Ida"}, "age": {"3"}}, "/house/pause": {"for": {"x"}},
		"/channels": {"kind": {"mail"}, "to": {"nobody"}, "of": all}, "/member/Mia/erase": {}, "/signin": {"name": {"Anna"}, "passphrase": {"wrong wrong wrong"}},
		"/join": {"code": {"one.ABCD-EFGH-JKLM-NPQR"}}, "/settings": {"country": {"DE"}, "answers": {"three"}},
	} {
		a := anna.post(path, form)
		said := sentence.FindStringSubmatch(a.text)
		if a.status < 400 || said == nil {
			t.Errorf("%s is answered with %d, and says %v", path, a.status, said)
			continue
		}
		if words := regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`).FindString(said[1]); words != "" || !strings.ContainsFunc(said[1], func(r rune) bool { return unicode.Is(unicode.Arabic, r) }) {
			t.Errorf("%s says %q", path, said[1])
		}
	}
}

// TestKeptChannel: of a way whose test message fails the page says that it is kept, and of one that is not, that it is not.
func TestKeptChannel(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna").asks("de")
	form := url.Values{"kind": {"mail"}, "to": {"alex"}, "name": {"Küche"}, "of": {"request"}}
	anna.post("/channels", form).is(http.StatusUnprocessableEntity).says("Es wurde nichts hinzugefügt. Das ist keine E-Mail-Adresse.", `value="alex"`, `value="Küche"`, `<details class="card" open="">`)
	if n := len(must(h.messages.Channels(t.Context(), "one"))); n != 0 {
		t.Errorf("%d channels are kept", n)
	}
	form.Set("to", "alex@home.example")
	anna.post("/channels", form).is(http.StatusOK).says("Die Testnachricht kam nicht an. Dort antwortet niemand.", "Der Weg bleibt gespeichert").lacks(`value="alex@home.example"`)
	kept := must(h.messages.Channels(t.Context(), "one"))
	if len(kept) != 1 {
		t.Fatalf("%d channels are kept", len(kept))
	}
	anna.post("/channels/"+kept[0].ID+"/test", nil).is(http.StatusUnprocessableEntity).says("Die Testnachricht kam nicht an. Dort antwortet niemand.", "Der Weg bleibt gespeichert")
}
