package blocklists

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// run is a temporary file of encoded records in ascending order: first it is written, then read once.
type run struct {
	file   *os.File
	buffer []byte // being written: what is not in the file yet; being read: what is
	at     int    // of the next record in buffer
	ended  bool   // the file has no more than what is in buffer
}

func newRun(dir string) (*run, error) {
	file, err := temporary(dir)
	if err != nil {
		return nil, err
	}
	return &run{file: file, buffer: make([]byte, 0, runBuffer)}, nil
}

// temporary creates a file that is gone as soon as it is closed or the program ends. Where an open file cannot
// be removed, closeTemporary does it.
func temporary(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "hearth-run-*")
	if err != nil {
		return nil, fmt.Errorf("creating temporary file: %w", err)
	}
	_ = os.Remove(file.Name())
	return file, nil
}

func closeTemporary(file *os.File) {
	_ = file.Close()
	_ = os.Remove(file.Name())
}

// append writes a record.
func (r *run) append(key []byte, payload uint64) error {
	if len(r.buffer)+recordHead+len(key) > cap(r.buffer) {
		if err := r.drain(); err != nil {
			return err
		}
	}
	r.buffer = appendRecord(r.buffer, key, payload)
	return nil
}

func (r *run) drain() error {
	if _, err := r.file.Write(r.buffer); err != nil {
		return fmt.Errorf("writing temporary file: %w", err)
	}
	r.buffer = r.buffer[:0]
	return nil
}

// rewind ends writing. The buffer is given up: a run waits long before it is read.
func (r *run) rewind() error {
	if err := r.drain(); err != nil {
		return err
	}
	r.buffer = nil
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewinding temporary file: %w", err)
	}
	return nil
}

// advance implements stream.
func (r *run) advance(h *head) (bool, error) {
	if len(r.buffer)-r.at < recordHead+maxKey && !r.ended {
		if err := r.fill(); err != nil {
			return false, err
		}
	}
	if r.at == len(r.buffer) {
		return false, nil
	}
	h.key, h.payload = decodeRecord(r.buffer[r.at:])
	r.at += recordHead + len(h.key)
	return true, nil
}

// fill moves the unread rest to the front of the buffer and reads on behind it.
func (r *run) fill() error {
	if r.buffer == nil {
		r.buffer = make([]byte, 0, runBuffer)
	}
	rest := copy(r.buffer[:cap(r.buffer)], r.buffer[r.at:])
	n, err := io.ReadFull(r.file, r.buffer[rest:cap(r.buffer)])
	r.buffer, r.at = r.buffer[:rest+n], 0
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.ended = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading temporary file: %w", err)
	}
	return nil
}

// runs are the temporary files of what is sorted.
type runs struct {
	dir     string
	files   []*run
	spilled int // files ever written
}

// write makes a new run of what fill appends to it. As many runs as can be merged at once become one first.
func (s *runs) write(fill func(*run) error) error {
	if len(s.files) == fanIn {
		if err := s.compact(); err != nil {
			return err
		}
	}
	r, err := newRun(s.dir)
	if err != nil {
		return err
	}
	s.files = append(s.files, r)
	s.spilled++
	if err := fill(r); err != nil {
		return err
	}
	return r.rewind()
}

// compact merges all runs into one.
func (s *runs) compact() error {
	old := runs{files: s.files}
	s.files = nil
	defer old.close()
	return s.write(func(r *run) error { return merge(context.Background(), old.streams(), r.append) })
}

// streams reads the runs, each once.
func (s *runs) streams() []stream {
	all := make([]stream, len(s.files))
	for i, r := range s.files {
		all[i] = r
	}
	return all
}

func (s *runs) close() {
	for _, r := range s.files {
		closeTemporary(r.file)
	}
	s.files = nil
}

// appendRecord appends the record of a run: the length of the key, the key, the payload.
func appendRecord(b, key []byte, payload uint64) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, key...)
	return binary.LittleEndian.AppendUint64(b, payload)
}

// decodeRecord returns the first record of b.
func decodeRecord(b []byte) (key []byte, payload uint64) {
	end := 2 + int(binary.LittleEndian.Uint16(b))
	return b[2:end], binary.LittleEndian.Uint64(b[end:])
}
