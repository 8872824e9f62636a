package portal

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/hearthdns/hearth/policy"
)

func hostileHosts() []string {
	label := strings.Repeat("a", 63)
	return []string{
		`"><svg onload=alert(1)>.example`, `<svg/onload=alert(1)>`, `x" onmouseover="alert(1)`, `'};alert(1)//.example`,
		"</title><script>alert(1)</script>.example", "javascript:alert(1)", "{{.}}.example", "%3Csvg%20onload%3D1%3E.example",
		"a\u202eelpmaxe.example", "a\u200b.example", "\u0430\u0440\u0440le.example", "münchen.example", "xn--mnchen-3ya.example",
		"xn--\u00fc.example", "xn--zzzzzz99999.example", "ＡＢＣ.example", "faß.example", "\x00.example", "a b.example", "a..b", ".", "..", "", ":80", "[::1", "]", "a:b:c",
		`naked\.example`, `\110aked.example`, `naked.example\`, "naked.example.", "NAKED.Example", "naked.example:8080", "naked.example:x",
		label + "." + label + "." + label + "." + strings.Repeat("b", 61), label + "x.example",
		strings.Repeat("a.", 127) + "a", strings.Repeat("é", 4000), strings.Repeat("<", 300),
	}
}

func TestHostIsNeverMarkup(t *testing.T) {
	for _, from := range []string{mia, tom, anna, guest, stranger} {
		h := newHome(t, houseOptions{language: "en", config: func(c *policy.Config) {
			c.Households[0].Members[2].Name = `Tom"><svg onload=alert(1)>` // people may call themselves what they like
			c.Households[0].Devices[2].Member = c.Households[0].Members[2].Name
			c.Households[0].Devices[4].Members[1] = c.Households[0].Members[2].Name
			c.Profiles[2].Unknown = "block" // so that every name has a page
		}})
		for _, host := range hostileHosts() {
			w := h.get(from, host)
			if w.Code != http.StatusOK && w.Code != http.StatusForbidden && w.Code != http.StatusNotFound {
				t.Errorf("%q from %s: status %d", host, from, w.Code)
			}
			if w.Code == http.StatusNotFound {
				continue
			}
			checkPage(t, w.Header(), w.Body.String())
			for _, r := range w.Body.String() {
				if r == 0x202e || r == 0x200b {
					t.Errorf("%q: the page has the character %U", host, r)
				}
			}
		}
	}
}

func TestHostNamesTheSameAsDNS(t *testing.T) {
	for host, want := range map[string]string{
		"naked.example": "naked.example", "naked.example.": "naked.example", "NAKED.Example:8080": "naked.example",
		"münchen.example": "xn--mnchen-3ya.example", "MÜNCHEN.example": "xn--mnchen-3ya.example", "xn--mnchen-3ya.example": "xn--mnchen-3ya.example",
		"under_score.example": "under_score.example", "127.0.0.1": "", "[::1]:80": "", "::1": "", "": "", "a..b": "",
		`naked\.example`: "", "<b>.example": "<b>.example", "a\u202eb.example": "",
	} {
		if got := parseHost(host).text; got != want {
			t.Errorf("Host %q means %q, want %q", host, got, want)
		}
	}
}

func TestPortOfLinksIsDigits(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	for host, want := range map[string]string{
		own + ":8080": `href="http://ask.` + own + `:8080/"`, own: `href="http://ask.` + own + `/"`,
		own + `:80"x`: `href="http://ask.` + own + `/"`, own + ":123456": `href="http://ask.` + own + `/"`,
	} {
		body := h.get(anna, host).Body.String()
		if strings.Contains(host, `"`) { // no name at all: the page still links to the right place
			if !strings.Contains(body, "This is Hearth.") {
				t.Errorf("Host %q does not get the neutral page", host)
			}
			continue
		}
		if !strings.Contains(body, want) {
			t.Errorf("Host %q: the page lacks %s", host, want)
		}
	}
}

func TestIdentityIsTheConnectionAlone(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	plain := h.get(anna, "naked.example").Body.String()
	spoofed := h.get(anna, "naked.example", "X-Forwarded-For: "+mia, "Forwarded: for="+mia, "X-Real-IP: "+mia,
		"X-Forwarded-Host: casino.example", "Cookie: who=Mia", "Authorization: Basic TWlh").Body.String()
	if plain != spoofed {
		t.Error("a field of the request changed who it is for")
	}
	if got := h.getPath(anna, "naked.example", "/?client="+mia+"&name=casino.example").Body.String(); got != plain {
		t.Error("the address changed who it is for")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host, r.RemoteAddr = "naked.example", "[::ffff:"+mia+"]:1"
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	h.Landing().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "Mia") {
		t.Error("an IPv4 address in IPv6 is not the same client")
	}
}

func FuzzHost(f *testing.F) {
	for _, host := range hostileHosts() {
		f.Add(host)
	}
	h := newHome(f, houseOptions{language: "en", config: func(c *policy.Config) { c.Profiles[2].Unknown = "block" }})
	f.Fuzz(func(t *testing.T, host string) {
		w := h.get(tom, host)
		if w.Code == http.StatusNotFound {
			return
		}
		checkPage(t, w.Header(), w.Body.String())
		if w.Body.Len() > maxPage {
			t.Errorf("the page has %d octets", w.Body.Len())
		}
		if _, err := html.Parse(strings.NewReader(w.Body.String())); err != nil {
			t.Error(err)
		}
	})
}
