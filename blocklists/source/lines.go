package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line in bytes that is looked at, its end included; a DNS name needs at most a quarter.
const maxLine = 4096

// readBuffer is the size in bytes of the buffer that lines are cut from; larger than maxLine so that every line that
// is looked at lies in one piece.
const readBuffer = 64 << 10

// readLines feeds every line of r, without its line end, to use. It stops at the first error of the reader or of emit.
func (p *parser) readLines(r *bufio.Reader, use func(line []byte)) error {
	p.line = 0
	for p.err == nil {
		line, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && err != io.EOF && !long {
			return fmt.Errorf("reading list after line %d: %w", p.line, err)
		}
		if len(line) > 0 {
			p.oneLine(line, use)
		}
		if err == io.EOF {
			break
		}
		if long {
			if err := skipLine(r); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return fmt.Errorf("reading list after line %d: %w", p.line, err)
			}
		}
	}
	return p.err
}

func (p *parser) oneLine(line []byte, use func(line []byte)) {
	p.line++
	p.report.Lines++
	if len(line) > maxLine {
		p.reject(ReasonLongLine, line)
		return
	}
	use(trimLine(line))
}

// skipLine reads on behind the next line end.
func skipLine(r *bufio.Reader) error {
	for {
		_, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// trimLine takes the line end (LF, CRLF) and a byte order mark off.
func trimLine(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if len(line) >= 3 && line[0] == 0xEF && line[1] == 0xBB && line[2] == 0xBF {
		line = line[3:]
	}
	return line
}

// cutComment takes off what follows "#", wherever it stands.
func cutComment(line []byte) []byte {
	if i := bytes.IndexByte(line, '#'); i >= 0 {
		return line[:i]
	}
	return line
}

// cutSpacedComment takes off what follows mark where mark begins the line or follows white space.
func cutSpacedComment(line []byte, mark byte) []byte {
	for from := 0; ; {
		i := bytes.IndexByte(line[from:], mark)
		if i < 0 {
			return line
		}
		i += from
		if i == 0 || isSpace(line[i-1]) {
			return line[:i]
		}
		from = i + 1
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

// splitFields appends the white-space separated fields of line to dst.
func splitFields(dst [][]byte, line []byte) [][]byte {
	for i := 0; i < len(line); {
		if isSpace(line[i]) {
			i++
			continue
		}
		start := i
		for i < len(line) && !isSpace(line[i]) {
			i++
		}
		dst = append(dst, line[start:i])
	}
	return dst
}

// appendLower appends b to dst with ASCII letters in lower case.
func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lower(c))
	}
	return dst
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalFold compares b with the lower-case ASCII text s.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i, c := range b {
		if lower(c) != s[i] {
			return false
		}
	}
	return true
}
