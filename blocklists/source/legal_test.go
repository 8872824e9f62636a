package source

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/hearthdns/hearth/blocklists"
)

// legalHouse is a library with one ordinary and one legal list, and all that could tell of the latter.
type legalHouse struct {
	t       *testing.T
	dir     string
	path    string // of the legal list
	log     bytes.Buffer
	told    bytes.Buffer // results, statistics, findings, metrics
	clock   *clock
	source  Source
	l       *Library
	tax     *blocklists.Taxonomy
	popular string // names of a list of popular ones; "" = none
}

const ownName = "hearth.home.arpa"

func newLegalHouse(t *testing.T, list string, change ...func(*Source)) *legalHouse {
	t.Helper()
	h := &legalHouse{t: t, dir: t.TempDir(), clock: newClock(), tax: taxonomy(t)}
	h.path = filepath.Join(t.TempDir(), "feed")
	if list != "" {
		write(t, h.path, list)
	}
	h.source = Source{Name: "court", Path: h.path, Format: Domains, Categories: []string{"illegal.order"}}
	for _, c := range change {
		c(&h.source)
	}
	h.reopen()
	return h
}

// reopen is a restart.
func (h *legalHouse) reopen() {
	h.t.Helper()
	open := Source{Name: "open", Path: write(h.t, filepath.Join(h.dir, "..", "open-list"), "casino.example\n"), Format: Domains, Categories: []string{"money.gambling"}}
	c := Config{Sources: []Source{open, h.source}}
	if h.popular != "" {
		c.Popular = "top"
		c.Sources = append(c.Sources, Source{Name: "top", Path: write(h.t, filepath.Join(h.dir, "..", "top-list"), h.popular), Format: Domains})
	}
	if err := c.Validate(h.tax); err != nil {
		h.t.Fatal(err)
	}
	var err error
	h.l, err = OpenLibrary(LibraryConfig{Dir: filepath.Join(h.dir, "lists"), Lists: c, Now: h.clock.Now, Own: ownName,
		Log: slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		h.t.Fatal(err)
	}
	h.l.retry = 0
}

// inForce gives the index as the server would serve it now.
func (h *legalHouse) inForce() *blocklists.Index {
	h.t.Helper()
	ix, err := h.l.Load(h.tax)
	if err == nil {
		return ix
	}
	if !errors.Is(err, ErrStale) {
		h.t.Fatal(err)
	}
	return compile(h.t, h.l, h.tax)
}

// update asks for all that is due, or for the named lists, and returns what became of the legal one.
func (h *legalHouse) update(names ...string) Result {
	h.t.Helper()
	results, err := h.l.Update(context.Background(), names...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.tell(results)
	for _, r := range results {
		if r.Source == h.source.Name {
			return r
		}
	}
	h.t.Fatal("the legal list has no result")
	return Result{}
}

func (h *legalHouse) tell(v any) {
	h.t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	h.told.Write(text)
}

func (h *legalHouse) blocks(ix *blocklists.Index, names ...string) {
	h.t.Helper()
	for _, name := range names {
		wantCategories(h.t, ix, name, "illegal.order")
	}
}

func (h *legalHouse) leaves(ix *blocklists.Index, names ...string) {
	h.t.Helper()
	for _, name := range names {
		if slices.ContainsFunc(categoriesOf(h.t, ix, name), func(id string) bool { return strings.HasPrefix(id, "illegal.") }) {
			h.t.Errorf("%s is blocked as illegal", name)
		}
	}
}

// spellings are the ways in which a name could be found again.
func spellings(name string) [][]byte {
	var wire, reversed []byte
	for _, label := range strings.Split(name, ".") {
		part := append([]byte{byte(len(label))}, label...)
		wire, reversed = append(wire, part...), append(slices.Clone(part), reversed...)
	}
	forms := [][]byte{[]byte(name), wire, reversed}
	for _, raw := range [][]byte{[]byte(name), append(wire, 0), []byte(name + "\n"), []byte(name + ".")} {
		md, sha, sum := md5.Sum(raw), sha1.Sum(raw), sha256.Sum256(raw)
		for _, b := range [][]byte{raw, md[:], sha[:], sum[:]} {
			forms = append(forms, []byte(hex.EncodeToString(b)), []byte(base64.StdEncoding.EncodeToString(b)),
				[]byte(base64.RawURLEncoding.EncodeToString(b)), []byte(base32.StdEncoding.EncodeToString(b)))
		}
		forms = append(forms, md[:], sha[:], sum[:])
	}
	return forms
}

// wantSecret holds that nothing that the library writes or says has one of the names in any spelling.
func (h *legalHouse) wantSecret(names ...string) {
	h.t.Helper()
	h.tell(h.l.Stats())
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(h.l); err != nil {
		h.t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&h.told, f); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, name := range names {
		found, _ := h.l.Find(context.Background(), name) // a word that is no name is found nowhere
		if slices.ContainsFunc(found.Entries, func(f Finding) bool { return f.Source == h.source.Name }) {
			h.t.Errorf("find: %v", found.Entries)
		}
	}
	all := map[string][]byte{"log": h.log.Bytes(), "told": h.told.Bytes()}
	err = filepath.WalkDir(filepath.Join(h.dir, "lists"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for where, content := range all {
		for _, name := range names {
			for _, form := range spellings(name) {
				if bytes.Contains(bytes.ToLower(content), bytes.ToLower(form)) {
					h.t.Errorf("%s has %s as %q", where, name, form)
				}
			}
		}
	}
}

func TestLegalListIsSealedAndInForce(t *testing.T) {
	h := newLegalHouse(t, "alpha-order.example\nbeta-order.example\n# a comment with gamma-order.example\n")
	if r := h.update(); r.Status != Updated || r.Names != 2 || r.Why != "" {
		t.Errorf("update: %+v", r)
	}
	ix := h.inForce()
	h.blocks(ix, "alpha-order.example", "www.beta-order.example")
	h.leaves(ix, "gamma-order.example", "order.example")
	wantCategories(t, ix, "casino.example", "money.gambling")
	h.wantSecret("alpha-order.example", "beta-order.example", "gamma-order.example")
	for _, s := range h.l.Stats() {
		if s.Name == "court" && (s.Names != 2 || !s.Kept || s.Fetched.IsZero() || s.Examples != nil) {
			t.Errorf("statistics: %+v", s)
		}
	}
	for path, want := range map[string]fs.FileMode{"legal.key": 0o600, "legal": 0o700, "legal/" + fileStem("court") + ".hls": 0o600} {
		info, err := os.Stat(filepath.Join(h.dir, "lists", path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want mode %v", path, info.Mode(), err, want)
		}
	}
	h.reopen()
	h.blocks(h.inForce(), "alpha-order.example")
	if r := h.update(); r.Status != NotDue {
		t.Errorf("after a restart: %+v, want not due", r)
	}
}

// TestLegalListTakesDomainsAlone: what is refused is counted and logged as a number, and everything else works.
func TestLegalListTakesDomainsAlone(t *testing.T) {
	help := "116111.it"
	h := newLegalHouse(t, "", func(s *Source) { s.Format = Adblock })
	for _, s := range h.l.starters() {
		if s.category == "ok.help.core" {
			help = strings.Fields(string(s.text))[0]
		}
	}
	_, parent, _ := strings.Cut("sub."+help, ".")
	write(t, h.path, strings.Join([]string{
		"||plain-order.example^",
		"||page-order.example/some/page-order-path",
		"https://url-order.example/secret-order-page",
		"@@||taken-order.example^",
		"||co.uk^",
		"||" + parent + "^",
		"||" + help + "^",
		"||deep." + help + "^",
		"||apple.com^", // above captive.apple.com
		"||captive.apple.com^",
		"||x.ocsp.apple.com^",
		"||home.arpa^",
		"||www." + ownName + "^",
		"/regex-order-[0-9]+/",
	}, "\n"))
	r := h.update("court")
	if r.Status != Updated || r.Names != 1 {
		t.Fatalf("update: %+v, want the one good name", r)
	}
	if r.Rejected[ReasonHelp] != 3 || r.Rejected[ReasonMachine] != 3 || r.Rejected[ReasonException] != 1 || r.Rejected[ReasonPublicSuffix] < 1 || r.Rejected[ReasonOwnName] < 1 {
		t.Errorf("refused: %v", r.Rejected)
	}
	ix := h.inForce()
	h.blocks(ix, "plain-order.example")
	h.leaves(ix, "page-order.example", "url-order.example", "taken-order.example", "x.co.uk", help, "deep."+help, ownName, "www."+ownName,
		"apple.com", "captive.apple.com", "x.ocsp.apple.com")
	h.wantSecret("page-order.example", "url-order.example", "secret-order-page", "taken-order.example", "deep."+help, "plain-order.example", "regex-order")
	for _, reason := range []string{"reason=help entries=3", "reason=exception entries=1", "reason=public-suffix"} {
		if !strings.Contains(h.log.String(), reason) || !strings.Contains(h.log.String(), "list=court") {
			t.Errorf("the log does not say %q", reason)
		}
	}
}

// TestLegalListFailsToTheLastGoodOne: whatever comes, the names in force stay, after a restart too.
func TestLegalListFailsToTheLastGoodOne(t *testing.T) {
	var many strings.Builder
	for i := range 40 {
		fmt.Fprintf(&many, "n%d.many-order.example\n", i)
	}
	for name, next := range map[string]func(h *legalHouse){
		"vanished": func(h *legalHouse) { _ = os.Remove(h.path) },
		"empty":    func(h *legalHouse) { write(h.t, h.path, "") },
		"comments": func(h *legalHouse) { write(h.t, h.path, "# nothing\n") },
		"refused":  func(h *legalHouse) { write(h.t, h.path, "http://x-order.example/secret\n") },
		"torn":     func(h *legalHouse) { write(h.t, h.path, "\x1f\x8b\x08torn") },
		"shrunken": func(h *legalHouse) { write(h.t, h.path, strings.Join(strings.Split(many.String(), "\n")[:37], "\n")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newLegalHouse(t, many.String())
			h.update()
			h.blocks(h.inForce(), "n0.many-order.example", "n39.many-order.example")
			next(h)
			h.clock.now = h.clock.now.Add(time.Hour)
			r := h.update()
			want := map[string]Status{"vanished": Failed, "torn": Failed, "shrunken": "held"}[name]
			if want == "" {
				want = Refused
			}
			if r.Status != want || r.Why == "" || r.Names != 40 {
				t.Errorf("%+v, want %s with 40 names in force", r, want)
			}
			h.blocks(h.inForce(), "n0.many-order.example", "n39.many-order.example")
			h.reopen()
			h.blocks(h.inForce(), "n0.many-order.example", "n39.many-order.example")
			h.update()
			h.blocks(h.inForce(), "n39.many-order.example")
			h.wantSecret("n0.many-order.example", "n39.many-order.example", "x-order.example")
		})
	}
}

func TestLegalListHeldIsAccepted(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\ntwo-order.example\n")
	h.update()
	write(t, h.path, "two-order.example\nthree-order.example\n")
	if r := h.update(); r.Status != "held" || !strings.Contains(r.Why, "lists accept court") {
		t.Fatalf("%+v", r)
	}
	h.blocks(h.inForce(), "one-order.example")
	h.wantSecret("one-order.example", "three-order.example")
	h.reopen() // what is held outlives a restart
	if err := h.l.acceptLegal("court"); err != nil {
		t.Fatal(err)
	}
	ix := h.inForce()
	h.blocks(ix, "two-order.example", "three-order.example")
	h.leaves(ix, "one-order.example")
	if err := h.l.acceptLegal("court"); err == nil {
		t.Error("accepted twice")
	}
	if r := h.update("court"); r.Status != Unchanged || r.Why != "" {
		t.Errorf("afterwards: %+v", r)
	}
	write(t, h.path, "two-order.example\nthree-order.example\nfour-order.example\n")
	if r := h.update(); r.Status != Updated {
		t.Errorf("growth: %+v", r)
	}
}

// TestLegalListGoesTooFar: a feed that newly names what everybody asks for, or doubles, waits for the operator, who is
// told numbers and no name.
func TestLegalListGoesTooFar(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.popular = "everybody.example\nlast-word.example\n"
	h.reopen()
	if r := h.update(); r.Status != Updated {
		t.Fatalf("%+v", r)
	}
	write(t, h.path, "one-order.example\neverybody.example\n")
	if r := h.update(); r.Status != Held || !strings.Contains(r.Why, "newly hits 1 popular names") {
		t.Errorf("a popular name: %+v", r)
	}
	h.leaves(h.inForce(), "everybody.example")
	h.wantSecret("one-order.example")
	if _, err := h.l.Accept(t.Context(), "court"); err != nil {
		t.Fatal(err)
	}
	wantCategories(t, h.inForce(), "everybody.example", "illegal.order", popularCategory)
	write(t, h.path, "one-order.example\neverybody.example\nsub.everybody.example\n")
	if r := h.update(); r.Status != Updated {
		t.Errorf("a popular name that was hit before: %+v", r)
	}
	write(t, h.path, "one-order.example\neverybody.example\nsub.everybody.example\n"+numbered(200))
	if r := h.update(); r.Status != Held || !strings.Contains(r.Why, "203 names, the last good list has 3") {
		t.Errorf("growth: %+v", r)
	}
}

// TestLegalListWithdrawnIsNotAccepted: a version that was held back and is not at its origin any more cannot be put in
// force.
func TestLegalListWithdrawnIsNotAccepted(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\ntwo-order.example\n")
	h.update()
	write(t, h.path, "three-order.example\n")
	if r := h.update("court"); r.Status != Held {
		t.Fatalf("%+v", r)
	}
	write(t, h.path, "one-order.example\ntwo-order.example\n")
	if r := h.update("court"); r.Status != Unchanged {
		t.Fatalf("%+v", r)
	}
	if err := h.l.acceptLegal("court"); err == nil {
		t.Error("accepted")
	}
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
}

// TestListBecomesLegal: what was kept of a list in the open is gone once it is a legal one.
func TestListBecomesLegal(t *testing.T) {
	server := newListServer(t)
	server.set(text("one-order.example\n" + numbered(100)))
	dir := t.TempDir()
	s := Source{Name: "court", URL: server.URL, Format: Domains, Categories: []string{"piracy"}, Private: true}
	l := open(t, LibraryConfig{Dir: dir, Lists: Config{Sources: []Source{s}}})
	wantResult(t, l, Updated, 101, "")
	server.set(text("one-order.example\n"))
	wantResult(t, l, Held, 101, "only 1 names")
	write(t, l.listPath(s.Name)+tempMark+"7", "one-order.example\n")
	if n := len(files(t, l.folder())); n < 5 { // the copy, the one held back, the record, what was parsed, the torn one
		t.Fatalf("%d files: the test does not see what is kept", n)
	}
	s = Source{Name: "court", Path: filepath.Join(dir, "feed"), Format: Domains, Categories: []string{"illegal.order"}}
	l = open(t, LibraryConfig{Dir: dir, Lists: Config{Sources: []Source{s}}})
	if left := files(t, l.folder()); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
}

// TestLegalListOutOfTheConfiguration is the one way in which names leave all at once.
func TestLegalListOutOfTheConfiguration(t *testing.T) {
	h := newLegalHouse(t, "one-order.example\n")
	h.update()
	h.blocks(h.inForce(), "one-order.example")
	h.source = Source{Name: "other", Path: write(t, h.path+"2", "other-order.example\n"), Format: Domains, Categories: []string{"illegal.csam"}}
	h.reopen()
	h.update()
	ix := h.inForce()
	h.leaves(ix, "one-order.example")
	wantCategories(t, ix, "other-order.example", "illegal.csam")
}
