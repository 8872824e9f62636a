package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// browse opens a page as a browser of a device does, or with a form sends it from a page of ours.
func (s *server) browse(from, at string, form url.Values) (int, string) {
	s.t.Helper()
	browser := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer("tcp", from).DialContext(ctx, "tcp", s.http)
	}}}
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequest(method, at, strings.NewReader(body)) //nolint:noctx // a test
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	resp, err := browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// hidden reads the hidden fields of the first form of a page.
func hidden(page string) url.Values {
	_, page, _ = strings.Cut(page, "<form")
	page, _, _ = strings.Cut(page, "</form>")
	values := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		values.Set(m[1], m[2])
	}
	return values
}

const askPage = "http://ask.hearth.home.arpa"

// TestContinue: a warning is passed on the page of whom it warned, the name resolves for them alone with the next
// question, and the parents see it.
func TestContinue(t *testing.T) {
	t.Parallel()
	s := watched(t, "", "")
	const pre, toni = "127.0.0.2", "127.0.0.3"
	s.eventually("warns", func() bool {
		_, page := s.browse(pre, "http://forum.example/", nil)
		return strings.Contains(page, askPage)
	})
	s.sees(pre, "forum.example", true)
	code, page := s.browse(pre, "http://forum.example/", nil)
	if at := askPage + "/continue?name=forum.example"; code != http.StatusForbidden || !strings.Contains(page, `href="`+at+`"`) {
		t.Fatalf("the landing page does not offer to go on: %d\n%s", code, page)
	}
	s.eventually("offers on ask to go on", func() bool {
		_, page := s.browse(pre, askPage+"/", nil)
		return strings.Contains(page, "/continue?name=forum.example")
	})
	_, page = s.browse(pre, askPage+"/continue?name=forum.example", nil)
	form := hidden(page)
	if !strings.Contains(page, "Your parents can read that you went on") || form.Get("token") == "" {
		t.Fatalf("the form:\n%s", page)
	}
	if code, _ = s.browse(toni, askPage+"/continue", form); code < http.StatusBadRequest {
		t.Errorf("somebody else sends the form: %d", code)
	}
	s.sees(pre, "forum.example", true)
	if code, page = s.browse(pre, askPage+"/continue", form); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	s.sees(pre, "forum.example", false)
	s.sees(pre, "naked.example", true)
	s.sees("127.0.0.6", "forum.example", true) // Kim
	if out := s.must("household", "audit"); !strings.Contains(out, "continue, pre-phone, continue social.ugc") || !strings.Contains(out, "Pre") || strings.Contains(out, "forum.example") {
		t.Errorf("the audit:\n%s", out)
	}
	if out := s.must("household", "show"); !strings.Contains(out, "continue social.ugc for pre-phone until") {
		t.Errorf("the household:\n%s", out)
	}
}

// TestMePage: the child sees a notice on their own page before the parents do; a teenager's log begins a day after they
// were shown it there, one of 16 or 17 with their word; and the page tells of a pause and of minutes.
func TestMePage(t *testing.T) {
	t.Parallel()
	s := watched(t, "{name: Alex, band: adult}]", "{name: Alex, band: adult}, {name: Yu, band: young}]")
	text := strings.Replace(s.read(), "      - {name: bear,", "      - {name: yu-phone, member: Yu, addresses: [127.0.0.7]}\n      - {name: bear,", 1)
	s.write(text)
	const pre, toni, yu, me = "127.0.0.2", "127.0.0.3", "127.0.0.7", askPage + "/me"
	s.eventually("knows Yu", func() bool { _, page := s.browse(yu, me, nil); return strings.Contains(page, "<bdi>Yu</bdi>") })
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		s.ask("udp", pre, "vpn"+n+".example", dns.TypeA)
	}
	if out := s.must("activity", "notices"); !strings.Contains(out, "no notices") {
		t.Errorf("parents see it first: %s", out)
	}
	if _, page := s.browse("127.0.0.6", me, nil); strings.Contains(page, "pre-phone") {
		t.Error("another child sees it")
	}
	s.eventually("tells the child of the VPN sites", func() bool {
		_, page := s.browse(pre, me, nil)
		return strings.Contains(page, "From pre-phone somebody asked for several VPN or proxy sites")
	})
	s.eventually("tells the parents then", func() bool { return strings.Contains(s.must("activity", "notices"), "pre-phone") })
	if _, page := s.browse(pre, me, nil); !strings.Contains(page, "For 28 days") {
		t.Errorf("what is remembered:\n%s", page)
	}

	s.must("activity", "log", "example-home/Toni", "--full", "--for", "2d")
	s.must("activity", "log", "example-home/Yu", "--full", "--for", "2d")
	told := func() string { return s.must("household", "audit") }
	if out := told(); strings.Contains(out, "log told of") {
		t.Errorf("told before anybody looked:\n%s", out)
	}
	if _, page := s.browse(toni, me, nil); !strings.Contains(page, "a day after you have seen this") || strings.Contains(page, "I agree") {
		t.Errorf("a teenager's page:\n%s", page)
	}
	if out := told(); strings.Count(out, "log told of, Toni") != 1 {
		t.Errorf("not noted:\n%s", out)
	}
	_, page := s.browse(yu, me, nil)
	if code, page := s.browse(yu, me, hidden(page)); code != http.StatusOK || !strings.Contains(page, "You agreed on") {
		t.Fatalf("%d\n%s", code, page)
	}
	if out := told(); strings.Count(out, "log agreed to, Yu") != 1 {
		t.Errorf("not noted:\n%s", out)
	}
	s.ask("udp", yu, "private-page.example", dns.TypeA)
	s.ask("udp", toni, "private-page.example", dns.TypeA)
	zone, err := time.LoadLocation("Europe/Berlin") // of the example
	if err != nil {
		t.Fatal(err)
	}
	s.eventually("shows them what it keeps", func() bool {
		_, page := s.browse(yu, me+"?day="+time.Now().In(zone).Format(time.DateOnly), nil)
		return strings.Contains(page, "private-page.example")
	})
	if out := s.must("activity", "example-home/Toni"); strings.Contains(out, "private-page") {
		t.Errorf("a log that has not begun keeps names:\n%s", out)
	}

	s.must("pause", "--member", "Toni", "--for", "30m")
	if _, page := s.browse(toni, me, nil); !strings.Contains(page, "The internet is paused until") {
		t.Errorf("in a pause:\n%s", page)
	}
}
