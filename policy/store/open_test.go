package store_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/hearthdns/hearth/policy/store"
	"go.etcd.io/bbolt"
)

var update = flag.Bool("update", false, "write the golden file of the newest format, if it is not there yet")

// filled makes a store with some of everything, large enough that its trees have several pages, and closes it.
func filled(t *testing.T, path string) {
	t.Helper()
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 20 {
		var writes []store.Write
		for i := range 20 {
			writes = append(writes, set(fmt.Sprintf("home-%d/grant/%d", n, i), fmt.Sprintf(`{"minutes":%d,"why":%q}`, i, strings.Repeat("x", 60))))
		}
		put(t, b, writes...)
	}
	put(t, b, drop("home-3/grant/3"), drop("home-4/grant/4"))
	for day := range 9 {
		for person := range 5 {
			p := partition("totals", fmt.Sprintf("2026-03-%02d", day+1), "home-1", fmt.Sprint("person-", person))
			add(t, b, p, store.Record{Key: "fun.video", Count: uint64(day)}, store.Record{Key: "quota", Bits: make([]uint64, 23)})
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// content is all that a store holds, as text.
func content(t *testing.T, b *store.Bolt) string {
	t.Helper()
	var out bytes.Buffer
	if err := b.Export(t.Context(), &out, ""); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// beside lists what was kept beside a store.
func beside(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + ".*.backup")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// golden is a copy of the golden file of a format, which a program of that format wrote and which never changes.
func golden(t *testing.T, format int) string {
	t.Helper()
	if *(*byte)(unsafe.Pointer(new(uint16(1)))) != 1 {
		t.Skip("the engine writes the octet order of the machine, and the golden files are of the other")
	}
	kept := filepath.Join("testdata", fmt.Sprintf("format-%d.db", format))
	if _, err := os.Stat(kept); *update && errors.Is(err, fs.ErrNotExist) {
		writeGolden(t, kept)
	}
	path := filepath.Join(t.TempDir(), "hearth.db")
	writeFile(t, path, readFile(t, kept))
	return path
}

func writeGolden(t *testing.T, path string) {
	t.Helper()
	b := open(t)
	put(t, b, set("smith/definition/household", `{"timezone":"Europe/Rome"}`), set("smith/grant/1", `{"kind":"time","minutes":15}`))
	put(t, b, set("smith/pause/house", `{"until":"2026-03-01T20:00:00Z"}`), set("jones/pin/Zoë", `"not a hash"`))
	put(t, b, drop("smith/pause/house"), set("smith/grant/1", `{"kind":"time","minutes":30}`))
	add(t, b, partition("minutes", "2026-03-01", "smith", "Mia"), store.Record{Key: "fun.video", Bits: []uint64{0, 0xFF00}})
	add(t, b, partition("totals", "2026-03-01", "smith", "Mia"), store.Record{Key: "fun.video", Count: 12})
	add(t, b, partition("names", "2026-03-02", "jones", "Zoë"), store.Record{Key: "games.example", JSON: []byte(`{"at":"10:15"}`)})
	var out bytes.Buffer
	if err := b.Backup(&out); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, out.Bytes())
}

// TestFormat1 holds that this program reads what the first one wrote.
func TestFormat1(t *testing.T) {
	b := openAt(t, golden(t, 1))
	want(t, "state", state(t, b, ""), `jones/pin/Zoë="not a hash" smith/definition/household={"timezone":"Europe/Rome"} smith/grant/1={"kind":"time","minutes":30}`)
	want(t, "bits", records(t, b, partition("minutes", "2026-03-01", "smith", "Mia")), "fun.video:0[0 65280]")
	want(t, "counts", records(t, b, partition("totals", "2026-03-01", "smith", "Mia")), "fun.video:12[]")
	want(t, "notes", records(t, b, partition("names", "2026-03-02", "jones", "Zoë")), `games.example:0[]{"at":"10:15"}`)
	seen, last := watch(t, b, "", 0, 4)
	slices.Sort(seen)
	want(t, "the log", seen, []string{"-smith/pause/house", `jones/pin/Zoë="not a hash"`,
		`smith/definition/household={"timezone":"Europe/Rome"}`, `smith/grant/1={"kind":"time","minutes":30}`})
	want(t, "its revision", last, uint64(3))
	want(t, "and it goes on", put(t, b, set("smith/grant/2", `1`)), uint64(4))
	want(t, "nothing was kept beside", len(beside(t, b.Path())), 0)
}

// TestOlderFormatIsBroughtUp has a program with one more step open the golden file.
func TestOlderFormatIsBroughtUp(t *testing.T) {
	path := golden(t, 1)
	rename := func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("state")).Put([]byte("mark"), []byte("made by the step"))
	}
	b, err := store.OpenWith(path, rename)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	kept := beside(t, path)
	if len(kept) != 1 || !strings.Contains(kept[0], "format-1") {
		t.Fatalf("kept beside: %v", kept)
	}
	before := openAt(t, kept[0]) // this program, of format 1, can read it
	want(t, "the copy", strings.Count(state(t, before, ""), "="), 3)

	_, err = store.Open(path) // now it is of format 2
	if !errors.Is(err, store.ErrNewer) {
		t.Fatalf("an older program: got %v, want ErrNewer", err)
	}
	for _, word := range []string{path, "format is 2", "knows 1", "hearth restore"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not speak of %q", err, word)
		}
	}
}

// TestNewerStoreNamesTheBackup holds that the error ends with the command that goes back.
func TestNewerStoreNamesTheBackup(t *testing.T) {
	path := golden(t, 1)
	b, err := store.OpenWith(path, func(*bbolt.Tx) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, path)
	_, err = store.Open(path)
	if command := "hearth restore " + beside(t, path)[0]; err == nil || !strings.HasSuffix(err.Error(), command) {
		t.Fatalf("%v does not end with %q", err, command)
	}
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("refusing the store changed it")
	}
	if _, err := store.Restore(beside(t, path)[0], path); err != nil {
		t.Fatal(err)
	}
	want(t, "after the restore", strings.Count(state(t, openAt(t, path), ""), "="), 3)
}

// TestFailedStepChangesNothing has the second of two steps fail.
func TestFailedStepChangesNothing(t *testing.T) {
	path := golden(t, 1)
	fine := func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("journal")) }
	broken := errors.New("no room")
	_, err := store.OpenWith(path, fine, func(*bbolt.Tx) error { return broken })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "format 2 to 3") {
		t.Fatalf("got %v", err)
	}
	b := openAt(t, path)
	want(t, "counts", records(t, b, partition("totals", "2026-03-01", "smith", "Mia")), "fun.video:12[]")
}

// TestFewAreKeptBeside holds that copies do not fill the disk.
func TestFewAreKeptBeside(t *testing.T) {
	path := golden(t, 1)
	backup := golden(t, 1)
	var names []string
	for range 5 {
		kept, err := store.Restore(backup, path)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, kept)
	}
	want(t, "kept", beside(t, path), names[2:])
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "hearth.db"), filepath.Join(dir, "copy")
	filled(t, path)
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before := content(t, b)
	var out bytes.Buffer
	if err := b.Backup(&out); err != nil {
		t.Fatal(err)
	}
	writeFile(t, backup, out.Bytes())
	put(t, b, set("home-1/grant/after", `1`))
	if _, err := store.Restore(backup, path); !errors.Is(err, store.ErrLocked) {
		t.Errorf("restoring under a running server: got %v, want ErrLocked", err)
	}
	after := content(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := store.Restore(backup, path)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "restored", content(t, openAt(t, path)), before)
	want(t, "kept beside", content(t, openAt(t, kept)), after)
}

// TestBackupWhileWriting holds that a backup is one moment of a store that is being written.
func TestBackupWhileWriting(t *testing.T) {
	b := open(t)
	put(t, b, set("a/counts/x", `0`), set("b/counts/x", `0`))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				put(t, b, set("a/counts/x", fmt.Sprint(i)), set("b/counts/x", fmt.Sprint(i)), set(fmt.Sprintf("a/learned/%d", i), `1`))
			}
		}
	}()
	for range 5 {
		var out bytes.Buffer
		if err := b.Backup(&out); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "hearth.db")
		writeFile(t, path, out.Bytes())
		copied := openAt(t, path)
		one, other, _ := strings.Cut(state(t, copied, "a/counts/x")+" "+state(t, copied, "b/counts/x"), " ")
		want(t, "a batch", strings.TrimPrefix(one, "a"), strings.TrimPrefix(other, "b"))
	}
	close(stop)
	<-stopped
}

// TestErasedIsInNoBackup holds that a backup has nothing of what was erased, in no page of it.
func TestErasedIsInNoBackup(t *testing.T) {
	b := open(t)
	add(t, b, partition("names", "2026-03-01", "smith", "Mia"), store.Record{Key: "erased.example", Count: 1})
	put(t, b, set("smith/pin/Mia", `"erased.example"`))
	if _, err := b.Erase("smith", "Mia"); err != nil {
		t.Fatal(err)
	}
	put(t, b, drop("smith/pin/Mia"))
	var out bytes.Buffer
	if err := b.Backup(&out); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("erased.example")) {
		t.Error("what was erased is in the backup")
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hearth.db")
	filled(t, path)
	before := readFile(t, path)
	for name, bad := range map[string][]byte{
		"an empty file": {}, "text": []byte("households: []\n"), "half": before[:len(before)/2],
		"noise": bytes.Repeat([]byte{0xA5, 0x17}, 20_000),
	} {
		file := filepath.Join(dir, "backup")
		writeFile(t, file, bad)
		if _, err := store.Restore(file, path); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: got %v, want ErrDamaged", name, err)
		}
	}
	if _, err := store.Restore(filepath.Join(dir, "not there"), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("a refused restore changed the store")
	}
	found, err := filepath.Glob(path + "*")
	if err != nil || len(found) != 1 {
		t.Errorf("left behind: %v, %v", found, err)
	}
}

// TestRestoreOverDamage is what restore is for.
func TestRestoreOverDamage(t *testing.T) {
	dir := t.TempDir()
	path, backup := filepath.Join(dir, "hearth.db"), filepath.Join(dir, "copy")
	filled(t, backup)
	writeFile(t, path, []byte(strings.Repeat("torn", 9000)))
	kept, err := store.Restore(backup, path)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "what was there", string(readFile(t, kept)[:8]), "torntorn")
	openAt(t, path)
}

// TestKilledWhileMaking holds that what a process left that was killed while it made the store is in nobody's way.
func TestKilledWhileMaking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	writeFile(t, path+".new", []byte("half"))
	writeFile(t, path, nil)
	put(t, openAt(t, path), set("a/grant/1", `1`))
	if runtime.GOOS == "linux" {
		if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was half made is still there: %v", err)
		}
	}
}
