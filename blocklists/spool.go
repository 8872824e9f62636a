package blocklists

import (
	"fmt"
	"io"
	"os"
)

// spool keeps octets to be read back in order: up to a limit in memory, from then on in a temporary file.
type spool struct {
	dir    string
	limit  int
	memory []byte
	file   *os.File
}

func newSpool(dir string, limit int) *spool { return &spool{dir: dir, limit: limit} }

func (s *spool) append(b []byte) error {
	if len(s.memory)+len(b) > s.limit {
		if err := s.drain(); err != nil {
			return err
		}
	}
	s.memory = append(s.memory, b...)
	return nil
}

func (s *spool) drain() error {
	if s.file == nil {
		file, err := temporary(s.dir)
		if err != nil {
			return err
		}
		s.file = file
	}
	if _, err := s.file.Write(s.memory); err != nil {
		return fmt.Errorf("writing temporary file: %w", err)
	}
	s.memory = s.memory[:0]
	return nil
}

// copyTo writes all octets to w.
func (s *spool) copyTo(w io.Writer) error {
	if s.file != nil {
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("rewinding temporary file: %w", err)
		}
		if _, err := io.Copy(w, s.file); err != nil {
			return fmt.Errorf("reading temporary file: %w", err)
		}
	}
	_, err := w.Write(s.memory)
	return err
}

func (s *spool) close() {
	if s.file != nil {
		closeTemporary(s.file)
		s.file = nil
	}
}
