//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// state is a folder in which one hearth keeps its index of one list.
type state struct {
	dir   string
	names int
}

func (s state) list() string { return filepath.Join(s.dir, "list.txt") }

// newState writes a list of made up names into a new folder.
func (b *bench) newState(names int) (state, error) {
	dir, err := os.MkdirTemp(b.dir, "size")
	if err != nil {
		return state{}, fmt.Errorf("writing a list: %w", err)
	}
	s := state{dir: dir, names: names}
	f, err := os.Create(s.list())
	if err != nil {
		return state{}, fmt.Errorf("writing a list: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range uint64(names) {
		_, _ = w.WriteString(madeUp(i))
		_ = w.WriteByte('\n')
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return state{}, fmt.Errorf("writing a list: %w", err)
	}
	return s, nil
}

// hearth serves the state to a town.
func (s state) hearth(path string, t town) server {
	return server{name: "hearth", path: path, keep: s.dir, prepare: func(p place) (map[string]string, []string) {
		sources := []source{{name: "bench", path: s.list(), category: benchCategory}}
		return map[string]string{hearthFile: hearthConfig(p, sources, t.configuration())}, []string{"serve", "--config", filepath.Join(p.dir, hearthFile)}
	}}
}

// readiness is what a server of the state answers.
func (s state) readiness() traffic {
	names := []string{madeUp(0), "sub." + madeUp(uint64(s.names/2)), madeUp(uint64(s.names - 1))}
	t := traffic{count: len(names), window: 1, sockets: 1}
	for _, n := range names {
		t.queries = append(t.queries, newQuery(n, typeA, blocked))
	}
	return t
}

// compile makes the index of the state and says what that took.
func (b *bench) compile(ctx context.Context, s state) (figure, error) {
	p, err := b.place(s.hearth(b.plan.hearth, 1))
	if err != nil {
		return figure{}, err
	}
	files, _ := s.hearth(b.plan.hearth, 1).prepare(p)
	conf := filepath.Join(p.dir, hearthFile)
	if err := os.WriteFile(conf, []byte(files[hearthFile]), 0o600); err != nil {
		return figure{}, fmt.Errorf("configuring hearth: %w", err)
	}
	cmd := exec.CommandContext(ctx, b.plan.hearth, "lists", "compile", "--json", "--config", conf)
	var out bytes.Buffer
	var said heapTrace
	cmd.Env = append(os.Environ(), "GODEBUG=gctrace=1")
	cmd.Stdout, cmd.Stderr = &out, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return figure{}, fmt.Errorf("compiling: %w", err)
	}
	f := figure{Server: "hearth"}
	watched := make(chan struct{})
	go func() {
		f.Peak, f.PeakAnon = peaks(cmd.Process.Pid)
		close(watched)
	}()
	err = cmd.Wait()
	<-watched
	if err != nil {
		return figure{}, fmt.Errorf("compiling: %w: %s", err, said.lines())
	}
	f.Seconds = time.Since(began).Seconds()
	f.CPUSeconds = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	var index struct {
		Names int
		Bytes int64
	}
	if err := json.Unmarshal(out.Bytes(), &index); err != nil {
		return figure{}, fmt.Errorf("compiling: %w", err)
	}
	if index.Names < s.names {
		return figure{}, fmt.Errorf("compiling: the index has %d names, the list %d", index.Names, s.names)
	}
	if said.peak == 0 && s.names >= 1_000_000 {
		return figure{}, errors.New("compiling: the runtime told of no collection, so that the heap is not known")
	}
	f.IndexNames, f.IndexBytes, f.PeakHeap = index.Names, index.Bytes, said.peak
	return f, nil
}

// heapTrace reads what a Go program with GODEBUG=gctrace=1 says on standard error:
// a line a collection with the size of its heap before, at the end and after it.
type heapTrace struct {
	tail
	line []byte
	peak int // MiB
}

var heapSizes = regexp.MustCompile(`^gc \d+ @.* (\d+)->(\d+)->\d+ MB,`)

// Write implements io.Writer.
func (h *heapTrace) Write(p []byte) (int, error) {
	for _, line := range bytes.SplitAfter(p, []byte("\n")) {
		h.line = append(h.line, line...)
		if !bytes.HasSuffix(h.line, []byte("\n")) {
			continue
		}
		if m := heapSizes.FindSubmatch(h.line); m != nil {
			for _, size := range m[1:] {
				n, _ := strconv.Atoi(string(size)) // digits
				h.peak = max(h.peak, n)
			}
		} else {
			_, _ = h.tail.Write(h.line)
		}
		h.line = h.line[:0]
	}
	return len(p), nil
}

// peaks looks at a process until it has ended and returns the most memory that
// it had: all that was resident by the kernel's own mark, and of that what is no
// file's, each in KiB. Between two looks the latter may have been more for a
// moment.
func peaks(pid int) (all, anon int) {
	for {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || kib(string(status), "VmHWM:") == 0 {
			return all, anon // it has no memory any more
		}
		all, anon = max(all, kib(string(status), "VmHWM:")), max(anon, kib(string(status), "RssAnon:"))
		time.Sleep(2 * time.Millisecond)
	}
}

// index adds to f what the running hearth says of its index. It answers queries a
// moment before its control socket is there.
func (r *running) index(ctx context.Context, f *figure) error {
	var status struct {
		Index struct {
			Names int
			Bytes int64
		}
	}
	socket := filepath.Join(r.dir, hearthControl)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
	}
	if err := r.control(ctx, http.MethodGet, "/v1/status", &status); err != nil {
		return err
	}
	f.IndexNames, f.IndexBytes = status.Index.Names, status.Index.Bytes
	return nil
}

// open starts hearth on a compiled state and says what that took.
func (b *bench) open(ctx context.Context, s state, t town) (*running, figure, error) {
	r, took, err := b.launch(ctx, s.hearth(b.plan.hearth, t), s.readiness())
	if err != nil {
		return nil, figure{}, err
	}
	f := figure{Server: "hearth", Seconds: took.Seconds()}
	if f.CPUSeconds, f.RSS, err = r.usage(); err == nil {
		err = r.index(ctx, &f)
	}
	if err != nil {
		r.stop()
		return nil, figure{}, err
	}
	return r, f, nil
}

// sizes compiles and starts with each size of list in each round.
func (b *bench) sizes(ctx context.Context) error {
	var all []state
	for _, n := range b.plan.sizes {
		s, err := b.newState(n)
		if err != nil {
			return err
		}
		all = append(all, s)
	}
	for round := 1; round <= b.plan.rounds; round++ {
		for _, s := range all {
			if err := b.size(ctx, s, round); err != nil {
				return err
			}
		}
	}
	return nil
}

// size compiles a state anew and starts with it.
func (b *bench) size(ctx context.Context, s state, round int) error {
	if err := os.RemoveAll(filepath.Join(s.dir, stateFolder)); err != nil {
		return fmt.Errorf("dropping the index: %w", err)
	}
	compiled, err := b.compile(ctx, s)
	if err != nil {
		return err
	}
	r, started, err := b.open(ctx, s, 1)
	if err != nil {
		return err
	}
	r.stop()
	compiled.Workload, compiled.Round = sized("compile", s.names, "names"), round
	started.Workload, started.Round = sized("start", s.names, "names"), round
	b.outcome.Figures = append(b.outcome.Figures, compiled, started)
	fmt.Fprintf(os.Stderr, "  %d names: compiled in %.2f s of CPU with %d MiB at most, %d of them no file's; started in %.3f s of CPU\n",
		s.names, compiled.CPUSeconds, compiled.Peak/1024, compiled.PeakAnon/1024, started.CPUSeconds)
	return nil
}

// sized names a workload that is measured at several sizes.
func sized(what string, n int, of string) string { return fmt.Sprintf("%s, %d %s", what, n, of) }
