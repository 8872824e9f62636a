package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const selfTest = "legal-selftest.hearth.home.arpa"

// legalServer has a legal list of its own file, and a security list to compare with.
func legalServer(t *testing.T, names ...string) (s *server, list string) {
	t.Helper()
	s = example(t, newUpstream(t))
	folder := t.TempDir()
	list = filepath.Join(folder, "court")
	s.list(list, names...)
	s.list(filepath.Join(folder, "malware"), "virus-e2e.example")
	s.write(strings.Replace(s.read(), "  sources: []", "  sources: [{name: court, path: "+list+", format: domains, categories: [illegal.order]}, "+
		"{name: bad, path: "+filepath.Join(folder, "malware")+", format: domains, categories: [sec.malware]}]", 1))
	s.start()
	s.eventually("has its lists in force", func() bool { return s.lawful(selfTest) && s.lawful("virus-e2e.example") })
	return s, list
}

func (s *server) list(path string, names ...string) {
	s.t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// lawful says that a name is blocked as legal and security lists block.
func (s *server) lawful(name string) bool { return s.lawfulFor("127.0.0.1", name) }

func (s *server) lawfulFor(from, name string) bool {
	s.t.Helper()
	e := ede(s.ask("udp", from, name, dns.TypeA))
	return e != nil && e.InfoCode == dns.ExtendedErrorCodeBlocked && e.ExtraText == ""
}

// said is what a command of the operator prints.
func (s *server) said(args ...string) string {
	s.t.Helper()
	out, code := s.hearth(args...)
	if code != 0 {
		s.t.Errorf("hearth %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// TestLegalListFromEndToEnd: from a change of the file to the answers, through a kill and a loss of the file, with
// nothing told to anybody.
func TestLegalListFromEndToEnd(t *testing.T) {
	s, list := legalServer(t, "alpha-e2e.example", "beta-e2e.example")
	if !s.lawful("alpha-e2e.example") || !s.lawful("www.beta-e2e.example") || s.lawful("gamma-e2e.example") {
		t.Fatal("the list is not in force as it is")
	}
	time.Sleep(time.Second) // what the start still does would see the change too
	s.list(list, "alpha-e2e.example", "beta-e2e.example", "gamma-e2e.example")
	start := time.Now()
	s.eventually("has the new name in force", func() bool { return s.lawful("gamma-e2e.example") })
	t.Logf("from the change of the file to the first answer: %.2f s, with the watcher's wait for the file to be quiet", time.Since(start).Seconds())

	told := s.scrape()
	for _, args := range [][]string{{"explain"}, {"explain", "--json"}, {"lists", "find"}, {"lists", "find", "--json"}} {
		say := func(name string) string {
			out := s.said(append(slices.Clone(args), name)...)
			for line := range strings.Lines(out) {
				if !strings.Contains(line, `"at"`) && !strings.Contains(line, name) {
					told += line
				}
			}
			return strings.ReplaceAll(out, name, "x")
		}
		if legal, security := withoutTimes(say("gamma-e2e.example")), withoutTimes(say("virus-e2e.example")); legal != security {
			t.Errorf("%v tells the legal list from the security list:\n%s\n%s", args, legal, security)
		}
	}
	told += s.said("lists", "stats", "--json") + s.said("lists", "update", "court", "--json")

	s.signal(syscall.SIGKILL)
	<-s.exited
	s.exited <- nil
	if err := os.Remove(list); err != nil {
		t.Fatal(err)
	}
	again := *s
	s = again.start()
	for _, name := range []string{selfTest, "alpha-e2e.example", "gamma-e2e.example"} {
		if !s.lawful(name) {
			t.Errorf("%s is open after a kill and the loss of the list", name)
		}
	}
	told += s.scrape()
	s.wantSecret(told, "alpha-e2e.example", "beta-e2e.example", "gamma-e2e.example")
}

// withoutTimes leaves out the lines that say when something was asked.
func withoutTimes(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if !strings.Contains(line, `"at"`) && !strings.Contains(line, " for ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// wantSecret holds that none of the names is in the state folder, the log or what was told.
func (s *server) wantSecret(told string, names ...string) {
	s.t.Helper()
	all := map[string][]byte{"log": []byte(s.log.String()), "told": []byte(told)}
	err := filepath.WalkDir(s.state(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(all) < 6 {
		s.t.Fatalf("%d files: %v", len(all), err)
	}
	for where, content := range all {
		for _, name := range names {
			label, _, _ := strings.Cut(name, ".")
			for _, form := range []string{label, hex.EncodeToString([]byte(label)), base64.StdEncoding.EncodeToString([]byte(label))[:8]} {
				if bytes.Contains(bytes.ToLower(content), bytes.ToLower([]byte(form))) {
					s.t.Errorf("%s has %s as %q", where, name, form)
				}
			}
		}
	}
}

// TestLegalListIsNoDirectory: after eleven names a client is told of every name that it is blocked, by DNS and by the page.
func TestLegalListIsNoDirectory(t *testing.T) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("dir%d-e2e.example", i))
	}
	s, _ := legalServer(t, names...)
	for _, name := range names[:11] {
		if !s.lawful(name) {
			t.Fatalf("%s is open", name)
		}
	}
	for _, name := range []string{"www.wikipedia.org", "dir20-e2e.example", "never-heard-of.example"} {
		if !s.lawful(name) {
			t.Errorf("%s is not withheld", name)
		}
	}
	if s.lawfulFor("127.0.0.9", "www.wikipedia.org") {
		t.Error("withheld from another client")
	}
	for prefix, value := range map[string]string{"hearth_legal_blocks_today": "11", "hearth_legal_limited_total": "1"} {
		if !s.metric(prefix, value) {
			t.Errorf("%s is not %s", prefix, value)
		}
	}
	for _, never := range []string{"dir1-e2e", "illegal", "127.0.0.9"} {
		if strings.Contains(s.scrape(), never) {
			t.Errorf("the metrics have %q", never)
		}
	}
}
