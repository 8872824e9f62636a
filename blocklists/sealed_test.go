package blocklists

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var testSeal = Seal{Index: Key{7, 7}, Legal: Key{0x1f2e3d4c5b6a7988, 0x8796a5b4c3d2e1f0}}

// sealedList seals names written as "name", "=name" (the name alone) or "*.name" (what lies beneath).
func sealedList(t testing.TB, seal Seal, names ...string) *SealedList {
	t.Helper()
	s := NewSealer(seal)
	for _, text := range names {
		scope := Subtree
		if rest, ok := strings.CutPrefix(text, "="); ok {
			text, scope = rest, Exact
		} else if rest, ok := strings.CutPrefix(text, "*."); ok {
			text, scope = rest, Below
		}
		if err := s.Add(mustName(t, text), scope); err != nil {
			t.Fatal(err)
		}
	}
	return s.List()
}

func sealedView(t testing.TB, ix *Index, parts ...SealedPart) *Index {
	t.Helper()
	s, err := NewSealed(parts...)
	if err != nil {
		t.Fatal(err)
	}
	view, err := ix.WithSealed(s)
	if err != nil {
		t.Fatal(err)
	}
	return view
}

func categoryIDs(ix *Index, set Categories) string {
	var ids []string
	for c := range set.All() {
		ids = append(ids, ix.Taxonomy().ID(c))
	}
	return strings.Join(ids, " ")
}

func TestSealedNamesCoverWhatTheyShould(t *testing.T) {
	ix := catalogIndex(t, setOf(1)) // example.com
	view := sealedView(t, ix,
		SealedPart{sealedList(t, testSeal, "one.test", "=two.test", "*.three.test", "both.test", "deep.example.com"), []string{"illegal.csam"}},
		SealedPart{sealedList(t, testSeal, "both.test", "*.two.test"), []string{"illegal.order"}})
	listed := ix.Taxonomy().ID(1)
	for name, want := range map[string]string{
		"one.test":              "illegal.csam",
		"a.b.one.test":          "illegal.csam",
		"two.test":              "illegal.csam",
		"www.two.test":          "illegal.order",
		"three.test":            "",
		"www.three.test":        "illegal.csam",
		"both.test":             "illegal.csam illegal.order",
		"x.both.test":           "illegal.csam illegal.order",
		"test":                  "",
		"one.test.example.org":  "",
		"xone.test":             "",
		"example.com":           listed,
		"deep.example.com":      listed + " illegal.csam",
		"very.deep.example.com": listed + " illegal.csam",
		"shallow.example.com":   listed,
	} {
		m := view.Match(hashesOf(t, view, name))
		got := strings.Fields(categoryIDs(view, m.Categories))
		slices.Sort(got)
		if strings.Join(got, " ") != strings.Join(slices.Sorted(slices.Values(strings.Fields(want))), " ") {
			t.Errorf("%s: %v, want %q", name, got, want)
		}
		plain := ix.Match(hashesOf(t, ix, name))
		if strings.Contains(categoryIDs(ix, plain.Categories), "illegal") {
			t.Errorf("%s: the plain index tells of it", name)
		}
	}
	if m := view.Match(hashesOf(t, view, "a.b.one.test")); m.Labels != 2 {
		t.Errorf("labels of the deepest listed suffix: %d, want 2", m.Labels)
	}
}

// TestSealedAgreesWithASet compares with a set of names, which shares no code with the table.
func TestSealedAgreesWithASet(t *testing.T) {
	ix := catalogIndex(t, setOf(1))
	set := map[string]bool{}
	s := NewSealer(testSeal)
	for i := range 5000 {
		name := fmt.Sprintf("n%d.host%d.test", i%7, i)
		set[name] = true
		if err := s.Add(mustName(t, name), Subtree); err != nil {
			t.Fatal(err)
		}
	}
	view := sealedView(t, ix, SealedPart{s.List(), []string{"illegal.order"}})
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		i := random.IntN(10_000)
		name := fmt.Sprintf("n%d.host%d.test", i%7, i)
		if random.IntN(2) == 0 {
			name = "a." + name
		}
		want := set[name] || set[strings.TrimPrefix(name, "a.")]
		if got := !view.Match(hashesOf(t, view, name)).Categories.IsZero(); got != want {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestSealedFile(t *testing.T) {
	names := []string{"one.test", "=two.test", "*.three.test"}
	list := sealedList(t, testSeal, names...)
	var file bytes.Buffer
	if _, err := list.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	back, err := ReadSealedList(file.Bytes(), testSeal)
	if err != nil || back.Names() != 3 || back.Lacks(list) != 0 || list.Lacks(back) != 0 {
		t.Fatalf("read back: %v", err)
	}
	for _, name := range []string{"one", "two", "three", "test"} {
		wire := "\x03" + name
		for _, form := range []string{name, wire, hex.EncodeToString([]byte(name)), base64.StdEncoding.EncodeToString([]byte(name))} {
			if bytes.Contains(bytes.ToLower(file.Bytes()), []byte(form)) {
				t.Errorf("the file has %q", form)
			}
		}
	}
	// Neither the keys nor the first-stage hashes may be in the file.
	var h Hashes
	testSeal.Index.Hash(mustName(t, "one.test"), &h)
	for _, word := range []uint64{h.H[1], testSeal.Legal[0], testSeal.Legal[1], testSeal.Index[0]} {
		b := make([]byte, 8)
		for i := range b {
			b[i] = byte(word >> (8 * i))
		}
		if at := bytes.Index(file.Bytes(), b); at >= 0 {
			t.Errorf("%016x stands in the file at %d", word, at)
		}
	}
}

func TestSealedFileRefusals(t *testing.T) {
	var whole bytes.Buffer
	if _, err := sealedList(t, testSeal, "one.test", "two.test").WriteTo(&whole); err != nil {
		t.Fatal(err)
	}
	file := whole.Bytes()
	for _, other := range []Seal{{Index: Key{7, 8}, Legal: testSeal.Legal}, {Index: testSeal.Index, Legal: Key{3, 5}}} {
		if _, err := ReadSealedList(file, other); !errors.Is(err, ErrOtherKey) {
			t.Errorf("another key: %v", err)
		}
	}
	for at := range file {
		for bit := range 8 {
			file[at] ^= 1 << bit
			if _, err := ReadSealedList(file, testSeal); err == nil {
				t.Fatalf("octet %d, bit %d: taken", at, bit)
			}
			file[at] ^= 1 << bit
		}
	}
	for size := range file {
		if _, err := ReadSealedList(file[:size], testSeal); err == nil {
			t.Fatalf("cut to %d octets: taken", size)
		}
	}
	if _, err := ReadSealedList(append(bytes.Clone(file), 0), testSeal); err == nil {
		t.Error("with an octet behind it: taken")
	}
	newer := bytes.Clone(file)
	newer[8]++
	if _, err := ReadSealedList(newer, testSeal); !errors.Is(err, ErrVersion) {
		t.Errorf("another version: %v", err)
	}
}

func TestSealedRefusals(t *testing.T) {
	ix := catalogIndex(t, setOf(1))
	other := Seal{Index: Key{1, 1}, Legal: testSeal.Legal}
	s, err := NewSealed(SealedPart{sealedList(t, other, "one.test"), []string{"illegal.csam"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ix.WithSealed(s); !errors.Is(err, ErrOtherKey) {
		t.Errorf("names of another index: %v", err)
	}
	if _, err := NewSealed(SealedPart{sealedList(t, other, "a.test"), nil}, SealedPart{sealedList(t, testSeal, "a.test"), nil}); !errors.Is(err, ErrOtherKey) {
		t.Errorf("lists of two seals: %v", err)
	}
	if s, err = NewSealed(SealedPart{sealedList(t, testSeal, "a.test"), []string{"illegal.none"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := ix.WithSealed(s); err == nil {
		t.Error("an unknown category: taken, and so in force for nothing")
	}
	for _, name := range []Name{{0}, nil, {3, 'a'}} {
		if err := NewSealer(testSeal).Add(name, Subtree); err == nil {
			t.Errorf("%q: sealed", []byte(name))
		}
	}
}

func TestSealedListLacks(t *testing.T) {
	old := sealedList(t, testSeal, "a.test", "b.test", "c.test", "d.test")
	if n := sealedList(t, testSeal, "b.test", "d.test", "e.test").Lacks(old); n != 2 {
		t.Errorf("%d names lost, want 2", n)
	}
	if n := sealedList(t, testSeal).Lacks(old); n != 4 {
		t.Errorf("%d names lost, want 4", n)
	}
	if n := old.Lacks(sealedList(t, testSeal)); n != 0 {
		t.Errorf("%d names lost of an empty list", n)
	}
}

func TestViewsHaveAnIdentityOfTheirOwn(t *testing.T) {
	ix := catalogIndex(t, setOf(1))
	part := SealedPart{sealedList(t, testSeal, "one.test"), []string{"illegal.csam"}}
	view, twin := sealedView(t, ix, part), sealedView(t, ix, part)
	other := sealedView(t, view, SealedPart{sealedList(t, testSeal, "two.test"), []string{"illegal.csam"}})
	if !view.Same(twin) || view.Same(other) || view.Same(ix) || ix.Same(view) || !ix.Same(ix) {
		t.Error("Same does not tell views by what they seal")
	}
	if view.ID() != ix.ID() || view.Names() != ix.Names() || view.Bytes() != ix.Bytes() {
		t.Error("what an index says of itself tells of legal lists")
	}
	c := NewCatalog(CatalogConfig{})
	h := hashesOf(t, ix, "one.test")
	c.Learn(ix, h, ix.Match(h))
	if c.Match(view, h).Categories.IsZero() {
		t.Error("what was learned of the plain index hides a sealed name")
	}
	c.Learn(view, h, view.Match(h))
	if !c.Match(other, h).Categories.IsZero() || !c.Match(ix, h).Categories.IsZero() {
		t.Error("what was learned of one view holds for another")
	}
	if !other.Match(h).Categories.IsZero() {
		t.Error("a view of a view has the names of both")
	}
	if back, err := view.WithSealed(nil); err != nil || back != ix {
		t.Error("without sealed names a view is not its index again")
	}
}

// TestViewKeepsTheMemory: the index's memory is given back by its cleanup, which must not run while a view is in use.
func TestViewKeepsTheMemory(t *testing.T) {
	view := sealedView(t, catalogIndex(t, setOf(1)), SealedPart{sealedList(t, testSeal, "one.test"), []string{"illegal.csam"}})
	for range 20 { // cleanups run in the background after a collection
		runtime.GC()
		time.Sleep(time.Millisecond)
		if m := view.Match(hashesOf(t, view, "www.example.com")); m.Categories != setOf(1) {
			t.Fatal("the index of a view is gone")
		}
	}
}

func TestSealedMatchDoesNotAllocate(t *testing.T) {
	view := sealedView(t, catalogIndex(t, setOf(1)), SealedPart{sealedList(t, testSeal, "one.test"), []string{"illegal.csam"}})
	for _, name := range []string{"www.one.test", "a.b.c.d.e.example.org"} {
		h := hashesOf(t, view, name)
		if n := testing.AllocsPerRun(100, func() { view.Match(h) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkSealed(b *testing.B) {
	ix := catalogIndex(b, setOf(1))
	s := NewSealer(testSeal)
	for i := range 20_000 {
		if err := s.Add(mustName(b, fmt.Sprintf("host%d.test", i)), Subtree); err != nil {
			b.Fatal(err)
		}
	}
	view := sealedView(b, ix, SealedPart{s.List(), []string{"illegal.order"}})
	h := hashesOf(b, ix, "www.school.example")
	for name, of := range map[string]*Index{"none": ix, "20000": view} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				of.Match(h)
			}
		})
	}
}
