package source

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"aead.dev/minisign"

	"github.com/hearthdns/hearth/blocklists/help"
)

// helpName is a core name, and otherHelp one that is not.
func helpNames(t *testing.T) (core, other string) {
	t.Helper()
	table, err := help.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table.Names(true)[0], table.Names(false)[0]
}

func inForce(l *Library, name string) bool {
	return slices.ContainsFunc(l.Help(), func(r help.Row) bool { return r.Name == name })
}

// notices serves a notice and its signature, which the test changes.
type notices struct {
	secret minisign.PrivateKey
	text   string
	sign   bool
	asked  int
}

func (n *notices) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.asked++
	switch {
	case !strings.HasSuffix(r.URL.Path, ".minisig"):
		_, _ = w.Write([]byte(n.text))
	case n.sign:
		_, _ = w.Write(minisign.Sign(n.secret, []byte(n.text)))
	default:
		http.NotFound(w, r)
	}
}

func (n *notices) suspend(serial, name string) {
	n.text = "serial: " + serial + "\nsuspended: [{name: " + name + ", reason: lapsed, date: 2024-09-15}]\n"
}

// TestOperatorSuspendsHelp: a name in the configuration is no help name any more, so that a list blocks it.
func TestOperatorSuspendsHelp(t *testing.T) {
	core, other := helpNames(t)
	tax := taxonomy(t)
	list := write(t, t.TempDir()+"/list", core+"\n"+other+"\n")
	config := Config{Help: help.Config{Suspended: []string{core}},
		Sources: []Source{{Name: "list", Path: list, Format: Domains, Categories: []string{"sec.phishing"}}}}
	l := open(t, LibraryConfig{Lists: config})
	ix := compile(t, l, tax)
	wantCategories(t, ix, core, "sec.phishing")
	wantCategories(t, ix, other, "ok.help", "sec.phishing")
	if inForce(l, core) || !inForce(l, other) {
		t.Errorf("in force: %s %t, %s %t", core, inForce(l, core), other, inForce(l, other))
	}
	if got := l.SuspendedHelp(); len(got) != 1 || got[0].Name != core {
		t.Errorf("suspended: %+v", got)
	}
}

// TestSignedNotice: a signed notice suspends names at the next update and is still in force after a restart; one that is
// unsigned, changed or older is refused and the last good one stays.
func TestSignedNotice(t *testing.T) {
	core, other := helpNames(t)
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server := &notices{secret: secret, sign: true}
	server.suspend("2", core)
	web := httptest.NewTLSServer(server)
	defer web.Close()
	now := time.Date(2024, 9, 20, 12, 0, 0, 0, time.UTC)
	config := LibraryConfig{Dir: t.TempDir(), Client: web.Client(), Now: func() time.Time { return now },
		Lists: Config{Help: help.Config{Update: help.Update{URL: web.URL + "/notice.yaml", Key: public.String()}}}}
	l := open(t, config)
	step := func(what string, status Status, suspended string) {
		t.Helper()
		now = now.Add(25 * time.Hour)
		results, err := l.Update(t.Context())
		if err != nil || len(results) != 1 || results[0].Status != status {
			t.Errorf("%s: %+v, %v; want %s", what, results, err, status)
		}
		for _, name := range []string{core, other} {
			if inForce(l, name) != (name != suspended) {
				t.Errorf("%s: %s is in force: %t", what, name, inForce(l, name))
			}
		}
	}
	tax := taxonomy(t)
	compile(t, l, tax)
	step("the first notice", Updated, core)
	if ix, err := l.Load(tax); err == nil || ix == nil {
		t.Errorf("the index of before the notice counts as that of now: %v", err)
	}
	wantCategories(t, compile(t, l, tax), core)
	step("the same", Unchanged, core)
	server.suspend("1", other)
	step("an older one", Refused, core)
	server.suspend("3", other)
	server.sign = false
	step("an unsigned one", Refused, core)
	server.sign = true
	server.text = strings.Repeat("#", help.MaxNotice) + server.text
	step("one without end", Failed, core)

	l = open(t, config) // a restart
	if inForce(l, core) || !inForce(l, other) {
		t.Error("after a restart the notice is not in force")
	}
	server.suspend("3", other)
	step("a newer one", Updated, other)
	asked := server.asked
	if results, err := l.Update(t.Context()); err != nil || len(results) > 0 || server.asked != asked {
		t.Errorf("asked again at once: %+v, %v", results, err)
	}

	if err := os.WriteFile(l.noticePath(), []byte(`{"notice": "c2VyaWFsOiA5", "signature": "eA=="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if l = open(t, config); !inForce(l, core) || !inForce(l, other) {
		t.Error("a kept notice that is not signed is in force")
	}
}

func TestNoticeFromFile(t *testing.T) {
	core, _ := helpNames(t)
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := &notices{}
	n.suspend("1", core)
	path := write(t, t.TempDir()+"/notice.yaml", n.text)
	l := open(t, LibraryConfig{Lists: Config{Help: help.Config{Update: help.Update{Path: path, Key: public.String()}}}})
	if results, err := l.Update(t.Context()); err != nil || results[0].Status != Refused || !inForce(l, core) {
		t.Errorf("unsigned: %+v, %v", results, err)
	}
	write(t, path+".minisig", string(minisign.Sign(secret, []byte(n.text))))
	if results, err := l.Update(t.Context()); err != nil || results[0].Status != Updated || inForce(l, core) {
		t.Errorf("signed: %+v, %v", results, err)
	}
}

func TestHelpIsValidated(t *testing.T) {
	err := Config{Help: help.Config{Suspended: []string{"https://a.example/"}}}.Validate(taxonomy(t))
	if err == nil || !strings.Contains(err.Error(), "host name") {
		t.Fatal(err)
	}
	joined, _ := err.(interface{ Unwrap() []error }) //nolint:errorlint // what Validate promises
	if !slices.ContainsFunc(joined.Unwrap(), func(e error) bool {
		at, ok := e.(interface{ Path() string })
		return ok && at.Path() == "help.suspended[0]"
	}) {
		t.Errorf("%v does not say where", err)
	}
}
