package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

// refused opens a file that may be damaged. Either it is refused with ErrDamaged, or it holds what it did.
func refused(t *testing.T, file []byte, before string) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hearth.db")
	writeFile(t, path, file)
	b, err := store.Open(path)
	if err != nil {
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
		return true
	}
	defer b.Close()
	if got := content(t, b); got != before {
		t.Error("it opens and holds something else")
	}
	return false
}

// original is a store with several pages of everything, as a file and as text.
func original(t *testing.T) (file []byte, before string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hearth.db")
	filled(t, path)
	file = readFile(t, path)
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	return file, content(t, b)
}

func TestTruncatedFiles(t *testing.T) {
	file, before := original(t)
	for _, size := range []int{1, 15, 80, 1000, 4095, 4096, 4097, 8192, 12_288, 16_384, 20_000, len(file) / 4, len(file) / 3, len(file) / 2} {
		if !refused(t, file[:size], before) {
			t.Errorf("%d of %d octets were taken for a store", size, len(file))
		}
	}
}

// TestFlippedBits changes one octet of a good file at a time.
func TestFlippedBits(t *testing.T) {
	file, before := original(t)
	dice := rand.New(rand.NewPCG(1, 2))
	const rounds = 300
	found := 0
	for range rounds {
		bad := bytes.Clone(file)
		at := dice.IntN(len(bad))
		bad[at] ^= 1 << dice.IntN(8)
		if refused(t, bad, before) {
			found++
		}
		if t.Failed() {
			t.Fatalf("octet %d", at)
		}
	}
	if found == 0 {
		t.Error("no change was noticed: the test changes the wrong octets")
	}
	t.Logf("%d of %d changes were refused; the others lay in free pages", found, rounds)
}

// TestNoise overwrites whole stretches of a good file, its meta pages spared.
func TestNoise(t *testing.T) {
	file, before := original(t)
	dice := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		bad := bytes.Clone(file)
		from := 8192 + dice.IntN(len(bad)-8192)
		for i := from; i < min(from+dice.IntN(8192), len(bad)); i++ {
			bad[i] = byte(dice.Uint32())
		}
		refused(t, bad, before)
		if t.Failed() {
			t.Fatalf("from octet %d", from)
		}
	}
}

// mended gives both meta pages a right checksum, so that what they say is believed.
func mended(file []byte, change func(meta []byte)) []byte {
	bad := bytes.Clone(file)
	for _, at := range []int{16, 4096 + 16} {
		meta := bad[at : at+64]
		change(meta)
		sum := fnv.New64a()
		sum.Write(meta[:56])
		binary.NativeEndian.PutUint64(meta[56:], sum.Sum64())
	}
	return bad
}

// TestHostileMeta has meta pages that are whole and lie.
func TestHostileMeta(t *testing.T) {
	file, before := original(t)
	if os.Getpagesize() != 4096 {
		t.Skip("the meta pages are not where this test changes them")
	}
	u32, u64 := binary.NativeEndian.PutUint32, binary.NativeEndian.PutUint64
	for name, change := range map[string]func([]byte){
		"pages of 0 octets":               func(m []byte) { u32(m[8:], 0) },
		"pages of 1 octet":                func(m []byte) { u32(m[8:], 1) },
		"pages of 2 GiB":                  func(m []byte) { u32(m[8:], 1<<31) },
		"pages of 8192 octets":            func(m []byte) { u32(m[8:], 8192) },
		"pages of 4095 octets":            func(m []byte) { u32(m[8:], 4095) },
		"a root far outside":              func(m []byte) { u64(m[16:], 1<<60) },
		"a root just outside":             func(m []byte) { u64(m[16:], uint64(len(file)/4096)) },
		"a meta page as root":             func(m []byte) { u64(m[16:], 0) },
		"free pages far outside":          func(m []byte) { u64(m[32:], 1<<47) },
		"a leaf as list of free pages":    func(m []byte) { copy(m[32:40], m[16:24]) },
		"no list of free pages":           func(m []byte) { u64(m[32:], ^uint64(0)) },
		"more pages than the file has":    func(m []byte) { u64(m[40:], 1<<40) },
		"fewer pages than are used":       func(m []byte) { u64(m[40:], 4) },
		"another version of the engine":   func(m []byte) { u32(m[4:], 3) },
		"another program's magic":         func(m []byte) { u32(m, 0xCAFEBABE) },
		"a number of pages that wraps":    func(m []byte) { u64(m[40:], ^uint64(0)) },
		"a list of free pages that wraps": func(m []byte) { u64(m[32:], ^uint64(0)-1) },
	} {
		t.Run(name, func(t *testing.T) {
			if !refused(t, mended(file, change), before) {
				t.Error("it was taken for a store")
			}
		})
	}
}

// TestHostilePages changes fields of the headers and first elements of pages to values that lead astray.
func TestHostilePages(t *testing.T) {
	file, before := original(t)
	if os.Getpagesize() != 4096 {
		t.Skip("the pages are not where this test changes them")
	}
	dice := rand.New(rand.NewPCG(5, 6))
	values := []uint32{0, 1, 2, 3, 0x10, 0xFFFF, 0xFFFF0002, 0x7FFFFFFF, 0xFFFFFFFF}
	for page := 2; page < len(file)/4096; page++ {
		for range 4 {
			at, value := 4*dice.IntN(12), values[dice.IntN(len(values))]
			bad := bytes.Clone(file)
			binary.NativeEndian.PutUint32(bad[page*4096+at:], value)
			refused(t, bad, before)
			if t.Failed() {
				t.Fatalf("page %d, octet %d = %#x", page, at, value)
			}
		}
	}
}

// TestFileGoesAwayUnderUs cuts a file off that is in use, so that reading its pages faults.
func TestFileGoesAwayUnderUs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	filled(t, path)
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Snapshot(t.Context(), ""); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Snapshot: got %v, want ErrDamaged", err)
	}
	if _, err := b.Put(t.Context(), set("a/grant/1", `1`)); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Put: got %v, want ErrDamaged", err)
	}
	for _, err := range b.Watch(t.Context(), "", 0) {
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("Watch: got %v, want ErrDamaged", err)
		}
		break
	}
	want(t, "Refused", errors.Is(b.Refused(), store.ErrDamaged), true)
	if err := b.Close(); err != nil {
		t.Errorf("closing it: %v", err)
	}
}

// TestWriteFaults does the same to a store that only writes.
func TestWriteFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	filled(t, path)
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := b.Put(t.Context(), set(fmt.Sprintf("home-%d/grant/1", i), `1`)); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("got %v, want ErrDamaged", err)
		}
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing it: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	good, err := os.ReadFile(filepath.Join("testdata", "format-1.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(8200), []byte{1})
	f.Add(uint32(4096*4), bytes.Repeat([]byte{0xFF}, 64))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		bad := bytes.Clone(good)
		copy(bad[int(at)%len(bad):], patch)
		path := filepath.Join(t.TempDir(), "hearth.db")
		writeFile(t, path, bad)
		b, err := store.Open(path)
		if err == nil {
			defer b.Close()
			content(t, b)
			put(t, b, set("smith/grant/9", `1`))
			add(t, b, partition("totals", "2026-03-01", "smith", "Mia"), store.Record{Key: "fun.video", Count: 1})
		}
	})
}
