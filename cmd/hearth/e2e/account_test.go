package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/store"
	"go.etcd.io/bbolt"
)

// code is one that people type: a household, and sixteen signs of which none looks like another.
var code = regexp.MustCompile(`\b[a-z0-9-]+\.([2-9A-HJKMNP-Z]{4}-){3}[2-9A-HJKMNP-Z]{4}\b`)

// between does something with the state while no server has it.
func (s *server) between(do func(log *store.Bolt)) {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	<-s.exited
	close(s.exited)
	log, err := store.Open(filepath.Join(s.state(), "hearth.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	do(log)
	if err := log.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

// joins opens an account, as the page does for whoever types a code in.
func (s *server) joins(b *account.Book, typed, household, name string) account.Signed {
	s.t.Helper()
	in, err := b.Accept(s.t.Context(), account.Join{Code: typed, Household: household, Name: name, Passphrase: "seven lamps over " + name + " and a bicycle"})
	if err != nil {
		s.t.Fatal(err)
	}
	return in
}

// as runs a command as a user of the machine.
func (s *server) as(user string, args ...string) {
	s.t.Helper()
	cmd := s.command(args...)
	cmd.Env = append(cmd.Env, "USER="+user, "SUDO_USER=")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// live gives all keys and values of the state and the journal, as a copy of the file has them.
func (s *server) live() string {
	s.t.Helper()
	whole, err := os.ReadFile(filepath.Join(s.state(), "hearth.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	copied := filepath.Join(s.t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, whole, 0o600); err != nil {
		s.t.Fatal(err)
	}
	db, err := bbolt.Open(copied, 0o600, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	var walk func(b *bbolt.Bucket) error
	walk = func(b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			all.WriteString(string(k) + " " + string(v) + "\n")
			if v == nil {
				return walk(b.Bucket(k))
			}
			return nil
		})
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return walk(b) })
	}); err != nil {
		s.t.Fatal(err)
	}
	return all.String()
}

// TestAccounts: from nobody to a family that signs in, with codes and tokens of the machine's shell that are shown once;
// the parents hear of it, and a member who is erased leaves no trace.
func TestAccounts(t *testing.T) {
	t.Parallel()
	s := example(t, newUpstream(t))
	posted := make(chan map[string]any, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		_ = json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&m)
		posted <- m
	}))
	t.Cleanup(hook.Close)
	s.write(strings.Replace(s.read(), "  private: false", "  private: true", 1))
	s.start()

	s.eventually("says how the first account is opened", func() bool { return strings.Contains(s.log.String(), "hearth account setup") })
	if code.MatchString(s.log.String()) {
		t.Errorf("the log has a code:\n%s", s.log)
	}
	if out := s.must("account", "list"); !strings.Contains(out, "nobody has an account") {
		t.Errorf("the list: %s", out)
	}
	s.refused(1, "nobody has an account in", "account", "reset", "Anna")
	first := code.FindString(s.must("account", "setup"))
	var made struct{ Code, Household string }
	if err := json.Unmarshal([]byte(s.must("account", "setup", "--json")), &made); err != nil || !strings.HasPrefix(made.Code, "operators.") || made.Code == first || first == "" {
		t.Fatalf("%v: %+v after %q", err, made, first)
	}
	if out := s.must("account", "list"); strings.Count(out, "a code for the first account") != 1 {
		t.Errorf("the list: %s", out)
	}
	if out := s.must("export"); code.MatchString(out) {
		t.Errorf("the export has a code: %s", out)
	}

	var signed [2]account.Signed
	s.between(func(log *store.Bolt) {
		b, err := account.Open(account.Config{Log: log})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Accept(t.Context(), account.Join{Code: first, Household: "example-home", Name: "Anna", Passphrase: "seven lamps and a bicycle"}); err == nil {
			t.Error("a code is good that another took the place of")
		}
		signed[0] = s.joins(b, made.Code, "example-home", "Anna")
		i, err := b.Invite(t.Context(), account.Machine(), account.Offer{Household: "example-home", Role: account.Child, Name: "Toni"})
		if err != nil {
			t.Fatal(err)
		}
		signed[1] = s.joins(b, i.Code, "", "")
		post, err := notify.New(notify.Config{Settings: notify.Settings{Private: true}, State: s.state(), Log: log, Words: func(notify.Draft) notify.Text { return notify.Text{} }})
		if err != nil {
			t.Fatal(err)
		}
		for path, who := range map[string]string{"/anna": signed[0].Session.Account, "/toni": signed[1].Session.Account} {
			if _, err := post.Add(t.Context(), "example-home", notify.Channel{Kind: notify.Webhook, To: hook.URL + path, Name: strings.ToUpper(path), For: []string{who}}); err != nil {
				t.Fatal(err)
			}
		}
	})
	s.sees(kim, "pornhub.com", true)
	s.codesAndTokens(signed[0].Cookie)
	select {
	case m := <-posted:
		if m["kind"] != "sign-in" || m["household"] != "example-home" {
			t.Errorf("the parent is told %v", m)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody is told")
	}
	if out := s.must("household", "audit"); !strings.Contains(out, "token made, light") || !strings.Contains(out, "invited, Oma") {
		t.Errorf("the audit:\n%s", out)
	}
	s.forgetsToni()
}

// codesAndTokens tries the commands that make and void codes and tokens.
func (s *server) codesAndTokens(cookie string) {
	t := s.t
	t.Helper()
	s.refused(2, "somebody has an account already", "account", "setup")
	if out := s.must("account", "list"); !strings.Contains(out, "example-home/Anna") || !strings.Contains(out, "example-home/Toni") || strings.Contains(out, "first account") {
		t.Errorf("the list: %s", out)
	}
	if got := code.FindString(s.must("account", "reset", "Toni")); !strings.HasPrefix(got, "example-home.") {
		t.Errorf("the code: %q", got)
	}
	s.refused(1, "nobody of the household", "account", "reset", "example-home/Nobody")
	s.refused(1, "no household nowhere", "account", "reset", "nowhere/Anna")
	s.refused(2, "--role parent, carer, child or operator", "account", "invite")
	s.refused(2, "a carer's rights end on a date", "account", "invite", "--role", "carer")
	s.refused(2, "as YYYY-MM-DD", "account", "invite", "--role", "carer", "--until", "soon")
	s.refused(2, "a child of the household is called Kim", "account", "invite", "--role", "parent", "--name", "kim")
	s.refused(2, "write the name of the child", "account", "invite", "--role", "child")
	next := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	var oma struct {
		ID    string
		Until time.Time
	}
	if err := json.Unmarshal([]byte(s.must("account", "invite", "--role", "carer", "--name", "Oma", "--until", next, "--json")), &oma); err != nil || oma.Until.Before(time.Now().AddDate(0, 0, 8)) {
		t.Errorf("%v, %+v", err, oma)
	}
	s.must("account", "withdraw", oma.ID[:8])
	s.refused(1, "first 6 signs", "account", "withdraw", oma.ID[:8])
	if out := s.must("account", "sessions"); !strings.Contains(out, "example-home/Anna") || strings.Contains(out, cookie) {
		t.Errorf("signed in: %s", out)
	}
	s.must("account", "sessions", "Anna", "--end")
	if out := s.must("account", "sessions"); strings.Contains(out, "Anna") {
		t.Errorf("still signed in: %s", out)
	}

	s.refused(2, "households:read, households:write", "account", "token", "new", "light", "--until", next)
	s.refused(2, "--until", "account", "token", "new", "light", "--scope", "explain")
	s.refused(2, "there is no scope", "account", "token", "new", "light", "--scope", "all", "--until", next)
	s.refused(2, "ask for a token of all households", "account", "token", "new", "light", "--scope", "operate", "--until", next)
	s.refused(2, "within a year", "account", "token", "new", "light", "--scope", "explain", "--until", "2999-01-01")
	var token struct{ ID, Bearer string }
	if err := json.Unmarshal([]byte(s.must("account", "token", "new", "light", "--scope", "grants:write,explain", "--until", next, "--json")), &token); err != nil || !strings.HasPrefix(token.Bearer, "hearth.example-home.") {
		t.Fatalf("%v: %+v", err, token)
	}
	s.must("account", "token", "new", "monitoring", "--all", "--scope", "operate", "--until", next)
	out := s.must("account", "token", "list")
	if !strings.Contains(out, "light, for example-home: explain grants:write") || !strings.Contains(out, "monitoring, for all households: operate") {
		t.Errorf("the tokens: %s", out)
	}
	secret := token.Bearer[strings.LastIndex(token.Bearer, ".")+1:]
	for where, text := range map[string]string{"the list": out, "the export": s.must("export"), "the log": s.log.String(), "the store": s.live(), "the metrics": s.scrape()} {
		if strings.Contains(text, secret) {
			t.Errorf("%s has the bearer", where)
		}
	}
	s.must("account", "token", "end", token.ID)
	if out := s.must("account", "token", "list", "example-home"); !strings.Contains(out, "there are no tokens") {
		t.Errorf("after its end: %s", out)
	}
}

// forgetsToni erases a member who has an account, a channel, a grant, and did something to somebody else.
func (s *server) forgetsToni() {
	t := s.t
	t.Helper()
	s.must("account", "invite", "--role", "child", "--name", "toni")
	s.must("grant", "name", "casino.example", "--member", "Toni", "--for", "1h")
	pin := s.command("device", "pin", "Toni")
	pin.Stdin = strings.NewReader("471147\n")
	if out, err := pin.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.as("Toni", "grant", "name", "page.example", "--member", "Kim", "--for", "1h")
	_, _ = s.asks("127.0.0.3", "pornhub.com", "my friend Toni says it is fine")
	_, own := s.asks("127.0.0.2", "pornhub.com", "so that I can play with Toni")
	_, answered := s.asks("127.0.0.2", "xvideos.com", "for the match")
	s.must("requests", "decline", answered, "--word", "not before toni is back")
	s.as("Toni", "requests", "decline", own)
	s.write(strings.NewReplacer("name: Toni,", "name: Tina,", "member: Toni,", "member: Tina,").Replace(s.read()))
	if out, code := s.reload(); code != 0 {
		t.Fatal(out)
	}
	if !strings.Contains(s.live(), "Toni") || !strings.Contains(s.live(), "/TONI") {
		t.Fatal("there is nothing to erase")
	}
	out := s.must("activity", "erase", "example-home/Toni")
	for _, want := range []string{"account 1", "grant 1", "named in grant 1", "request 1", "named in request 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("erasing does not say %q:\n%s", want, out)
		}
	}
	s.eventually("writes the file anew", func() bool { return !strings.Contains(s.live(), "pin/Toni") }) // keys of what was deleted
	backup := filepath.Join(s.dir, "after.backup")
	s.must("backup", backup, "--config", s.config)
	saved, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{
		"the export": s.must("export"), "the store": s.live(), "a backup": string(saved), "the metrics": s.scrape(),
		"the audit": s.must("household", "audit"), "the accounts": s.must("account", "list"), "what people did": s.must("household", "show"),
		"the requests": s.must("requests", "list", "--closed"), "the log": s.log.String(),
	} {
		text = strings.ReplaceAll(text, "toni-phone", "") // a device of this name is configured
		for _, name := range []string{"Toni", "toni", "/TONI"} {
			if at := strings.Index(text, name); at >= 0 {
				t.Errorf("%s has %q: …%s…", where, name, text[max(0, at-100):min(len(text), at+60)])
			}
		}
	}
	if bytes.Count(saved, []byte("/ANNA")) == 0 || !strings.Contains(s.must("account", "list"), "example-home/Anna") {
		t.Error("it took more than was meant")
	}
	if out := s.must("household", "audit"); !strings.Contains(out, "-: grant, Kim, name page.example") {
		t.Errorf("what was done to Kim is not written down any more:\n%s", out)
	}
	s.refused(2, "operators is no household", "activity", "erase", "operators", "--all")
}
