package portal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/tickets"
)

// withTickets is a home with a desk, and with one for appeals and reports that go to somebody.
func withTickets(t *testing.T, to string) (*home, *parents.Desk) {
	t.Helper()
	return withTicketsOf(t, to, houseOptions{language: "en"})
}

func withTicketsOf(t *testing.T, to string, o houseOptions) (*home, *parents.Desk) {
	t.Helper()
	h, desk := withDeskOf(t, o)
	taxonomy := h.Live().Index().Taxonomy()
	settings := tickets.Default()
	settings.To = to
	d, err := tickets.New(t.Context(), tickets.Config{
		Log: h.Bolt, Folder: filepath.Join(t.TempDir(), "tickets"), Now: h.Clock,
		Settings: func() tickets.Settings { return settings }, Taxonomy: func() *blocklists.Taxonomy { return taxonomy },
		Look: func(_ context.Context, name blocklists.Name) (s tickets.Standing, _ error) {
			for c := range h.Live().Ask(name, new(blocklists.Hashes)).Match.Categories.All() {
				id := taxonomy.ID(c)
				if s.Illegal = s.Illegal || strings.HasPrefix(id, "illegal."); !s.Illegal {
					s.Claims = append(s.Claims, tickets.Claim{Category: id, List: "list"})
				}
			}
			return s, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.tickets = d
	return h, desk
}

const askHost = "ask." + own

// ask goes the way of a browser: the form for a name, then what it sends; it gives the id of the request.
func (h *home) ask(t *testing.T, from, name, word string) string {
	t.Helper()
	form := formOf(t, h.getPath(from, askHost, requestPath+"?name="+name).Body.String())
	form.Set("word", word)
	w := h.submit(from, requestPath, ourPage, form)
	id, ok := strings.CutPrefix(w.Header().Get("Location"), ourPage+requestPath+"/")
	if w.Code != http.StatusSeeOther || !ok {
		t.Fatalf("%s asks for %s: %d %q\n%s", from, name, w.Code, w.Header().Get("Location"), w.Body)
	}
	return id
}

// TestThreeButtons: which of the three stand on which page, by who reads it and what blocks; on pages of the law and of
// help there are none.
func TestThreeButtons(t *testing.T) {
	h, _ := withTickets(t, tickets.ToParents)
	for _, c := range []struct {
		from, host, at string
		ask            string
		mistake, bad   bool
	}{
		{mia, "casino.example", noon, "Ask a grown-up", true, true}, {leo, "casino.example", noon, "Ask a grown-up", true, true},
		{tom, "naked.example", noon, "Ask a grown-up", true, true}, {tablet, "casino.example", noon, "Ask a grown-up", true, true},
		{lea, "naked.example", noon, "Ask a grown-up", true, true},
		{mia, "games.example", evening, "Ask a grown-up", false, true}, {tom, "games.example", evening, "Ask a grown-up", false, true},
		{tom, "denied.example", noon, "Ask a grown-up", true, true},
		{tom, "virus.example", noon, "", true, true}, {mia, "virus.example", noon, "", true, true},
		{guest, "casino.example", noon, "", false, true},
		{mia, "harm.example", noon, "", false, false}, {tom, "harm.example", evening, "", false, false}, {tom, "both.example", noon, "", false, false},
		{mia, "forbidden.example", noon, "", false, false}, {tom, "ordered.example", evening, "", false, false}, {anna, "forbidden.example", noon, "", false, false},
		{stranger, "casino.example", noon, "", false, false},
	} {
		w := h.at(t, c.at).get(c.from, c.host)
		body := w.Body.String()
		has := func(path string) bool { return strings.Contains(body, `href="`+ourPage+path+`?name=`+c.host+`"`) }
		if has(requestPath) != (c.ask != "") || c.ask != "" && !strings.Contains(body, ">"+c.ask+"<") || has(mistakePath) != c.mistake || has(badPath) != c.bad {
			t.Errorf("%s at %s, %s: ask %v, mistake %v, bad %v\n%s", c.from, c.host, c.at, has(requestPath), has(mistakePath), has(badPath), readable(t, body))
		}
		checkPage(t, w.Header(), body)
	}
}

// TestAskOnPage: a child asks with a word; the page of the request says what is going on, to that child alone; the answer
// and the word of the parent stand on it, the old answer is counted down, and it leads to the site.
func TestAskOnPage(t *testing.T) {
	for _, from := range []string{mia, leo, tom, tablet} {
		h, desk := withTickets(t, tickets.ToParents)
		h.block(t, from, "casino.example", h.Clock())
		id := h.ask(t, from, "casino.example", "for <b>school</b>")
		at := requestPath + "/" + id
		w := h.getPath(from, askHost, at)
		body := w.Body.String()
		checkPage(t, w.Header(), body)
		if w.Code != http.StatusOK || !strings.Contains(body, "Your question is on its way.") || !strings.Contains(body, "for &lt;b&gt;school&lt;/b&gt;") ||
			!strings.Contains(body, `data-live="`+ourPage+at+`/events"`) || !strings.Contains(body, `<noscript><meta http-equiv="refresh" content="10"></noscript>`) {
			t.Fatalf("%s: %d\n%s", from, w.Code, body)
		}
		if list := h.get(from, askHost).Body.String(); !strings.Contains(list, `href="`+ourPage+at+`"`) || !strings.Contains(list, ">waits<") {
			t.Errorf("%s: ask.<name> does not list it", from)
		}
		for _, other := range []string{mia, leo, tom, tablet, anna, lea, guest, stranger} {
			for _, path := range []string{at, at + "/events"} {
				if other != from && h.getPath(other, askHost, path).Code != http.StatusNotFound {
					t.Errorf("%s sees %s of %s", other, path, from)
				}
			}
		}
		if page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{}); err != nil || len(page.Requests) != 1 || page.Requests[0].Word != "for <b>school</b>" || page.Requests[0].TTL != 10 {
			t.Errorf("the parents see %+v (%v)", page, err)
		}
		if _, err := desk.Answer(t.Context(), parents.Who{Actor: parents.Actor{Role: parents.Parent, Household: "family", Name: `<script>alert("Anna")</script>`}}, id, parents.Verdict{For: "30m", Word: `ok "><img src=x onerror=alert(1)>`}); err != nil {
			t.Fatal(err)
		}
		if page := h.get(from, "casino.example"); page.Code == http.StatusForbidden || strings.Contains(h.get(from, askHost).Body.String(), requestPath+"?name=casino.example") {
			t.Errorf("%s: what was granted is said to be blocked, or can be asked for again:\n%s", from, readable(t, page.Body.String()))
		}
		w = h.getPath(from, askHost, at)
		body = w.Body.String()
		checkPage(t, w.Header(), body)
		for _, want := range []string{"The answer is yes.", "It is open until 12:30.", "&lt;script&gt;alert(&#34;Anna&#34;)&lt;/script&gt; says", "&lt;img src=x onerror=alert(1)&gt;", `<b role="timer">10</b>`, `href="https://casino.example/"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q\n%s", from, want, readable(t, body))
			}
		}
		h.Later(10 * time.Second)
		if body = h.getPath(from, askHost, at).Body.String(); strings.Contains(body, `role="timer"`) || !strings.Contains(body, `href="https://casino.example/"`) || strings.Contains(body, "<script") {
			t.Errorf("%s: once the old answer is forgotten:\n%s", from, readable(t, body))
		}
		if !h.open(t, from, "casino.example") {
			t.Errorf("%s: it is not open", from)
		}
		h.Later(time.Hour)
		if body = h.getPath(from, askHost, at).Body.String(); strings.Contains(body, "https://casino.example/") {
			t.Errorf("%s: it leads to what is over", from)
		}
	}
}

// TestDeclinedKindly: the word of a no is shown, and nothing else is said.
func TestDeclinedKindly(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	id := h.ask(t, mia, "casino.example", "")
	if _, err := desk.Answer(t.Context(), of("family"), id, parents.Verdict{Decline: true, Word: "Let us look at it together."}); err != nil {
		t.Fatal(err)
	}
	body := h.getPath(mia, askHost, requestPath+"/"+id).Body.String()
	if !strings.Contains(body, "Not this time.") || !strings.Contains(body, "Let us look at it together.") || strings.Contains(body, "https://casino.example/") {
		t.Errorf("%s", readable(t, body))
	}
}

// TestTimeIsAskedAtBedtime: which site somebody wanted is neither told nor kept.
func TestTimeIsAskedAtBedtime(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	h.at(t, evening)
	id := h.ask(t, tom, "games.example", "")
	page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{})
	if text, _ := json.Marshal(page); err != nil || page.Requests[0].Kind != policy.GrantTime || strings.Contains(string(text), "games") {
		t.Errorf("the parents see %s (%v)", text, err)
	}
	if _, err := desk.Answer(t.Context(), of("family"), id, parents.Verdict{For: "30m"}); err != nil {
		t.Fatal(err)
	}
	if body := h.getPath(tom, askHost, requestPath+"/"+id).Body.String(); !strings.Contains(body, "You have more time until 23:00.") || !h.open(t, tom, "games.example") {
		t.Errorf("%s", readable(t, body))
	}
}

// TestNotOpenAfterAll: a page does not say that something is open which was taken back since, or which security stops.
func TestNotOpenAfterAll(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	yes := func(from, id string) string {
		if _, err := desk.Answer(t.Context(), of("family"), id, parents.Verdict{For: "30m"}); err != nil {
			t.Fatal(err)
		}
		return h.getPath(from, askHost, requestPath+"/"+id).Body.String()
	}
	for _, c := range []struct{ at, name, says string }{{noon, "casino.example", "It is open until"}, {evening, "games.example", "You have more time until"}} {
		id := h.at(t, c.at).ask(t, leo, c.name, "")
		if body := yes(leo, id); !strings.Contains(body, c.says) {
			t.Errorf("%s", readable(t, body))
		}
		r, err := desk.ShowRequest(t.Context(), of("family"), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := desk.Revoke(t.Context(), of("family"), r.Grant); err != nil {
			t.Fatal(err)
		}
		if body := h.getPath(leo, askHost, requestPath+"/"+id).Body.String(); strings.Contains(body, c.says) || strings.Contains(body, `role="timer"`) || strings.Contains(body, "https://"+c.name) {
			t.Errorf("taken back:\n%s", readable(t, body))
		}
	}
	w := h.at(t, noon).submit(leo, mistakePath, ourPage, formOf(t, h.getPath(leo, askHost, mistakePath+"?name=virus.example").Body.String()))
	id, _ := strings.CutPrefix(w.Header().Get("Location"), ourPage+requestPath+"/")
	if body := yes(leo, id); strings.Contains(body, "It is open") || strings.Contains(body, "https://virus.example") {
		t.Errorf("security:\n%s", readable(t, body))
	}
}

// TestSelfAnswered: who is grown up opens for themself what they have blocked for themself; of 16 and 17 that is for others to open.
func TestSelfAnswered(t *testing.T) {
	h, _ := withTickets(t, tickets.ToParents)
	h.Enforce(directory(t, houseOptions{language: "en", config: func(c *policy.Config) {
		c.Profiles = append(c.Profiles, policy.ProfileConfig{Name: "calm", Band: "adult", Categories: []policy.CategoryChange{{ID: "adult.porn", Action: "block"}, {ID: "money.gambling", Action: "block"}}})
		c.Households[0].Members[3] = policy.MemberConfig{Name: "Anna", Band: "adult", Profile: "calm"}
	}}))
	h.ask(t, lea, "naked.example", "")
	form := formOf(t, h.getPath(anna, askHost, requestPath+"?name=naked.example").Body.String())
	form.Set("for", "1h")
	w := h.submit(anna, requestPath, ourPage, form)
	if w.Code != http.StatusSeeOther || !h.open(t, anna, "naked.example") || h.open(t, lea, "naked.example") || h.open(t, tom, "naked.example") {
		t.Fatalf("%d\n%s", w.Code, w.Body)
	}
	path, _ := strings.CutPrefix(w.Header().Get("Location"), ourPage)
	if body := h.getPath(anna, askHost, path).Body.String(); !strings.Contains(body, "It is open until 13:00.") {
		t.Errorf("%s", readable(t, body))
	}
	for _, value := range []string{"2h", "<b>", "-1m"} {
		form := formOf(t, h.getPath(anna, askHost, requestPath+"?name=casino.example").Body.String())
		form.Set("for", value)
		if w := h.submit(anna, requestPath, ourPage, form); w.Code != http.StatusBadRequest || h.open(t, anna, "casino.example") {
			t.Errorf("for %q: %d", value, w.Code)
		}
	}
}

// TestFormsAreNotForged: a form of asking, of an appeal, of a report and of withdrawing is taken from whom it was shown to,
// for what it was shown, not for long, not from another site, and a second time it makes nothing more.
func TestFormsAreNotForged(t *testing.T) {
	h, desk := withTickets(t, tickets.ToOperator)
	id := h.ask(t, leo, "naked.example", "")
	shown := map[string]string{requestPath: requestPath + "?name=casino.example", mistakePath: mistakePath + "?name=casino.example", badPath: badPath + "?name=casino.example", withdrawPath: requestPath + "/" + id}
	made := func() string {
		page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{Closed: true})
		list, failed := h.tickets.List(tickets.Query{})
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		text, _ := json.Marshal([]any{page, list})
		return string(text)
	}
	before := made()
	for path, page := range shown {
		form := formOf(t, h.getPath(leo, askHost, page).Body.String())
		if form.Get("token") == "" {
			t.Fatalf("%s has no form", page)
		}
		form.Set("why", "other")
		with := func(key, value string) url.Values {
			next := url.Values{}
			for k, v := range form {
				next[k] = v
			}
			next.Set(key, value)
			return next
		}
		for name, try := range map[string]struct {
			from, origin string
			form         url.Values
		}{
			"another device": {tom, ourPage, form}, "a shared one": {tablet, ourPage, form}, "an adult's": {anna, ourPage, form}, "a guest": {guest, ourPage, form}, "a stranger": {stranger, ourPage, form},
			"another name": {leo, ourPage, with("about", "social.example")}, "no token": {leo, ourPage, with("token", "")}, "a changed one": {leo, ourPage, with("token", changed(form.Get("token")))},
			"another site": {leo, "http://casino.example", form}, "no origin": {leo, "null", form},
		} {
			if w := h.submit(try.from, path, try.origin, try.form); w.Code < http.StatusBadRequest {
				t.Errorf("%s from %s: %d", path, name, w.Code)
			}
		}
		for other := range shown { // a token of one purpose is none of another
			if other != path {
				if w := h.submit(leo, other, ourPage, form); w.Code < http.StatusBadRequest {
					t.Errorf("the form of %s is taken by %s: %d", path, other, w.Code)
				}
			}
		}
		h.Later(sealFor)
		if w := h.submit(leo, path, ourPage, form); w.Code != http.StatusBadRequest {
			t.Errorf("%s after its time: %d", path, w.Code)
		}
		h.Later(-sealFor)
	}
	if after := made(); after != before {
		t.Errorf("one of them was taken:\n%s\n%s", before, after)
	}
	form := formOf(t, h.getPath(leo, askHost, shown[requestPath]).Body.String())
	first, second := h.submit(leo, requestPath, ourPage, form), h.submit(leo, requestPath, ourPage, form)
	if first.Header().Get("Location") == "" || first.Header().Get("Location") != second.Header().Get("Location") {
		t.Errorf("sent twice: %q, %q", first.Header().Get("Location"), second.Header().Get("Location"))
	}
}

// TestNothingIllegalIsAsked: neither a name of the law nor one of self-harm gets a form, and none is kept.
func TestNothingIllegalIsAsked(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	for _, at := range []string{noon, evening} {
		h.at(t, at)
		for _, name := range []string{"forbidden.example", "ordered.example", "harm.example", "both.example"} {
			for _, from := range []string{mia, tom, anna} {
				for _, path := range []string{requestPath, mistakePath} {
					if body := h.getPath(from, askHost, path+"?name="+name).Body.String(); strings.Contains(body, "<form") {
						t.Errorf("%s is offered to ask for %s at %s", from, name, path)
					}
					client := h.Live().Identify(netip.MustParseAddr(from))
					token := h.seal.mark(h.Clock(), viewer(client, netip.MustParseAddr(from))+"/"+client.Person(), path, name)
					h.submit(from, path, ourPage, url.Values{"about": {name}, "token": {token}, "why": {"fine"}})
				}
			}
		}
	}
	page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{Closed: true})
	if err != nil || len(page.Requests) != 0 {
		t.Errorf("kept: %+v (%v)", page, err)
	}
	if _, entries, err := desk.Audit(t.Context(), of("family")); err != nil || len(entries) != 0 {
		t.Errorf("remembered: %+v (%v)", entries, err)
	}
}

// TestMistakeAtHome: it goes to the parents, who may open it.
func TestMistakeAtHome(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	form := formOf(t, h.getPath(tom, askHost, mistakePath+"?name=naked.example").Body.String())
	form.Set("word", "it is about art")
	w := h.submit(tom, mistakePath, ourPage, form)
	page, err := desk.Requests(t.Context(), of("family"), parents.RequestQuery{})
	if w.Code != http.StatusSeeOther || err != nil || len(page.Requests) != 1 || !page.Requests[0].Mistake || page.Requests[0].Category != "adult.porn" {
		t.Fatalf("%d, %+v (%v)", w.Code, page, err)
	}
	if list, _ := h.tickets.List(tickets.Query{}); len(list.Tickets) != 0 {
		t.Errorf("the operator has %+v", list)
	}
}

// TestMistakeToOperator: who asks gets a number and a promise; the operator gets name, category and list, nobody's name.
func TestMistakeToOperator(t *testing.T) {
	h, desk := withTickets(t, tickets.ToOperator)
	form := formOf(t, h.getPath(tom, askHost, mistakePath+"?name=naked.example").Body.String())
	form.Set("why", "fine")
	w := h.submit(tom, mistakePath, ourPage, form)
	path, _ := strings.CutPrefix(w.Header().Get("Location"), ourPage)
	if w.Code != http.StatusSeeOther || !regexp.MustCompile(`^/outcome/\d{4}-\d{4}-\d{4}$`).MatchString(path) {
		t.Fatalf("%d %q\n%s", w.Code, path, w.Body)
	}
	w = h.getPath(anna, askHost, path)
	checkPage(t, w.Header(), w.Body.String())
	if body := readable(t, w.Body.String()); w.Code != http.StatusOK || !strings.Contains(body, "Saturday") || strings.Contains(body, "naked") {
		t.Errorf("%d\n%s", w.Code, body)
	}
	list, err := h.tickets.List(tickets.Query{})
	text, _ := json.Marshal(list)
	if err != nil || len(list.Tickets) != 1 || list.Tickets[0].Category != "adult.porn" || strings.Contains(string(text), "Tom") || strings.Contains(string(text), "family") {
		t.Errorf("the operator has %s (%v)", text, err)
	}
	if _, err := h.tickets.Decide(t.Context(), tickets.Verdict{Number: list.Tickets[0].Number, Outcome: tickets.Declined, Word: "it <i>is</i> so"}); err != nil {
		t.Fatal(err)
	}
	if body := h.getPath(tom, askHost, path).Body.String(); !strings.Contains(body, "stays as it is") || !strings.Contains(body, "it &lt;i&gt;is&lt;/i&gt; so") {
		t.Errorf("%s", readable(t, body))
	}
	if page, _ := desk.Requests(t.Context(), of("family"), parents.RequestQuery{Closed: true}); len(page.Requests) != 0 {
		t.Errorf("the parents have %+v", page)
	}
	if w := h.getPath(tom, askHost, outcomePath+"/1234-5678-9012"); w.Code != http.StatusNotFound {
		t.Errorf("a number that there is not: %d", w.Code)
	}
}

// TestReport: what is bad becomes a ticket; what is against the law goes to the hotline of the country, and nothing of it
// is kept; a name of a legal list is answered like any other.
func TestReport(t *testing.T) {
	h, _ := withTickets(t, tickets.ToParents)
	send := func(from, name, why string) *httptest.ResponseRecorder {
		form := formOf(t, h.getPath(from, askHost, badPath+"?name="+name).Body.String())
		form.Set("why", why)
		return h.submit(from, badPath, ourPage, form)
	}
	if w := send(mia, "nasty.example", "scary"); w.Code != http.StatusSeeOther {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	legal := send(tom, "forbidden.example", "scary")
	if path, _ := strings.CutPrefix(legal.Header().Get("Location"), ourPage); legal.Code != http.StatusSeeOther || h.getPath(tom, askHost, path).Code != http.StatusOK {
		t.Errorf("a name of a legal list is told apart: %d", legal.Code)
	}
	w := send(tom, "cruel.example", illegal)
	checkPage(t, w.Header(), w.Body.String())
	if body := readable(t, w.Body.String()); w.Code != http.StatusOK || !strings.Contains(body, "Nothing of it is kept here.") || !strings.Contains(body, "Report it") {
		t.Errorf("%d\n%s", w.Code, body)
	}
	s, err := h.Bolt.Snapshot(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Entries {
		for _, name := range []string{"cruel", "forbidden"} {
			if strings.Contains(string(e.Value), name) {
				t.Errorf("kept: %s %s", e.Key, e.Value)
			}
		}
	}
	form := formOf(t, h.getPath(tom, askHost, badPath).Body.String()) // without a name, which is pasted
	form.Set("why", "scary")
	for pasted, want := range map[string]int{"http://pasted.example/page?x=1": http.StatusSeeOther, "plain.example": http.StatusSeeOther, "not a name!": http.StatusBadRequest, "": http.StatusBadRequest} {
		form.Set("name", pasted)
		if w := h.submit(tom, badPath, ourPage, form); w.Code != want {
			t.Errorf("%q: %d, want %d", pasted, w.Code, want)
		}
	}
}

// live serves the pages to a real client, who comes from an address of the home.
func (h *home) live(t *testing.T, from string) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	pages := h.Landing()
	server := &http.Server{ReadTimeout: ReadHeaderTimeout, WriteTimeout: WriteTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr, r.Host = from+":1", askHost
		pages.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + ln.Addr().String()
}

// TestEvents: a page that waits hears of the answer; each device and all together have room for so many, which is counted
// and given back; at the end of the server they end.
func TestEvents(t *testing.T) {
	h, desk := withTickets(t, tickets.ToParents)
	id := h.ask(t, mia, "casino.example", "")
	at := h.live(t, mia) + requestPath + "/" + id + eventsPath
	listen := func() (*bufio.Scanner, *http.Response) {
		r, err := http.Get(at) //nolint:noctx // a test
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Body.Close() })
		return bufio.NewScanner(r.Body), r
	}
	next := func(s *bufio.Scanner) string {
		for s.Scan() {
			if said, is := strings.CutPrefix(s.Text(), "data: "); is {
				return said
			}
		}
		return ""
	}
	gauge := func(name string) string {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(h.Portal)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == name {
				m := f.GetMetric()[0]
				return fmt.Sprint(m.GetGauge().GetValue() + m.GetCounter().GetValue())
			}
		}
		return ""
	}
	var all []*bufio.Scanner
	for range ownStreams {
		s, r := listen()
		if kind := r.Header.Get("Content-Type"); kind != "text/event-stream" || next(s) != "open" {
			t.Fatalf("%d %q", r.StatusCode, kind)
		}
		all = append(all, s)
	}
	if _, r := listen(); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", r.StatusCode)
	}
	if got := gauge("hearth_portal_streams") + " " + gauge("hearth_portal_streams_refused_total"); got != "4 1" {
		t.Errorf("counted: %s", got)
	}
	if _, err := desk.Answer(t.Context(), of("family"), id, parents.Verdict{For: "30m"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if said := next(s); said != "granted" || next(s) != "" {
			t.Errorf("told %q", said)
		}
	}
	for gauge("hearth_portal_streams") != "0" {
		time.Sleep(time.Millisecond)
	}
	id = h.ask(t, mia, "social.example", "")
	at = at[:strings.LastIndex(at, requestPath)] + requestPath + "/" + id + eventsPath
	s, _ := listen()
	if next(s) != "open" {
		t.Error("it does not begin")
	}
	h.streams.end()
	if said := next(s); said != "" {
		t.Errorf("after the end: %q", said)
	}
}

// TestStreamsAreBounded: all devices together have room for so many.
func TestStreamsAreBounded(t *testing.T) {
	s := newStreams()
	var leave []func()
	for i := range maxStreams {
		out, room := s.enter(fmt.Sprint(i))
		if !room {
			t.Fatal("no room for", i)
		}
		leave = append(leave, out)
	}
	if _, room := s.enter("another"); room {
		t.Error("there is room for one more")
	}
	for _, out := range leave {
		out()
	}
	if len(s.of) != 0 || s.all != 0 {
		t.Errorf("left: %v", s.of)
	}
}

// TestInstallable: ask.<name> has a manifest and an icon that its policy lets a browser load, and no other page does.
func TestInstallable(t *testing.T) {
	h, _ := withTickets(t, tickets.ToParents)
	w := h.get(mia, askHost)
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "manifest-src 'self'") || !strings.Contains(policy, "img-src data: 'self'") || !strings.Contains(w.Body.String(), `<link rel="manifest" href="/app.webmanifest">`) {
		t.Errorf("%s", policy)
	}
	if body := h.get(mia, "casino.example"); strings.Contains(body.Body.String(), "manifest") || strings.Contains(body.Header().Get("Content-Security-Policy"), "manifest") {
		t.Error("the page of a block can be installed")
	}
	w = h.getPath(mia, askHost, manifestPath, "Accept: */*")
	var m struct {
		Name  string `json:"name"`
		Start string `json:"start_url"`
		Icons []struct{ Src, Type string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || w.Header().Get("Content-Type") != "application/manifest+json" || m.Name == "" || m.Start != "/" || len(m.Icons) != 2 {
		t.Fatalf("%s %+v (%v)", w.Header(), m, err)
	}
	if w = h.getPath(mia, askHost, m.Icons[0].Src, "Accept: image/*"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != m.Icons[0].Type || !strings.Contains(w.Body.String(), "<svg") {
		t.Errorf("the icon: %d %s", w.Code, w.Header())
	}
	w = h.getPath(mia, askHost, m.Icons[1].Src, "Accept: image/*") // which iOS takes
	if picture, err := png.DecodeConfig(w.Body); err != nil || picture.Width != 180 || picture.Height != 180 || w.Header().Get("Content-Type") != m.Icons[1].Type {
		t.Errorf("the icon as a picture: %+v %s (%v)", picture, w.Header(), err)
	}
	if body := h.get(mia, askHost).Body.String(); !strings.Contains(body, `<link rel="apple-touch-icon" href="/icon-180.png">`) {
		t.Error("the page does not lead to it")
	}
	if w = h.getPath(mia, "casino.example", manifestPath, "Accept: */*"); w.Body.Len() > 0 && w.Code == http.StatusOK {
		t.Errorf("at a blocked name: %d", w.Code)
	}
}

// TestRequestPagesInEveryLanguage: they are pages like all others: small, strict, complete.
func TestRequestPagesInEveryLanguage(t *testing.T) {
	for _, language := range policy.Languages() {
		h, desk := withTicketsOf(t, tickets.ToParents, houseOptions{language: language})
		check := func(from, path string) {
			t.Helper()
			w := h.getPath(from, askHost, path)
			body := w.Body.String()
			checkPage(t, w.Header(), body)
			text, _, _ := strings.Cut(body, "<script>")
			if w.Code != http.StatusOK || len(body) > maxPage || !strings.Contains(body, `lang="`+language+`"`) || strings.ContainsAny(readable(t, text), "{}") {
				t.Errorf("%s %s: %d, %d octets\n%s", language, path, w.Code, len(body), readable(t, text))
			}
		}
		for _, from := range []string{mia, leo, lea} {
			for _, path := range []string{requestPath, mistakePath, badPath} {
				check(from, path+"?name=naked.example")
			}
		}
		for i := range 20 {
			h.recent.add(viewer(h.Live().Identify(netip.MustParseAddr(tom)), netip.MustParseAddr(tom)), block{name: fmt.Sprintf("%s%d.naked.example", strings.Repeat("a", 40), i), category: "adult.porn", action: policy.Block, step: policy.StepCategory, at: h.Clock()})
		}
		id := h.ask(t, tom, "casino.example", strings.Repeat("w", 280))
		check(tom, requestPath+"/"+id)
		check(tom, "/")
		if states := wordings.In(language).Pages.Request.States; len(states) != 6 {
			t.Errorf("%s: %v", language, states)
		}
		if _, err := desk.Answer(t.Context(), of("family"), id, parents.Verdict{For: "always"}); err != nil {
			t.Fatal(err)
		}
		check(tom, requestPath+"/"+id)
	}
}
