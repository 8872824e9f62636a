package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// socket asks the admin API on the control socket, with a key where one is given; it gives status and text.
func (s *server) socket(method, path, body, key string) (int, string) {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.dir, "control.sock"))
	}}}
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://hearth"+path, strings.NewReader(body))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := client.Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return resp.StatusCode, string(text)
}

// deaf is a receiver of messages that takes none until it hears, and remembers what it heard.
type deaf struct {
	mu    sync.Mutex
	hears bool
	tried int
	heard []string
}

func (d *deaf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tried++; !d.hears {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	d.heard = append(d.heard, string(body))
}

func (d *deaf) look(at func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at()
}

// TestErasedLeavesNoTrace: a child who had everything is erased, and nothing of it names the child or a device that was
// theirs alone, on disk, in memory, or in what is sent; what others have stays.
func TestErasedLeavesNoTrace(t *testing.T) {
	t.Parallel()
	s := unfounded(t, "")
	hook := &deaf{}
	web := httptest.NewTLSServer(hook)
	t.Cleanup(web.Close)
	s.believes(web)
	s.write(withNotify(t, s.read(), "notify: {private: true}\n"))
	s.start()
	anna := s.browser("127.0.0.1")
	anna.founds()
	s.must("member", "add", "Quirin", "--band", "preteen")
	s.furnishes(anna)
	anna.does("/channels", url.Values{"kind": {"webhook"}, "to": {web.URL + "/all"}, "of": {"request"}}).finds(`<p class="huge code">([^<]+)</p>`)
	s.asks("127.0.0.2", "two.naked.example", "")
	id := s.blockedID()
	s.eventually("tells support", func() bool {
		return strings.Contains(s.must("explain", "--id", id, "--household", "lighthouse"), "Quirin")
	})
	_, made := s.socket(http.MethodPost, "/v1/households/lighthouse/grants", `{"member": "Quirin", "kind": "name", "value": "casino.example", "for": "1h"}`, "a")
	if !strings.Contains(made, "Quirin") {
		t.Fatalf("the grant: %s", made)
	}
	s.eventually("tries to tell of what Quirin asks for", func() (tried bool) {
		hook.look(func() { tried = hook.tried > 0 })
		return tried
	})
	for where, text := range s.everywhere(anna, id) {
		if !trace.MatchString(text) && !slices.Contains([]string{"metrics", "tickets", "log"}, where) {
			t.Errorf("before the erasure %s has no trace: the test would see none after it", where)
		}
	}

	if out := s.must("member", "erase", "Quirin", "--yes"); !strings.Contains(out, "the device quirin-phone is unknown now") || !strings.Contains(out, "account 1") {
		t.Errorf("it says:\n%s", out)
	}
	hook.look(func() { hook.hears = true })
	for _, file := range []string{"hearth.db", "hearth.db.snapshot"} {
		s.eventually("writes "+file+" anew", func() bool {
			b, err := os.ReadFile(filepath.Join(s.state(), file))
			return err == nil && !trace.Match(b)
		})
	}
	for where, text := range s.everywhere(anna, id) {
		if at := trace.FindStringIndex(text); at != nil {
			t.Errorf("%s has …%s…", where, text[max(0, at[0]-100):min(len(text), at[1]+60)])
		}
	}
	if code, again := s.socket(http.MethodPost, "/v1/households/lighthouse/grants", `{"member": "Quirin", "kind": "name", "value": "casino.example", "for": "1h"}`, "a"); code != http.StatusConflict || trace.MatchString(again) {
		t.Errorf("what was done once is answered %d %s", code, again)
	}
	s.others(anna, hook)
}

// trace is what tells of the child.
var trace = regexp.MustCompile(`(?i)quirin`)

// furnishes gives Quirin all that somebody can have.
func (s *server) furnishes(anna *browser) {
	s.t.Helper()
	const quirin, pre, sofa = "127.0.0.2", "127.0.0.3", "127.0.0.4"
	file := filepath.Join(s.dir, "home.yaml")
	text := s.must("household", "export", "lighthouse")
	must(s.t, os.WriteFile(file, []byte(strings.Replace(text, "name: Quirin\n", "name: Quirin\n    quotas: [{of: total, minutes: 600}]\n", 1)+
		"support: names\nrules: [{name: school.example, action: allow, member: Quirin}]\nexceptions: [{date: 2026-12-24, member: Quirin, bedtime: off}]\n"), 0o600))
	s.must("household", "replace", file)
	anna.enrols("Quirin", "quirin-tablet", quirin)
	s.must("device", "rename", "quirin-tablet", "quirin-phone")
	anna.enrols("Pre", "pre-phone", pre)
	anna.enrols("Quirin", "sofa", sofa)
	s.must("device", "assign", "sofa", "--member", "Quirin", "--member", "Pre")
	pin := s.command("member", "pin", "Quirin")
	pin.Stdin = strings.NewReader("471147\n")
	if out, err := pin.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	s.invites("127.0.0.1", "Quirin", "child")
	s.must("account", "invite", "--role", "child", "--name", "quirin")
	s.must("activity", "log", "lighthouse/Quirin", "--full", "--for", "3d")
	s.must("grant", "time", "--member", "Quirin", "--for", "1h")
	for _, from := range []string{quirin, pre, sofa} {
		s.ask("udp", from, "page.example", dns.TypeA)
	}
	s.eventually("remembers Quirin", func() bool {
		return strings.Contains(s.must("activity", "lighthouse/Quirin"), "page.example")
	})
	_, answered := s.asks(quirin, "naked.example", "because")
	s.must("requests", "decline", answered, "--word", "Quirin, we spoke of it")
	s.asks(quirin, "naked.example", "and now")
	s.asks(pre, "naked.example", "Quirin may, too")
	_, page := s.browse(quirin, askPage+"/mistake?name=naked.example", nil)
	_, _ = s.send(quirin, askPage+"/mistake", hidden(page))
	_, page = s.browse(quirin, askPage+"/bad?name=page.example", nil)
	form := hidden(page)
	form.Set("why", "scary")
	if code, at := s.send(quirin, askPage+"/bad", form); code != http.StatusSeeOther || !strings.Contains(at, "/outcome/") {
		s.t.Fatalf("the report: %d %s", code, at)
	}
}

// blockedID blocks a name for Quirin, and gives the id of the decision.
func (s *server) blockedID() string {
	s.t.Helper()
	s.sees("127.0.0.2", "naked.example", true)
	said := s.ask("udp", "127.0.0.2", "naked.example.why.hearth.home.arpa", dns.TypeTXT).String()
	id := regexp.MustCompile(`id=([^" ]+)`).FindStringSubmatch(said)
	if id == nil {
		s.t.Fatalf("no id of a decision: %s", said)
	}
	return id[1]
}

// everywhere collects all that is kept and told, by where it is.
func (s *server) everywhere(anna *browser, id string) map[string]string {
	s.t.Helper()
	backup := filepath.Join(s.t.TempDir(), "now.backup")
	s.must("backup", backup, "--config", s.config)
	saved, err := os.ReadFile(backup)
	must(s.t, err)
	found := map[string]string{
		"the store": s.live(), "a backup": string(saved), "the export": s.must("export"), "metrics": s.scrape(), "tickets": s.must("reports", "list"), "log": s.log.String(),
		"the audit": s.must("household", "audit"), "explain --id": s.must("explain", "--id", id, "--household", "lighthouse"),
	}
	for _, path := range []string{"/", "/household", "/changes", "/people", "/devices", "/activity"} {
		found["console "+path] = anna.does(path, nil).text
	}
	for _, path := range []string{"", "/members", "/devices", "/audit", "/requests", "/accounts", "/sessions", "/activity"} {
		_, text := s.socket(http.MethodGet, "/v1/households/lighthouse"+path, "", "")
		found["API "+path] = text
	}
	return found
}

// others sees that nobody else lost anything, and that what waited to be told of Quirin is told nobody.
func (s *server) others(anna *browser, hook *deaf) {
	t := s.t
	t.Helper()
	anna.does("/devices", nil).says("pre-phone", "sofa")
	if out := s.must("requests", "list"); !strings.Contains(out, "Pre asks for naked.example") {
		t.Errorf("the other child's request: %s", out)
	}
	if out := s.must("household", "audit"); !strings.Contains(out, "all of a name that is gone erased") {
		t.Errorf("the audit does not say that something was erased:\n%s", out)
	}
	s.asks("127.0.0.3", "three.naked.example", "")
	s.eventually("tells of who is still there", func() (told bool) {
		hook.look(func() { told = strings.Contains(strings.Join(hook.heard, ""), "Pre") })
		return told
	})
	hook.look(func() {
		if all := strings.Join(hook.heard, "\n"); trace.MatchString(all) {
			t.Errorf("the parents are told of who is erased:\n%s", all)
		}
	})
}
