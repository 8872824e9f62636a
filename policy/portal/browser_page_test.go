//go:build browser

package portal

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/parents"
)

// TestBrowserAsksForParts proves with a real browser that a blocked name inside somebody else's page gets the
// empty answer, and the page in a window of its own, whatever the browser tells over plain HTTP.
func TestBrowserAsksForParts(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	var mu sync.Mutex
	seen := map[string]string{}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ctx, _ := browser(t, ln.Addr().(*net.TCPAddr).Port, 1)
	if err := chromedp.Do(ctx, chromedp.Navigate("http://outer.example/")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	title, err := chromedp.Run(ctx, chromedp.Title())
	if err != nil || title != "outer" {
		t.Fatalf("the outer page shows %q (%v)", title, err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("http://naked.example/document")); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for path, want := range map[string]string{"/image": "204", "/script": "204", "/style": "204", "/fetch": "204", "/document": "403"} {
		if seen[path] != want {
			t.Errorf("%s is answered with %s, want %s", path, seen[path], want)
		}
	}
}

// TestBrowserSubmitsForms proves with a real browser that our own forms are taken over plain HTTP, where a browser tells
// of nothing but its Origin, and even that only as far as the page's Referrer-Policy lets it.
func TestBrowserSubmitsForms(t *testing.T) {
	h, desk := withDesk(t)
	code, err := desk.Invite(t.Context(), parents.Who{Actor: machine}, parents.Assignment{Members: []string{"Tom"}}, "tom-laptop")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = guest + ":1"
		h.Landing().ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ctx, _ := browser(t, ln.Addr().(*net.TCPAddr).Port, 1)
	if err := chromedp.Do(ctx, chromedp.Navigate(ourPage+devicePath+"?code="+code.Code)); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Submit("form")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if v := h.dir.Identify(netip.MustParseAddr(guest)).Device; v != nil && v.Name == "tom-laptop" {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the browser's form was not taken")
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

// TestBrowserContinues walks with a real browser from the page of a warning over the button and the form to the open
// site, and looks at the page of the person, which comes up to date by itself.
func TestBrowserContinues(t *testing.T) {
	h, _ := withDesk(t)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var looked atomic.Int32
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = leo + ":1"
		page := httptest.NewRecorder()
		h.Landing().ServeHTTP(page, r)
		for name, values := range page.Header() {
			w.Header()[name] = values
		}
		if r.URL.Path == mePath {
			looked.Add(1)
			w.Header().Set("Refresh", "1") // in place of half a minute and more
		}
		w.WriteHeader(page.Code)
		_, _ = page.Body.WriteTo(w)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ctx, _ := browser(t, ln.Addr().(*net.TCPAddr).Port, 1)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	until := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the browser never came to the point that it " + what)
			}
		}
	}
	do := func(step chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, step); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.Navigate("http://forum.example/"))
	do(chromedp.Click("a.button"))
	until("stood before the form", func() bool {
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.readyState+location.href"))
		return err == nil && at == "complete"+ourPage+continuePath+"?name=forum.example"
	})
	do(chromedp.Submit("form"))
	until("opened the site", func() bool { return h.open(t, leo, "forum.example") })
	do(chromedp.Navigate(ourPage + mePath))
	until("looked again", func() bool { return looked.Load() > 1 })
}
