package blocklists

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Each case is one or more lists, written "<list> <marks><name>": list A is category 0, B is 1; the marks are those
// of adblock syntax, and "@@?" an exception that yields. Then names and the categories and depth that they have to get.
func TestWhatEntriesCover(t *testing.T) {
	for _, test := range []struct{ title, entries, want string }{
		{"an entry covers its name and all beneath", "A example.com",
			"example.com=A/2 www.example.com=A/2 a.b.example.com=A/2 com=-/0 notexample.com=-/0 example.org=-/0"},
		{"exact covers the name alone", "A |example.com", "example.com=A/2 www.example.com=-/2 com=-/0"},
		{"below covers all but the name", "A *.example.com", "example.com=-/2 www.example.com=A/2 a.b.example.com=A/2"},
		{"below and exact make a subtree", "A *.example.com, A |example.com", "example.com=A/2 www.example.com=A/2"},
		{"lists are united", "A example.com, B www.example.com", "example.com=A/2 www.example.com=AB/3 a.www.example.com=AB/3"},
		{"an exception takes out what is beneath it", "A example.com, A @@good.example.com",
			"example.com=A/2 good.example.com=-/3 www.good.example.com=-/3 bad.example.com=A/2"},
		{"an exception speaks for its own list only", "A example.com, B example.com, A @@good.example.com",
			"example.com=AB/2 good.example.com=B/3"},
		{"the deepest decides", "A example.com, A @@b.example.com, A a.b.example.com", "b.example.com=-/3 a.b.example.com=A/4 x.a.b.example.com=A/4"},
		{"at one name the exception wins", "A example.com, A @@example.com", "example.com=-/0 www.example.com=-/0"},
		{"an exact exception spares what is beneath", "A example.com, A @@|example.com", "example.com=-/2 www.example.com=A/2"},
		{"important beats a deeper exception", "A $example.com, A @@good.example.com", "good.example.com=A/2"},
		{"an important exception beats a deeper entry", "A @@$example.com, A bad.example.com, A com", "bad.example.com=-/2 a.com=A/1"},
		{"among important ones the deepest decides", "A $example.com, A @@$good.example.com", "example.com=A/2 good.example.com=-/3"},
		{"an important entry beats the exception at its name", "A $example.com, A @@example.com", "example.com=A/2"},
		{"badfilter removes the same entry", "A example.com, A ~example.com", "example.com=-/0"},
		{"badfilter may come first", "A ~example.com, A example.com", "example.com=-/0"},
		{"badfilter of another scope removes nothing", "A example.com, A ~|example.com", "example.com=A/2"},
		{"badfilter of another importance removes nothing", "A $example.com, A ~example.com", "example.com=A/2"},
		{"badfilter of another list removes nothing", "A example.com, B ~example.com", "example.com=A/2"},
		{"badfilter of an exception", "A com, A @@example.com, A ~@@example.com", "example.com=A/1"},
		{"denyallow takes a name out", "A example.com, A @@?good.example.com",
			"example.com=A/2 good.example.com=-/3 www.good.example.com=-/3 bad.example.com=A/2"},
		{"a block at the name wins over denyallow", "A example.com, A @@?good.example.com, A |good.example.com",
			"good.example.com=A/3 www.good.example.com=-/3"},
		{"a block beneath wins over denyallow", "A example.com, A @@?good.example.com, A www.good.example.com",
			"good.example.com=-/3 www.good.example.com=A/4 ftp.good.example.com=-/3"},
		{"denyallow speaks for its own list only", "A example.com, B example.com, A @@?good.example.com", "good.example.com=B/3"},
		{"denyallow of a plain rule leaves an important one", "A $example.com, A @@?good.example.com", "good.example.com=A/2"},
		{"denyallow of an important rule", "A $example.com, A @@?$good.example.com", "example.com=A/2 good.example.com=-/3"},
		{"what an important denyallow left, a plain block takes", "A $example.com, A @@?$good.example.com, A good.example.com",
			"good.example.com=A/2 www.good.example.com=A/2"},
		{"an important block at the name wins over denyallow", "A $example.com, A @@?$good.example.com, A $good.example.com", "good.example.com=A/2"},
		{"denyallow leaves exceptions alone", "A @@$example.com, A @@?$good.example.com, A www.good.example.com", "www.good.example.com=-/0"},
		{"denyallow with badfilter", "A example.com, A @@?good.example.com, A ~@@?good.example.com", "good.example.com=A/2"},
		{"badfilter of an exception leaves denyallow", "A example.com, A @@?good.example.com, A ~@@good.example.com", "good.example.com=-/3"},
		{"a whole top-level domain", "A test", "test=A/1 a.test=A/1 b=-/0"},
		{"repeated entries are one", "A a.test, A a.test, A a.test", "a.test=A/2"},
	} {
		t.Run(test.title, func(t *testing.T) {
			b := newTestBuilder(t, BuilderConfig{})
			lists := map[string]ListID{"A": b.List(setOf(0)), "B": b.List(setOf(1))}
			for line := range strings.SplitSeq(test.entries, ", ") {
				list, entry, _ := strings.Cut(line, " ")
				if err := b.Add(lists[list], parseMarks(t, entry)); err != nil {
					t.Fatal(err)
				}
			}
			ix, _ := buildIndex(t, b)
			for want := range strings.FieldsSeq(test.want) {
				name, _, _ := strings.Cut(want, "=")
				m := lookup(t, ix, name)
				letters := ""
				for c := range m.Categories.All() {
					letters += string(rune('A' + c))
				}
				if letters == "" {
					letters = "-"
				}
				if got := fmt.Sprintf("%s=%s/%d", name, letters, m.Labels); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func parseMarks(t *testing.T, text string) Entry {
	t.Helper()
	var e Entry
	text, e.Cancel = strings.CutPrefix(text, "~")
	text, e.Exception = strings.CutPrefix(text, "@@")
	text, e.Yield = strings.CutPrefix(text, "?")
	text, e.Important = strings.CutPrefix(text, "$")
	if rest, exact := strings.CutPrefix(text, "|"); exact {
		text, e.Scope = rest, Exact
	}
	if rest, below := strings.CutPrefix(text, "*."); below {
		text, e.Scope = rest, Below
	}
	e.Name = mustName(t, text)
	return e
}

func TestRedundantNamesAreLeftOut(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	a, same := b.List(setOf(1)), b.List(setOf(1))
	for _, add := range []struct {
		list ListID
		name string
	}{{a, "example.com"}, {a, "www.example.com"}, {same, "mail.example.com"}, {same, "example.com"}, {a, "other.net"}} {
		if err := b.Add(add.list, Entry{Name: mustName(t, add.name)}); err != nil {
			t.Fatal(err)
		}
	}
	ix, s := buildIndex(t, b)
	if s.Entries != 5 || s.Names != 2 || s.Redundant != 2 || s.Sets != 1 || s.Merged != 0 || s.Runs != 0 {
		t.Errorf("summary %+v", s)
	}
	if ix.Names() != 2 || ix.Bytes() != s.Bytes || ix.ID() != s.ID || len(s.ID) != 8 {
		t.Errorf("index of %d names, %d octets, id %s; summary %+v", ix.Names(), ix.Bytes(), ix.ID(), s)
	}
}

func TestIndexCarriesWhatItWasBuiltWith(t *testing.T) {
	taxonomy, err := NewTaxonomy(Definition{ID: "family.pets", Group: "games"}, Definition{ID: "service.own", Service: true, Parent: "fun.video"})
	if err != nil {
		t.Fatal(err)
	}
	built := time.Date(2026, 8, 22, 21, 5, 0, 0, time.UTC)
	ix, _ := buildIndex(t, newTestBuilder(t, BuilderConfig{Taxonomy: taxonomy, Key: Key{3, 1 << 63}, Built: built}))
	if ix.Key() != (Key{3, 1 << 63}) || !ix.Built().Equal(built) || !ix.Taxonomy().Equal(taxonomy) {
		t.Errorf("key %v, built %v, taxonomy %v", ix.Key(), ix.Built(), ix.Taxonomy().All())
	}
	if ix.Names() != 0 || lookup(t, ix, "example.com") != (Match{}) {
		t.Error("an index of no entries knows a name")
	}
	other, _ := buildIndex(t, newTestBuilder(t, BuilderConfig{}))
	if other.Key() == (Key{}) {
		t.Error("without a key the index has the zero key instead of a new one")
	}
}

func TestBuilderRefusals(t *testing.T) {
	taxonomy := builtinTaxonomy(t)
	for _, config := range []BuilderConfig{
		{}, {Taxonomy: taxonomy, RemainderBits: 7}, {Taxonomy: taxonomy, RemainderBits: 41}, {Taxonomy: taxonomy, Memory: 100},
	} {
		if _, err := NewBuilder(config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
	b := newTestBuilder(t, BuilderConfig{})
	l := b.List(setOf(1))
	good := mustName(t, "example.com")
	for _, add := range []struct {
		list  ListID
		entry Entry
	}{
		{l + 1, Entry{Name: good}}, {l, Entry{Name: good, Scope: 3}}, {l, Entry{Name: Name{0}}}, {l, Entry{}},
		{l, Entry{Name: Name("\x03COM\x00")}}, {l, Entry{Name: Name("\x03com")}},
	} {
		if err := b.Add(add.list, add.entry); err == nil {
			t.Errorf("%+v is accepted", add)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(l, Entry{Name: good}); err == nil {
		t.Error("a closed builder takes an entry")
	}
	if _, err := b.Build(t.Context(), io.Discard); err == nil {
		t.Error("a closed builder builds")
	}
}

// More lists than list numbers, and more combinations of categories than values, are errors that say so.
func TestTooManyListsAndCombinations(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	for range 1<<16 + 1 {
		b.List(setOf(1))
	}
	if err := b.Add(0, Entry{Name: mustName(t, "a")}); err == nil || !strings.Contains(err.Error(), "65537 lists") {
		t.Errorf("65537 lists: %v", err)
	}
	many := newTestBuilder(t, BuilderConfig{})
	var lists [17]ListID
	for i := range lists {
		lists[i] = many.List(setOf(Category(i)))
	}
	for i := 1; i <= 65536; i++ {
		for bit := range lists {
			if i>>bit&1 == 0 {
				continue
			}
			if err := many.Add(lists[bit], Entry{Name: mustName(t, fmt.Sprintf("n%d.test", i))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := many.Build(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "65535") {
		t.Errorf("65536 combinations: %v", err)
	}
}

var errFull = errors.New("disk full")

// fullDisk takes some octets and then no more.
type fullDisk int

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) > int(*d) {
		return 0, errFull
	}
	*d -= fullDisk(len(b))
	return len(b), nil
}

func TestTemporaryFilesAreRemoved(t *testing.T) {
	fill := func(t *testing.T) (*Builder, string) {
		dir := t.TempDir()
		b := newTestBuilder(t, BuilderConfig{Dir: dir, Memory: 4 << 10})
		l := b.List(setOf(1))
		for i := range 5000 {
			if err := b.Add(l, Entry{Name: syntheticName(i)}); err != nil {
				t.Fatal(err)
			}
		}
		return b, dir
	}
	empty := func(t *testing.T, dir string) {
		t.Helper()
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	t.Run("built", func(t *testing.T) {
		b, dir := fill(t)
		var file bytes.Buffer
		s, err := b.Build(t.Context(), &file)
		if err != nil || s.Runs < 2 {
			t.Fatalf("%+v, %v: the case needs several runs", s, err)
		}
		empty(t, dir)
	})
	t.Run("canceled", func(t *testing.T) {
		b, dir := fill(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Build(ctx, io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		empty(t, dir)
	})
	t.Run("disk full", func(t *testing.T) {
		for _, room := range []fullDisk{0, 10_000, 30_000} {
			b, dir := fill(t)
			if _, err := b.Build(t.Context(), &room); !errors.Is(err, errFull) {
				t.Errorf("got %v", err)
			}
			empty(t, dir)
		}
	})
	t.Run("abandoned", func(t *testing.T) {
		b, dir := fill(t)
		if err := errors.Join(b.Close(), b.Close()); err != nil {
			t.Error(err)
		}
		empty(t, dir)
	})
}

func TestCancelWithoutRuns(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	if err := b.Add(b.List(setOf(1)), Entry{Name: mustName(t, "a")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Build(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTemporaryFolderMissing(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{Dir: filepath.Join(t.TempDir(), "absent"), Memory: 4 << 10})
	l := b.List(setOf(1))
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		err = b.Add(l, Entry{Name: syntheticName(i)})
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the folder does not exist", err)
	}
}

// The same entries give the same octets, whatever the memory and the order.
func TestBuildIsReproducible(t *testing.T) {
	var want []byte
	for _, memory := range []int{4 << 10, 64 << 10, 0} {
		b := newTestBuilder(t, BuilderConfig{Key: Key{1, 2}, Built: time.Unix(1, 0), Memory: memory})
		l, other := b.List(setOf(1)), b.List(setOf(2))
		for i := range 5000 {
			n := i
			if memory == 0 {
				n = 4999 - i
			}
			if err := errors.Join(b.Add(l, Entry{Name: syntheticName(n)}), b.Add(other, Entry{Name: syntheticName(n / 2)})); err != nil {
				t.Fatal(err)
			}
		}
		file, _ := buildFile(t, b)
		if want == nil {
			want = file
		}
		// The order in which values were met may differ between orders of names only, which is fixed.
		if !bytes.Equal(file, want) {
			t.Errorf("memory %d gives another file", memory)
		}
	}
}

// heapWriter notes the live heap each time something is written.
type heapWriter struct{ most uint64 }

func (w *heapWriter) Write(b []byte) (int, error) {
	w.most = max(w.most, liveHeap())
	return len(b), nil
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Eight times the entries must not take more memory: the buffer twice over, and a buffer for each run merged.
func TestBuildMemoryIsBounded(t *testing.T) {
	const memory = 64 << 10
	const allowed = 2*memory + (fanIn+1)*runBuffer + 1<<20
	before := liveHeap()
	b := newTestBuilder(t, BuilderConfig{Memory: memory})
	l := b.List(setOf(1))
	w := &heapWriter{}
	const count = 200_000 // 8 MB of records
	for i := range count {
		if err := b.Add(l, Entry{Name: syntheticName(i)}); err != nil {
			t.Fatal(err)
		}
		if i%50_000 == 0 {
			w.most = max(w.most, liveHeap())
		}
	}
	s, err := b.Build(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if s.Runs <= fanIn {
		t.Errorf("%d runs: the test needs more than are merged at once", s.Runs)
	}
	if used := w.most - before; w.most > before && used > allowed {
		t.Errorf("%d octets of live heap, at most %d are allowed", used, allowed)
	}
}

func TestBuildTouchesNoFileWhenAllFits(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{Dir: filepath.Join(t.TempDir(), "absent")})
	if err := b.Add(b.List(setOf(1)), Entry{Name: mustName(t, "example.com")}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index")
	file, _ := buildFile(t, b)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ix, err := OpenIndex(path)
	if err != nil || lookup(t, ix, "www.example.com").Labels != 2 {
		t.Errorf("got %v", err)
	}
}
