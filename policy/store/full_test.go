//go:build linux

package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
)

// fillEnv names a small file system that a child process of this test fills.
const fillEnv = "HEARTH_TEST_SMALL_DISK"

// TestFullDisk holds that a full disk refuses changes, loses none that was acknowledged, and needs no restart.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small file system needs root")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("no mount namespace here: %v %s", err, out)
	}
	child := exec.Command("unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=4m none "$1" && exec "$2" -test.run='^$'`, "sh", t.TempDir(), os.Args[0])
	child.Env = append(os.Environ(), fillEnv+"="+child.Args[6])
	out, err := child.CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// fill is the child.
func fill(dir string) error {
	ballast, path := filepath.Join(dir, "ballast"), filepath.Join(dir, "hearth.db")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		return err
	}
	b, err := store.Open(path)
	if err != nil {
		return err
	}
	value := json.RawMessage(`"` + strings.Repeat("x", 30_000) + `"`)
	done := 0
	for ; err == nil && done < 1000; done++ {
		_, err = b.Put(context.Background(), store.Write{Key: key(fmt.Sprintf("a/learned/%d", done)), Value: value})
	}
	if !errors.Is(err, syscall.ENOSPC) || b.Refused() != nil {
		return fmt.Errorf("after %d values: %w, refused: %w", done, err, b.Refused())
	}
	done-- // the last was refused
	if _, err = b.Snapshot(context.Background(), ""); err != nil {
		return fmt.Errorf("reading on a full disk: %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if _, err := b.Put(context.Background(), set("a/grant/after", `1`)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	if err := b.Close(); err != nil {
		return err
	}
	if b, err = store.Open(path); err != nil {
		return err
	}
	s, err := b.Snapshot(context.Background(), "")
	if err == nil && (len(s.Entries) != done+1 || done < 20) {
		err = fmt.Errorf("%d values were acknowledged, and %d are there", done+1, len(s.Entries))
	}
	return errors.Join(err, b.Close())
}
