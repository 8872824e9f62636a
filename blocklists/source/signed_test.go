package source

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/hearthdns/hearth/blocklists"
)

// keyPair makes a key and its public line.
func keyPair(t *testing.T) (minisign.PrivateKey, string) {
	t.Helper()
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return secret, public.String()
}

// sign gives the detached signature of a text, as minisign -H makes it.
func sign(t *testing.T, secret minisign.PrivateKey, text string) string {
	t.Helper()
	r := minisign.NewReader(bytes.NewReader([]byte(text)))
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	return string(r.Sign(secret))
}

// TestSignedList: a list with a key is in force only as its owner signed it.
func TestSignedList(t *testing.T) {
	secret, public := keyPair(t)
	stranger, _ := keyPair(t)
	tax := taxonomy(t)
	at := filepath.Join(t.TempDir(), "list")
	put := func(text, signature string) {
		write(t, at, text)
		if signature == "" {
			_ = os.Remove(at + ".minisig")
			return
		}
		write(t, at+".minisig", signature)
	}
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "mine", Path: at, Format: Domains, Categories: []string{"money.gambling"}, Key: public}}}})
	first, second := "one.example\n", "one.example\ntwo.example\n"
	put(first, sign(t, secret, first))
	wantCategories(t, compile(t, l, tax), "one.example", "money.gambling")
	for what, signature := range map[string]string{
		"unsigned": "", "of a stranger": sign(t, stranger, second), "of the version before": sign(t, secret, first), "nonsense": "RW", "torn": sign(t, secret, second)[:60],
	} {
		put(second, signature)
		r, err := l.Update(t.Context(), "mine")
		if err != nil {
			t.Fatal(err)
		}
		if r[0].Status != Refused || !strings.Contains(r[0].Why, "sign") {
			t.Errorf("%s: %s, %q; want it refused for its signature", what, r[0].Status, r[0].Why)
		}
		ix, sum, err := l.Compile(t.Context(), tax)
		if err != nil || len(sum.Problems) != 1 || sum.Problems[0].Serving != LastGood {
			t.Fatalf("%s: compiled with %v, problems %v; want the last good state", what, err, sum.Problems)
		}
		wantCategories(t, ix, "one.example", "money.gambling")
		wantCategories(t, ix, "two.example")
	}
	put(second, sign(t, secret, second))
	wantCategories(t, compile(t, l, tax), "two.example", "money.gambling")
}

// TestKeyIsChecked: a key that is written to a source which was read without one holds from then on.
func TestKeyIsChecked(t *testing.T) {
	secret, public := keyPair(t)
	tax := taxonomy(t)
	dir, at := t.TempDir(), filepath.Join(t.TempDir(), "list")
	write(t, at, "one.example\n")
	s := Source{Name: "mine", Path: at, Format: Domains, Categories: []string{"money.gambling"}}
	compile(t, open(t, LibraryConfig{Dir: dir, Lists: Config{Sources: []Source{s}}}), tax)
	s.Key = public
	l := open(t, LibraryConfig{Dir: dir, Lists: Config{Sources: []Source{s}}})
	if r, err := l.Update(t.Context(), "mine"); err != nil || r[0].Status != Refused {
		t.Errorf("an unsigned list with a new key: %v, %v; want it refused", r, err)
	}
	write(t, at+".minisig", sign(t, secret, "one.example\n"))
	if r, err := l.Update(t.Context(), "mine"); err != nil || r[0].Status != Updated {
		t.Errorf("once it is signed: %v, %v; want it updated", r, err)
	}
}

// TestSignedName: a signature that says which file it is of holds for no other of the same owner.
func TestSignedName(t *testing.T) {
	secret, public := keyPair(t)
	at := filepath.Join(t.TempDir(), "excepted.txt")
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "mine", Path: at, Format: Domains, Categories: []string{"money.gambling"}, Key: public, Except: true}}}})
	for name, want := range map[string]Status{"blocked.txt": Refused, "excepted.txt": Updated} {
		text := name + ".example\n"
		r := minisign.NewReader(strings.NewReader(text))
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		write(t, at, text)
		write(t, at+".minisig", string(r.SignWithComments(secret, "timestamp:1\tfile:"+name+"\thashed", "")))
		if got, err := l.Update(t.Context(), "mine"); err != nil || got[0].Status != want {
			t.Errorf("signed as %s: %+v, %v; want %s", name, got, err, want)
		}
	}
}

// TestSignedURL: the signature lies beside the list at its server.
func TestSignedURL(t *testing.T) {
	secret, public := keyPair(t)
	server := newListServer(t)
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{{Name: "mine", URL: server.URL + "/a%2Fb/list.txt?token=x&v=.txt#top", Format: Domains, Categories: []string{"piracy"}, Private: true, Key: public}}}})
	list, signature := numbered(30), ""
	server.set(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.RawQuery != "token=x&v=.txt":
			http.Error(w, "who are you?", http.StatusForbidden)
		case strings.HasSuffix(r.URL.EscapedPath(), "/a%2Fb/list.txt"):
			_, _ = io.WriteString(w, list)
		case signature == "" || !strings.HasSuffix(r.URL.EscapedPath(), "/a%2Fb/list.txt.minisig"):
			http.NotFound(w, r)
		default:
			_, _ = io.WriteString(w, signature)
		}
	})
	wantResult(t, l, Refused, 0, "sign")
	signed := minisign.NewReader(strings.NewReader(list))
	if _, err := io.Copy(io.Discard, signed); err != nil {
		t.Fatal(err)
	}
	signature = string(signed.SignWithComments(secret, "timestamp:1\tfile:other.txt\thashed", ""))
	wantResult(t, l, Refused, 0, "another file")
	signature = string(signed.SignWithComments(secret, "timestamp:1\tfile:list.txt\thashed", ""))
	wantResult(t, l, Updated, 30, "")
}

// TestKeyValidate: what a key cannot be, and where there can be none, is said.
func TestKeyValidate(t *testing.T) {
	_, public := keyPair(t)
	tax := taxonomy(t)
	for want, s := range map[string]Source{
		"begins with RW": {Name: "a", Path: "/list", Categories: []string{"money.gambling"}, Key: "hunter2"},
		"tsig":           {Name: "a", Zone: Zone{Name: "rpz.example", Primaries: []string{"192.0.2.1"}}, Categories: []string{"money.gambling"}, Key: public},
		"by contract":    {Name: "a", Path: "/list", Format: Domains, Categories: []string{"illegal.order"}, Key: public},
	} {
		if err := (Config{Sources: []Source{s}}).Validate(tax); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}

// TestExcept: names of a source with except are in no list of its categories, and in all others as before.
func TestExcept(t *testing.T) {
	tax, dir := taxonomy(t), t.TempDir()
	bets := write(t, filepath.Join(dir, "bets"), "wrong.example\nright.example\nhard.example\n")
	more := write(t, filepath.Join(dir, "more"), "||wrong.example^$important\n||deep.wrong.example^\n/^ab+\\.wrong2\\.example$/\n")
	ads := write(t, filepath.Join(dir, "ads"), "ads.wrong.example\n")
	both := write(t, filepath.Join(dir, "both"), "||wrong.example^\n||both.example^\n/^ab+\\.wrong2\\.example$/\n")
	spared := write(t, filepath.Join(dir, "spared"), "wrong.example\nwrong2.example\nresolver.example\n") // the last no list may block
	l := open(t, LibraryConfig{Own: "resolver.example", Lists: Config{Sources: []Source{
		{Name: "spared", Path: spared, Format: Domains, Categories: []string{"money.gambling"}, Except: true},
		{Name: "bets", Path: bets, Format: Domains, Categories: []string{"money.gambling"}},
		{Name: "more", Path: more, Format: Adblock, Categories: []string{"money.gambling"}},
		{Name: "ads", Path: ads, Format: Domains, Categories: []string{"ads.trackers"}},
		{Name: "both", Path: both, Format: Adblock, Categories: []string{"harm.crime", "money.gambling", "piracy"}},
	}}})
	ix := compile(t, l, tax)
	wantCategories(t, ix, "wrong.example", "harm.crime", "piracy")
	wantCategories(t, ix, "www.wrong.example", "harm.crime", "piracy")
	wantCategories(t, ix, "deep.wrong.example", "harm.crime", "piracy")
	wantCategories(t, ix, "both.example", "harm.crime", "money.gambling", "piracy")
	wantCategories(t, ix, "right.example", "money.gambling")
	wantCategories(t, ix, "ads.wrong.example", "ads.trackers", "harm.crime", "piracy")
	asked, err := blocklists.ParseName("abb.wrong2.example")
	if err != nil {
		t.Fatal(err)
	}
	var h blocklists.Hashes
	ix.Key().Hash(asked, &h)
	crime, err := tax.Select("harm.crime")
	if err != nil {
		t.Fatal(err)
	}
	gambling, err := tax.Select("money.gambling")
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := ix.MatchPatterns(asked, 1, ix.Match(&h)); m.Categories.Intersects(gambling) || !m.Categories.Intersects(crime) {
		t.Error("an expression lists a name for what it is taken out of, or not for the rest")
	}
	found, err := l.Find(t.Context(), "wrong.example")
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Categories) != 2 || slices.ContainsFunc(found.Categories, func(a Agreement) bool { return a.Category == "money.gambling" }) {
		t.Errorf("find says that wrong.example is %v", found.Categories)
	}
	if !slices.ContainsFunc(found.Entries, func(f Finding) bool { return f.Source == "spared" && f.Exception && f.Covers }) {
		t.Errorf("find does not show who takes the name out: %+v", found.Entries)
	}
	if report, err := l.Lint(t.Context()); err != nil || slices.ContainsFunc(report.Findings, func(f LintFinding) bool { return f.Source == "spared" }) {
		t.Errorf("lint looks at what is taken out as if it were blocked: %+v, %v", report.Findings, err)
	}
}

// TestExceptValidate: what the operator may not take out of lists is said.
func TestExceptValidate(t *testing.T) {
	tax := taxonomy(t)
	for want, s := range map[string]Source{
		"ok.help is nothing":       {Name: "a", Path: "/list", Categories: []string{"ok.help"}, Except: true},
		"illegal.order is nothing": {Name: "a", Path: "/list", Format: Domains, Categories: []string{"illegal.order"}, Except: true},
		"another format":           {Name: "a", Path: "/list", Format: UT1, Categories: []string{"money.gambling"}, Except: true},
	} {
		if err := (Config{Sources: []Source{s}}).Validate(tax); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}
