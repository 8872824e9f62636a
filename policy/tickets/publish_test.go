package tickets

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/policytest"
)

// loaded reads the sources of a published list with the loader that the server has, beside a public list, and gives the
// categories of names.
func loaded(t *testing.T, library *source.Library) func(name string) []string {
	t.Helper()
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := library.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
	index, _, err := library.Compile(t.Context(), taxonomy)
	if err != nil {
		t.Fatal(err)
	}
	return func(text string) []string {
		name, err := blocklists.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		var h blocklists.Hashes
		index.Key().Hash(name, &h)
		ids := []string{}
		for c := range index.Match(&h).Categories.All() {
			ids = append(ids, taxonomy.ID(c))
		}
		return ids
	}
}

// library opens the sources that Publish told of, and a public list.
func library(t *testing.T, l SignedList) *source.Library {
	t.Helper()
	var config struct {
		Lists source.Config `yaml:"lists"`
	}
	if err := yaml.UnmarshalWithOptions([]byte(l.Sources), &config, yaml.Strict()); err != nil {
		t.Fatalf("%v in\n%s", err, l.Sources)
	}
	bets := filepath.Join(t.TempDir(), "bets")
	if err := os.WriteFile(bets, []byte("||cards.example^\n||chess.example^$important\n||ads.chess.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config.Lists.Sources = append(config.Lists.Sources, source.Source{Name: "bets", Path: bets, Format: source.Adblock, Categories: []string{"money.gambling"}})
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Lists.Validate(taxonomy); err != nil {
		t.Fatalf("the sources that publish tells of are refused: %v", err)
	}
	lib, err := source.OpenLibrary(source.LibraryConfig{Dir: t.TempDir(), Lists: config.Lists})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func (b *bench) publish() SignedList {
	b.t.Helper()
	l, err := b.Publish(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// TestPublish is the whole way: an appeal and a report are upheld, the list is signed, the real loader reads it by its key,
// and what it says is in the index.
func TestPublish(t *testing.T) {
	b := newBench(t)
	b.decide(Verdict{Number: b.appeal("h-1", "chess.example").Number, Outcome: Upheld})
	b.decide(Verdict{Number: b.report("h-1", "bad.example", "adult.porn").Number, Outcome: Upheld})
	l := b.publish()
	if l.Blocked != 1 || l.Excepted != 1 || l.Folder != b.Folder {
		t.Errorf("published %+v", l)
	}
	if info, err := os.Stat(filepath.Join(b.Folder, "list.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v; want it for its owner alone", info, err)
	}
	lib := library(t, l)
	is := loaded(t, lib)
	for name, want := range map[string]string{
		"chess.example": "[]", "www.chess.example": "[]", "ads.chess.example": "[]", "cards.example": "[money.gambling]", "bad.example": "[adult.porn]", "www.bad.example": "[adult.porn]",
	} {
		if got := fmt.Sprint(is(name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}

	// The same key again; what is withdrawn is gone, although nothing else is left of its category.
	if _, err := b.Withdraw(t.Context(), "bad.example", ""); err != nil {
		t.Fatal(err)
	}
	b.reopen(b.Folder)
	if again := b.publish(); again.Key != l.Key || again.Blocked != 0 {
		t.Errorf("published again: %+v", again)
	}
	if got := loaded(t, lib)("bad.example"); len(got) != 0 {
		t.Errorf("a name that was withdrawn is still %v", got)
	}

	// Whoever changes the file without the key changes nothing.
	at := filepath.Join(b.Folder, "blocked.txt")
	text, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, append(text, "domain:enemy.example @adult.porn\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	is = loaded(t, lib)
	if got := is("enemy.example"); len(got) != 0 {
		t.Errorf("a name that nobody signed is %v", got)
	}
	if got := is("chess.example"); len(got) != 0 {
		t.Errorf("a torn file took the exceptions along: chess.example is %v", got)
	}
}

// TestPublishSuffix: a public suffix goes on no list.
func TestPublishSuffix(t *testing.T) {
	b := newBench(t)
	b.lists["duckdns.org"] = Standing{Claims: []Claim{{Category: "bypass.dns", List: "dynamic"}}}
	number := b.appeal("h-1", "duckdns.org").Number
	_, err := b.Decide(t.Context(), Verdict{Number: number, Outcome: Upheld})
	wantReason(t, err, Refused, "sent or declined")
	b.decide(Verdict{Number: number, Outcome: Sent})
}

// TestKeyIsNeverReplaced: a key that cannot be read is the operator's to mend.
func TestKeyIsNeverReplaced(t *testing.T) {
	b := newBench(t)
	at := filepath.Join(b.Folder, "list.key")
	if err := os.WriteFile(at, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context()); err == nil || !strings.Contains(err.Error(), "put the right one there") {
		t.Errorf("%v, want what to do", err)
	}
	if text, err := os.ReadFile(at); err != nil || string(text) != "torn" {
		t.Errorf("the key is %q now, %v", text, err)
	}
	secret := filepath.Join(b.Folder, "numbers.key")
	if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key of numbers: %v, %v; want it for its owner alone", info, err)
	}
	if err := os.WriteFile(secret, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), b.Config); err == nil || !strings.Contains(err.Error(), "numbers.key") {
		t.Errorf("%v, want the file", err)
	}
}

// TestBundle: what the maker of a list is told, in the form of the schema, without anything of a household.
func TestBundle(t *testing.T) {
	b := newBench(t)
	for i := range 3 {
		if _, err := b.Appeal(t.Context(), Ask{Household: fmt.Sprint("h-", i), Name: "chess.example", Why: WhyFine, Word: "my son Tom plays there"}); err != nil {
			t.Fatal(err)
		}
	}
	b.decide(Verdict{Number: b.queue(Query{})[0].Number, Outcome: Sent, Word: "a club | for @children <b>", By: "Ops"})
	b.decide(Verdict{Number: b.appeal("h-1", "cards.example").Number, Outcome: Upheld})
	b.decide(Verdict{Number: b.report("h-1", "dice.example", "money.gambling").Number, Outcome: Sent, List: "bets"})
	b.decide(Verdict{Number: b.appeal("h-1", "both.example").Number, Outcome: Declined, Word: "no"})
	bundle, err := b.Bundle("bets", "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(bundle)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range bundle.Items {
		names = append(names, i.Change+" "+i.Name)
	}
	if want := []string{"remove cards.example", "remove chess.example", "add dice.example"}; !slices.Equal(names, want) {
		t.Errorf("items %v, want %v", names, want)
	}
	if i := bundle.Items[1]; i.Version != "1a2b3c4d" || i.Entry != "||chess.example^" || i.Category != "money.gambling" || len(i.Why) != 1 || bundle.Tracker == "" {
		t.Errorf("item %+v of %+v", i, bundle.Maintainer)
	}
	for _, trace := range []string{"Tom", "h-1", "households", "15:04", "Ops"} {
		if strings.Contains(string(text), trace) {
			t.Errorf("the bundle holds %q:\n%s", trace, text)
		}
	}
	for _, part := range []string{"| `chess.example` | `\\|\\|chess.example^` | `1a2b3c4d` | `money.gambling` | it does no harm; a club \\| for @\u2060children &lt;b> |", "`dice.example`", "The list of bets", "may be missing"} {
		if !strings.Contains(bundle.Issue.Text, part) {
			t.Errorf("the text of the issue lacks %q:\n%s", part, bundle.Issue.Text)
		}
	}
	if bundle.Issue.Title != "2 names that may be listed by mistake, 1 name that may be missing" {
		t.Errorf("title %q", bundle.Issue.Title)
	}
	fits(t, text)
	_, err = b.Bundle("bets", "2026-03-03")
	wantReason(t, err, Unknown, "sent")
	_, err = b.Bundle("bets", "tomorrow")
	wantReason(t, err, Refused, "YYYY-MM-DD")
	_, err = b.Bundle("nobody's", "")
	wantReason(t, err, Unknown, "sent")
	letter, err := json.Marshal(b.Letter("chess.example", "money.gambling", WhyHelp, Claim{List: "bets", Version: "1a2b3c4d", Entry: "||chess.example^"}))
	if err != nil {
		t.Fatal(err)
	}
	fits(t, letter)
	if len(b.queue(Query{})) != 0 {
		t.Error("a letter made a ticket")
	}
}

// fits holds a bundle to the schema: the keys that it names and no others, what is required, and the closed values.
func fits(t *testing.T, text []byte) {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal(BundleSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	check(t, "", schema, value)
}

func check(t *testing.T, at string, schema map[string]any, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		known, _ := schema["properties"].(map[string]any)
		for key, inner := range v {
			of, there := known[key].(map[string]any)
			if !there {
				t.Errorf("%s.%s is not in the schema", at, key)
				continue
			}
			check(t, at+"."+key, of, inner)
		}
		for _, key := range schema["required"].([]any) {
			if _, there := v[key.(string)]; !there {
				t.Errorf("%s lacks %s", at, key)
			}
		}
	case []any:
		for i, inner := range v {
			check(t, fmt.Sprintf("%s[%d]", at, i), schema["items"].(map[string]any), inner)
		}
	case string:
		if exact, there := schema["const"]; there && exact != v {
			t.Errorf("%s is %q, want %v", at, v, exact)
		}
		if some, there := schema["enum"].([]any); there && !slices.Contains(some, any(v)) {
			t.Errorf("%s is %q, want one of %v", at, v, some)
		}
		if _, err := time.Parse(time.DateOnly, v); schema["format"] == "date" && err != nil {
			t.Errorf("%s is no date: %v", at, err)
		}
	}
}

// TestTransparency: sums of a span, and none that is so small that it could be somebody.
func TestTransparency(t *testing.T) {
	b := newBenchOn(t, new(policytest.Memory))
	ask := func(n int, name, category string) {
		for i := range n {
			if _, err := b.Appeal(t.Context(), Ask{Household: fmt.Sprint("h-", i), Name: name, Category: category}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ask(12, "cards.example", "")
	ask(7, "both.example", "ads.trackers")
	ask(3, "care.example", "")
	for range 6 {
		_, _ = b.Report(t.Context(), Ask{Name: "x.example", Illegal: true})
	}
	b.now = b.now.Add(24 * time.Hour)
	ask(5, "chess.example", "")
	b.decide(Verdict{Number: b.queue(Query{List: "ads"})[0].Number, Outcome: Upheld})
	figures, err := b.Transparency(t.Context(), "2026-03-01", "2026-03-31")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(figures.Appeals.Asked, "; ", figures.Appeals.Tickets, "; ", figures.Hotline); got != "27; fewer than 5; 6" {
		t.Errorf("in all %s, want 27, fewer than 5 and 6", got)
	}
	told := func(all []Figure) (text []string) {
		for _, f := range all {
			text = append(text, f.What+" "+f.String())
		}
		return text
	}
	// 3 of 27 are hidden; so that 27-17-7 does not tell them, the 7 are hidden too.
	if got, want := told(figures.Appeals.ByCategory), []string{"money.gambling 17", "ads.trackers fewer than 10", "adult.porn fewer than 5"}; !slices.Equal(got, want) {
		t.Errorf("by category %v, want %v", got, want)
	}
	if got, want := told(figures.Appeals.ByList), []string{"bets 17", "ads fewer than 10", "wide fewer than 5"}; !slices.Equal(got, want) {
		t.Errorf("by list %v, want %v", got, want)
	}
	if got, want := told(figures.Appeals.ByOutcome), []string{"upheld fewer than 5"}; !slices.Equal(got, want) {
		t.Errorf("by outcome %v, want %v", got, want)
	}
	page, text := figures.Markdown(), string(must(json.Marshal(figures)))
	for _, form := range []string{page, text} {
		if strings.Contains(form, ".example") || strings.Contains(form, "h-1") {
			t.Errorf("the report names somebody or something:\n%s", form)
		}
	}
	if !strings.Contains(page, "| money.gambling | 17 |") || !strings.Contains(page, "| adult.porn | fewer than 5 |") || !strings.Contains(text, `{"what":"adult.porn","below":5}`) {
		t.Errorf("the forms are\n%s\n%s", page, text)
	}
	one, err := b.Transparency(t.Context(), "2026-03-03", "2026-03-03")
	if err != nil || one.Appeals.Asked.Count != 5 {
		t.Errorf("of the second day %+v, %v; want 5", one.Appeals, err)
	}
	for want, span := range map[string][2]string{"YYYY-MM-DD": {"March", "2026-03-31"}, "write the last day": {"2026-03-31", "2026-03-01"}, "ten years": {"1970-01-01", "2026-03-31"}} {
		_, err := b.Transparency(t.Context(), span[0], span[1])
		wantReason(t, err, Refused, want)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestRowsOfADay: however many lists and categories there are, the sums of a day fit a record.
func TestRowsOfADay(t *testing.T) {
	today := day{date: "2026-03-02", sums: map[row]uint64{}}
	for i := range 3 * maxRows {
		today = today.with([]row{{Kind: Appeal, Category: strings.Repeat("c", 60), List: fmt.Sprint(strings.Repeat("l", 50), i), What: whatAsked}})
	}
	if n := len(today.sums); n > maxRows+1 {
		t.Errorf("%d rows, want %d and one for the rest", n, maxRows)
	}
	var all uint64
	for _, n := range today.sums {
		all += n
	}
	if all != 3*maxRows {
		t.Errorf("%d are counted, want %d", all, 3*maxRows)
	}
}
