//go:build browser

package portal

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/hearthdns/hearth/policy/portal/chromium"
)

// TestBrowserAsksForParts proves with a real browser that a blocked name inside somebody else's page gets the
// empty answer, and the page in a window of its own, whatever the browser tells over plain HTTP.
func TestBrowserAsksForParts(t *testing.T) {
	t.Parallel()
	h := newHome(t, houseOptions{language: "en"})
	var mu sync.Mutex
	seen := map[string]string{}
	b := chromium.Open(t, serves(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "outer.example" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><title>outer</title><img src="http://naked.example/image"><script src="http://naked.example/script"></script>`+
				`<link rel=stylesheet href="http://naked.example/style"><iframe src="http://naked.example/frame"></iframe>`+
				`<script>fetch("http://naked.example/fetch").catch(()=>0)</script>`)
			return
		}
		r.RemoteAddr = tom + ":1"
		answer := &counted{ResponseWriter: w}
		h.Landing().ServeHTTP(answer, r)
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path] = fmt.Sprint(answer.status)
		t.Logf("%s: Sec-Fetch-Dest %q, Accept %q -> %d", r.URL.Path, r.Header.Get("Sec-Fetch-Dest"), r.Header.Get("Accept"), answer.status)
	})))
	want := map[string]string{"/image": "204", "/script": "204", "/style": "204", "/fetch": "204", "/document": "403"}
	b.Go("http://outer.example/")
	b.Until("asked for every part", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for path := range want {
			if seen[path] == "" && path != "/document" {
				return false
			}
		}
		return true
	})
	if title := b.Eval("document.title"); title != "outer" {
		t.Fatalf("the outer page shows %q", title)
	}
	b.Go("http://naked.example/document")
	mu.Lock()
	defer mu.Unlock()
	for path, status := range want {
		if seen[path] != status {
			t.Errorf("%s is answered with %s, want %s", path, seen[path], status)
		}
	}
}

type counted struct {
	http.ResponseWriter
	status int
}

func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}
