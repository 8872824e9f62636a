//go:build browser

package portal

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// TestScreenshotsOfRequests takes a picture of each page of asking, of each state of a request, and of the forms behind the
// other two buttons.
func TestScreenshotsOfRequests(t *testing.T) {
	folder := os.Getenv("HEARTH_SHOTS")
	if folder == "" {
		t.Skip("HEARTH_SHOTS names no folder")
	}
	h, desk := withTickets(t, tickets.ToOperator)
	h.dir = directory(t, houseOptions{language: "en", country: "AT"})
	for _, name := range []string{"naked.example", "casino.example", "games.example"} {
		h.block(t, tom, name, h.now.Add(-2*time.Minute))
		h.block(t, mia, name, h.now.Add(-2*time.Minute))
	}
	h.block(t, tom, "casino.example", h.now)
	picture := func(name, from, at, host, path string) {
		t.Run(name, func(t *testing.T) { shoot(t, h.at(t, at), from, host+path, filepath.Join(folder, name)) })
	}
	picture("request-landing-child", mia, noon, "casino.example", "/")
	picture("request-landing-teen", tom, noon, "naked.example", "/")
	picture("request-landing-young", lea, noon, "naked.example", "/")
	picture("request-landing-bedtime", tom, evening, "naked.example", "/")
	picture("request-form-child", mia, noon, askHost, requestPath+"?name=casino.example")
	picture("request-form-teen", tom, noon, askHost, requestPath+"?name=naked.example")
	picture("request-form-young", lea, noon, askHost, requestPath+"?name=naked.example")
	picture("request-form-bedtime", tom, evening, askHost, requestPath+"?name=naked.example")
	picture("request-mistake", tom, noon, askHost, mistakePath+"?name=naked.example")
	picture("request-bad-child", mia, noon, askHost, badPath+"?name=casino.example")
	picture("request-bad-teen", tom, noon, askHost, badPath)
	h.at(t, noon)
	id := h.ask(t, tom, "naked.example", "It is about art, for school.")
	picture("request-waiting", tom, noon, askHost, requestPath+"/"+id)
	picture("request-list", tom, noon, askHost, "/")
	answer := func(id string, v parents.Verdict) {
		if _, err := desk.Answer(t.Context(), parents.Who{Actor: parents.Actor{Role: parents.Parent, Household: "family", Name: "Anna"}}, id, v); err != nil {
			t.Fatal(err)
		}
	}
	answer(id, parents.Verdict{For: "30m", Word: "Have a look, and tell me about it."})
	picture("request-granted", tom, noon, askHost, requestPath+"/"+id)
	h.at(t, noon)
	id = h.ask(t, mia, "casino.example", "")
	answer(id, parents.Verdict{Decline: true, Word: "Let us find another game together."})
	picture("request-declined", mia, noon, askHost, requestPath+"/"+id)
	form := formOf(t, h.getPath(tom, askHost, mistakePath+"?name=games.example").Body.String())
	if form.Get("token") == "" {
		form = formOf(t, h.getPath(tom, askHost, mistakePath+"?name=casino.example").Body.String())
	}
	form.Set("why", "fine")
	path, _ := strings.CutPrefix(h.submit(tom, mistakePath, ourPage, form).Header().Get("Location"), ourPage)
	picture("request-outcome", tom, noon, askHost, path)
}

// TestBrowserAsks: a child goes from the block by its button to the form, asks, and waits; with the answer the page changes
// by itself, counts down, and goes to the site.
func TestBrowserAsks(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	start, began := h.now, time.Now()
	h.Portal.now = func() time.Time { return start.Add(time.Since(began)) }
	h.blockTTL = func() time.Duration { return 3 * time.Second }
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadTimeout: ReadHeaderTimeout, WriteTimeout: WriteTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = mia + ":40000"
		h.Landing().ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ctx, _ := browser(t, ln.Addr().(*net.TCPAddr).Port, 1)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	until := func(what string, ok func(url, text string) bool) {
		t.Helper()
		var url, text string
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			url, _ = chromedp.Run(ctx, chromedp.Evaluate[string]("location.href"))
			text, _ = chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			if ok(url, text) {
				return
			}
		}
		t.Fatalf("the page never %s: %s\n%s", what, url, text)
	}
	do(chromedp.Navigate("http://casino.example/"))
	until("has the button", func(url, text string) bool { return strings.Contains(text, "Ask a grown-up") })
	do(chromedp.Click("a.main"))
	until("has the form", func(_, text string) bool { return strings.Contains(text, "A word to it") })
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("textarea").value = "please"`)); err != nil {
		t.Fatal(err)
	}
	do(chromedp.Submit("form"))
	until("waits", func(_, text string) bool { return strings.Contains(text, "Your question is on its way.") })
	page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{})
	if err != nil || len(page.Requests) != 1 || page.Requests[0].Word != "please" {
		t.Fatalf("%+v (%v)", page, err)
	}
	if _, err := desk.Answer(t.Context(), of("family"), page.Requests[0].ID, parents.Verdict{For: "30m", Word: "yes"}); err != nil {
		t.Fatal(err)
	}
	answered := time.Now()
	until("tells the answer", func(_, text string) bool { return strings.Contains(text, "The answer is yes.") })
	t.Logf("told after %s", time.Since(answered))
	until("goes to the site", func(url, _ string) bool { return !strings.Contains(url, askHost) })
	t.Logf("there after %s", time.Since(answered))
}
