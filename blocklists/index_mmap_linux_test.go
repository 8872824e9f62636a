package blocklists

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestIndexMemoryIsReadOnly(t *testing.T) {
	ix, err := ReadIndex(smallFile(t))
	if err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Error("the memory of an index can be written to")
		}
		runtime.KeepAlive(ix)
	}()
	ix.memory[headerSize]++
}

// Forty indexes of 0.7 MB that nobody holds have to give their address space back.
func TestIndexMemoryIsReleased(t *testing.T) {
	b := newTestBuilder(t, BuilderConfig{})
	l := b.List(setOf(1))
	for i := range 100_000 {
		if err := b.Add(l, Entry{Name: syntheticName(i)}); err != nil {
			t.Fatal(err)
		}
	}
	file, s := buildFile(t, b)
	runtime.GC()
	before := addressSpace(t)
	const indexes = 40
	for range indexes {
		if _, err := ReadIndex(file); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 { // cleanups run in the background after a collection
		runtime.GC()
		if addressSpace(t)-before < indexes*s.Bytes/4 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("address space grew by %d octets through %d indexes of %d", addressSpace(t)-before, indexes, s.Bytes)
}

func addressSpace(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
