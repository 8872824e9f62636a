package source

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress shows on a terminal how far a download is.
type progress struct {
	out   io.Writer // nil = nowhere
	name  string
	total int64 // bytes, -1 where the server does not say
	read  int64
	shown time.Time
}

// newProgress shows on out, unless that is a file and no terminal.
func newProgress(out io.Writer, name string, total int64) *progress {
	if file, ok := out.(*os.File); ok && !isTerminal(file) {
		out = nil
	}
	return &progress{out: out, name: name, total: total}
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Write counts b, and shows the count five times a second.
func (p *progress) Write(b []byte) (int, error) {
	p.read += int64(len(b))
	if p.out != nil && time.Since(p.shown) > 200*time.Millisecond {
		p.show("")
	}
	return len(b), nil
}

func (p *progress) done() {
	if p.out != nil {
		p.show("\n")
	}
}

func (p *progress) show(end string) {
	p.shown = time.Now()
	of := ""
	if p.total > 0 {
		of = fmt.Sprintf(" of %s", mebibytes(p.total))
	}
	_, _ = fmt.Fprintf(p.out, "\r%s: %s%s\x1b[K%s", p.name, mebibytes(p.read), of, end) // nobody reads it: nothing to do
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
