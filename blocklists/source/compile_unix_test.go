//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The variables that make a test binary a compiler that is going to be killed: its folder, and the largest file in octets
// that it may write.
const (
	compileFolder = "HEARTH_TEST_COMPILE_FOLDER"
	compileLimit  = "HEARTH_TEST_COMPILE_LIMIT"
)

// compileConfig has a list that every state holds, one that changes and one that never does.
func compileConfig(dir string) Config {
	list := func(name, category string) Source {
		return Source{Name: name, Path: dir + "/" + name, Format: Domains, Categories: []string{category}}
	}
	return Config{Sources: []Source{list("changing", "piracy"), list("steady", "misinfo")}}
}

// generation is the n-th content of the list that changes.
func generation(n int) string {
	return fmt.Sprintf("always.example\ngeneration%d.example\n", n) + numbered(3000)
}

// TestCompileChild is the compiler: it makes generation after generation until it is killed, and says on standard output
// which it has begun.
func TestCompileChild(t *testing.T) {
	dir := os.Getenv(compileFolder)
	if dir == "" {
		t.Skip("only for TestKilledAtAnyTime and TestFileLimit")
	}
	if limit, err := strconv.ParseUint(os.Getenv(compileLimit), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ)
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			t.Fatal(err)
		}
		l, err := OpenLibrary(LibraryConfig{Dir: dir + "/state", Lists: compileConfig(dir)})
		if err == nil {
			_, _, err = l.Compile(context.Background(), taxonomy(t))
		}
		if errors.Is(err, syscall.EFBIG) {
			os.Exit(3)
		}
		t.Fatalf("a compilation with files of at most %d octets: %v", limit, err)
	}
	l := open(t, LibraryConfig{Dir: dir + "/state", Lists: compileConfig(dir)})
	for n := 2; n < 500; n++ { // nobody is left behind for ever
		write(t, dir+"/next", generation(n))
		if err := os.Rename(dir+"/next", dir+"/changing"); err != nil {
			t.Fatal(err)
		}
		fmt.Println("begun")
		compile(t, l, taxonomy(t))
	}
}

// startCompiling compiles the first generation and returns the folder and the command that goes on.
func startCompiling(t *testing.T) (dir string, child func(variables ...string) *exec.Cmd) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir+"/changing", generation(1))
	write(t, dir+"/steady", "steady.example\n")
	compile(t, open(t, LibraryConfig{Dir: dir + "/state", Lists: compileConfig(dir)}), taxonomy(t))
	return dir, func(variables ...string) *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestCompileChild$")
		c.Env = append(append(os.Environ(), compileFolder+"="+dir), variables...)
		return c
	}
}

// wantServing opens the state as a new process does: an index that is whole serves at once, and compiling makes it that
// of the lists as they are. It reports whether the index was not that at first.
func wantServing(t *testing.T, dir string) (stale bool) {
	t.Helper()
	l, tax := open(t, LibraryConfig{Dir: dir + "/state", Lists: compileConfig(dir)}), taxonomy(t)
	ix, err := l.Load(tax)
	if ix == nil || err != nil && !errors.Is(err, ErrStale) {
		t.Fatalf("nothing serves: %v", err)
	}
	stale = err != nil
	wantCategories(t, ix, "always.example", "piracy")
	wantCategories(t, ix, "steady.example", "misinfo")
	content, err := os.ReadFile(dir + "/changing")
	if err != nil {
		t.Fatal(err)
	}
	latest := strings.Split(string(content), "\n")[1]
	ix = compile(t, l, tax)
	wantCategories(t, ix, latest, "piracy")
	wantCategories(t, ix, "always.example", "piracy")
	if _, err := l.Load(tax); err != nil {
		t.Errorf("after compiling: %v", err)
	}
	if found := find(t, l, latest); len(found.Entries) != 1 || found.Entries[0].Text != latest {
		t.Errorf("%s is found as %+v", latest, found.Entries)
	}
	return stale
}

// TestKilledAtAnyTime kills a compiling process again and again, each time a little later, and looks at what it leaves.
func TestKilledAtAnyTime(t *testing.T) {
	if testing.Short() {
		t.Skip("kills many processes")
	}
	dir, child := startCompiling(t)
	kills, stale := 0, 0
	for delay := time.Duration(0); delay < 40*time.Millisecond; delay += 2 * time.Millisecond {
		c := child()
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun
			t.Fatal(err)
		}
		time.Sleep(delay)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait() // killed
		if kills++; wantServing(t, dir) {
			stale++
		}
	}
	t.Logf("%d kills, %d before the new index was in force", kills, stale)
}

// TestFileLimit lets no file grow beyond a limit, from the first octet to the last of the index: the compilation fails, says why,
// and the state before serves on.
func TestFileLimit(t *testing.T) {
	for _, limit := range []int{0, 100, 1000, 5000, 20_000, 30_000} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			dir, child := startCompiling(t)
			before, err := os.ReadFile(dir + "/state/index.hix")
			if err != nil {
				t.Fatal(err)
			}
			if limit >= len(before) {
				t.Skipf("the whole index has %d octets", len(before))
			}
			write(t, dir+"/changing", generation(2))
			if out, err := child(compileLimit + "=" + strconv.Itoa(limit)).CombinedOutput(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
				t.Fatalf("%v\n%s", err, out)
			}
			if after, err := os.ReadFile(dir + "/state/index.hix"); err != nil || string(after) != string(before) {
				t.Errorf("the index in force was touched: %v", err)
			}
			wantServing(t, dir)
		})
	}
}
