package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// UT1 lists are squidGuard folders: one directory a category, in it the files domains, urls, expressions and usage.
// usage tells whether the directory is meant to block or to allow. Some directories are links to others under an
// older name.

// readTar reads the directories of a UT1 archive as far as Options.Select wants them. Nothing is ever written, links
// are never followed here, and a member that would lie outside of the archive is rejected.
func (p *parser) readTar(r io.Reader) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return fmt.Errorf("reading UT1 archive: %w", err)
		}
		m, ok := memberOf(h)
		if !ok {
			p.reject(ReasonUnsafePath, []byte(h.Name))
			continue
		}
		if h.Typeflag != tar.TypeReg || !p.wants(m.directory) {
			continue
		}
		if err := p.readUT1(tr, m); err != nil {
			return err
		}
	}
}

// member is the place of a file in a UT1 list.
type member struct{ directory, file string }

// memberOf places a member of an archive; ok is false where it, or what it links to, lies outside.
func memberOf(h *tar.Header) (m member, ok bool) {
	if !isInside(h.Name) {
		return member{}, false
	}
	if h.Typeflag == tar.TypeSymlink && siblingName(h.Linkname) == "" {
		return member{}, false
	}
	parts := strings.Split(strings.Trim(strings.TrimPrefix(h.Name, "./"), "/"), "/")
	if len(parts) < 2 || !isDirectoryName(parts[len(parts)-2]) {
		return member{}, true
	}
	return member{directory: parts[len(parts)-2], file: strings.TrimSuffix(parts[len(parts)-1], ".gz")}, true
}

// isInside reports whether a slash-separated path cannot leave its root.
func isInside(name string) bool {
	if name == "" || name[0] == '/' || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}

// siblingName returns the directory beside it that a link of a UT1 list names; "" where it names anything else.
func siblingName(link string) string {
	link = strings.TrimSuffix(strings.TrimPrefix(link, "./"), "/")
	if !isDirectoryName(link) {
		return ""
	}
	return link
}

func isDirectoryName(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '.' {
		return false
	}
	for _, c := range []byte(name) {
		if hostOctet(c) == 0 && c != '.' && c != '+' {
			return false
		}
	}
	return true
}

func (p *parser) wants(directory string) bool {
	return directory != "" && (p.opts.Select == nil || p.opts.Select(directory))
}

// readUT1 reads one file of a directory; files of other names are passed over.
func (p *parser) readUT1(r io.Reader, m member) error {
	var use func(line []byte)
	switch m.file {
	case "domains":
		use = p.domainsLine
	case "urls":
		use = p.urlLine
	case "expressions":
		use = p.expressionLine
	default:
		return nil
	}
	p.file = m.directory
	plain, err := inflate(r, &p.member)
	if err != nil {
		return fmt.Errorf("reading %s/%s: %w", m.directory, m.file, err)
	}
	if err := p.readLines(plain, use); err != nil {
		return fmt.Errorf("reading %s/%s: %w", m.directory, m.file, err)
	}
	return nil
}

// urlLine reads a line of a urls file: an entry only where it names a host and nothing of it.
func (p *parser) urlLine(line []byte) {
	if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
		p.add(line, blocklists.Entry{Scope: p.scope})
	}
}

func (p *parser) expressionLine(line []byte) {
	if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
		p.reject(ReasonRegex, line)
	}
}

// usage reads a usage file: the first of the words "black" and "white" decides. allow is false where neither is there.
func usage(r io.Reader) (allow bool) {
	scan := bufio.NewScanner(io.LimitReader(r, maxLine))
	for scan.Scan() {
		switch strings.ToLower(strings.TrimSpace(scan.Text())) {
		case "black":
			return false
		case "white":
			return true
		}
	}
	return false
}
