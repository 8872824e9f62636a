package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
)

// must runs a command and wants it to succeed.
func (s *server) must(args ...string) string {
	s.t.Helper()
	out, code := s.hearth(args...)
	if code != 0 {
		s.t.Fatalf("hearth %v: exit %d\n%s", args, code, out)
	}
	return out
}

// refused runs a command and wants this exit code, with a text that says so.
func (s *server) refused(code int, says string, args ...string) {
	s.t.Helper()
	if out, got := s.hearth(args...); got != code || !strings.Contains(out, says) {
		s.t.Errorf("hearth %v: exit %d, want %d with %q\n%s", args, got, code, says, out)
	}
}

// sees wants a device to be led to the landing page, or not.
func (s *server) sees(from, name string, blocked bool) {
	s.t.Helper()
	r := s.ask("udp", from, name, dns.TypeA)
	if got := addresses(r) != "192.0.2.1"; got != blocked {
		s.t.Errorf("%s asks for %s and gets %q (%s); blocked is to be %v", from, name, addresses(r), dns.RcodeToString[r.Rcode], blocked)
	}
}

// crash kills the server without a word, and starts it again.
func (s *server) crash() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.exited
	s.start()
}

const kim, toni, alex = "127.0.0.2", "127.0.0.3", "127.0.0.4"

// TestPauseAndGrant: what a parent does is in force with the next question, and outlives a crash and a reload.
func TestPauseAndGrant(t *testing.T) {
	s := example(t, newUpstream(t)).start()
	s.sees(kim, "anything.example.org", false)
	s.must("pause", "--member", "Kim", "--for", "30m")
	check := func() {
		t.Helper()
		s.sees(kim, "anything.example.org", true)
		s.sees(kim, "childline.org.uk", false) // ok.help
		s.sees(toni, "anything.example.org", false)
	}
	check()
	s.crash()
	check()
	s.must("lists", "compile") // reloads
	check()
	if out := s.must("pause", "list"); !strings.Contains(out, "pause for Kim until") {
		t.Errorf("the list: %s", out)
	}
	s.must("pause", "end", "--member", "kim")
	s.sees(kim, "anything.example.org", false)
	s.refused(1, "no pause of Kim", "pause", "end", "--member", "Kim")

	s.sees(toni, "pornhub.com", true)
	var act struct{ ID, Note string }
	if err := json.Unmarshal([]byte(s.must("grant", "name", "pornhub.com", "--member", "example-home/Toni", "--for", "15m", "--json")), &act); err != nil || act.ID == "" {
		t.Fatalf("%v, %+v", err, act)
	}
	s.sees(toni, "pornhub.com", false)
	s.sees(toni, "xvideos.com", true)
	s.sees(kim, "pornhub.com", true)
	s.crash()
	s.sees(toni, "pornhub.com", false)
	s.must("grant", "revoke", act.ID)
	s.sees(toni, "pornhub.com", true)

	s.must("filter", "off", "--for", "15m", "--device", "toni-phone")
	s.sees(toni, "pornhub.com", false)
	s.sees(kim, "pornhub.com", true)
	s.must("filter", "on", "--device", "toni-phone")
	s.sees(toni, "pornhub.com", true)
	s.refused(2, "longer than 4 hours", "filter", "off", "--for", "9h")
	s.refused(2, "write one of time", "grant", "everything")
	s.refused(1, "Kim, Toni, Alex", "pause", "--member", "Nobody")
	s.refused(1, "confirm with its name", "grant", "security", "malware.example.org", "--for", "15m")
	if out := s.must("household", "audit"); strings.Count(out, "\n") != 6 || !strings.Contains(out, "grant, Toni, name pornhub.com, until") {
		t.Errorf("remembered:\n%s", out)
	}
	s.signal(syscall.SIGTERM)
	<-s.exited
	s.refused(1, "start it with hearth serve", "pause")
	close(s.exited)
}

// TestHouseholdMoves: from the configuration into the store and back, never absent and never there twice.
func TestHouseholdMoves(t *testing.T) {
	s := example(t, newUpstream(t)).start()
	s.refused(1, "hearth.yaml:", "household", "export", "example-home")
	whole := s.read()
	at := strings.Index(whole, "  - id: example-home")
	end := strings.Index(whole, "# Folder of further household files")
	without := strings.Replace(whole[:at], "households:\n", "households: []\n", 1) + whole[end:]
	if out := s.must("household", "adopt", "example-home"); !strings.Contains(out, fmt.Sprintf("%s:%d", s.config, strings.Count(whole[:at], "\n")+1)) {
		t.Errorf("it does not say where to delete it:\n%s", out)
	}
	s.sees(kim, "pornhub.com", true)
	s.write(without)
	s.eventually("owns the household", func() bool { return strings.Contains(s.must("household", "list"), "owned by the store") })
	s.sees(kim, "pornhub.com", true)
	s.sees(alex, "pornhub.com", false)
	s.crash()
	s.sees(kim, "pornhub.com", true)

	file := filepath.Join(s.dir, "home.yaml")
	exported := s.must("household", "export", "example-home")
	if err := os.WriteFile(file, []byte(strings.Replace(exported, "band: adult", "band: teen", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must("household", "replace", file)
	s.sees(alex, "pornhub.com", true)
	s.refused(1, "revision", "household", "replace", file) // it is of the revision before

	s.write(whole) // now it is there twice
	s.eventually("refuses what is there twice", func() bool { return strings.Contains(s.log.String(), "reload refused") })
	s.sees(alex, "pornhub.com", true) // as the store says
	s.signal(syscall.SIGTERM)
	<-s.exited
	s.refused(1, "owned by the store", "check-config", s.config)
	s.refused(1, "owned by the store", "serve", "--config", s.config)
	s.write(without)
	if out, code := s.hearth("check-config", s.config); code != 0 || strings.Contains(out, "no household") {
		t.Errorf("check-config without it: exit %d\n%s", code, out)
	}
	s.start()
	if err := os.WriteFile(file, []byte(s.must("household", "export", "example-home", "--release")), 0o600); err != nil {
		t.Fatal(err)
	}
	s.sees(alex, "pornhub.com", true)
	folder := filepath.Join(s.dir, "families")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(folder, "home.yaml")); err != nil {
		t.Fatal(err)
	}
	s.write(strings.Replace(without, `households_dir: ""`, "households_dir: "+folder, 1))
	s.eventually("gives it back", func() bool { return strings.Contains(s.must("household", "list"), "owned by "+folder) })
	s.sees(alex, "pornhub.com", true)
	s.signal(syscall.SIGTERM)
	<-s.exited
	close(s.exited)
}

// TestDeviceByCode: a device that is not known is added by a code, over the page and over the socket's own words, and what
// stands in the configuration cannot be changed here.
func TestDeviceByCode(t *testing.T) {
	t.Parallel()
	const fresh = "127.0.0.77"
	s := example(t, newUpstream(t)).start()
	s.sees(fresh, "facebook.com", true) // a guest
	var made struct{ Code, URL string }
	if err := json.Unmarshal([]byte(s.must("device", "enrol", "--member", "Alex", "--name", "new-laptop", "--json")), &made); err != nil || !strings.HasSuffix(made.URL, "/device?code="+made.Code) {
		t.Fatalf("%v, %+v", err, made)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer("tcp", fresh).DialContext(ctx, "tcp", s.http)
	}}}
	resp, err := client.PostForm("http://ask.hearth.home.arpa/device", url.Values{"code": {made.Code}}) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the page answers %s", resp.Status)
	}
	s.sees(fresh, "facebook.com", false)
	if out := s.must("device", "list"); !strings.Contains(out, "new-laptop           of Alex, profile adult, enrolled by 127.0.0.77") {
		t.Errorf("the list:\n%s", out)
	}
	s.must("device", "assign", "new-laptop", "--member", "Kim")
	s.sees(fresh, "facebook.com", true)
	s.must("device", "rename", "new-laptop", "kim-laptop")
	s.crash()
	s.sees(fresh, "facebook.com", true)
	s.refused(1, "hearth.yaml:", "device", "remove", "kim-tablet")
	s.must("device", "remove", "kim-laptop")

	socket := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(s.dir, "control.sock"))
	}}}
	r, err := http.NewRequest(http.MethodPut, "http://hearth/v1/households/example-home/definition", strings.NewReader(`{"definition": "id: example-home", "revision": 1}`)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	resp, err = socket.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var problem struct{ Place string }
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || resp.StatusCode != http.StatusConflict || !strings.HasPrefix(problem.Place, s.config+":") {
		t.Errorf("%s, %v, %+v; want 409 with the place", resp.Status, err, problem)
	}
}
