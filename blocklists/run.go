package blocklists

import (
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

	key     []byte // of the current record, inside buffer
	prefix  uint64
	more    uint32
	payload uint32
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

// append writes an encoded record.
func (r *run) append(encoded []byte) error {
	if len(r.buffer)+len(encoded) > cap(r.buffer) {
		if err := r.drain(); err != nil {
			return err
		}
	}
	r.buffer = append(r.buffer, encoded...)
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

// next makes the next record the current one and reports whether there is one.
func (r *run) next() (bool, error) {
	if len(r.buffer)-r.at < recordHead+maxKey && !r.ended {
		if err := r.fill(); err != nil {
			return false, err
		}
	}
	if r.at == len(r.buffer) {
		return false, nil
	}
	r.key, r.payload = decodeRecord(r.buffer[r.at:])
	r.prefix, r.more = prefixOf(r.key)
	r.at += recordHead + len(r.key)
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

func closeRuns(runs []*run) {
	for _, r := range runs {
		closeTemporary(r.file)
	}
}
