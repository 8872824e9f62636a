package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMembers: somebody is added, listed, changed and erased on the machine, and from elsewhere with a token and the
// certificate that browsers are offered; what changes holds at once.
func TestMembers(t *testing.T) {
	t.Parallel()
	s := founded(t, "")
	home := filepath.Join(s.dir, "lighthouse.yaml")
	must(t, os.WriteFile(home, []byte("id: lighthouse\nconsent: {by: Anna, at: 2026-01-01}\ntimezone: Europe/Berlin\nnetworks: [127.0.0.0/8]\nmembers: [{name: Anna, band: adult}]\n"), 0o600))
	s.must("household", "adopt", home)
	next := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	var token struct{ Bearer string }
	must(t, json.Unmarshal([]byte(s.must("account", "token", "new", "tablet", "--scope", "households:read,households:write", "--until", next, "--household", "lighthouse", "--json")), &token))
	file, ca := filepath.Join(s.dir, "token"), filepath.Join(s.dir, "hearth-ca.crt")
	must(t, os.WriteFile(file, []byte(token.Bearer+"\n"), 0o600))
	page := s.browser("127.0.0.1").does("/hearth-ca.crt", nil)
	must(t, os.WriteFile(ca, []byte(page.text), 0o600))

	for where, flags := range map[string][]string{"here": nil, "elsewhere": {"--server", "https://" + s.console, "--token-file", file, "--ca-file", ca}} {
		run := func(args ...string) string { t.Helper(); return s.must(append(flags, args...)...) }
		no := func(code int, says string, args ...string) {
			t.Helper()
			s.refused(code, says, append(flags, args...)...)
		}
		if out := run("member", "add", "Pre", "--band", "preteen"); !strings.Contains(out, "Pre: preteen") {
			t.Errorf("%s: added: %s", where, out)
		}
		no(2, "another name", "member", "add", "pre", "--band", "teen")
		no(2, "--born", "member", "add", "Eva")
		no(2, "YYYY-MM-DD", "member", "add", "Eva", "--born", "soon")
		no(2, "write little, child, preteen, teen, young or adult", "member", "change", "Pre", "--band", "tean")
		no(2, "--born, --band or --profile", "member", "change", "Pre")
		no(1, "revision", "member", "change", "Pre", "--band", "teen", "--revision", "1")
		no(1, "write one of Anna, Pre", "member", "change", "Nobody", "--band", "teen")
		s.lends("Pre")
		s.sees("127.0.0.2", "naked.example", true)
		if out := run("member", "change", "lighthouse/Pre", "--born", "1990-04-30"); !strings.Contains(out, "Pre: adult") {
			t.Errorf("%s: changed: %s", where, out)
		}
		s.sees("127.0.0.2", "naked.example", false)
		var all struct {
			Members []struct{ Name, Band string }
		}
		must(t, json.Unmarshal([]byte(run("member", "list", "--json")), &all))
		if len(all.Members) != 2 || all.Members[1].Name != "Pre" || all.Members[1].Band != "adult" {
			t.Errorf("%s: the list: %+v", where, all)
		}
		if out := run("member", "show", "Pre"); !strings.Contains(out, "Pre: adult") {
			t.Errorf("%s: shown: %s", where, out)
		}
		no(2, "--yes", "member", "erase", "Pre")
		typed := s.command(append(flags, "member", "erase", "Pre")...)
		typed.Stdin = strings.NewReader("Pre\n")
		if out, err := typed.CombinedOutput(); err != nil || !strings.Contains(string(out), "the device robin is unknown now") {
			t.Errorf("%s: %v: %s", where, err, out)
		}
		no(1, "no member", "member", "erase", "Pre", "--yes")
		if out := s.must("household", "audit"); !strings.Contains(out, "erased") || strings.Contains(out, "Pre") || strings.Contains(out, "robin") {
			t.Errorf("%s: the audit: %s", where, out)
		}
		if text := s.live(); strings.Contains(text, "robin") || strings.Contains(text, `"Pre"`) {
			t.Errorf("%s: the state still says who was erased", where)
		}
	}
	s.must("account", "invite", "lighthouse", "--role", "carer", "--name", "Ben", "--until", next)
	s.refused(2, "write another name, such as ben 2", "member", "add", "ben", "--band", "teen")
	s.refused(1, "no such household for you", "--server", "https://"+s.console, "--token-file", file, "--ca-file", ca, "member", "add", "other-home/Eva", "--band", "teen")
}

// lends gives 127.0.0.2 to a member, as the device robin.
func (s *server) lends(member string) {
	s.t.Helper()
	file := filepath.Join(s.dir, "lends.yaml")
	text := s.must("household", "export", "lighthouse")
	must(s.t, os.WriteFile(file, []byte(text+"devices:\n  - {name: robin, member: "+member+", addresses: [127.0.0.2]}\n"), 0o600))
	s.must("household", "replace", file)
}
