package blocklists

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// statementIn is one line of a list in a test: part, marks and name as parseMarks reads them.
type statementIn struct {
	part, entry string
	line        int
}

// parse writes the parsed file of a list and opens it.
func parse(t *testing.T, previous *Parsed, today Day, list ...statementIn) (*Parsed, Diff) {
	t.Helper()
	w := newParsedWriter(t.TempDir(), minMemory)
	for _, s := range list {
		var err error
		if expr, isPattern := strings.CutPrefix(s.entry, "/"); isPattern {
			err = w.AddPattern(s.part, Pattern{Expr: strings.TrimSuffix(expr, "/")}, s.line)
		} else if p, notPrefix := netip.ParsePrefix(s.entry); notPrefix == nil {
			err = w.AddPrefix(s.part, p, false, s.line)
		} else {
			err = w.Add(s.part, parseMarks(t, s.entry), s.line)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return finish(t, w, previous, today)
}

func finish(t testing.TB, w *ParsedWriter, previous *Parsed, today Day) (*Parsed, Diff) {
	t.Helper()
	defer w.Close()
	var file bytes.Buffer
	diff, err := w.Finish(context.Background(), &file, previous, today, []byte("label"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := openOctets(t, file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p, diff
}

func openOctets(t testing.TB, b []byte) (*Parsed, error) {
	path := filepath.Join(t.TempDir(), "parsed")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := OpenParsed(path)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return p, err
}

// collect returns the records of a file as "what part:line since".
func collect(t testing.TB, each func(func(Record) error) error) []string {
	t.Helper()
	var all []string
	err := each(func(r Record) error {
		all = append(all, fmt.Sprintf("%s %s:%d %d", r, r.Part, r.Line, r.Seen))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestParsedHoldsWhatTheListSays(t *testing.T) {
	p, diff := parse(t, nil, 20000, []statementIn{
		{"adult", "b.example", 7}, {"adult", "b.example", 3}, {"games", "b.example", 9}, {"adult", "|b.example", 4},
		{"games", "@@a.b.example", 1}, {"adult", "/ads[0-9]/", 5}, {"adult", "192.0.2.0/24", 6}, {"games", "example", 2},
	}...)
	want := []string{"example games:2 20000", "b.example adult:3 20000", "b.example adult:4 20000", "b.example games:9 20000",
		"a.b.example games:1 20000", "/ads[0-9]/ adult:5 20000", "192.0.2.0/24 adult:6 20000"}
	if diff := cmp.Diff(want, collect(t, p.Each)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Entries() != 5 || p.Patterns() != 1 || p.Prefixes() != 1 || string(p.Label()) != "label" || !slices.Equal(p.Parts(), []string{"adult", "games"}) {
		t.Errorf("%d entries, %d patterns, %d networks, label %q, parts %q", p.Entries(), p.Patterns(), p.Prefixes(), p.Label(), p.Parts())
	}
	if diff.Added.Count != 5 || diff.Removed.Count+diff.Moved.Count != 0 {
		t.Errorf("diff %+v", diff)
	}
	find := func(visit func(Record) error) error { return p.Find(mustName(t, "x.a.b.example"), visit) }
	want = slices.Concat(want[:5])
	if diff := cmp.Diff(want, collect(t, find)); diff != "" {
		t.Errorf("find (-want +got):\n%s", diff)
	}
}

// A state keeps the day of what the one before said too, by the parts' names, and tells what changed.
func TestParsedCarriesDaysAndDiffers(t *testing.T) {
	old, _ := parse(t, nil, 100, []statementIn{{"a", "gone.example", 1}, {"a", "moved.example", 2}, {"b", "kept.example", 3},
		{"b", "other.example", 4}, {"b", "/x+/", 5}, {"b", "198.51.100.0/24", 6}}...)
	fresh, diff := parse(t, old, 200, []statementIn{{"b", "moved.example", 1}, {"b", "kept.example", 2}, {"c", "new.example", 3},
		{"b", "@@other.example", 4}, {"b", "/x+/", 5}, {"b", "/y+/", 5}, {"b", "203.0.113.0/24", 6}}...)
	want := Diff{
		Added:   Changes{3, []string{"new.example", "/y+/", "203.0.113.0/24"}},
		Removed: Changes{2, []string{"gone.example", "198.51.100.0/24"}},
		Moved:   Changes{2, []string{"moved.example", "other.example"}},
		Named:   Balance{6, 7},
		Listed:  Balance{6, 6}, // other.example is an exception now
	}
	if diff := cmp.Diff(want, diff); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	days := []string{"new.example c:3 200", "kept.example b:2 100", "moved.example b:1 200", "other.example b:4 200",
		"/x+/ b:5 100", "/y+/ b:5 200", "203.0.113.0/24 b:6 200"}
	if diff := cmp.Diff(days, collect(t, fresh.Each)); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	var changes []string
	err := Compare(old, fresh, func(c Change) error {
		line := string(c.Kind) + " " + c.String()
		for _, r := range c.Before {
			line += fmt.Sprintf(" -%s:%d", r.Part, r.Line)
		}
		for _, r := range c.After {
			line += fmt.Sprintf(" +%s:%d", r.Part, r.Line)
		}
		changes = append(changes, line)
		return nil
	})
	wanted := []string{"added new.example +c:3", "removed gone.example -a:1", "moved moved.example -a:2 +b:1",
		"moved other.example -b:4 +b:4", "added /y+/ +b:5", "removed 198.51.100.0/24 -b:6", "added 203.0.113.0/24 +b:6"}
	if diff := cmp.Diff(wanted, changes); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
}

// Merging files gives the very index that adding the entries gives, also where lists share a file or some are added.
func TestMergeIsAdd(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 41))
		r := randomCase(t, rng, 6, 40+int(seed)*150)
		config := BuilderConfig{Key: Key{seed, 3}, Built: time.Unix(1, 0), Memory: minMemory}
		whole, mixed := newTestBuilder(t, config), newTestBuilder(t, config)
		writers := []*ParsedWriter{newParsedWriter(t.TempDir(), minMemory), newParsedWriter(t.TempDir(), minMemory)}
		for i, set := range r.lists {
			l := whole.List(set)
			mixed.List(set)
			for line, e := range r.entries[i] {
				entry := e.entry(t)
				err := whole.Add(l, entry)
				if i < 4 {
					err = errors.Join(err, writers[i%2].Add(fmt.Sprint(i), entry, line))
				} else {
					err = errors.Join(err, mixed.Add(l, entry))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, w := range writers {
			if err := w.Add("unwanted", Entry{Name: mustName(t, "unwanted")}, 1); err != nil {
				t.Fatal(err)
			}
			p, _ := finish(t, w, nil, 1)
			_, err := mixed.Merge(p, func(part string) (ListID, bool) {
				var l ListID
				_, err := fmt.Sscan(part, &l)
				return l, err == nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want, _ := buildFile(t, whole)
		got, _ := buildFile(t, mixed)
		if !bytes.Equal(want, got) {
			t.Fatalf("seed %d: merging gives another index than adding", seed)
		}
	}
}

// entry returns what the reference means.
func (e referenceEntry) entry(t testing.TB) Entry {
	scopes := map[string]Scope{"subtree": Subtree, "exact": Exact, "below": Below}
	return Entry{Name: mustName(t, e.name), Scope: scopes[e.scope], Exception: e.exception, Important: e.important, Cancel: e.cancel}
}

// Every name of a file of many blocks is found, and no other.
func TestParsedFind(t *testing.T) {
	w := newParsedWriter(t.TempDir(), defaultMemory)
	const count = 20_000
	for i := range count {
		if err := w.Add("", Entry{Name: syntheticName(i)}, i); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := finish(t, w, nil, 1)
	if blocks := p.footer.tables[nameTable].blocks; blocks < 20 {
		t.Fatalf("%d blocks: the test needs more", blocks)
	}
	for i := range count {
		found := 0
		err := p.Find(syntheticName(i), func(r Record) error {
			if bytes.Equal(r.Entry.Name, syntheticName(i)) && bytes.Equal(syntheticName(r.Line), r.Entry.Name) {
				found++
			}
			return nil
		})
		if err != nil || found != 1 {
			t.Fatalf("%s is found %d times, %v", syntheticName(i), found, err)
		}
	}
	for i := count; i < count+2000; i++ {
		err := p.Find(syntheticName(i), func(r Record) error {
			if bytes.Equal(r.Entry.Name, syntheticName(i)) {
				return errors.New("it is found")
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", syntheticName(i), err)
		}
	}
}

// Merging allocates buffers for each file and nothing for each name.
func TestMergeAllocatesNothingPerName(t *testing.T) {
	var files [4]*Parsed
	for i := range files {
		w := newParsedWriter(t.TempDir(), defaultMemory)
		for n := range 10_000 {
			if err := w.Add("", Entry{Name: syntheticName(n*(i+1) + i)}, n); err != nil {
				t.Fatal(err)
			}
		}
		files[i], _ = finish(t, w, nil, 1)
	}
	allocations := testing.AllocsPerRun(1, func() {
		b := newTestBuilder(t, BuilderConfig{})
		for i, p := range files {
			l := b.List(setOf(Category(i)))
			if _, err := b.Merge(p, func(string) (ListID, bool) { return l, true }); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Build(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 1000 {
		t.Errorf("%.0f allocations for 40000 entries", allocations)
	}
}

func TestParsedWriterRefusals(t *testing.T) {
	w := newParsedWriter(t.TempDir(), minMemory)
	defer w.Close()
	for why, err := range map[string]error{
		"the root":          w.Add("", Entry{Name: Name{0}}, 1),
		"no name":           w.Add("", Entry{}, 1),
		"yield of a block":  w.Add("", Entry{Name: mustName(t, "a"), Yield: true}, 1),
		"long part":         w.Add(strings.Repeat("x", 256), Entry{Name: mustName(t, "a")}, 1),
		"empty expression":  w.AddPattern("", Pattern{}, 1),
		"long expression":   w.AddPattern("", Pattern{Expr: strings.Repeat("x", MaxExpression+1)}, 1),
		"too many types":    w.AddPattern("", Pattern{Expr: "x", Types: make([]uint16, 256)}, 1),
		"no network":        w.AddPrefix("", netip.Prefix{}, false, 1),
		"a label too large": func() error { _, err := w.Finish(t.Context(), io.Discard, nil, 1, make([]byte, 1<<20+1)); return err }(),
	} {
		if err == nil {
			t.Errorf("%s is accepted", why)
		}
	}
	for i := range maxParts {
		if err := w.Add(fmt.Sprint(i), Entry{Name: mustName(t, "a")}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add("one more", Entry{Name: mustName(t, "a")}, 1); err == nil {
		t.Error("65536 parts are accepted")
	}
}

func TestParsedDiskFull(t *testing.T) {
	for _, room := range []fullDisk{0, 20, 20_000} {
		w := newParsedWriter(t.TempDir(), minMemory)
		for i := range 5000 {
			if err := w.Add("", Entry{Name: syntheticName(i)}, i); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Finish(t.Context(), &room, nil, 1, nil); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
		w.Close()
	}
}

// TestParsedRefusesDamage: every cut and every flipped bit is noticed.
func TestParsedRefusesDamage(t *testing.T) {
	good := parsedOctets(t)
	for size := range good {
		if _, err := openOctets(t, good[:size]); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("cut to %d octets: %v", size, err)
		}
	}
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if _, err := openOctets(t, bad); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("octet %d flipped: %v", at, err)
		}
	}
	p, err := openOctets(t, good)
	if err != nil {
		t.Fatal(err)
	}
	good[len(good)/2] ^= 1
	path := filepath.Join(t.TempDir(), "parsed")
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenParsed(path, p.Checksum()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a file that was sound once: %v", err)
	}
	if _, err := OpenParsed(t.TempDir()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a folder: %v", err)
	}
}

// parsedOctets is a small file with something in every table.
func parsedOctets(t testing.TB) []byte {
	t.Helper()
	w := newParsedWriter(t.TempDir(), minMemory)
	defer w.Close()
	for i, part := range []string{"one", "two", "one"} {
		err := errors.Join(
			w.Add(part, Entry{Name: mustName(t, fmt.Sprintf("n%d.example", i)), Scope: Scope(i)}, i),
			w.Add(part, Entry{Name: mustName(t, "both.example"), Exception: true, Yield: i == 1}, i),
			w.AddPattern(part, Pattern{Expr: "a+", Types: []uint16{1, 28}, Except: i == 1}, i),
			w.AddPrefix(part, netip.MustParsePrefix("2001:db8::/32"), i == 2, i))
		if err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := w.Finish(t.Context(), &file, nil, 300, []byte("l")); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// FuzzParsed: whatever is in the file, opening it gives an error or a list that can be read to its end, compared and merged.
func FuzzParsed(f *testing.F) {
	f.Add(parsedOctets(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		file = sealed(file)
		p := &Parsed{file: octets(file)}
		if err := p.read(int64(len(file)), nil); err != nil {
			return
		}
		records := len(collect(t, p.Each))
		if records != p.Entries()+p.Patterns()+p.Prefixes() {
			t.Errorf("%d records of %d", records, p.Entries())
		}
		if err := Compare(p, p, func(Change) error { return errors.New("it differs from itself") }); err != nil {
			t.Error(err)
		}
		b := newTestBuilder(t, BuilderConfig{})
		l := b.List(setOf(1))
		if _, err := b.Merge(p, func(string) (ListID, bool) { return l, true }); err != nil {
			return // a pattern that is none
		}
		if _, err := b.Build(t.Context(), io.Discard); err != nil {
			t.Error(err)
		}
	})
}

// sealed returns the file with the checksum that it should have, so that the fuzzer gets behind it.
func sealed(file []byte) []byte {
	if len(file) < parsedFooterSize {
		return file
	}
	body := slices.Clone(file[:len(file)-summedTail])
	body = binary.LittleEndian.AppendUint64(body, crc64.Checksum(body, checksumTable()))
	return append(body, parsedEndMagic...)
}
