//go:build linux

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// writerEnv names the store that a child process of this test writes to until it is killed.
const writerEnv = "HEARTH_TEST_STORE"

// TestMain is the child where it is told to be.
func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Println("error:", err)
		}
		os.Exit(1)
	}
	if dir := os.Getenv(fillEnv); dir != "" {
		if err := fill(dir); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes batches of three values that are the same, and a record, and says each that is acknowledged.
func writeUntilKilled(path string) error {
	b, err := store.Open(path)
	if err != nil {
		return err
	}
	s, err := b.Snapshot(context.Background(), "a/counts/x")
	if err != nil {
		return err
	}
	from := 0
	if len(s.Entries) > 0 {
		if from, err = strconv.Atoi(string(s.Entries[0].Value)); err != nil {
			return err
		}
	}
	for i := from + 1; ; i++ {
		v := strconv.Itoa(i)
		writes := []store.Write{set("a/counts/x", v), set("b/counts/x", v), set("a/learned/"+strconv.Itoa(i%500), v)}
		if i%7 == 0 {
			writes = append(writes, drop("a/learned/"+strconv.Itoa((i+1)%500)))
		}
		if _, err := b.Put(context.Background(), writes...); err != nil {
			return err
		}
		fmt.Println("put", i)
		_, err := b.Append(store.Addition{Partition: partition("totals", "2026-03-01", "a", "Mia"), Records: []store.Record{{Key: "one", Count: 1}, {Key: "two", Count: 2}}})
		if err != nil {
			return err
		}
		fmt.Println("append", i)
	}
}

// TestKilled kills the writer at random moments, and finds each time all that was acknowledged, and nothing by halves.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	var last uint64
	for round := range rounds {
		puts := killOnce(t, path)
		b, err := store.Open(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		x, other := number(t, b, "a/counts/x"), number(t, b, "b/counts/x")
		if x != other || x < puts || x > puts+1 {
			t.Errorf("round %d: acknowledged up to %d, and a has %d, b %d", round, puts, x, other)
		}
		all, err := b.Records(partition("totals", "2026-03-01", "a", "Mia"))
		if err != nil {
			t.Fatal(err)
		}
		if x > 1 && (len(all) != 2 || all[1].Count != 2*all[0].Count || all[0].Count > x || all[0].Count+uint64(round)+1 < x) {
			t.Errorf("round %d: after %d batches the journal has %v", round, x, all)
		}
		if x < last {
			t.Errorf("round %d: %d comes after %d", round, x, last)
		}
		last = x
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if last < uint64(rounds) {
		t.Errorf("only %d batches in %d rounds: the writer was killed too soon to prove anything", last, rounds)
	}
	t.Logf("%d batches over %d kills", last, rounds)
}

// killOnce starts the writer, kills it and gives the last batch that it had acknowledged.
func killOnce(t *testing.T, path string) (puts uint64) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), writerEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		if what, ok := strings.CutPrefix(lines.Text(), "error:"); ok {
			t.Error(what)
		}
		if n, ok := strings.CutPrefix(lines.Text(), "put "); ok {
			if puts, err = strconv.ParseUint(n, 10, 64); err != nil {
				t.Error(err)
			}
		}
		if first { // it is at work: some time later, in whatever it is doing then
			time.AfterFunc(rand.N(60*time.Millisecond), func() { _ = child.Process.Kill() })
		}
	}
	_ = child.Wait()
	return puts
}

func number(t *testing.T, l store.Log, key string) uint64 {
	t.Helper()
	text := state(t, l, key)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(text, key+"="), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
