package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// send sends a form as a browser does that stays where it was; it gives where it was led.
func (s *server) send(from, at string, form url.Values) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, at, strings.NewReader(form.Encode())) //nolint:noctx // a test
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	resp, err := s.transport(from).RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

func (s *server) transport(from string) *http.Transport {
	dial := dialer("tcp", from)
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dial.DialContext(ctx, "tcp", s.http)
	}}
}

// hears listens to the events of a request, as the script of its page does; each is one word.
func (s *server) hears(from, page string) <-chan string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, page+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	resp, err := s.transport(from).RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("listening: %v, %v", resp, err)
	}
	said := make(chan string, 8)
	go func() {
		defer close(said)
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if word, is := strings.CutPrefix(lines.Text(), "data: "); is {
				said <- word
			}
		}
	}()
	return said
}

// asks goes the way of a child: from the page of the block by its button and form to the page of the request.
func (s *server) asks(from, name, word string) (page, id string) {
	s.t.Helper()
	code, text := s.browse(from, "http://"+name+"/", nil)
	button := askPage + "/request?name=" + name
	if code != http.StatusForbidden || !strings.Contains(text, `href="`+button+`"`) {
		s.t.Fatalf("the page of the block has no button: %d\n%s", code, text)
	}
	_, text = s.browse(from, button, nil)
	form := hidden(text)
	form.Set("word", word)
	code, page = s.send(from, askPage+"/request", form)
	id, led := strings.CutPrefix(page, askPage+"/request/")
	if code != http.StatusSeeOther || !led {
		s.t.Fatalf("asking: %d %q", code, page)
	}
	return page, id
}

// TestAskAndAnswer: a child meets a block and asks; a parent says yes for half an hour with a word; the page hears of it,
// the next question resolves, and the page says so; a no changes nothing and is told with its word.
func TestAskAndAnswer(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	const pre, toni = "127.0.0.2", "127.0.0.3"
	if ttl := s.ask("udp", pre, "naked.example", dns.TypeA).Answer[0].Header().Ttl; ttl > 10 {
		t.Fatalf("a blocked answer is kept for %d seconds", ttl)
	}
	page, id := s.asks(pre, "naked.example", `for <script>alert("school")</script>`)
	events := s.hears(pre, page)
	if said := <-events; said != "open" {
		t.Errorf("at first the page hears %q", said)
	}
	s.eventually("counts who listens", func() bool { return s.metric("hearth_portal_streams ", "1") })
	if out := s.must("requests", "list"); !strings.Contains(out, id) || !strings.Contains(out, "Pre asks for naked.example [adult.porn]") {
		t.Errorf("the parents see:\n%s", out)
	}
	s.sees(pre, "naked.example", true)
	out := s.must("requests", "approve", id, "--for", "30m", "--word", `only the <b>museum</b>`)
	if !strings.Contains(out, "naked.example [adult.porn] is granted to Pre until") {
		t.Errorf("the parent is told:\n%s", out)
	}
	s.sees(pre, "naked.example", false)
	s.sees(toni, "naked.example", true)
	if said := <-events; said != "granted" {
		t.Errorf("then the page hears %q", said)
	}
	if _, more := <-events; more {
		t.Error("it hears more than the answer")
	}
	code, text := s.browse(pre, page, nil)
	for _, want := range []string{"The answer is yes.", "only the &lt;b&gt;museum&lt;/b&gt;", "for &lt;script&gt;alert(&#34;school&#34;)&lt;/script&gt;", `href="https://naked.example/"`} {
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %d\n%s", want, code, text)
		}
	}
	s.refused(1, "already", "requests", "decline", id)
	if code, _ := s.browse(toni, page, nil); code != http.StatusNotFound {
		t.Errorf("another child reads it: %d", code)
	}
	page, id = s.asks(toni, "naked.example", "")
	s.must("requests", "decline", id, "--word", "let us talk about it")
	if _, text = s.browse(toni, page, nil); !strings.Contains(text, "Not this time.") || !strings.Contains(text, "let us talk about it") {
		t.Errorf("a no:\n%s", text)
	}
	s.sees(toni, "naked.example", true)
	s.crash()
	s.sees(pre, "naked.example", false)
	if _, text = s.browse(toni, page, nil); !strings.Contains(text, "let us talk about it") {
		t.Errorf("after a crash:\n%s", text)
	}
	if out := s.must("household", "audit"); !strings.Contains(out, "request granted") || !strings.Contains(out, "request declined") || strings.Contains(out, "naked.example") {
		t.Errorf("the audit:\n%s", out)
	}
	var shown struct{ Status string }
	if err := json.Unmarshal([]byte(s.must("requests", "show", id, "--json")), &shown); err != nil || shown.Status != "declined" {
		t.Errorf("as JSON: %+v (%v)", shown, err)
	}
}

// TestFormsOfTwoHouseholds: the form that a device of one household was shown is none of another's, and nobody answers
// over the boundary.
func TestFormsOfTwoHouseholds(t *testing.T) {
	t.Parallel()
	s := watched(t, "households:\n", `households:
  - id: next-door
    consent: {by: Bert, at: 2026-01-01}
    timezone: Europe/Vienna
    networks: [127.0.9.0/24]
    members: [{name: Pre, band: preteen}]
    devices: [{name: pre-phone, member: Pre, addresses: [127.0.9.2]}]
`)
	const pre, other = "127.0.0.2", "127.0.9.2"
	_, text := s.browse(pre, askPage+"/request?name=naked.example", nil)
	if code, _ := s.send(other, askPage+"/request", hidden(text)); code != http.StatusBadRequest {
		t.Errorf("the form of one household in the other: %d", code)
	}
	page, id := s.asks(pre, "naked.example", "")
	for _, path := range []string{"", "/events"} {
		if code, _ := s.browse(other, page+path, nil); code != http.StatusNotFound {
			t.Errorf("the page of one household in the other: %d", code)
		}
	}
	s.refused(1, "no request", "requests", "approve", id, "--for", "30m", "--household", "next-door")
	if out := s.must("requests", "list", "--household", "next-door"); !strings.Contains(out, "no request waits") {
		t.Errorf("next door:\n%s", out)
	}
	s.sees(pre, "naked.example", true)
}

// TestMistakeAtHome: at home the parents read it, may pass it on to the maker of the list without a word of who they are,
// and may open the site.
func TestMistakeAtHome(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	const toni = "127.0.0.3"
	_, text := s.browse(toni, askPage+"/mistake?name=naked.example", nil)
	if code, at := s.send(toni, askPage+"/mistake", hidden(text)); code != http.StatusSeeOther || !strings.HasPrefix(at, askPage+"/request/") {
		t.Fatalf("%d %q\n%s", code, at, text)
	}
	out := s.must("requests", "list", "--member", "Toni")
	id, _, _ := strings.Cut(strings.TrimSpace(out), " ")
	if !strings.Contains(out, "which is blocked by mistake") {
		t.Errorf("the parents see:\n%s", out)
	}
	if out := s.must("requests", "letter", id); !strings.Contains(out, "naked.example") || !strings.Contains(out, "adult.porn") || strings.Contains(out, "Toni") || strings.Contains(out, "example-home") {
		t.Errorf("the letter:\n%s", out)
	}
	s.must("requests", "approve", id, "--for", "today")
	s.sees(toni, "naked.example", false)
}

// TestReportOfTheLaw: what somebody says is against the law leads to the hotline, and nothing of it is on the disk.
func TestReportOfTheLaw(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	const toni = "127.0.0.3"
	_, text := s.browse(toni, askPage+"/bad?name=unspeakable.example", nil)
	form := hidden(text)
	form.Set("why", "illegal")
	if code, text := s.browse(toni, askPage+"/bad", form); code != http.StatusOK || !strings.Contains(text, "Nothing of it is kept here.") {
		t.Errorf("%d\n%s", code, text)
	}
	form.Set("why", "scary")
	code, at := s.send(toni, askPage+"/bad", form)
	if code != http.StatusSeeOther || !regexp.MustCompile(`/outcome/[0-9-]{14}$`).MatchString(at) {
		t.Fatalf("%d %q", code, at)
	}
	if code, text := s.browse(toni, at, nil); code != http.StatusOK || !strings.Contains(text, "Thank you.") || strings.Contains(text, "unspeakable") {
		t.Errorf("%d\n%s", code, text)
	}
	_, text = s.browse(toni, askPage+"/bad?name=abominable.example", nil)
	form = hidden(text)
	form.Set("why", "illegal")
	s.browse(toni, askPage+"/bad", form)
	_ = filepath.WalkDir(s.state(), func(name string, d os.DirEntry, _ error) error {
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), "abominable") {
			t.Errorf("%s has it", d.Name())
		}
		return nil
	})
	if strings.Contains(s.log.String(), "abominable") {
		t.Error("the log has it")
	}
}
