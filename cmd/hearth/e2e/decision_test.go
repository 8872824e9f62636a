package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// idTold asks for a name that is blocked, and reads the text of the answer (RFC 8914), which ends with the id of the
// decision in brackets.
func (s *server) idTold(from, name string) string {
	s.t.Helper()
	e := ede(s.ask("udp", from, name, dns.TypeA))
	if e == nil || e.InfoCode != dns.ExtendedErrorCodeFiltered || e.ExtraText == "" {
		s.t.Fatalf("%s is answered to %s with %v, want EDE 17 with an id", name, from, e)
	}
	return e.ExtraText
}

// TestExplainByID: support reads the reason by the id that an answer carries, and neither the site nor whose it was; where
// the household has agreed it reads those too, of what is blocked from then on. The parents read each look.
func TestExplainByID(t *testing.T) {
	t.Parallel()
	s := founded(t, "")
	home := filepath.Join(s.dir, "lighthouse.yaml")
	definition := "id: lighthouse\nconsent: {by: Anna, at: 2026-01-01}\ntimezone: Europe/Berlin\nnetworks: [127.0.0.0/8]\nmembers: [{name: Anna, band: adult}, {name: Kim, band: teen}]\n" +
		"devices: [{name: robin, member: Kim, addresses: [127.0.0.2]}]\n"
	must(t, os.WriteFile(home, []byte(definition), 0o600))
	s.must("household", "adopt", home)
	if out := s.must("check-config", s.config); strings.Contains(out, "no household") {
		t.Errorf("of the household that was made a moment ago check-config says\n%s", out)
	}
	next := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	elsewhere := func(name string, args ...string) func(...string) []string {
		var token struct{ Bearer string }
		must(t, json.Unmarshal([]byte(s.must(append([]string{"account", "token", "new", name, "--until", next, "--json"}, args...)...)), &token))
		file, ca := filepath.Join(s.dir, name), filepath.Join(s.dir, "ca.pem")
		must(t, os.WriteFile(file, []byte(token.Bearer), 0o600))
		must(t, os.WriteFile(ca, []byte(s.must("enrol", "--ca")), 0o600))
		return func(args ...string) []string {
			return append([]string{"--server", "https://" + s.console, "--token-file", file, "--ca-file", ca}, args...)
		}
	}
	support, parent := elsewhere("support", "--all", "--scope", "explain"), elsewhere("parent", "--household", "lighthouse", "--scope", "households:read,explain")

	said := s.idTold("127.0.0.2", "naked.example")
	_, id, _ := strings.Cut(strings.TrimSuffix(said, "]"), "[")
	s.eventually("the decision is remembered", func() bool { return s.metric("hearth_portal_decisions ", "1") }) // beside the path of queries
	secrets := []string{"naked", "Kim", "robin", "127.0.0.2"}
	for who, args := range map[string][]string{
		"the machine": {"explain", "--id", id}, "who repeats the whole text": {"explain", "--id", said}, "support": support("explain", "--id", id, "--household", "lighthouse"), "support, as JSON": support("explain", "--id", id, "--household", "lighthouse", "--json"),
	} {
		out := s.must(args...)
		for _, want := range []string{id, "adult.porn", "teen"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s reads\n%s, without %s", who, out, want)
			}
		}
		for _, secret := range secrets {
			if strings.Contains(out, secret) {
				t.Errorf("%s reads %s:\n%s", who, secret, out)
			}
		}
	}
	s.refused(1, "household", support("explain", "--id", id, "--household", "nowhere")...)
	s.refused(2, "as the page or the answer has it", "explain", "--id", "naked.example")

	before, _ := s.hearth("household", "export", "lighthouse")
	must(t, os.WriteFile(home, []byte(before+"support: names\n"), 0o600))
	s.must("household", "replace", home)
	id = s.idTold("127.0.0.2", "naked.example")
	s.eventually("the next is", func() bool { return s.metric("hearth_portal_decisions ", "2") })
	for who, args := range map[string][]string{"the machine": {"explain", "--id", id}, "support": support("explain", "--id", id, "--household", "lighthouse")} {
		if out := s.must(args...); !strings.Contains(out, "adult.porn, Kim, robin, naked.example") {
			t.Errorf("where the household has agreed %s reads\n%s", who, out)
		}
	}
	looks := map[string]int{}
	for line := range strings.Lines(s.must(parent("household", "audit")...)) {
		for _, who := range []string{"support:", "control socket:"} {
			if strings.Contains(line, who+" decision looked at") {
				looks[who]++
			}
		}
	}
	if looks["support:"] != 3 || looks["control socket:"] != 3 {
		t.Errorf("the parents read of the looks %v:\n%s", looks, s.must(parent("household", "audit")...))
	}
}
