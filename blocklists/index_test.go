package blocklists

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"io/fs"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// smallFile is an index of a few nested names with two values, and of a few patterns and networks.
func smallFile(t testing.TB) []byte {
	t.Helper()
	b := newTestBuilder(t, BuilderConfig{Key: Key{1, 2}, Built: time.Unix(1_790_000_000, 0)})
	porn, games := b.List(setOf(0)), b.List(setOf(20))
	for i := range 40 {
		list := [...]ListID{porn, games}[i&1]
		if err := b.Add(list, Entry{Name: syntheticName(i), Scope: Scope(i % 3)}); err != nil {
			t.Fatal(err)
		}
	}
	for i, expr := range []string{"tracker", "^ads[0-9]", "tracker"} {
		p := Pattern{Expr: expr, Types: []uint16{1, 28}[:i], Exception: i == 1}
		if err := b.AddPattern([...]ListID{porn, porn, games}[i], p); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(porn, Entry{Name: mustName(t, "spared.example"), Exception: true}); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(porn, Entry{Name: mustName(t, "spared.test"), Exception: true, Important: true}); err != nil {
		t.Fatal(err)
	}
	for i, p := range []string{"192.0.2.0/24", "192.0.2.128/25", "2001:db8:1::/48"} {
		if err := b.AddPrefix([...]ListID{porn, games, porn}[i], netip.MustParsePrefix(p), i == 2); err != nil {
			t.Fatal(err)
		}
	}
	file, _ := buildFile(t, b)
	return file
}

// resealed returns file with a checksum that fits its content, as a forger would make it.
func resealed(file []byte) []byte {
	file = bytes.Clone(file)
	if len(file) >= footerSize {
		sum := crc64.Checksum(file[:len(file)-16], crc64.MakeTable(crc64.ECMA))
		binary.LittleEndian.PutUint64(file[len(file)-16:], sum)
	}
	return file
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	file := smallFile(t)
	for at := range file {
		for bit := range 8 {
			file[at] ^= 1 << bit
			_, err := ReadIndex(file)
			version := at >= 8 && at < 12
			if version && !errors.Is(err, ErrVersion) || !version && !errors.Is(err, ErrCorrupt) {
				t.Fatalf("octet %d, bit %d: got %v", at, bit, err)
			}
			file[at] ^= 1 << bit
		}
	}
	if _, err := ReadIndex(file); err != nil {
		t.Fatal(err)
	}
}

func TestTornFiles(t *testing.T) {
	file := smallFile(t)
	for size := range file {
		if _, err := ReadIndex(file[:size]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d octets: got %v", size, err)
		}
		if _, err := ReadIndex(file[size+1:]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("without its first %d octets: got %v", size+1, err)
		}
	}
	for _, longer := range [][]byte{append(bytes.Clone(file), 0), append(bytes.Clone(file), file...)} {
		if _, err := ReadIndex(longer); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d octets behind the end: got %v", len(longer)-len(file), err)
		}
	}
}

// Each forgery has a right checksum: only the bounds are there to find it.
func TestForgedFiles(t *testing.T) {
	file := smallFile(t)
	foot := len(file) - footerSize
	entries := int(binary.LittleEndian.Uint64(file[foot+24:]))
	buckets := int(binary.LittleEndian.Uint64(file[foot+32:]))
	offsets := headerSize + 7*entries
	values := offsets + 4*(buckets+1)
	le := binary.LittleEndian
	for title, forge := range map[string]func([]byte){
		"entry count of 2^63":     func(b []byte) { le.PutUint64(b[foot+24:], 1<<63) },
		"entry count that wraps":  func(b []byte) { le.PutUint64(b[foot+24:], 0x2492492492492492+uint64(entries)) },
		"one entry more":          func(b []byte) { le.PutUint64(b[foot+24:], uint64(entries+1)) },
		"no buckets":              func(b []byte) { le.PutUint64(b[foot+32:], 0) },
		"bucket count of 2^62":    func(b []byte) { le.PutUint64(b[foot+32:], 1<<62+uint64(buckets)) },
		"all counts at their top": func(b []byte) { copy(b[foot+24:], bytes.Repeat([]byte{0xff}, 24)) },
		"value count of 2^32-1":   func(b []byte) { le.PutUint32(b[foot+40:], 1<<32-1) },
		"values as definitions": func(b []byte) {
			le.PutUint32(b[foot+40:], le.Uint32(b[foot+40:])-1)
			le.PutUint32(b[foot+44:], le.Uint32(b[foot+44:])+64)
		},
		"definitions of 2^32-1 octets": func(b []byte) { le.PutUint32(b[foot+44:], 1<<32-1) },
		"remainder of 0 bits":          func(b []byte) { le.PutUint32(b[foot+48:], 0) },
		"remainder of 64 bits":         func(b []byte) { le.PutUint32(b[foot+48:], 64) },
		"remainder too narrow":         func(b []byte) { le.PutUint32(b[foot+48:], 8) },
		"section of 1 octet":           func(b []byte) { le.PutUint32(b[foot+52:], 1) },
		"section of 2^32-1 octets":     func(b []byte) { le.PutUint32(b[foot+52:], 1<<32-1) },
		"section in definitions": func(b []byte) {
			le.PutUint32(b[foot+44:], le.Uint32(b[foot+44:])-1)
			le.PutUint32(b[foot+52:], le.Uint32(b[foot+52:])+1)
		},
		"a section in version 1":       func(b []byte) { b[8] = 1 },
		"first offset not 0":           func(b []byte) { le.PutUint32(b[offsets:], 1) },
		"offset beyond the entries":    func(b []byte) { le.PutUint32(b[offsets+4:], 1<<32-1) },
		"offsets that fall":            func(b []byte) { le.PutUint32(b[offsets+8:], 0) },
		"last offset short":            func(b []byte) { le.PutUint32(b[values-4:], uint32(entries-1)) },
		"entries out of order":         func(b []byte) { copy(b[headerSize:], "\xff\xff\xff\xff\xff") },
		"an entry twice":               func(b []byte) { copy(b[headerSize+7:headerSize+14], b[headerSize:]) },
		"value number out of range":    func(b []byte) { le.PutUint16(b[headerSize+5:], 0xffff) },
		"category beyond the taxonomy": func(b []byte) { b[values+31] = 0x80 },
		"inherited one beyond it":      func(b []byte) { b[values+63] = 0x80 },
		"fewer definitions":            func(b []byte) { definitionsOf(t, b)[0]-- },
		"an id twice":                  func(b []byte) { d := definitionsOf(t, b); copy(d[bytes.Index(d, []byte("harm.gore")):], "harm.hate") },
		"an id in upper case":          func(b []byte) { d := definitionsOf(t, b); d[bytes.Index(d, []byte("harm.gore"))] = 'H' },
		"a definition that overruns":   func(b []byte) { definitionsOf(t, b)[2] = 0xff },
		"512 definitions":              func(b []byte) { le.PutUint16(definitionsOf(t, b), 512) },
	} {
		forged := bytes.Clone(file)
		forge(forged)
		if bytes.Equal(forged, file) {
			t.Errorf("%s: the forgery changes nothing", title)
		}
		if _, err := ReadIndex(resealed(forged)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v", title, err)
		}
	}
}

// definitionsOf returns the part of an index file that holds its taxonomy.
func definitionsOf(t testing.TB, file []byte) []byte {
	t.Helper()
	section := len(file) - footerSize - len(sectionOf(t, file))
	return file[section-int(binary.LittleEndian.Uint32(file[len(file)-footerSize+44:])) : section]
}

// sectionOf returns the part of an index file that holds patterns and networks.
func sectionOf(t testing.TB, file []byte) []byte {
	t.Helper()
	foot := len(file) - footerSize
	return file[foot-int(binary.LittleEndian.Uint32(file[foot+52:])) : foot]
}

// The section of smallFile has 4 sets (of two lists, and of two parts of a network), 3 spans (of IPv4 alone: the exception
// of IPv6 says nothing), 2 exemptions and 3 patterns.
func TestForgedSections(t *testing.T) {
	file := smallFile(t)
	le := binary.LittleEndian
	const sets, spans, exempt, patterns = 24, 24 + 4*32, 24 + 4*32 + 3*20, 24 + 4*32 + 3*20 + 2*12
	section := sectionOf(t, file)
	for i, want := range []uint32{4, 3, 2, 3, 3, 0} {
		if got := le.Uint32(section[4*i:]); got != want {
			t.Fatalf("count %d is %d, want %d", i, got, want)
		}
	}
	for title, forge := range map[string]func([]byte){
		"set count of 2^32-1":          func(b []byte) { le.PutUint32(b, 1<<32-1) },
		"one set less":                 func(b []byte) { le.PutUint32(b, 3) },
		"one span more":                func(b []byte) { le.PutUint32(b[4:], 4) },
		"spans beyond the networks":    func(b []byte) { le.PutUint32(b[16:], 1) },
		"exemption count of 2^31-1":    func(b []byte) { le.PutUint32(b[8:], 1<<31-1) },
		"one pattern more":             func(b []byte) { le.PutUint32(b[12:], 4) },
		"one pattern less":             func(b []byte) { le.PutUint32(b[12:], 2) },
		"network count of 2^32-1":      func(b []byte) { le.PutUint32(b[16:], 1<<32-1) },
		"reserved count":               func(b []byte) { b[20] = 1 },
		"category beyond the taxonomy": func(b []byte) { b[sets+31] = 0x80 },
		"meta.open as a category":      func(b []byte) { c := openCategory(t); b[sets+int(c)/8] |= 1 << (c % 8) },
		"addresses that fall":          func(b []byte) { le.PutUint64(b[spans:], 1) },
		"an address twice":             func(b []byte) { copy(b[spans+20:spans+36], b[spans:spans+16]) },
		"a set beyond the last":        func(b []byte) { le.PutUint32(b[spans+16:], 5) },
		"exemptions that fall":         func(b []byte) { le.PutUint64(b[exempt:], 1<<64-1) },
		"an exemption twice":           func(b []byte) { copy(b[exempt+12:exempt+22], b[exempt:exempt+10]) },
		"an exemption of no list":      func(b []byte) { le.PutUint16(b[exempt+8:], 4) },
		"a pattern of no list":         func(b []byte) { le.PutUint16(b[patterns:], 4) },
		"unknown flags of a pattern":   func(b []byte) { b[patterns+2] = 8 },
		"types beyond the end":         func(b []byte) { b[patterns+3] = 255 },
		"an expression that is no RE2": func(b []byte) { copy(b[bytes.Index(b, []byte("tracker")):], "trac(er") },
		"an expression that is cut":    func(b []byte) { b[len(b)-9]++ },
		"an expression beyond the end": func(b []byte) { le.PutUint16(b[len(b)-9:], 1<<16-1) },
	} {
		forged := bytes.Clone(file)
		forge(sectionOf(t, forged))
		if bytes.Equal(forged, file) {
			t.Errorf("%s: the forgery changes nothing", title)
		}
		if _, err := ReadIndex(resealed(forged)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v", title, err)
		}
	}
}

func TestOpenIndexOfWhatIsNoIndex(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenIndex(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: got %v", err)
	}
	if _, err := OpenIndex(dir); err == nil {
		t.Error("a folder is opened")
	}
	// A file that claims gigabytes without having them on the disk must not be read into memory.
	sparse := filepath.Join(dir, "sparse")
	if err := os.WriteFile(sparse, smallFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, 1<<33); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	if _, err := OpenIndex(sparse); !errors.Is(err, ErrCorrupt) {
		t.Errorf("sparse: got %v", err)
	}
	if err := os.Truncate(sparse, 1<<30); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenIndex(sparse); !errors.Is(err, ErrCorrupt) {
		t.Errorf("smaller sparse: got %v", err)
	}
}

func TestOpenIndexNeedsTheFileOnlyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	if err := os.WriteFile(path, smallFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ix, err := OpenIndex(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if m := lookup(t, ix, syntheticName(0).String()); m.Labels == 0 {
		t.Error("a listed name is lost with the file")
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	ix, err := ReadIndex(smallFile(t))
	if err != nil {
		t.Fatal(err)
	}
	var listed, unlisted Hashes
	ix.Key().Hash(syntheticName(0), &listed)
	ix.Key().Hash(mustName(t, strings.Repeat("a.", 127)), &unlisted)
	if ix.Match(&listed).Labels == 0 || ix.Match(&unlisted).Labels != 0 {
		t.Fatal("the case does not test a listed and an unlisted name")
	}
	if n := testing.AllocsPerRun(100, func() { ix.Match(&listed); ix.Match(&unlisted) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Every place of a table is asked for: what lies there is found and nothing else, in empty and in crowded buckets.
func TestEveryPlace(t *testing.T) {
	for _, each := range []int{1, 8, 60} { // entries a bucket, of 256 remainders
		const buckets = 500
		config := newTestBuilder(t, BuilderConfig{RemainderBits: 8}).config
		values, rng := newInterner(), rand.New(rand.NewPCG(1, uint64(each)))
		number, err := values.number(value{exact: setOf(1)})
		if err != nil {
			t.Fatal(err)
		}
		hashes, listed := make([]uint64, buckets*each), map[[2]uint64]bool{}
		for i := range hashes {
			hashes[i] = rng.Uint64()
			bucket, low := bits.Mul64(hashes[i], buckets)
			listed[[2]uint64{bucket, low >> 56}] = true
		}
		slices.Sort(hashes)
		var file bytes.Buffer
		w := newIndexWriter(&file, config, values, buckets*entriesPerBucket)
		for _, hash := range hashes {
			if err := w.add(hash, number); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.finish(); err != nil {
			t.Fatal(err)
		}
		ix, err := ReadIndex(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for bucket := range uint64(buckets) {
			for remainder := range uint64(256) {
				first, _ := bits.Div64(bucket, remainder<<56, buckets)
				h := Hashes{N: 1, H: [128]uint64{first + 1}}
				if found := ix.Match(&h).Labels == 1; found != listed[[2]uint64{bucket, remainder}] {
					t.Fatalf("%d a bucket, bucket %d, remainder %d: found %v", each, bucket, remainder, found)
				}
			}
		}
	}
}

// Names with more labels than are probed together, up to the longest there can be.
func TestMatchOfDeepNames(t *testing.T) {
	for _, depth := range []int{1, 7, 8, 9, 16, 17, 100, 127} {
		name := strings.Repeat("a.", depth)
		b := newTestBuilder(t, BuilderConfig{})
		if err := b.Add(b.List(setOf(9)), Entry{Name: mustName(t, name), Scope: Exact}); err != nil {
			t.Fatal(err)
		}
		ix, _ := buildIndex(t, b)
		for more := range min(20, 128-depth) {
			want := Match{Labels: uint8(depth)}
			if more == 0 {
				want.Categories.Add(9)
			}
			if got := lookup(t, ix, strings.Repeat("b.", more)+name); got != want {
				t.Errorf("%d labels beneath %d: got %+v, want %+v", more, depth, got, want)
			}
		}
		if depth > 1 {
			if got := lookup(t, ix, name[2:]); got != (Match{}) {
				t.Errorf("above %d labels: got %+v", depth, got)
			}
		}
	}
}

// Readers go on while the index that they read is dropped by everyone else.
func TestIndexOutlivesItsReaders(t *testing.T) {
	file := smallFile(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var h Hashes
			for range 50 {
				ix, err := ReadIndex(file)
				if err != nil {
					t.Error(err)
					return
				}
				ix.Key().Hash(syntheticName(0), &h)
				for range 100 {
					if ix.Match(&h).Labels == 0 {
						t.Error("a listed name is lost")
						return
					}
				}
				runtime.GC()
			}
		})
	}
	wg.Wait()
}

// A file of format version 1 as the first release wrote it. Its names: example.com is adult.porn, all beneath
// example.net is fun.games and www.example.net is not; own.one is in a category of the operator's own.
func TestVersion1StaysReadable(t *testing.T) {
	ix, err := OpenIndex(filepath.Join("testdata", "index-v1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"example.com": "adult.porn", "a.b.example.com": "adult.porn", "example.net": "", "a.example.net": "fun.games",
		"www.example.net": "", "own.one": "family.pets", "example.org": "",
	} {
		if got := strings.Join(show(ix, lookup(t, ix, name).Categories), " "); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if want := time.Unix(1_790_000_000, 0); !ix.Built().Equal(want) || ix.Key() != (Key{1, 2}) || ix.Names() != 4 {
		t.Errorf("built %v, key %v, %d names", ix.Built(), ix.Key(), ix.Names())
	}
}

func FuzzReadIndex(f *testing.F) {
	file := smallFile(f)
	empty, _ := buildFile(f, newTestBuilder(f, BuilderConfig{Key: Key{3, 4}, Built: time.Unix(5, 0)}))
	for _, seed := range [][]byte{file, empty, file[:len(file)-1], append(bytes.Clone(file), 0), {}} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, file []byte, seal bool) {
		if seal {
			file = resealed(file)
		}
		ix, err := ReadIndex(file)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("an error of no known kind: %v", err)
			}
			return
		}
		h := Hashes{N: 20}
		for i := range uint64(100) {
			for n := range h.N {
				h.H[n] = (i*128 + uint64(n)) * 0x9e3779b97f4a7c15
			}
			said := ix.Match(&h).Categories.Or(ix.MatchAddress(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i)})))
			for _, name := range []Name{[]byte("\x07tracker\x07example\x00"), []byte("\x04ads1\x06spared\x04test\x00"), {0}} {
				patterned, _ := ix.MatchPatterns(name, uint16(i), Match{})
				said = said.Or(patterned.Categories)
			}
			for c := range said.All() {
				if ix.Taxonomy().ID(c) == "" {
					t.Fatalf("category %d is not in the taxonomy", c)
				}
			}
		}
	})
}
