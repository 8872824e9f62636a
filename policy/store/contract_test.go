package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

func TestBoltKeepsTheContract(t *testing.T) {
	testContract(t, func(t *testing.T) store.Log { return open(t) })
}

// testContract holds any Log to what the interface promises. Each case gets a Log of its own, empty.
func testContract(t *testing.T, empty func(*testing.T) store.Log) {
	for name, do := range map[string]func(*testing.T, store.Log){
		"snapshots give what holds, in the order of keys":    contractSnapshot,
		"a batch with one wrong expectation changes nothing": contractAtomic,
		"expected revisions":                                               contractExpect,
		"bad keys and values are refused":                                  contractRefused,
		"a watcher from 0 sees each key's last change, in order":           contractReplay,
		"a watcher resumes after any change it has seen, and sees no more": contractResume,
		"a watcher sees whole batches as they come":                        contractLive,
		"a watcher of one household sees nothing of another":               contractPrefix,
		"a watcher that is too far behind is told":                         contractCompacted,
		"a watcher of the future is told":                                  contractFuture,
		"a watch ends with its context":                                    contractCancel,
	} {
		t.Run(name, func(t *testing.T) { do(t, empty(t)) })
	}
}

func key(s string) store.Key {
	k, err := store.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

func set(k, v string) store.Write { return store.Write{Key: key(k), Value: json.RawMessage(v)} }
func drop(k string) store.Write   { return store.Write{Key: key(k)} }

func put(t *testing.T, l store.Log, writes ...store.Write) uint64 {
	t.Helper()
	revision, err := l.Put(t.Context(), writes...)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// state is a snapshot as text, without revisions.
func state(t *testing.T, l store.Log, prefix string) string {
	t.Helper()
	s, err := l.Snapshot(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range s.Entries {
		lines = append(lines, e.Key.String()+"="+string(e.Value))
	}
	return strings.Join(lines, " ")
}

// watch collects changes as text until it has n, or fails.
func watch(t *testing.T, l store.Log, prefix string, after uint64, n int) (seen []string, last uint64) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for changes, err := range l.Watch(ctx, prefix, after) {
		if err != nil {
			t.Fatalf("after %d changes %v: %v", len(seen), seen, err)
		}
		for _, c := range changes {
			if c.Revision < last {
				t.Errorf("revision %d comes after %d", c.Revision, last)
			}
			last = c.Revision
			seen = append(seen, text(c))
		}
		if len(seen) >= n {
			return seen, last
		}
	}
	t.Fatalf("the watch ended after %v", seen)
	return nil, 0
}

func text(c store.Change) string {
	if c.Deleted() {
		return "-" + c.Key.String()
	}
	return c.Key.String() + "=" + string(c.Value)
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func contractSnapshot(t *testing.T, l store.Log) {
	want(t, "an empty store", state(t, l, ""), "")
	put(t, l, set("b/grant/2", `{"n":2}`), set("a/grant/1", `1`), set("a/pause/x", `true`))
	put(t, l, set("ab/grant/1", `"other"`))
	last := put(t, l, drop("a/pause/x"), set("a/grant/1", `3`))
	want(t, "all", state(t, l, ""), `a/grant/1=3 ab/grant/1="other" b/grant/2={"n":2}`)
	want(t, "a household", state(t, l, "a/"), "a/grant/1=3")
	want(t, "a kind", state(t, l, "a/pause/"), "")
	want(t, "a key", state(t, l, "b/grant/2"), `b/grant/2={"n":2}`)
	want(t, "a key that is the beginning of none", state(t, l, "b/grant/"+"3"), "")
	s, err := l.Snapshot(t.Context(), "a/")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the revision of a part is that of all", s.Revision, last)
	want(t, "the revision of a value", s.Entries[0].Revision, last)
}

func contractAtomic(t *testing.T, l store.Log) {
	before := put(t, l, set("a/grant/1", `1`))
	wrong := store.Write{Key: key("a/grant/3"), Value: json.RawMessage(`3`), Expect: new(uint64(7))}
	_, err := l.Put(t.Context(), set("a/grant/2", `2`), drop("a/grant/1"), wrong)
	if conflict := new(store.ConflictError); !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a ConflictError", err)
	}
	want(t, "after a refused batch", state(t, l, ""), "a/grant/1=1")
	if s, _ := l.Snapshot(t.Context(), ""); s.Revision != before {
		t.Errorf("a refused batch moved the revision from %d to %d", before, s.Revision)
	}
}

func contractExpect(t *testing.T, l store.Log) {
	absent := store.Write{Key: key("a/pin/mia"), Value: json.RawMessage(`1`), Expect: new(uint64(0))}
	first := put(t, l, absent)
	var conflict *store.ConflictError
	if _, err := l.Put(t.Context(), absent); !errors.As(err, &conflict) {
		t.Fatalf("creating twice: got %v", err)
	}
	want(t, "what is there", conflict.Found.Revision, first)
	want(t, "its value", string(conflict.Found.Value), "1")
	second := put(t, l, store.Write{Key: absent.Key, Value: json.RawMessage(`2`), Expect: &first})
	if second <= first {
		t.Errorf("revision %d follows %d", second, first)
	}
	if _, err := l.Put(t.Context(), store.Write{Key: absent.Key, Expect: &first}); !errors.As(err, &conflict) {
		t.Fatalf("deleting an old revision: got %v", err)
	}
	put(t, l, store.Write{Key: absent.Key, Expect: &second})
	put(t, l, absent) // it is gone, so that it can be made again
	if _, err := l.Put(t.Context(), store.Write{Key: key("a/pin/leo"), Expect: &second}); !errors.As(err, &conflict) || conflict.Found.Revision != 0 {
		t.Fatalf("expecting what is not there: got %v", err)
	}
}

func contractRefused(t *testing.T, l store.Log) {
	long := strings.Repeat("x", 256)
	for _, w := range []store.Write{
		{Key: store.Key{Household: "A", Kind: "grant", ID: "1"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "", Kind: "grant", ID: "1"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: strings.Repeat("a", 65), Kind: "grant", ID: "1"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "Grant", ID: "1"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "grant", ID: ""}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "grant", ID: "x/y"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "grant", ID: "x\n"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "grant", ID: "\xff"}, Value: json.RawMessage(`1`)},
		{Key: store.Key{Household: "a", Kind: "grant", ID: long}, Value: json.RawMessage(`1`)},
		{Key: key("a/grant/1"), Value: json.RawMessage(`{`)},
		{Key: key("a/grant/1"), Value: json.RawMessage{}},
		{Key: key("a/grant/1"), Value: json.RawMessage(`"` + strings.Repeat("x", store.MaxValue) + `"`)},
	} {
		if _, err := l.Put(t.Context(), w); err == nil {
			t.Errorf("%.60q = %.20q was taken", w.Key, w.Value)
		}
	}
	if _, err := l.Put(t.Context(), set("a/grant/1", `1`), set("a/grant/1", `2`)); err == nil {
		t.Error("two writes of one key in a batch were taken")
	}
	if _, err := l.Put(t.Context(), make([]store.Write, store.MaxBatch+1)...); err == nil {
		t.Error("a batch that is too large was taken")
	}
	for _, prefix := range []string{"a", "a/grant", "A/", "a//", "/"} {
		if _, err := l.Snapshot(t.Context(), prefix); err == nil {
			t.Errorf("the prefix %q was taken", prefix)
		}
	}
	put(t, l, set("a/grant/Zoë's tablet", `1`), set("a/grant/"+long[1:], `null`))
	want(t, "what is at the bounds", len(state(t, l, "")) > 255, true)
}

func contractReplay(t *testing.T, l store.Log) {
	put(t, l, set("a/grant/1", `1`))
	put(t, l, set("a/grant/2", `2`))
	put(t, l, set("a/grant/1", `3`))
	put(t, l, drop("a/grant/2"))
	seen, _ := watch(t, l, "", 0, 2)
	want(t, "changes", seen, []string{"a/grant/1=3", "-a/grant/2"})
}

func contractResume(t *testing.T, l store.Log) {
	for i := range 5 {
		put(t, l, set(fmt.Sprintf("a/grant/%d", i), `1`))
	}
	seen, last := watch(t, l, "", 0, 5)
	want(t, "changes", len(seen), 5)
	put(t, l, set("a/pause/all", `1`))
	seen, _ = watch(t, l, "", last, 1)
	want(t, "after the last", seen, []string{"a/pause/all=1"})
	s, err := l.Snapshot(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, drop("a/pause/all"))
	seen, _ = watch(t, l, "", s.Revision, 1)
	want(t, "after a snapshot", seen, []string{"-a/pause/all"})
}

func contractLive(t *testing.T, l store.Log) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	const batches = 50
	go func() {
		for i := range batches {
			v := fmt.Sprint(i)
			if _, err := l.Put(ctx, set("a/grant/1", v), set("a/grant/2", v), set("b/grant/1", v)); err != nil {
				t.Error(err)
			}
		}
	}()
	for changes, err := range l.Watch(ctx, "", 0) {
		if err != nil {
			t.Fatal(err)
		}
		last := map[string]string{}
		for _, c := range changes {
			last[c.Key.String()] = string(c.Value)
		}
		if len(last) != 3 || last["a/grant/1"] != last["a/grant/2"] || last["a/grant/1"] != last["b/grant/1"] {
			t.Fatalf("a torn batch: %v", last)
		}
		if last["a/grant/1"] == fmt.Sprint(batches-1) {
			return
		}
	}
}

func contractPrefix(t *testing.T, l store.Log) {
	put(t, l, set("a/grant/1", `1`), set("ab/grant/1", `1`), set("a/pause/1", `1`))
	put(t, l, drop("ab/grant/1"))
	put(t, l, set("a/grant/end", `1`))
	seen, _ := watch(t, l, "a/", 0, 3)
	want(t, "a household", seen, []string{"a/grant/1=1", "a/pause/1=1", "a/grant/end=1"})
	seen, _ = watch(t, l, "a/grant/", 0, 2)
	want(t, "a kind", seen, []string{"a/grant/1=1", "a/grant/end=1"})
}

func contractCompacted(t *testing.T, l store.Log) {
	put(t, l, set("a/keep/1", `1`))
	for range store.MaxGone/store.MaxBatch + 1 {
		var sets, drops []store.Write
		for i := range store.MaxBatch {
			sets, drops = append(sets, set(fmt.Sprintf("a/grant/%d", i), `1`)), append(drops, drop(fmt.Sprintf("a/grant/%d", i)))
		}
		put(t, l, sets...)
		put(t, l, drops...)
	}
	for changes, err := range l.Watch(t.Context(), "", 1) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Errorf("got %v and %d changes, want ErrCompacted", err, len(changes))
		}
		break
	}
	seen, _ := watch(t, l, "a/keep/", 0, 1) // who knows nothing misses nothing
	want(t, "from the beginning", seen, []string{"a/keep/1=1"})
	s, err := l.Snapshot(t.Context(), "")
	if err != nil || len(s.Entries) != 1 {
		t.Fatalf("%v, %v", s, err)
	}
	put(t, l, drop("a/keep/1"))
	seen, _ = watch(t, l, "", s.Revision, 1)
	want(t, "from a new snapshot", seen, []string{"-a/keep/1"})
}

func contractFuture(t *testing.T, l store.Log) {
	last := put(t, l, set("a/grant/1", `1`))
	for _, err := range l.Watch(t.Context(), "", last+1) {
		if !errors.Is(err, store.ErrCompacted) {
			t.Errorf("got %v, want ErrCompacted: the store was put back since", err)
		}
		break
	}
}

func contractCancel(t *testing.T, l store.Log) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	put(t, l, set("a/grant/1", `1`))
	var errs []error
	for _, err := range l.Watch(ctx, "", 0) {
		stop()
		errs = append(errs, err)
	}
	if len(errs) != 2 || errs[0] != nil || !errors.Is(slices.Concat(errs)[1], context.Canceled) {
		t.Errorf("got %v", errs)
	}
}
