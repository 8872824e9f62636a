package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// controls is a Control that a test can look into.
type controls struct {
	entries []ListEntry
	updated []string
	flushed []string
	broken  error
}

func (c *controls) Status(context.Context) Status { return Status{Version: "1.2.3"} }

func (c *controls) Reload(context.Context) (Reloaded, error) {
	return Reloaded{Before: "a", After: "b", Changed: []string{"family: Tom is a teen now"}}, c.broken
}

func (c *controls) Lists() Lists { return c }
func (c *controls) Cache() Cache { return answers{c} }
func (c *controls) State() State { return kept{c} }

// kept is the state of controls: a line, or half of one where it is broken.
type kept struct{ of *controls }

func (k kept) Refused() error { return k.of.broken }

func (k kept) Backup(w io.Writer) error {
	_, _ = io.WriteString(w, "half")
	return k.of.broken
}

func (k kept) Export(_ context.Context, w io.Writer, household string) error {
	if k.of.broken != nil {
		return k.of.broken
	}
	_, err := fmt.Fprintf(w, "{%q: 1}", household)
	return err
}

// answers is the cache of controls, which forgets seven answers whatever it is told.
type answers struct{ of *controls }

func (a answers) Stats(context.Context) (CacheStats, error) {
	return CacheStats{Hits: 3, Entries: 9, Limit: 1 << 20}, a.of.broken
}

func (a answers) Flush(_ context.Context, name blocklists.Name, subtree bool) (int, error) {
	a.of.flushed = append(a.of.flushed, fmt.Sprint(name, " ", subtree))
	return 7, a.of.broken
}

func (c *controls) Stats(context.Context) ([]ListStat, error) {
	return []ListStat{{Name: "starter", Names: 7}}, c.broken
}

func (c *controls) Find(_ context.Context, name string) (ListFound, error) {
	out := ListFound{Entries: []ListEntry{}, Categories: []ListAgreement{}}
	for _, e := range c.entries {
		if e.Entry == name {
			out.Entries = append(out.Entries, e)
			for _, id := range e.Categories {
				out.Categories = append(out.Categories, ListAgreement{Category: id, Sources: []string{e.Source}, Independent: 1, SingleSource: true})
			}
		}
	}
	return out, c.broken
}

func (c *controls) Diff(_ context.Context, from, to string) (ListDiff, error) {
	return ListDiff{From: from, To: to, Added: ListChanges{Count: 1, Examples: []string{"new.example"}}}, c.broken
}

func (c *controls) Lint(context.Context) (ListLint, error) {
	return ListLint{Findings: []ListFinding{{Source: "starter", Kind: "redundant", Count: 3, Of: 7}}}, c.broken
}

func (c *controls) Accept(_ context.Context, name string) (ListUpdate, error) {
	return ListUpdate{Name: name, Outcome: "updated"}, c.broken
}

func (c *controls) Update(_ context.Context, names ...string) ([]ListUpdate, error) {
	c.updated = append(c.updated, names...)
	return []ListUpdate{{Name: "starter", Outcome: "unchanged"}}, c.broken
}

func newControls(t *testing.T, c *controls) http.Handler {
	t.Helper()
	dir := directory(t, houseOptions{language: "en"})
	now := moment(t, noon)
	p, err := New(Config{Name: own, View: func() *policy.Directory { return dir }, Now: func() time.Time { return now }, Control: c})
	if err != nil {
		t.Fatal(err)
	}
	return p.API()
}

func request(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestControlRoutes(t *testing.T) {
	c := &controls{entries: []ListEntry{
		{Source: "big", Categories: []string{"adult.porn"}, Entry: "naked.example", Line: 3},
		{Source: "court", Categories: []string{"illegal.order"}, Entry: "ordered.example", Line: 1},
		{Source: "bad", Categories: []string{"sec.malware"}, Entry: "virus.example", Line: 1},
		{Source: "court", Categories: []string{"illegal.order"}, Entry: "naked.example", Line: 2},
	}}
	h := newControls(t, c)
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
		{http.MethodGet, "/v1/explain?name=games.example&member=family/Tom&at=fri+23:30", "", 200, `"step_name":"bedtime"`, ""},
		{http.MethodGet, "/v1/explain?name=a..b", "", 400, `"field":"name"`, ""},
		{http.MethodGet, "/v1/explain?name=a.example&device=nobody", "", 404, `household/device`, ""},
		{http.MethodGet, "/v1/lists", "", 200, `{"lists":[{"name":"starter"`, ""},
		{http.MethodGet, "/v1/lists/find?name=naked.example", "", 200, `"line":3`, "court"},
		{http.MethodGet, "/v1/lists/find?name=ordered.example", "", 200, `"entries":[],"categories":[],"withheld":true`, "court"},
		{http.MethodGet, "/v1/lists/find?name=virus.example", "", 200, `"entries":[],"categories":[],"withheld":true`, "bad"},
		{http.MethodGet, "/v1/lists/find?name=", "", 400, "example.com", ""},
		{http.MethodPost, "/v1/lists/update", "", 200, `"outcome":"unchanged"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"names":["one","two"]}`, 200, `"outcome":"unchanged"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"name":"one"}`, 400, `\"names\"`, ""},
		{http.MethodPost, "/v1/lists/update", `{"names":["` + strings.Repeat("x", 1<<17) + `"]}`, 400, `problem`, ""},
		{http.MethodPost, "/v1/lists/accept", `{"name":"one"}`, 200, `"name":"one","outcome":"updated"`, ""},
		{http.MethodPost, "/v1/lists/accept", `{"names":["one"]}`, 400, `{\"name\": \"a list\"}`, ""},
		{http.MethodGet, "/v1/lists/diff?from=one", "", 400, "NAME@held", ""},
		{http.MethodGet, "/v1/lists/find?name=naked.example", "", 200, `"single_source":true`, "illegal"},
		{http.MethodGet, "/v1/lists/lint", "", 200, `"kind":"redundant","count":3,"of":7`, ""},
		{http.MethodGet, "/v1/cache", "", 200, `"hits":3`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":"Www.Example.com","subtree":true}`, 200, `{"name":"www.example.com","subtree":true,"flushed":7}`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":".","subtree":true}`, 200, `"flushed":7`, ""},
		{http.MethodPost, "/v1/cache/flush", `{}`, 400, `"field":"name"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"name":"a..b"}`, 400, `"field":"name"`, ""},
		{http.MethodPost, "/v1/cache/flush", `{"nam":"a.example"}`, 400, `\"subtree\"`, ""},
		{http.MethodGet, "/v1/cache/flush", "", 405, "asked with POST", ""},
		{http.MethodPost, "/v1/reload", "", 200, `"after":"b"`, ""},
		{http.MethodGet, "/v1/reload", "", 405, "asked with POST", ""},
		{http.MethodPost, "/v1/explain", "", 405, "asked with GET", ""},
		{http.MethodGet, "/", "", 404, "/v1/status", ""},
	}
	for _, tt := range tests {
		w := request(h, tt.method, tt.path, tt.body)
		body := w.Body.String()
		if w.Code != tt.status || !strings.Contains(body, tt.want) && tt.want != "problem" {
			t.Errorf("%s %.60s: status %d, %s; want %d with %s", tt.method, tt.path, w.Code, body, tt.status, tt.want)
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
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: not JSON: %s", tt.method, tt.path, body)
		}
	}
	if got := strings.Join(c.updated, " "); got != "one two" {
		t.Errorf("the lists %q were updated, want one two", got)
	}
	if got := strings.Join(c.flushed, ", "); got != "www.example.com true, . true" {
		t.Errorf("%q was flushed", got)
	}
}

func TestControlTellsWhatIsBroken(t *testing.T) {
	h := newControls(t, &controls{broken: errors.New("config.yaml:3:7: unknown key \"netwroks\"; write networks")})
	for path, method := range map[string]string{"/v1/reload": http.MethodPost, "/v1/lists": http.MethodGet, "/v1/lists/update": http.MethodPost} {
		w := request(h, method, path, "")
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "config.yaml:3:7") {
			t.Errorf("%s: status %d, %s", path, w.Code, w.Body)
		}
	}
}

func TestControlWithoutControl(t *testing.T) {
	dir := directory(t, houseOptions{language: "en"})
	p, err := New(Config{Name: own, View: func() *policy.Directory { return dir }})
	if err != nil {
		t.Fatal(err)
	}
	if w := request(p.API(), http.MethodGet, "/v1/explain?name=naked.example&client="+tom, ""); w.Code != http.StatusOK {
		t.Errorf("status %d, want %d", w.Code, http.StatusOK)
	}
	if w := request(p.API(), http.MethodPost, "/v1/reload", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d, want %d", w.Code, http.StatusNotFound)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	view := func() *policy.Directory { return nil }
	for _, c := range []Config{{Name: "", View: view}, {Name: ".", View: view}, {Name: "a..b", View: view}, {Name: own},
		{Name: strings.TrimSuffix(strings.Repeat("abcdefgh.", 28), "."), View: view}} {
		if _, err := New(c); err == nil {
			t.Errorf("a portal named %.30q was made", c.Name)
		}
	}
}
