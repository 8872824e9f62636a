package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// changes lists what the code writes into audits: the first argument of entry and Entry, What of an Entry, and what a map of
// words has for accounts.
func changes(t *testing.T) map[string]string {
	t.Helper()
	all, named, set := map[string]string{}, map[string]string{}, token.NewFileSet()
	add := func(e ast.Expr) {
		text := written(e)
		if name, is := e.(*ast.Ident); is {
			text = named[name.Name]
		}
		if text != "" {
			all[text] = set.Position(e.Pos()).String()
		}
	}
	var files []*ast.File
	for _, folder := range []string{"../../parents/*.go", "../*.go", "../api/*.go", "../../../cmd/hearth/account_join.go"} {
		for _, path := range must(filepath.Glob(folder)) {
			if !strings.HasSuffix(path, "_test.go") {
				files = append(files, must(parser.ParseFile(set, path, must(os.ReadFile(path)), 0)))
			}
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if s, is := n.(*ast.ValueSpec); is && len(s.Values) == len(s.Names) {
				for i, name := range s.Names {
					named[name.Name] = written(s.Values[i])
				}
			}
			return true
		})
	}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, is := n.Fun.(*ast.SelectorExpr); is && (f.Sel.Name == "entry" || f.Sel.Name == "Entry") && len(n.Args) > 1 {
					add(n.Args[0])
				}
			case *ast.KeyValueExpr:
				if key, is := n.Key.(*ast.Ident); is && key.Name == "What" {
					add(n.Value)
				}
				if key, is := n.Key.(*ast.SelectorExpr); is && strings.HasPrefix(key.Sel.Name, "Event") {
					add(n.Value)
				}
			}
			return true
		})
	}
	for _, made := range []string{"log", "log told of", "log agreed to", "log ended", "learning", "confirmed"} {
		all[made] = "a function of package parents"
	}
	return all
}

// TestChangesHaveTexts: each thing that is written into an audit has a text, and there is none that nothing needs.
func TestChangesHaveTexts(t *testing.T) {
	t.Parallel()
	all := changes(t)
	if len(all) < 50 {
		t.Fatalf("the code writes %d things down: the test does not find them", len(all))
	}
	for what, at := range all {
		if !console.Catalogue().Has("change." + what) {
			t.Errorf("%s: there is no text change.%s", at, what)
		}
	}
	for _, key := range console.Keys("change.") {
		if what := strings.TrimPrefix(key, "change."); what != "any" && all[what] == "" {
			t.Errorf("nothing needs the text %s", key)
		}
	}
}

// TestChangesInTheLanguage: what was changed is told in the language of the page.
func TestChangesInTheLanguage(t *testing.T) {
	t.Parallel()
	h := open(t, "", family)
	anna := h.signedIn("one", account.Parent, "Anna")
	id := h.ask("10.0.0.2", "social.example", "")
	for path, form := range map[string]url.Values{
		"/answer": {"id": {id}, "for": {"30m"}}, "/child/Mia/grant": {"value": {"netflix"}, "kind": {"service"}, "for": {"30m"}}, "/child/Tom/time": {"for": {"15m"}},
		"/child/Mia/bonus": {"value": {"fun.games"}, "minutes": {"15"}}, "/child/Mia/pin": {"digits": {"8153"}}, "/device/tom-phone/rename": {"name": {"phone"}},
		"/devices": {"for": {"thing"}, "name": {"radio"}}, "/device/television/learn": {}, "/house/pause": {"for": {"30m"}}, "/device/mia-tablet/assign": {"for": {"all"}},
	} {
		anna.post(path, form).is(http.StatusOK)
	}
	anna.asks("de").get("/changes").says("Ja zu einer Anfrage", "Erlaubt", "Netflix", "15 Minuten mehr: Spiele", "PIN festgelegt", "Gerät umbenannt", "<bdi>phone</bdi>", "ein Ding: Fernseher, Spielzeug, Drucker", "Lernt, was es braucht", "Mia, Tom, Anna", "Zusätzliche Zeit", "0 Namen")
	text := anna.asks("ar").get("/changes").is(http.StatusOK).text
	for _, row := range regexp.MustCompile(`<li><span><b>(.*?)</b>`).FindAllStringSubmatch(text, -1) {
		if strings.ContainsFunc(strings.ReplaceAll(row[1], "PIN", ""), func(r rune) bool { return unicode.Is(unicode.Latin, r) }) {
			t.Errorf("in Arabic a change is %q", row[1])
		}
	}
}
