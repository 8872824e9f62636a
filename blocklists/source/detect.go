package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

const (
	maxSample      = 500 // lines of a list that its format is told from, blank ones and comments left out
	maxSampleFiles = 20  // files of a folder
	enough         = 60  // percent of the lines that have to fit a format
)

// Detection is how a format was told: of the first lines of a list that are neither blank nor a comment, how many fit
// each format.
type Detection struct {
	Format Format         // what the list was taken for; "" where that cannot be told
	Lines  int            // lines that were looked at, at most 500; 0 for what is told by its folders
	Fits   map[Format]int // how many of them fit; formats that none fits are left out
}

// String says it for people: "hosts: 497 of 500 lines fit".
func (d Detection) String() string {
	if d.Lines == 0 {
		return fmt.Sprintf("%s: told by its folders", d.Format)
	}
	var fits []string
	for _, f := range d.ranking() {
		fits = append(fits, fmt.Sprintf("%d fit %s", d.Fits[f], f))
	}
	if d.Format == "" {
		return fmt.Sprintf("of the first %d lines %s", d.Lines, strings.Join(fits, ", "))
	}
	return fmt.Sprintf("%s: of the first %d lines %s", d.Format, d.Lines, strings.Join(fits, ", "))
}

// ranking returns the formats that lines fit, the one that most fit first.
func (d Detection) ranking() []Format {
	return slices.SortedFunc(maps.Keys(d.Fits), func(a, b Format) int {
		if n := d.Fits[b] - d.Fits[a]; n != 0 {
			return n
		}
		return slices.Index(Formats(), a) - slices.Index(Formats(), b)
	})
}

// DetectError means that a format cannot be told. It says what to write instead.
type DetectError struct {
	Detection Detection
	why       string
}

func (e *DetectError) Error() string {
	return "the format of the list cannot be told: " + e.why
}

// Detect tells the format of the list in r, packed or not, from its beginning. maxInflated as in Options. An error is
// a *DetectError, or of the reader.
func Detect(r io.Reader, maxInflated int64) (Detection, error) {
	p, err := newParser(Auto, Options{MaxInflated: maxInflated}, nil)
	if err != nil {
		return Detection{}, err
	}
	plain, err := inflate(r, &p.left)
	if err != nil {
		return Detection{}, err
	}
	err = p.detect(plain)
	return p.detection(), err
}

// DetectPath is Detect for what lies at path: a file, or a folder.
func DetectPath(path string, maxInflated int64) (Detection, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Detection{}, err
	}
	if !info.IsDir() {
		file, err := os.Open(path) //nolint:gosec // the operator's own path
		if err != nil {
			return Detection{}, err
		}
		defer file.Close()
		return Detect(file, maxInflated)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return Detection{}, err
	}
	defer root.Close()
	p, err := newParser(Auto, Options{MaxInflated: maxInflated}, nil)
	if err != nil {
		return Detection{}, err
	}
	err = p.detectFolder(root)
	return p.detection(), err
}

func (p *parser) detection() Detection {
	if p.report.Detection == nil {
		return Detection{}
	}
	return *p.report.Detection
}

// detect settles the format of a parser that has none from what plain begins with, and leaves it unread.
func (p *parser) detect(plain *bufio.Reader) error {
	if p.format != Auto {
		return nil
	}
	start, whole, err := startOf(plain)
	if err != nil {
		return err
	}
	if isTar(start) {
		if !holdsUT1(start) {
			return p.settle(Detection{}, "a tar archive without the folders of a ut1 list: unpack it, and give the path of the list in it")
		}
		return p.settle(Detection{Format: UT1}, "")
	}
	s := newSample()
	s.take(start, whole)
	return p.settleSample(s)
}

// startOf returns what a list begins with, and whether that is all of it.
func startOf(plain *bufio.Reader) (start []byte, whole bool, err error) {
	start, err = plain.Peek(readBuffer)
	whole = errors.Is(err, io.EOF)
	if err != nil && !whole {
		return nil, false, fmt.Errorf("reading the beginning of the list: %w", err)
	}
	return start, whole, nil
}

// detectFolder is detect for a folder: that of a UT1 list by its layout, any other by its files.
func (p *parser) detectFolder(root *os.Root) error {
	if p.format != Auto {
		return nil
	}
	if isUT1Folder(root) {
		return p.settle(Detection{Format: UT1}, "")
	}
	names, err := listFiles(root)
	if err != nil {
		return err
	}
	s := newSample()
	for _, name := range names[:min(len(names), maxSampleFiles)] {
		left := p.left
		err := readFile(root, name, func(r io.Reader) error {
			plain, err := inflate(r, &left)
			if err != nil {
				return err
			}
			start, whole, err := startOf(plain)
			s.take(start, whole)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return p.settleSample(s)
}

func (p *parser) settleSample(s *sample) error {
	d, why := s.judge()
	return p.settle(d, why)
}

func (p *parser) settle(d Detection, why string) error {
	p.report.Detection = &d
	if why != "" {
		return &DetectError{Detection: d, why: why}
	}
	p.format, p.report.Format = d.Format, d.Format
	return nil
}

// isTar knows an archive by the magic of its first header (POSIX.1-2017 pax, "ustar").
func isTar(start []byte) bool {
	return len(start) > 262 && string(start[257:262]) == "ustar"
}

// holdsUT1 reports whether the headers in the beginning of an archive are of a UT1 list.
func holdsUT1(start []byte) bool {
	for tr := tar.NewReader(bytes.NewReader(start)); ; {
		h, err := tr.Next()
		if h == nil || err == io.EOF {
			return false
		}
		name := path.Clean(h.Name)
		if strings.HasPrefix(name+"/", "blacklists/") || isUT1File(path.Base(name)) && strings.Contains(name, "/") {
			return true
		}
	}
}

func isUT1File(name string) bool {
	switch strings.TrimSuffix(name, ".gz") {
	case "domains", "urls", "usage":
		return true
	}
	return false
}

func isUT1Folder(root *os.Root) bool {
	found := false
	_ = eachDirectory(root, func(in *os.Root, entry fs.DirEntry) error { // one that cannot be read is none
		if found || !entry.IsDir() {
			return nil
		}
		files, err := fs.ReadDir(in.FS(), entry.Name())
		found = err == nil && slices.ContainsFunc(files, func(f fs.DirEntry) bool { return isUT1File(f.Name()) })
		return nil
	})
	return found
}
