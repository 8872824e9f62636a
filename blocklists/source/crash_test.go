package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// crash is one update that a process does in the folder of a library until it dies at a step.
type crash struct {
	Dir    string
	Lists  Config
	Accept bool // what is held back, instead of asking the server
	Step   int  // the number of the step at which it dies; 0 = none
}

// do updates or accepts, and compiles. It returns how many steps that took.
func (c crash) do(t *testing.T, tax *blocklists.Taxonomy, at func(step int) error) (steps int, err error) {
	l := open(t, LibraryConfig{Dir: c.Dir, Lists: c.Lists})
	was := beforeStep
	defer func() { beforeStep = was }()
	beforeStep = func(string) error {
		steps++
		return at(steps)
	}
	if c.Accept {
		_, err = l.Accept(context.Background(), "list")
	} else {
		_, err = l.Update(context.Background(), "list")
	}
	_, _, compileErr := l.Compile(context.Background(), tax)
	return steps, errors.Join(err, compileErr)
}

const crashVariable = "HEARTH_TEST_CRASH"

// TestCrashChild is the process that dies. It is nothing by itself.
func TestCrashChild(t *testing.T) {
	var c crash
	if err := json.Unmarshal([]byte(os.Getenv(crashVariable)), &c); err != nil {
		t.Skip("started by TestKilledAtEachStep alone")
	}
	_, err := c.do(t, taxonomy(t), func(step int) error {
		if step == c.Step {
			self, err := os.FindProcess(os.Getpid())
			if err != nil {
				return err
			}
			_ = self.Kill() // SIGKILL: nothing is cleaned up
			select {}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// crashScene is a library with a compiled first version of a list, of which the server has a second one.
func crashScene(t *testing.T, accept bool) (crash, *listServer) {
	t.Helper()
	server := newListServer(t)
	server.set(text("first.example\n" + numbered(100)))
	c := crash{Dir: t.TempDir(), Accept: accept, Lists: Config{Sources: []Source{
		{Name: "list", URL: server.URL, Format: Domains, Categories: []string{"piracy"}, Private: true}}}}
	l := open(t, LibraryConfig{Dir: c.Dir, Lists: c.Lists})
	wantResult(t, l, Updated, 101, "")
	compile(t, l, taxonomy(t))
	second := "second.example\n" + numbered(100)
	if accept {
		second = "second.example\n" + numbered(20)
	}
	server.set(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"2"`)
		text(second)(w, r)
	})
	if accept {
		wantResult(t, l, Held, 101, "only 21 names")
	}
	return c, server
}

// wantWhole holds that what serves is one of the versions and not a mixture.
func wantWhole(t *testing.T, ix *blocklists.Index) {
	t.Helper()
	first, second := len(categoriesOf(t, ix, "first.example")), len(categoriesOf(t, ix, "second.example"))
	if first+second != 1 || len(categoriesOf(t, ix, "w19.example")) != 1 {
		t.Errorf("first version %d, second %d: want one of them, whole", first, second)
	}
}

// wantRecovery holds that after a crash or a full disk a whole version serves at once, and that the next update brings
// the second one and leaves no litter.
func (c crash) wantRecovery(t *testing.T) {
	t.Helper()
	tax := taxonomy(t)
	later := func() time.Time { return time.Now().Add(2 * time.Hour) } // what a crash left is swept after one
	l := open(t, LibraryConfig{Dir: c.Dir, Lists: c.Lists, Now: later})
	ix, err := l.Load(tax)
	if ix == nil {
		t.Fatalf("nothing serves: %v", err)
	}
	wantWhole(t, ix)
	ix, sum, err := l.Compile(context.Background(), tax)
	if err != nil {
		t.Fatalf("Compile: %v, %+v", err, sum.Problems)
	}
	wantWhole(t, ix)
	results, err := l.Update(context.Background(), "list")
	if err != nil || results[0].Status == Failed || results[0].Status == Refused {
		t.Fatalf("Update: %+v, %v", results, err)
	}
	if results[0].Status == Held {
		acceptAll(t, l)
	}
	ix = compile(t, l, tax)
	wantCategories(t, ix, "second.example", "piracy")
	wantCategories(t, ix, "first.example")
	for _, folder := range []string{c.Dir, l.folder()} {
		for _, name := range files(t, folder) {
			if strings.Contains(name, tempMark) || strings.HasSuffix(name, ".held") {
				t.Errorf("%s is left behind", name)
			}
		}
	}
}

// TestKilledAtEachStep: kill -9 before each change of a file, of an update and of an acceptance with the compilation
// after them, leaves a library that serves the last good version or the new one, and goes on from there.
func TestKilledAtEachStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step")
	}
	for name, accept := range map[string]bool{"update": false, "accept": true} {
		t.Run(name, func(t *testing.T) {
			for step := 1; ; step++ {
				c, _ := crashScene(t, accept)
				c.Step = step
				text, err := json.Marshal(c)
				if err != nil {
					t.Fatal(err)
				}
				child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$")
				child.Env = append(os.Environ(), crashVariable+"="+string(text))
				out, err := child.CombinedOutput()
				if err == nil {
					if step < 15 {
						t.Errorf("only %d steps: the test does not see the changes of files", step-1)
					}
					t.Logf("killed at each of %d steps", step-1)
					c.wantRecovery(t)
					return
				}
				if ended := (*exec.ExitError)(nil); !errors.As(err, &ended) || ended.Exited() {
					t.Fatalf("step %d: the process ended by itself: %v\n%s", step, err, out)
				}
				if !t.Run(strconv.Itoa(step), c.wantRecovery) {
					return
				}
			}
		})
	}
}

// TestDiskFullAtEachStep: a disk that is full from a step on leaves what serves as it is; with room again all goes on.
func TestDiskFullAtEachStep(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "list", Err: syscall.ENOSPC}
	for name, accept := range map[string]bool{"update": false, "accept": true} {
		t.Run(name, func(t *testing.T) {
			for step := 1; ; step++ {
				c, _ := crashScene(t, accept)
				steps, err := c.do(t, taxonomy(t), func(n int) error {
					if n >= step {
						return full
					}
					return nil
				})
				if steps < step {
					if err != nil || step < 15 {
						t.Errorf("%d steps, %v", steps, err)
					}
					return
				}
				if !t.Run(fmt.Sprint(step), c.wantRecovery) {
					return
				}
			}
		})
	}
}

// TestRealDiskFull: the same on a file system that is really too small, which takes the right to mount one.
func TestRealDiskFull(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=256k", "hearth", dir).CombinedOutput(); err != nil {
		t.Skipf("no right to mount a small file system: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	server := newListServer(t)
	server.set(text("first.example\n" + numbered(100)))
	config := Config{Sources: []Source{{Name: "list", URL: server.URL, Format: Domains, Categories: []string{"piracy"}, Private: true}}}
	config.Guards.Growth = 10_000
	l, tax := open(t, LibraryConfig{Dir: dir, Lists: config}), taxonomy(t)
	wantResult(t, l, Updated, 101, "")
	compile(t, l, tax)

	server.set(text("second.example\n" + strings.Repeat("# filler\n", 40_000) + numbered(100)))
	wantResult(t, l, Failed, 101, "no space left")
	again := open(t, LibraryConfig{Dir: dir, Lists: config})
	ix, err := again.Load(tax)
	if err != nil {
		t.Fatal(err)
	}
	wantCategories(t, ix, "first.example", "piracy")
	server.set(text("second.example\n" + numbered(100)))
	wantResult(t, again, Updated, 101, "")
	wantCategories(t, compile(t, again, tax), "second.example", "piracy")
}

// atEnd has the context of an update end with its last change of the file at path.
func atEnd(t *testing.T, path string) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	old, _ := os.ReadFile(path) // there may be none
	was := beforeStep
	t.Cleanup(func() { beforeStep = was })
	beforeStep = func(string) error {
		if now, err := os.ReadFile(path); err == nil && !bytes.Equal(now, old) {
			cancel()
		}
		return nil
	}
	return ctx
}

// TestInterruptedWhenDone: what is in force when an update is interrupted, as NOTIFY does, counts as brought: nobody
// would serve it otherwise.
func TestInterruptedWhenDone(t *testing.T) {
	t.Run("list", func(t *testing.T) {
		l, server, _ := fetched(t, nil)
		server.set(text("new.example\n" + numbered(100)))
		results, _ := l.Update(atEnd(t, l.listPath("../../list")), "../../list")
		if len(results) != 1 || results[0].Status != Updated || l.Stats()[len(l.Stats())-1].Names != 101 {
			t.Errorf("%+v", results)
		}
	})
	t.Run("legal list", func(t *testing.T) {
		h := newLegalHouse(t, "one-order.example\n")
		h.inForce()
		write(t, h.path, "one-order.example\ntwo-order.example\n")
		results, _ := h.l.Update(atEnd(t, h.l.legalPath("court")), "court")
		if len(results) != 1 || results[0].Status != Updated {
			t.Errorf("%+v", results)
		}
		h.blocks(h.inForce(), "one-order.example", "two-order.example")
	})
}
