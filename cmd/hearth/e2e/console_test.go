package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const passphrase = "three boats under the bridge"

// founded makes a server that knows no household yet, with a name on a list, and starts it.
func founded(t *testing.T, more string) *server {
	t.Helper()
	return unfounded(t, more).start()
}

// unfounded is founded before it is started.
func unfounded(t *testing.T, more string) *server {
	t.Helper()
	s := example(t, newUpstream(t))
	list := filepath.Join(s.dir, "naked.txt")
	must(t, os.WriteFile(list, []byte("naked.example\n"), 0o600))
	before, rest, _ := strings.Cut(s.read(), "\nhouseholds:\n")
	_, after, found := strings.Cut(rest, "\nhouseholds_dir:")
	text := before + "\nhouseholds: []\nhouseholds_dir:" + after
	text = strings.Replace(text, "  sources: []", "  sources: [{name: naked, path: "+list+", format: domains, categories: [adult.porn]}]", 1)
	if !found || !strings.Contains(text, list) || !strings.Contains(text, "  allow: []    # networks outside") {
		t.Fatal("config.example.yaml does not have what the test changes")
	}
	s.write(strings.Replace(text, "  allow: []    # networks outside", "  allow: ["+more+"] # networks outside", 1))
	return s
}

// browser is somebody at the console, with cookies of their own. It trusts the machine's authority, and nobody else.
type browser struct {
	s    *server
	http *http.Client
	base string // origin of the console
}

// browser opens one at an address.
func (s *server) browser(from string) *browser {
	s.t.Helper()
	roots := x509.NewCertPool()
	if out := s.must("enrol", "--ca"); !roots.AppendCertsFromPEM([]byte(out)) {
		s.t.Fatalf("no certificate: %s", out)
	}
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	return &browser{s, &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer("tcp", from).DialContext(ctx, "tcp", s.console)
			},
		},
	}, "https://hearth.home.arpa:" + portOf(s.console)}
}

// shown is what a browser got.
type shown struct {
	t    *testing.T
	what string
	code int
	to   string // where it is led
	text string
	head http.Header
}

// does sends a request as a browser does that stands on a page of the console; form is nil for a GET.
func (b *browser) does(path string, form url.Values, change ...func(*http.Request)) shown {
	b.s.t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, b.base+path, strings.NewReader(body))
	must(b.s.t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range change {
		f(r)
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(b.s.t, err)
	return shown{b.s.t, method + " " + path, resp.StatusCode, resp.Header.Get("Location"), string(text), resp.Header}
}

// is wants a status, and where the browser is led.
func (p shown) is(code int, to string) shown {
	p.t.Helper()
	if p.code != code || p.to != to {
		p.t.Fatalf("%s: %d to %q, want %d to %q\n%s", p.what, p.code, p.to, code, to, p.text)
	}
	return p
}

// says wants a page with texts.
func (p shown) says(texts ...string) shown {
	p.t.Helper()
	for _, text := range texts {
		if p.code != http.StatusOK || !strings.Contains(p.text, text) {
			p.t.Fatalf("%s: %d, without %q:\n%s", p.what, p.code, text, p.text)
		}
	}
	return p
}

// finds gives what an expression's group holds on a page.
func (p shown) finds(expression string) string {
	p.t.Helper()
	m := regexp.MustCompile(expression).FindStringSubmatch(p.text)
	if m == nil {
		p.t.Fatalf("%s: nothing is like %s:\n%s", p.what, expression, p.text)
	}
	return m[1]
}

var setupCode = regexp.MustCompile(`operators\.([2-9A-Z]{4}-){3}[2-9A-Z]{4}`)

// founds sets a household up from nothing: Anna with a child of eleven, Pre, in the networks of the test.
func (b *browser) founds() {
	b.s.t.Helper()
	b.does("/", nil).is(http.StatusSeeOther, "/setup")
	code := setupCode.FindString(b.s.must("account", "setup"))
	form := url.Values{"code": {code}, "name": {"Anna"}, "household": {"Lighthouse"}, "passphrase": {passphrase}}
	b.does("/setup", form).is(http.StatusSeeOther, "/setup/family")
	b.does("/setup/family", nil).says("127.0.0.1/32")
	b.does("/setup/family", url.Values{
		"country": {"DE"}, "language": {"en"}, "rows": {"2"}, "networks": {"127.0.0.0/8"}, "name.0": {"Pre"}, "age.0": {"11"},
	}).is(http.StatusSeeOther, "/setup/times")
	times := b.does("/setup/times", nil).says("Pre")
	b.does("/setup/times", url.Values{"revision": {times.finds(`name="revision" value="(\d+)"`)}}).is(http.StatusSeeOther, "/setup/done")
}

// enrols gives a child a device at an address, by a code that is typed in there.
func (b *browser) enrols(member, name, from string) {
	b.s.t.Helper()
	code := b.does("/devices", url.Values{"for": {"member/" + member}, "name": {name}}).finds(`<p class="huge">([^<]+)</p>`)
	if status, text := b.s.browse(from, askPage+"/device", url.Values{"code": {code}}); status != http.StatusOK || !strings.Contains(text, name) {
		b.s.t.Fatalf("the code at %s: %d\n%s", from, status, text)
	}
}

// signsIn opens the console anew, in a browser that nobody knows.
func (s *server) signsIn(from, name, word string) *browser {
	s.t.Helper()
	b := s.browser(from)
	b.does("/", nil).is(http.StatusSeeOther, "/signin")
	b.does("/signin", url.Values{"name": {name}, "passphrase": {word}}).is(http.StatusSeeOther, "/")
	return b
}

// TestConsole goes the whole way in the program as it is built: from nothing, by the code of the shell, to a household with
// a child and its device; the child meets a block and asks, and the parent answers with one form in another browser.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := founded(t, "")
	const pre = "127.0.0.2"
	out := s.must("account", "setup")
	for _, want := range []string{"https://" + s.console + "/setup", "https://hearth.home.arpa:" + portOf(s.console) + "/setup"} {
		if !strings.Contains(out, want) {
			t.Errorf("where to type the code in is not said, %s:\n%s", want, out)
		}
	}
	first := s.browser("127.0.0.1")
	first.founds()
	first.enrols("Pre", "pre-phone", pre)
	s.sees(pre, "naked.example", true)
	s.sees(pre, "free.example", false)

	anna := s.signsIn("127.0.0.1", "Anna", passphrase)
	anna.does("/", nil).says("Pre").is(http.StatusOK, "")
	anna.does("/lists?name=naked.example", nil).says("naked")
	page, id := s.asks(pre, "naked.example", "for the museum")
	anna.does("/", nil).says("Pre", "naked.example", "for the museum", `value="`+id+`"`)
	s.sees(pre, "naked.example", true)
	tap := time.Now()
	anna.does("/answer", url.Values{"id": {id}, "for": {"30m"}, "word": {"have a look"}}).is(http.StatusSeeOther, "/?done=answered")
	s.sees(pre, "naked.example", false) // the first query after it, whatever was kept
	t.Logf("from the tap to the answer of a fresh query: %v", time.Since(tap))
	if _, text := s.browse(pre, page, nil); !strings.Contains(text, "have a look") {
		t.Errorf("the child reads\n%s", text)
	}
	if today := anna.does("/", nil); strings.Contains(today.text, `name="id" value="`+id) {
		t.Errorf("the request still waits:\n%s", today.text)
	}
	told := anna.does("/changes", nil).says("Yes to a request", "Household moved here from its file", "Anna").text
	for _, audit := range []string{told, s.must("household", "audit")} {
		if audit != told && (!strings.Contains(audit, "request granted") || !strings.Contains(audit, "household adopted")) || strings.Contains(audit, "naked.example") {
			t.Errorf("the audit:\n%s", audit)
		}
	}
	s.crash()
	first.does("/", nil).says("Pre") // a session outlives the process
	s.sees(pre, "naked.example", false)
}

// TestConsoleFindsPaths: the last page of the set-up knows whether the browser's machine asks Hearth, and over what.
func TestConsoleFindsPaths(t *testing.T) {
	if !athome(t) { // where the look at the network leads nowhere else
		return
	}
	s := founded(t, "")
	b := s.browser("127.0.0.1")
	b.founds()
	b.does("/setup/done", nil).says("<b>IPv4</b> Not yet", "<b>IPv6</b> Not yet")
	s.eventually("tells of IPv4", func() bool {
		s.ask("udp", "127.0.0.1", "free.example", dns.TypeA)
		return strings.Contains(b.does("/setup/done", nil).says("<b>IPv6</b> Not yet").text, "<b>IPv4</b> Yes")
	})
}

// TestConsoleOfDefaults: without a configuration file the console is there too, for the example household.
func TestConsoleOfDefaults(t *testing.T) {
	if !athome(t) { // where nobody has its ports
		return
	}
	s := &server{t: t, dir: t.TempDir(), dns: "127.0.0.1:5300", http: "127.0.0.1:8080", console: "127.0.0.1:8444", metrics: "127.0.0.1:9353", log: &lockedBuffer{}}
	s.start()
	out := s.must("account", "setup")
	for _, want := range []string{"https://127.0.0.1:8444/setup", "https://hearth.home.arpa:8444/setup"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not name %s:\n%s", want, out)
		}
	}
	b := s.browser("127.0.0.1")
	b.does("/setup", url.Values{"code": {setupCode.FindString(out)}, "name": {"Alex"}, "passphrase": {passphrase}}).is(http.StatusSeeOther, "/setup/done")
	b.does("/", nil).says("Kim", "Toni")
	b.base = "https://127.0.0.1:8444"
	b.does("/signin", nil).says("Passphrase") // the certificate has the address too
}

// TestConsoleIsForHomes: who comes from a network of no home is cut off before a word, unless the operator names it.
func TestConsoleIsForHomes(t *testing.T) {
	if !athome(t) {
		return
	}
	s := founded(t, "")
	s.eventually("serves its console", func() bool { return s.browser("127.0.0.1").does("/", nil).code == http.StatusSeeOther })
	for _, abroad := range []string{googleAt, awayAt} {
		conn, err := dialer("tcp", abroad).DialContext(t.Context(), "tcp", s.console)
		must(t, err)
		if err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(t.Context()); err == nil { //nolint:gosec // nobody answers
			t.Errorf("somebody answers at %s", abroad)
		}
		_ = conn.Close()
	}
	s.eventually("counts them", func() bool { return s.metric(`hearth_console_refused_total{reason="network"}`, "2") })
	s.write(strings.Replace(s.read(), "  allow: [] # networks outside", "  allow: ["+googleAt+"/32] # networks outside", 1))
	s.signal(syscall.SIGHUP)
	s.eventually("lets in whom the operator names", func() bool {
		resp, err := s.browser(googleAt).http.Get("https://hearth.home.arpa:" + portOf(s.console) + "/") //nolint:noctx // a test
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.Header.Get("Location") == "/setup"
	})
	if _, err := s.browser(awayAt).http.Get("https://hearth.home.arpa:" + portOf(s.console) + "/"); err == nil { //nolint:noctx,bodyclose // nobody answers
		t.Errorf("%s is served with %s", awayAt, googleAt)
	}
}

// routes of parents; {m} and {d} are a member and a device.
var parentRoutes = []string{
	"GET /", "GET /requests", "GET /requests/x", "POST /answer", "POST /in", "GET /setup/family", "POST /setup/family", "GET /setup/times", "POST /setup/times", "GET /setup/done",
	"GET /child/Pre", "POST /child/Pre/pause", "POST /child/Pre/resume", "POST /child/Pre/time", "POST /child/Pre/grant", "POST /house/pause", "POST /house/resume",
	"GET /child/Pre/week", "POST /child/Pre/week", "GET /child/Pre/limits", "POST /child/Pre/limits", "GET /devices", "POST /devices",
	"GET /device/pre-phone", "POST /device/pre-phone/remove", "POST /device/pre-phone/rename", "GET /activity", "GET /changes", "GET /household", "POST /household",
	"GET /people", "POST /people", "POST /people/x/remove", "POST /people/x/withdraw",
}

// TestConsoleOfChild: a child who signs in reaches none of the parents' pages over the real listener, changes nothing, and
// has no token's rights at the API.
func TestConsoleOfChild(t *testing.T) {
	t.Parallel()
	s := founded(t, "")
	parent := s.browser("127.0.0.1")
	parent.founds()
	parent.enrols("Pre", "pre-phone", "127.0.0.2")
	code := regexp.MustCompile(`\S+\.([2-9A-Z]{4}-){3}[2-9A-Z]{4}`).FindString(s.must("account", "invite", "--role", "child", "--name", "Pre"))
	child := s.browser("127.0.0.2")
	child.does("/join", url.Values{"code": {code}, "name": {"Pre"}, "passphrase": {"purple hens count the stairs"}}).is(http.StatusSeeOther, "/")
	_, id := s.asks("127.0.0.2", "naked.example", "")
	for _, route := range parentRoutes {
		method, path, _ := strings.Cut(route, " ")
		var form url.Values
		if method == http.MethodPost {
			form = url.Values{"id": {id}, "for": {"30m"}, "name": {"x"}, "value": {"naked.example"}, "role": {"parent"}, "household": {"lighthouse"}}
		}
		if p := child.does(path, form); p.code != http.StatusForbidden {
			t.Errorf("%s: a child gets %d to %q\n%s", route, p.code, p.to, p.text)
		}
	}
	s.sees("127.0.0.2", "naked.example", true)
	if p := child.does("/v1/households", nil); p.code != http.StatusUnauthorized && p.code != http.StatusNotFound {
		t.Errorf("at the API a child's cookie gets %d", p.code)
	}
	parent.does("/", nil).says("naked.example")
	stolen := parent.http.Jar
	child.http.Jar, parent.http.Jar = stolen, nil
	child.does("/signout", url.Values{}).is(http.StatusSeeOther, "/signin")
	parent.http.Jar = stolen
	parent.does("/", nil).is(http.StatusSeeOther, "/signin")
}

// TestConsoleUnderAttack: a form of another site, a foreign Host, plain HTTP and what nobody can keep open.
func TestConsoleUnderAttack(t *testing.T) {
	t.Parallel()
	s := founded(t, "")
	b := s.browser("127.0.0.1")
	b.founds()
	signed := b.does("/signout", url.Values{}, func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	})
	signed.is(http.StatusForbidden, "")
	entry := s.browser("127.0.0.3").does("/signin", url.Values{"name": {"Anna"}, "passphrase": {passphrase}})
	for _, c := range entry.head.Values("Set-Cookie") {
		for _, want := range []string{"__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"} {
			if !strings.Contains(c, want) || strings.Contains(c, "Domain") {
				t.Errorf("a cookie without %s: %s", want, c)
			}
		}
	}
	if entry.head.Get("Strict-Transport-Security") != "" || !strings.Contains(entry.head.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("the header: %v", entry.head)
	}
	for _, host := range []string{"evil.example", "evil.example:443", "hearth.home.arpa.evil.example", "naked.example", "x.hearth.home.arpa", "ask.hearth.home.arpa", "127.0.0.1.evil.example"} {
		p := b.does("/", nil, func(r *http.Request) { r.Host = host })
		if p.code != http.StatusMisdirectedRequest || p.to != "" || strings.Contains(p.text, host) {
			t.Errorf("Host %s: %d to %q: %s", host, p.code, p.to, p.text)
		}
	}
	for _, host := range []string{"hearth.home.arpa", "HEARTH.home.arpa.:" + portOf(s.console), s.console, "[::1]", "localhost"} {
		if p := s.browser("127.0.0.1").does("/", nil, func(r *http.Request) { r.Host = host }); p.to != "/signin" {
			t.Errorf("Host %s: %d", host, p.code)
		}
	}
	resp, err := http.Get("http://" + s.console + "/") //nolint:noctx // a test
	must(t, err)
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadRequest || strings.Contains(string(text), "<html") {
		t.Errorf("without TLS: %d\n%s", resp.StatusCode, text)
	}
	s.crowds(b)
}

// crowds has one client open all the connections that it can: nobody else is kept out.
func (s *server) crowds(other *browser) {
	s.t.Helper()
	var open []net.Conn
	for range 64 {
		conn, err := dialer("tcp", "127.0.0.66").DialContext(s.t.Context(), "tcp", s.console)
		must(s.t, err)
		open = append(open, conn)
	}
	s.eventually("turns the client away", func() bool { return s.metric(`hearth_console_refused_total{reason="many"}`, fmt.Sprint(64-32)) })
	other.does("/", nil).says("Pre")
	for _, conn := range open {
		_ = conn.Close()
	}
	s.eventually("lets the client in again", func() bool {
		conn, err := tls.DialWithDialer(dialer("tcp", "127.0.0.66"), "tcp", s.console, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is about being let in
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}
