package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/hearthdns/hearth/policy"
)

// maxPage is the most a page may weigh (policy.md 5).
const maxPage = 30_000

// cases are one page of each kind.
func pageCases() []struct{ name, from, host, at string } {
	return []struct{ name, from, host, at string }{
		{"content child", mia, "naked.example", noon},
		{"content preteen", leo, "casino.example", noon},
		{"content teen", tom, "naked.example", noon},
		{"content shared", tablet, "casino.example", noon},
		{"content guest", guest, "naked.example", noon},
		{"rule adult", anna, "denied.example", noon},
		{"unknown child", mia, "denied.example", noon},
		{"bedtime child", mia, "games.example", evening},
		{"bedtime teen", tom, "games.example", evening},
		{"homework child", mia, "games.example", lessons},
		{"homework preteen", leo, "games.example", lessons},
		{"security child", mia, "phish.example", noon},
		{"security teen", tom, "virus.example", noon},
		{"security adult", anna, "virus.example", noon},
		{"self-harm child", mia, "harm.example", noon},
		{"self-harm teen", tom, "both.example", evening},
		{"illegal child", mia, "forbidden.example", noon},
		{"illegal teen", tom, "ordered.example", noon},
		{"illegal adult", anna, "forbidden.example", noon},
		{"neutral", anna, "naked.example", noon},
		{"allowed", anna, "test-adult.porn." + own, noon},
		{"home child", mia, own, noon},
		{"home adult", anna, own, noon},
		{"ask", tom, "ask." + own, noon},
		{"missing", tom, "nothing." + own, noon},
		{"address", tom, "192.0.2.1", noon},
		{"stranger", stranger, "naked.example", noon},
	}
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	for _, language := range policy.Languages() {
		for _, country := range []string{"", "AT"} {
			h := newHome(t, houseOptions{language: language, country: country})
			for _, c := range pageCases() {
				t.Run(language+country+"/"+c.name, func(t *testing.T) {
					w := h.at(t, c.at).get(c.from, c.host)
					body := w.Body.String()
					if len(body) > maxPage {
						t.Errorf("the page has %d octets, at most %d are allowed", len(body), maxPage)
					}
					checkPage(t, w.Header(), body)
					if c.from != stranger && !strings.Contains(body, `lang="`+language+`"`) {
						t.Errorf("the page is not in the household's language %s", language)
					}
					if strings.ContainsAny(readable(t, body), "{}") {
						t.Errorf("a place in braces was left empty: %s", readable(t, body))
					}
				})
			}
		}
	}
}

// checkPage holds for every page whatever it shows.
func checkPage(t *testing.T, h http.Header, body string) {
	t.Helper()
	checkFields(t, h)
	style, ok := between(body, "<style>", "</style>")
	sum := sha256.Sum256([]byte(style))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	if !ok || !strings.Contains(h.Get("Content-Security-Policy"), want) {
		t.Errorf("the style is not the one that the policy names: want %s in %q", want, h.Get("Content-Security-Policy"))
	}
	allowedTags := map[string]bool{}
	for _, tag := range strings.Fields(`html head meta title link style body main p svg path circle ellipse g h1 h2 div
		section dl dt dd bdi span ul li a b footer details summary form label input select option button progress table thead tbody tr th td
		noscript blockquote textarea`) {
		allowedTags[tag] = true
	}
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		if kind == html.StartTagToken && token.Data == "script" {
			checkScript(t, h, body)
			continue
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if !allowedTags[token.Data] {
			t.Errorf("the page has an element <%s>", token.Data)
		}
		checkAttributes(t, token)
	}
}

// checkScript holds that a page has the one script of ours, named by its hash in the policy, and no other.
func checkScript(t *testing.T, h http.Header, body string) {
	t.Helper()
	script, _ := between(body, "<script>", "</script>")
	ours, err := pageFiles.ReadFile("pages/live.js")
	sum := sha256.Sum256([]byte(script))
	want := "script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	if err != nil || script != string(ours) || strings.Count(body, "<script") != 1 || !strings.Contains(h.Get("Content-Security-Policy"), want) {
		t.Errorf("the page runs %q under %q (%v)", script, h.Get("Content-Security-Policy"), err)
	}
}

func checkAttributes(t *testing.T, token html.Token) {
	t.Helper()
	for _, a := range token.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src":
			t.Errorf("<%s> has an attribute %s=%q", token.Data, a.Key, a.Val)
		case a.Key == "href" && token.Data == "link" && !slices.Contains([]string{"data:,", manifestPath, iconPath, picturePath}, a.Val):
			t.Errorf("the page loads %q", a.Val)
		case a.Key == "href" && token.Data == "a" && !harmless(a.Val):
			t.Errorf("the page links to %q", a.Val)
		}
	}
}

// harmless knows the links that pages may have: our own, a number to call, a place of the embedded tables.
func harmless(url string) bool {
	return regexp.MustCompile(`^(http://(ask\.|test-[a-z.]+\.)?` + regexp.QuoteMeta(own) + `(:[0-9]{1,5})?/|http://ask\.` + regexp.QuoteMeta(own) + `(:[0-9]{1,5})?/(enrol(/ca\.crt|/hearth\.mobileconfig)?|me(\?still=yes|\?day=[0-9-]{10}(&from=[0-9]+)?)?|who|device|(continue|request|mistake|bad)\?name=[A-Za-z0-9._%-]+|request/[a-z0-9]{8}|outcome/[0-9-]+)|tel:[0-9]+|https://[a-z0-9.-]+/)$`).MatchString(url)
}

func checkFields(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		"X-Robots-Tag": "noindex", "X-Frame-Options": "DENY", "Connection": "close",
	} {
		if !strings.Contains(h.Get(name), want) {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	for _, want := range []string{"default-src 'none'", "img-src data:", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(h.Get("Content-Security-Policy"), want) {
			t.Errorf("the content security policy lacks %s", want)
		}
	}
	if got := h.Get("Set-Cookie"); got != "" {
		t.Errorf("the page sets a cookie: %q", got)
	}
}

func between(text, from, to string) (string, bool) {
	_, rest, ok := strings.Cut(text, from)
	if !ok {
		return "", false
	}
	inner, _, ok := strings.Cut(rest, to)
	return inner, ok
}

// readable is what a person reads on the page, in one line.
func readable(t *testing.T, body string) string {
	t.Helper()
	var out []string
	z := html.NewTokenizer(strings.NewReader(body))
	skip := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(strings.Join(out, " ")), " ")
		case html.StartTagToken:
			name, _ := z.TagName()
			skip = string(name) == "style"
		case html.EndTagToken:
			skip = false
		case html.TextToken:
			if !skip {
				out = append(out, string(z.Text()))
			}
		default:
		}
	}
}

func TestWhoIsTold(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", country: "AT"})
	tests := []struct {
		name, from, host, at string
		status               int
		want, never          []string
	}{
		{"a child is told gently, and not what it was", mia, "naked.example", noon, http.StatusForbidden,
			[]string{"This page is not for now.", "You did nothing wrong.", "Ask a grown-up.", "Mia", "147"},
			[]string{"naked", "Sex", "adult", "porn", "police", "violation"}},
		{"a teenager is told the category and the rule", tom, "naked.example", noon, http.StatusForbidden,
			[]string{"This site is blocked on your profile.", "Sex", "naked.example", "Tom", "13-15"},
			[]string{"tried", "violation"}},
		{"a grown-up is told the id and the way to explain", anna, "denied.example", noon, http.StatusForbidden,
			[]string{"Blocked for Anna (adult).", "denied.example", "hearth explain denied.example", "Decision 3-"}, nil},
		{"a shared device names nobody", tablet, "casino.example", noon, http.StatusForbidden,
			[]string{"this device"}, []string{"Mia", "Tom"}},
		{"an unknown device is told so", guest, "casino.example", noon, http.StatusForbidden,
			[]string{"This device is not known yet.", guest, "this device"}, []string{"Mia", "Tom", "Anna", "Leo"}},
		{"bed time says until when, in the household's zone", mia, "games.example", evening, http.StatusForbidden,
			[]string{"The internet sleeps until 07:00."}, []string{"games"}},
		{"homework says until when", leo, "games.example", lessons, http.StatusForbidden, []string{"until 17:30"}, nil},
		{"a category does not end with the day", leo, "casino.example", noon, http.StatusForbidden, nil, []string{"Until", "21:00"}},
		{"security does not frighten", mia, "phish.example", noon, http.StatusForbidden,
			[]string{"This page is not safe.", "You did nothing wrong."}, []string{"phish"}},
		{"what is allowed is said to be", anna, "naked.example", noon, http.StatusOK, []string{"Nothing is blocked here."}, nil},
		{"a self-test that is allowed says so", anna, "test-adult.porn." + own, noon, http.StatusOK, []string{"This would be allowed for you."}, nil},
		{"a self-test that is blocked looks like a block", tom, "test-adult.porn." + own, noon, http.StatusForbidden,
			[]string{"This site is blocked on your profile."}, nil},
		{"a client of no household gets the neutral page", stranger, "naked.example", noon, http.StatusOK,
			[]string{"This is Hearth.", "This device is not known yet."}, []string{"naked"}},
		{"the typed address gets the neutral page", tom, "192.0.2.1:8080", noon, http.StatusOK, []string{"This is Hearth."}, nil},
		{"so does an IPv6 address", tom, "[2001:db8::1]:80", noon, http.StatusOK, []string{"This is Hearth."}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := h.at(t, tt.at).get(tt.from, tt.host)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			body := readable(t, w.Body.String())
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("the page does not say %q: %s", want, body)
				}
			}
			for _, never := range tt.never {
				if strings.Contains(strings.ToLower(body), strings.ToLower(never)) {
					t.Errorf("the page says %q: %s", never, body)
				}
			}
		})
	}
}

func TestSelfHarmHelpComesFirst(t *testing.T) {
	for _, language := range policy.Languages() {
		for _, tt := range []struct{ from, host, at string }{
			{mia, "harm.example", noon}, {tom, "harm.example", noon}, {tom, "both.example", noon},
			{mia, "harm.example", evening}, {tom, "both.example", evening}, {leo, "test-harm.selfharm." + own, noon},
		} {
			h := newHome(t, houseOptions{language: language, country: "AT"}).at(t, tt.at)
			w := h.get(tt.from, tt.host)
			page := w.Body.String()
			body := readable(t, page)
			words := policy.Words(language)
			title, _ := between(page, "<h1>", "</h1>")
			if want := words.Page(policy.ReaderOf(policy.Teen), policy.ReasonSelfharm).Headline; tt.from != mia && title != html.EscapeString(want) {
				t.Errorf("%s %v: headline %q, want %q", language, tt, title, want)
			}
			if at := strings.Index(page, `href="tel:147"`); at < 0 || at > strings.Index(page, "<footer>") {
				t.Errorf("%s %v: no help number", language, tt)
			}
			if !strings.Contains(body, "112") {
				t.Errorf("%s %v: no emergency number", language, tt)
			}
			for _, never := range []string{"harm", "gore", words.Groups["selfharm"], words.Groups["violence"], "example", "Mia", "Tom", "Leo"} {
				if strings.Contains(strings.ToLower(body), strings.ToLower(never)) {
					t.Errorf("%s %v: the page says %q: %s", language, tt, never, body)
				}
			}
			english := words.Language != "en" && !words.Reviewed
			if got := strings.Contains(page, `<section class="card quiet" lang="en"`); got != english {
				t.Errorf("%s: the English text stands there: %t, want %t", language, got, english)
			}
		}
	}
}

func TestIllegalPageTellsNothing(t *testing.T) {
	h := newHome(t, houseOptions{language: "en", country: "IE"})
	var first string
	for _, from := range []string{tom, leo} {
		for _, host := range []string{"forbidden.example", "ordered.example", "deep.forbidden.example"} {
			w := h.get(from, host)
			body := w.Body.String()
			if w.Code != http.StatusForbidden {
				t.Errorf("status %d, want %d", w.Code, http.StatusForbidden)
			}
			for _, never := range []string{"forbidden", "ordered", "csam", "illegal.", "Tom", "Leo", "ask." + own, "Decision"} {
				if strings.Contains(body, never) {
					t.Errorf("%s: the page says %q", host, never)
				}
			}
			if !strings.Contains(body, "hotline.ie") {
				t.Errorf("%s: the page names no hotline", host)
			}
			if first == "" {
				first = body
			} else if body != first {
				t.Errorf("%s from %s: two legal blocks can be told apart", host, from)
			}
		}
	}
}

func TestLanguageOfThePage(t *testing.T) {
	for _, tt := range []struct{ household, accept, want string }{
		{"fr", "de", "fr"}, {"de-AT", "", "de"}, {"ja", "it;q=0.8, es;q=0.9", "es"}, {"ja", "ja, ko", "en"},
		{"", "fr", "fr"}, {"", "de-CH, en;q=0.5", "de"}, {"", "", "en"}, {"de_AT", "fr", "de"}, // none chosen: as the browser asks
		{"ja", strings.Repeat("x,", 4000), "en"}, {"ja", "\"'><svg>", "en"},
	} {
		h := newHome(t, houseOptions{language: tt.household})
		w := h.get(tom, "naked.example", "Accept-Language: "+tt.accept)
		if got := w.Header().Get("Content-Language"); got != tt.want {
			t.Errorf("household %q, browser %.20q: page in %q, want %q", tt.household, tt.accept, got, tt.want)
		}
	}
}

func TestGuestProfileOfAListener(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"}, func(c *Config) { c.Guest = "teen" })
	if w := h.get(stranger, "naked.example", "Accept-Language: es"); w.Code != http.StatusForbidden || w.Header().Get("Content-Language") != "es" {
		t.Errorf("status %d in %s, want %d in es", w.Code, w.Header().Get("Content-Language"), http.StatusForbidden)
	}
}
