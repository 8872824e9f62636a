package blocklists

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	typeA    = 1 // RFC 1035 section 3.2.2
	typeAAAA = 28
	typeTXT  = 16
)

// addPattern adds what TestWhatPatternsSay writes as "<marks>/<expression>/<types>".
func addPattern(t *testing.T, b *Builder, l ListID, text string) {
	t.Helper()
	var p Pattern
	text, p.Exception = strings.CutPrefix(text, "@@")
	text, p.Important = strings.CutPrefix(text, "$")
	end := strings.LastIndexByte(text, '/')
	types := text[end+1:]
	p.Expr = text[1:end]
	types, p.Except = strings.CutPrefix(types, "~")
	for name := range strings.FieldsFuncSeq(types, func(r rune) bool { return r == '+' }) {
		p.Types = append(p.Types, map[string]uint16{"A": typeA, "AAAA": typeAAAA, "TXT": typeTXT}[name])
	}
	if err := b.AddPattern(l, p); err != nil {
		t.Fatal(err)
	}
}

// Each case is one or more lists, written as in TestWhatEntriesCover, with patterns between slashes; types of records
// behind the last slash, all but those if "~" comes first. Then names, categories, and "+" if that holds for this type alone.
func TestWhatPatternsSay(t *testing.T) {
	for _, test := range []struct{ title, lists, want string }{
		{"a keyword", `A /tracker/`, "mytracker.example=A a.tracker.b.example=A track.er.example=-"},
		{"a keyword of two letters", `A /ad/`, "ad.example=A aad.example=A a.d.example=-"},
		{"an expression with anchors", `A /^ads[0-9]+\.example\.com$/`, "ads1.example.com=A ads.example.com=- x.ads1.example.com=- ads1.example.com.b=-"},
		{"case does not matter where the expression says so", `A /(?i)TRACKER/`, "mytracker.example=A"},
		{"a letter that folds to one of ASCII", "A /(?i)trac\u212aer/", "mytracker.example=A"},
		{"an upper-case letter is in no name", `A /TRACKER/`, "mytracker.example=-"},
		{"either of two words", `A /(tracker|banner)[0-9]/`, "tracker1.example=A banner2.example=A banner.example=-"},
		{"a word that need not be there", `A /^x(tracker)?\.example$/`, "x.example=A xtracker.example=A y.example=-"},
		{"an octet that is escaped", `A /^a\\032b\.example$/`, `a\032b.example=A`},
		{"lists are united", `A /tracker/, B /track/, B /banner/`, "tracker.example=AB banner.example=B"},
		{"an exception takes out of patterns", `A /tracker/, A @@/^good/`, "tracker.example=A goodtracker.example=-"},
		{"an exception speaks for its own list only", `A /tracker/, B /tracker/, A @@/^good/`, "goodtracker.example=B"},
		{"important beats an exception", `A $/tracker/, A @@/^good/`, "goodtracker.example=A"},
		{"an important exception beats that", `A $/tracker/, A @@$/^good/`, "goodtracker.example=-"},
		{"a pattern's exception leaves entries alone", `A tracker.example, A @@/tracker/`, "tracker.example=A"},
		{"an entry's exception takes out of patterns", `A /tracker/, A @@example.com`,
			"tracker.example=A tracker.example.com=- example.tracker.com=A trackerexample.com=A"},
		{"an exact exception", `A /tracker/, A @@|tracker.com`, "tracker.com=- a.tracker.com=A"},
		{"an exception below", `A /tracker/, A @@*.tracker.com`, "tracker.com=A a.tracker.com=- b.a.tracker.com=-"},
		{"an entry's exception is its list's own", `A /tracker/, B @@example.com, B /nothing/`, "tracker.example.com=A"},
		{"an important pattern beats an entry's exception", `A $/tracker/, A @@example.com`, "tracker.example.com=A"},
		{"an important exception of an entry", `A $/tracker/, A @@$example.com`, "tracker.example.com=-"},
		{"badfilter of an entry's exception", `A /tracker/, A @@example.com, A ~@@example.com`, "tracker.example.com=A"},
		{"denyallow is about entries", `A /tracker/, A example.com, A @@?a.example.com`, "tracker.a.example.com=A"},
		{"one type", `A /tracker/AAAA`, "tracker.example/AAAA=A+ tracker.example/A=-+ other.example/A=-"},
		{"two types", `A /tracker/A+AAAA`, "tracker.example/A=A+ tracker.example/TXT=-+"},
		{"all but one type", `A /tracker/~AAAA`, "tracker.example/AAAA=-+ tracker.example/A=A+"},
		{"types and none", `A /tracker/, B /track/A`, "tracker.example/AAAA=A+ tracker.example/A=AB+"},
		{"an exception for one type", `A /tracker/, A @@/tracker/A`, "tracker.example/A=-+ tracker.example/AAAA=A+"},
		{"all but none is all", `A /tracker/~`, "tracker.example/A=A"},
	} {
		t.Run(test.title, func(t *testing.T) {
			b := newTestBuilder(t, BuilderConfig{})
			lists := map[string]ListID{"A": b.List(setOf(0)), "B": b.List(setOf(1))}
			for line := range strings.SplitSeq(test.lists, ", ") {
				list, text, _ := strings.Cut(line, " ")
				if strings.Contains(text, "/") {
					addPattern(t, b, lists[list], text)
				} else if err := b.Add(lists[list], parseMarks(t, text)); err != nil {
					t.Fatal(err)
				}
			}
			ix, _ := buildIndex(t, b)
			for want := range strings.FieldsSeq(test.want) {
				asked, _, _ := strings.Cut(want, "=")
				name, qtype, _ := strings.Cut(asked, "/")
				m := lookup(t, ix, name)
				got, typed := ix.MatchPatterns(mustName(t, name), map[string]uint16{"": typeA, "A": typeA, "AAAA": typeAAAA, "TXT": typeTXT}[qtype], m)
				letters := ""
				for c := range got.Categories.All() {
					letters += string(rune('A' + c))
				}
				if letters == "" {
					letters = "-"
				}
				if typed {
					letters += "+"
				}
				if got := asked + "=" + letters; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if !got.Whole || got.Categories != m.Categories && (!got.Open || int(got.Labels) != mustName(t, name).Labels()) {
					t.Errorf("%s: %+v", name, got)
				}
			}
		})
	}
}

// Patterns of all shapes against one that looks at every one of them, and knows of no words.
func TestPatternsAgreeWithReference(t *testing.T) {
	shapes := []string{
		`^%s\.`, `%s`, `\.%s$`, `^(.+\.)?%s[a-c]*\.`, `%s|%s`, `^(%s|%s)\.[a-z]+`, `(%s){2}`, `(?i)%s`, `^[a-c]+-?%s`, `^a.*%s`,
		`(%s)?\.b\.`, `^[^.]*%s$`, `(?:%s|%s|.a)a`, `%s+$`, `(?i:%s)b?`,
	}
	matched := 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 5))
		word := func() string {
			return strings.ReplaceAll(randomName(rng), ".", [...]string{`\.`, "", "-"}[rng.IntN(3)])
		}
		r := randomCase(t, rng, 4, 30)
		b := newTestBuilder(t, BuilderConfig{Key: Key{seed, 1}})
		type naive struct {
			Pattern
			re *regexp.Regexp
		}
		patterns := make([][]naive, len(r.lists))
		for l, set := range r.lists {
			id := b.List(set)
			for _, e := range r.entries[l] {
				scope := map[string]Scope{"subtree": Subtree, "exact": Exact, "below": Below}[e.scope]
				if err := b.Add(id, Entry{Name: mustName(t, e.name), Scope: scope, Exception: e.exception,
					Important: e.important, Yield: e.yield, Cancel: e.cancel}); err != nil {
					t.Fatal(err)
				}
			}
			for range 15 {
				shape := shapes[rng.IntN(len(shapes))]
				words := make([]any, strings.Count(shape, "%s"))
				for i := range words {
					words[i] = word()
				}
				p := Pattern{Expr: fmt.Sprintf(shape, words...), Exception: rng.IntN(4) == 0, Important: rng.IntN(5) == 0}
				if rng.IntN(3) == 0 {
					p.Types, p.Except = []uint16{typeAAAA, typeA}[:1+rng.IntN(2)], rng.IntN(2) == 0
				}
				if err := b.AddPattern(id, p); err != nil {
					t.Fatal(err)
				}
				patterns[l] = append(patterns[l], naive{p, regexp.MustCompile(p.Expr)})
			}
		}
		ix, _ := buildIndex(t, b)
		for range 300 {
			name, qtype := randomName(rng), [...]uint16{typeA, typeAAAA, typeTXT}[rng.IntN(3)]
			want, typed := r.categories(name), false
			for l, set := range r.lists {
				best, blocks := -1, false
				for _, p := range patterns[l] {
					if !p.re.MatchString(name) {
						continue
					}
					typed = typed || len(p.Types) > 0
					holds := len(p.Types) == 0 || slices.Contains(p.Types, qtype) != p.Except
					if rank := rankOf(p.Exception, p.Important); holds && rank > best {
						best, blocks = rank, !p.Exception
					}
				}
				for _, e := range r.entries[l] {
					covers := e.scope != "below" && name == e.name || e.scope != "exact" && strings.HasSuffix(name, "."+e.name)
					if !covers || e.cancel || !e.exception || e.yield || r.cancelled(r.entries[l], e) {
						continue
					}
					if rank := rankOf(true, e.important); rank > best {
						best, blocks = rank, false
					}
				}
				if blocks {
					want = want.Or(set)
					matched++
				}
			}
			got, gotTyped := ix.MatchPatterns(mustName(t, name), qtype, lookup(t, ix, name))
			if got.Categories != want || gotTyped != typed {
				t.Fatalf("seed %d: %s of type %d: got %v, typed %v, want %v, typed %v", seed, name, qtype,
					show(ix, got.Categories), gotTyped, show(ix, want), typed)
			}
		}
	}
	if matched < 300 {
		t.Fatalf("only %d patterns decided", matched)
	}
}

func rankOf(exception, important bool) int {
	rank := 0
	if exception {
		rank++
	}
	if important {
		rank += 2
	}
	return rank
}

func TestPatternsThatDoNotFit(t *testing.T) {
	for title, test := range map[string]struct {
		expr  string
		limit bool
	}{
		"look-ahead":            {`^(?!good)ads`, false},
		"back-reference":        {`(a)\1`, false},
		"empty":                 {"", false},
		"not closed":            {`ads[`, false},
		"no UTF-8":              {"\xff", false},
		"a long one":            {strings.Repeat("a", MaxExpression+1), true},
		"one that grows":        {`([a-z]{9}){99}`, true},
		"many that grow":        {strings.Repeat(`.{999}`, 100), true},
		"one of all characters": {strings.Repeat(`\pL`, 20), true},
		"nested a thousandfold": {strings.Repeat("(a", 150) + strings.Repeat("){2}", 150), false},
	} {
		b := newTestBuilder(t, BuilderConfig{})
		l := b.List(setOf(0))
		err := b.AddPattern(l, Pattern{Expr: test.expr})
		if err == nil || errors.Is(err, ErrPatternLimit) != test.limit {
			t.Errorf("%s: got %v", title, err)
		}
		if ix, s := buildIndex(t, b); ix.Patterns() != 0 || s.Patterns != 0 {
			t.Errorf("%s: it is in the index", title)
		}
	}
	b := newTestBuilder(t, BuilderConfig{})
	if err := b.AddPattern(0, Pattern{Expr: "ads"}); err == nil {
		t.Error("a list that was not declared is taken")
	}
}

// A list that brings too many loses those beyond the limit, and nothing else is lost.
func TestPatternsBeyondTheLimits(t *testing.T) {
	for title, test := range map[string]struct {
		expr string
		most int
	}{
		"too many":                      {"tracker%06d", MaxPatterns},
		"too large":                     {"tracker%06d(a{50}|b{50}|c{50}){2}", 32 * MaxPatterns / 300},
		"too many that need every name": {"[a-f]{2}%[1]x*[a-f]?", 1 << 13},
	} {
		t.Run(title, func(t *testing.T) {
			b := newTestBuilder(t, BuilderConfig{})
			l := b.List(setOf(0))
			taken, left := 0, 0
			for i := range MaxPatterns + 10 {
				switch err := b.AddPattern(l, Pattern{Expr: fmt.Sprintf(test.expr, i)}); {
				case errors.Is(err, ErrPatternLimit):
					left++
				case err != nil:
					t.Fatal(err)
				default:
					taken++
				}
			}
			if taken > test.most || taken == 0 || left == 0 {
				t.Errorf("%d are taken, %d left out", taken, left)
			}
			if err := b.Add(l, Entry{Name: mustName(t, "example.com")}); err != nil {
				t.Fatal(err)
			}
			ix, s := buildIndex(t, b)
			if ix.Patterns() != taken || s.Patterns != taken || lookup(t, ix, "example.com").Categories.IsZero() {
				t.Errorf("%d patterns in the index, %d in the summary, %d were taken", ix.Patterns(), s.Patterns, taken)
			}
		})
	}
}

// Whoever has more exceptions than are kept must not have names blocked that one of them spares.
func TestPatternsOfAListWithTooManyExceptions(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	crowded, other := b.List(setOf(0)), b.List(setOf(1))
	for _, l := range []ListID{crowded, other} {
		if err := b.AddPattern(l, Pattern{Expr: "tracker"}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxExempt + 1 {
		if err := b.Add(crowded, Entry{Name: mustName(t, fmt.Sprintf("n%d.example", i)), Exception: true}); err != nil {
			t.Fatal(err)
		}
	}
	ix, s := buildIndex(t, b)
	if s.Crowded != 1 || s.Patterns != 1 || ix.Patterns() != 1 {
		t.Errorf("%+v", s)
	}
	m, _ := ix.MatchPatterns(mustName(t, "tracker.n1.example"), typeA, Match{})
	if m.Categories != setOf(1) {
		t.Errorf("got %v", show(ix, m.Categories))
	}
}

func TestPatternsAreAddedOnce(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	l, other := b.List(setOf(0)), b.List(setOf(1))
	for _, types := range [][]uint16{nil, {}, {1, 28}, {28, 1}, {1, 28, 28}} {
		if err := b.AddPattern(l, Pattern{Expr: "tracker", Types: types}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.AddPattern(other, Pattern{Expr: "tracker"}); err != nil {
		t.Fatal(err)
	}
	ix, s := buildIndex(t, b)
	if ix.Patterns() != 3 || s.Patterns != 3 || len(ix.patterns.rules) != 1 {
		t.Errorf("%d patterns, %d expressions; summary %+v", ix.Patterns(), len(ix.patterns.rules), s)
	}
	if ix.PatternCategories() != setOf(0, 1) {
		t.Errorf("they give %v", show(ix, ix.PatternCategories()))
	}
}

func TestForgedPatternTwice(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	l := b.List(setOf(0))
	for _, expr := range []string{"tracker1", "tracker2"} {
		if err := b.AddPattern(l, Pattern{Expr: expr}); err != nil {
			t.Fatal(err)
		}
	}
	file, _ := buildFile(t, b)
	if _, err := ReadIndex(resealed(bytes.Replace(file, []byte("tracker2"), []byte("tracker1"), 1))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}
