package portal

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

var fieldOfForm = regexp.MustCompile(`name="(about|token)" value="([^"]*)"`)

// formOf reads the hidden fields of the form on a page.
func formOf(t *testing.T, body string) url.Values {
	t.Helper()
	values := url.Values{}
	for _, m := range fieldOfForm.FindAllStringSubmatch(body, -1) {
		values.Set(m[1], m[2])
	}
	return values
}

// open says whether the policy lets a device have a name.
func (h *home) open(t *testing.T, addr, name string) bool {
	t.Helper()
	c := h.Live().Identify(netip.MustParseAddr(addr)).Now(h.Clock())
	var hashes blocklists.Hashes
	q := h.Live().Ask(wire(t, name), &hashes)
	return !c.Decide(&q, h.Clock()).Blocks()
}

// TestContinue: whom a page warned passes the warning with a form that says who will know, for half an hour; a block
// offers nothing, and nobody else gets it.
func TestContinue(t *testing.T) {
	h, desk := withDesk(t)
	at := continuePath + "?name=forum.example"
	offer := `href="http://ask.` + own + at + `"`
	for _, c := range []struct {
		from, host string
		want       bool
	}{{leo, "forum.example", true}, {leo, "naked.example", false}, {leo, "phish.example", false}, {leo, "forbidden.example", false}, {mia, "forum.example", false}, {guest, "forum.example", false}, {stranger, "forum.example", false}} {
		body := h.get(c.from, c.host).Body.String()
		if got := strings.Contains(body, offer); got != c.want || c.want && !strings.Contains(body, "Your parents can read that you went on") {
			t.Errorf("%s on the page of %s: offered %v, want %v", c.from, c.host, got, c.want)
		}
	}
	h.block(t, leo, "forum.example", h.Clock())
	h.block(t, leo, "naked.example", h.Clock())
	if body := h.get(leo, "ask."+own).Body.String(); strings.Count(body, "Continue until 12:30") != 1 || !strings.Contains(body, offer) {
		t.Error("ask.<name> does not offer it for the one name that only warns")
	}
	w := h.getPath(leo, "ask."+own, at)
	form := formOf(t, w.Body.String())
	if w.Code != http.StatusOK || form.Get("about") != "forum.example" || !strings.Contains(w.Body.String(), `<form class="card" method="post" action="/continue">`) {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	if w := h.submit(leo, continuePath, "http://forum.example", form); w.Code != http.StatusForbidden || h.open(t, leo, "forum.example") {
		t.Errorf("the site that was warned of passes its own warning: %d", w.Code)
	}
	w = h.submit(leo, continuePath, ourPage, form)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Until 12:30") || !strings.Contains(w.Body.String(), `href="https://forum.example/"`) {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	if !h.open(t, leo, "forum.example") || h.open(t, mia, "forum.example") || h.open(t, leo, "naked.example") {
		t.Error("it opens something else")
	}
	_, changes, err := desk.Audit(t.Context(), of(""))
	if err != nil || len(changes) != 1 || changes[0].What != "continue" || changes[0].By != "Leo" || changes[0].Detail != "continue social.ugc" {
		t.Errorf("parents see %+v (%v)", changes, err)
	}
	if w = h.getPath(leo, "ask."+own, at); strings.Contains(w.Body.String(), "<form") || !strings.Contains(w.Body.String(), "does not block forum.example") {
		t.Error("a warning that was passed is offered again")
	}
	if w = h.get(leo, "forum.example"); w.Code != http.StatusOK {
		t.Errorf("the page of a block that was passed: %d", w.Code)
	}
	h.Later(30 * time.Minute)
	if h.open(t, leo, "forum.example") {
		t.Error("it stays open")
	}
}

// TestContinueTwice: who taps twice, at once or one after the other, reads both times until when it is open, and opens it
// once; after a parent took it back the same form opens nothing.
func TestContinueTwice(t *testing.T) {
	h, desk := withDesk(t)
	form := formOf(t, h.getPath(leo, "ask."+own, continuePath+"?name=forum.example").Body.String())
	answers := make(chan *httptest.ResponseRecorder, 8)
	for range cap(answers) {
		go func() { answers <- h.submit(leo, continuePath, ourPage, form) }()
	}
	for range cap(answers) {
		if w := <-answers; w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Until 12:30") {
			t.Errorf("%d\n%s", w.Code, w.Body)
		}
	}
	h.Later(time.Minute)
	if w := h.submit(leo, continuePath, ourPage, form); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Until 12:30") {
		t.Errorf("the page is read again: %d\n%s", w.Code, w.Body)
	}
	acts, err := desk.Acts(t.Context(), of(""))
	if err != nil || len(acts) != 1 {
		t.Fatalf("%+v, %v", acts, err)
	}
	if _, err := desk.Revoke(t.Context(), of(""), acts[0].ID); err != nil {
		t.Fatal(err)
	}
	if w := h.submit(leo, continuePath, ourPage, form); w.Code != http.StatusBadRequest || h.open(t, leo, "forum.example") {
		t.Errorf("what was taken back: %d\n%s", w.Code, w.Body)
	}
}

// changed is a token with one sign of its sum changed.
func changed(token string) string {
	i := len(token) / 2
	if token[i] == 'A' {
		return token[:i] + "B" + token[i+1:]
	}
	return token[:i] + "A" + token[i+1:]
}

// TestContinueIsNotForged: a form is taken from whom it was shown to, for the name it was shown for, and not for long.
func TestContinueIsNotForged(t *testing.T) {
	h, desk := withDesk(t)
	form := formOf(t, h.getPath(leo, "ask."+own, continuePath+"?name=forum.example").Body.String())
	other := url.Values{"about": {"naked.example"}, "token": form["token"]}
	broken := url.Values{"about": {"forum.example"}, "token": {changed(form.Get("token"))}}
	for name, try := range map[string]struct {
		from string
		form url.Values
	}{"another device": {anna, form}, "a shared one": {tablet, form}, "a guest": {guest, form}, "a stranger": {stranger, form}, "another name": {leo, other}, "no token": {leo, url.Values{"about": {"forum.example"}}}, "a changed one": {leo, broken}, "nothing": {leo, nil}} {
		if w := h.submit(try.from, continuePath, ourPage, try.form); w.Code < http.StatusBadRequest {
			t.Errorf("from %s: %d", name, w.Code)
		}
	}
	h.Later(sealFor)
	if w := h.submit(leo, continuePath, ourPage, form); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "open for too long") || formOf(t, w.Body.String()).Get("token") == form.Get("token") {
		t.Errorf("an old form: %d\n%s", w.Code, w.Body)
	}
	if acts, err := desk.Acts(t.Context(), of("")); err != nil || len(acts) != 0 || h.open(t, leo, "forum.example") {
		t.Errorf("one of them was taken: %+v (%v)", acts, err)
	}
	r := httptest.NewRequest(http.MethodPost, "http://forum.example"+continuePath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://forum.example")
	r.RemoteAddr = leo + ":40000"
	w := httptest.NewRecorder()
	if h.Landing().ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("at the site that was warned of: %d", w.Code)
	}
}

// TestContinueOfAChain: a warning that a name's chain earned is passed like any other.
func TestContinueOfAChain(t *testing.T) {
	h, _ := withDesk(t)
	client := h.Live().Identify(netip.MustParseAddr(leo))
	var hashes, more blocklists.Hashes
	asked, target := h.Live().Ask(wire(t, "alias.example"), &hashes), h.Live().Ask(wire(t, "forum.example"), &more)
	d := client.DecideChain(client.Decide(&asked, h.Clock()), &asked, target.Match, nil, h.Clock())
	if d.Action != policy.Warn {
		t.Fatalf("%+v", d)
	}
	h.Observe(client, netip.MustParseAddr(leo), wire(t, "alias.example"), d, h.Clock())
	form := formOf(t, h.getPath(leo, "ask."+own, continuePath+"?name=alias.example").Body.String())
	if w := h.submit(leo, continuePath, ourPage, form); w.Code != http.StatusOK {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	if !h.open(t, leo, "forum.example") {
		t.Error("it is not open")
	}
	if w := h.get(leo, "alias.example"); w.Code != http.StatusOK {
		t.Errorf("the page that stood there: %d", w.Code)
	}
}

// TestContinueOnce: a form is good once: after a parent took back what it opened, it opens nothing again; a new one does.
func TestContinueOnce(t *testing.T) {
	h, desk := withDesk(t)
	page := func() url.Values {
		return formOf(t, h.getPath(leo, "ask."+own, continuePath+"?name=forum.example").Body.String())
	}
	form := page()
	if w := h.submit(leo, continuePath, ourPage, form); w.Code != http.StatusOK || !h.open(t, leo, "forum.example") {
		t.Fatalf("%d", w.Code)
	}
	acts, err := desk.Acts(t.Context(), of(""))
	if err != nil || len(acts) != 1 {
		t.Fatal(acts, err)
	}
	if _, err := desk.Revoke(t.Context(), parents.Who{Actor: machine}, acts[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{form.Get("token"), form.Get("token")[:8] + "\n" + form.Get("token")[8:]} {
		form.Set("token", token)
		w := h.submit(leo, continuePath, ourPage, form)
		if w.Code != http.StatusBadRequest || h.open(t, leo, "forum.example") || formOf(t, w.Body.String()).Get("token") == "" {
			t.Errorf("once more: %d", w.Code)
		}
	}
	h.Later(time.Second)
	if w := h.submit(leo, continuePath, ourPage, page()); w.Code != http.StatusOK || !h.open(t, leo, "forum.example") {
		t.Errorf("with a new form: %d", w.Code)
	}
}

// TestSpentMarksAreBounded: what is remembered of forms that were sent has a bound, and makes room as they run out.
func TestSpentMarksAreBounded(t *testing.T) {
	s, now := newSeal(), moment(t, noon)
	for i := range maxSpent {
		home := strconv.Itoa(i / ownSpent)
		if _, first := s.spend(home, s.mark(now, strconv.Itoa(i)), now); !first {
			t.Fatalf("the mark %d is refused", i)
		}
		if i != ownSpent {
			continue
		}
		if once, _ := s.spend("0", s.mark(now, "one more"), now); once != nil {
			t.Fatal("a household has more than it may")
		}
	}
	if once, _ := s.spend("another", s.mark(now, "one more"), now); once != nil || s.count > maxSpent {
		t.Errorf("it remembers %d", s.count)
	}
	later := now.Add(sealFor)
	if _, first := s.spend("0", s.mark(later, "later"), later); !first || s.count != maxSpent-ownSpent+1 || len(s.spent["0"]) != 1 {
		t.Errorf("it remembers %d later", s.count)
	}
	if _, first := s.spend("another", s.mark(later, "later"), later); !first {
		t.Errorf("it remembers %d later", s.count)
	}
	for _, opened := range []bool{false, true} { // of what came to nothing, the mark is as good as before
		token := s.mark(later, "again")
		once, _ := s.spend("0", token, later)
		till := time.Time{}
		if opened {
			till = later.Add(time.Minute)
		}
		s.settle("0", token, once, till)
		if _, first := s.spend("0", token, later); first == opened {
			t.Errorf("a mark with which something was opened (%v) is good again: %v", opened, first)
		}
	}
}

// TestContinueSaysUntilWhen: where the clock changes what holds within half an hour, the button says that time.
func TestContinueSaysUntilWhen(t *testing.T) {
	h, _ := withDesk(t)
	h.at(t, "2026-11-18 20:51") // bedtime begins at 21:00
	body := h.getPath(leo, "ask."+own, continuePath+"?name=forum.example").Body.String()
	wants(t, "the form", body, "Continue until 21:00?", ">Continue until 21:00<")
	wants(t, "the page of the name", h.get(leo, "forum.example").Body.String(), "Continue until 21:00")
	wants(t, "what follows", h.submit(leo, continuePath, ourPage, formOf(t, body)).Body.String(), "Until 21:00")
}
