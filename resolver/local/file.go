package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

const (
	// settle is how long a file that is written anew in place, as dnsmasq does, must be left alone before it is read. The
	// clock of files ticks more often, so that whatever is written later has another time.
	settle = 20 * time.Millisecond
	// settleTries is how often that is waited for at one look.
	settleTries = 5
)

// file is one file as it was read last.
type file struct {
	path    string
	looked  stamps // when it was, or could not be; the zero stamps while it is not there
	known   bool   // what it was then has been read
	entries []entry
	silent  bool // its failure was reported
}

// stamp tells that a file has changed. That of no file is the zero stamp.
type stamp struct {
	size int64
	time int64 // nanoseconds of the epoch
}

// companions of a lease file of Kea have the leases that are in the file itself no more: its clean-up moves the file to
// .1, begins it anew, and makes one of .2 and .1, the .completed that becomes .2.
var companions = [...]string{".completed", ".2", ".1"}

// stamps are those of a file and of its companions.
type stamps [1 + len(companions)]stamp

var errBusy = errors.New("somebody writes it all the time")

// read reads the file again if it changed. A file that is not there, or is not what it should be, leaves what was read
// before.
func (f *file) read(parse func([]byte) ([]entry, error), now func() time.Time, log *slog.Logger) (changed bool) {
	at, err := f.look()
	if err == nil && f.known && at == f.looked {
		return false
	}
	var b []byte
	var entries []entry
	if err == nil {
		b, at, err = f.content(now)
	}
	if errors.Is(err, errBusy) {
		log.Debug("names of the home are read later", "file", f.path, "error", err)
		return false
	}
	if err == nil {
		entries, err = parse(b)
	}
	if f.looked, f.known = at, err == nil; err != nil {
		if !f.silent {
			log.Warn("names of the home are not read; what was read before stays", "file", f.path, "error", err)
		}
		f.silent = true
		return false
	}
	f.silent, f.entries = false, entries
	return true
}

func (f *file) look() (all stamps, err error) {
	if all[0], err = stampOf(f.path); err != nil {
		return stamps{}, err
	}
	for i, suffix := range companions {
		all[1+i], _ = stampOf(f.path + suffix)
	}
	return all, nil
}

func stampOf(path string) (stamp, error) {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{st.Size(), st.ModTime().UnixNano()}, nil
}

// content gives what is in the file, and its stamps of a moment at which that was all.
func (f *file) content(now func() time.Time) ([]byte, stamps, error) {
	for range settleTries {
		at, err := f.look()
		if err != nil {
			return nil, at, err
		}
		b, appended, err := f.whole()
		if err != nil {
			return nil, at, err
		}
		again, err := f.look()
		if err != nil {
			return nil, at, err
		}
		age := time.Duration(now().UnixNano() - at[0].time)
		if appended && again[1] == at[1] && again[2] == at[2] && again[3] == at[3] || again == at && (age < 0 || age >= settle) {
			return b, at, nil
		}
		time.Sleep(max(settle-max(age, 0), time.Millisecond))
	}
	return nil, stamps{}, fmt.Errorf("reading %s: %w", f.path, errBusy)
}

// whole reads the file, and behind the companions if it is one of Kea's, to which lines are appended.
func (f *file) whole() (b []byte, appended bool, err error) {
	if b, err = contentOf(f.path); err != nil || !isKea(b) {
		return b, false, err
	}
	var all []byte
	for _, suffix := range companions {
		older, err := contentOf(f.path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, true, err
		}
		all = append(all, older...)
		if err == nil && suffix == ".completed" {
			break // it has what the others have
		}
	}
	return append(all, b[:bytes.LastIndexByte(b, '\n')+1]...), true, nil
}

func contentOf(path string) ([]byte, error) {
	in, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, maxFile))
}
