package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

func open(t testing.TB) *store.Bolt {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "hearth.db"))
}

func openAt(t testing.TB, path string) *store.Bolt {
	t.Helper()
	b, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestFileIsForItsOwnerAlone(t *testing.T) {
	b := open(t)
	st, err := os.Stat(b.Path())
	if err != nil {
		t.Fatal(err)
	}
	want(t, "mode", st.Mode().Perm(), fs.FileMode(0o600))
}

// TestSecondProcessIsTold holds that whoever comes second learns who has the store and what to do.
func TestSecondProcessIsTold(t *testing.T) {
	first := open(t)
	_, err := store.Open(first.Path())
	if !errors.Is(err, store.ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	for _, word := range []string{first.Path(), "process " + strconv.Itoa(os.Getpid()), "stop", "`state:`"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not speak of %q", err, word)
		}
	}
}

func TestClosedStore(t *testing.T) {
	b, err := store.Open(filepath.Join(t.TempDir(), "hearth.db"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, set("a/grant/1", `1`))
	var errs []error
	for _, err := range b.Watch(t.Context(), "", 0) {
		if errs = append(errs, err); err == nil {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(errs) != 2 || !errors.Is(errs[1], store.ErrClosed) {
		t.Errorf("a watch over a closed store ended with %v", errs)
	}
	if _, err := b.Put(t.Context(), set("a/grant/1", `2`)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Put: %v", err)
	}
	if _, err := b.Snapshot(t.Context(), ""); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Snapshot: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// TestManyWritersLoseNothing has each of many add one to the same value by expected revisions.
func TestManyWritersLoseNothing(t *testing.T) {
	b := open(t)
	put(t, b, set("a/counts/x", `0`))
	const writers, each = 8, 10
	done := make(chan error, writers)
	for range writers {
		go func() { done <- increment(t.Context(), b, each) }()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	want(t, "sum", state(t, b, ""), fmt.Sprintf("a/counts/x=%d", writers*each))
}

func increment(ctx context.Context, l store.Log, times int) error {
	for done := 0; done < times; {
		s, err := l.Snapshot(ctx, "a/counts/x")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(s.Entries[0].Value))
		if err != nil {
			return err
		}
		_, err = l.Put(ctx, store.Write{Key: key("a/counts/x"), Value: []byte(strconv.Itoa(n + 1)), Expect: &s.Entries[0].Revision})
		switch {
		case errors.As(err, new(*store.ConflictError)):
		case err != nil:
			return err
		default:
			done++
		}
	}
	return nil
}

// TestStateIsBounded fills the store to its last entry, each household to its share.
func TestStateIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes all the values that a store may have")
	}
	b := open(t)
	fill := func(household string) {
		for n := 0; n < store.MaxShare; n += store.MaxBatch {
			writes := make([]store.Write, store.MaxBatch)
			for i := range writes {
				writes[i] = set(fmt.Sprintf("%s/learned/%d", household, n+i), `1`)
			}
			put(t, b, writes...)
		}
	}
	refused := func(what string, writes ...store.Write) {
		t.Helper()
		if _, err := b.Put(t.Context(), writes...); !errors.Is(err, store.ErrFull) {
			t.Errorf("%s: %v", what, err)
		}
	}
	fill("a")
	refused("more than the share of a household", set("a/grant/1", `1`))
	put(t, b, set("b/grant/1", `1`), set("ab/grant/1", `1`), set("a/learned/0", `2`)) // what is there can be changed
	put(t, b, drop("a/learned/0"), set("a/grant/1", `1`), drop("a/learned/1"), set("a/grant/2", `1`))
	refused("of two values the one too many", drop("a/grant/1"), set("a/grant/3", `1`), set("a/grant/4", `1`))
	put(t, b, drop("b/grant/1"), drop("ab/grant/1"))
	for n := 1; n < store.MaxEntries/store.MaxShare; n++ {
		fill(fmt.Sprintf("h%d", n))
	}
	refused("more than there is room for", set("b/grant/1", `1`))
	put(t, b, drop("a/learned/2"), set("b/grant/1", `1`))
}
