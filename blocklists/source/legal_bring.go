package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hearthdns/hearth/blocklists/source/transfer"
)

// legalContent is what came for a legal source: in memory, or where it lies. It can be read once.
type legalContent func(Options, func(Item) error) (Report, error)

// bringLegal asks the origin of a legal source. content reads what came, from memory or where it lies; nil means that it
// is what is in force. Nothing is written.
func (l *Library) bringLegal(ctx context.Context, s Source, old kept) (fresh kept, content legalContent, err error) {
	switch {
	case s.Path != "":
		return l.bringFile(s, old)
	case s.Zone.Name != "":
		return l.bringZone(ctx, s, old)
	}
	return l.bringURL(ctx, s, old)
}

func (l *Library) bringFile(s Source, old kept) (kept, legalContent, error) {
	now, err := stat(s.Path)
	if err != nil {
		return old, nil, err
	}
	if now.stamp == old.Stamp && old.SHA256 != "" && old.sameOrigin(s) && old.LastError == "" {
		return old, nil, nil
	}
	fresh := newKept(s)
	fresh.Stamp, fresh.Bytes, fresh.Fetched = now.stamp, now.bytes, now.changed.UTC()
	return fresh, func(o Options, emit func(Item) error) (Report, error) { return ParsePath(s.Path, s.Format, o, emit) }, nil
}

func (l *Library) bringURL(ctx context.Context, s Source, old kept) (kept, legalContent, error) {
	m := new(memory)
	d, err := l.fetch(ctx, s, old, m.begin)
	switch {
	case err != nil:
		return old, nil, err
	case d.unchanged:
		return old, nil, nil
	case d.bytes == 0:
		return old, nil, fmt.Errorf("%w: the list is empty", errRefused)
	}
	if err := l.refuseOther(bytes.NewReader(m.b), d.contentType); err != nil {
		return old, nil, err
	}
	fresh := newKept(s)
	fresh.ETag, fresh.LastModified, fresh.Bytes, fresh.Fetched = d.etag, d.lastModified, d.bytes, l.config.Now().UTC()
	return fresh, m.parse(s), nil
}

// bringZone brings the whole of a newer version of a zone: of the last one only what its SOA record said is known.
func (l *Library) bringZone(ctx context.Context, s Source, old kept) (kept, legalContent, error) {
	addresses, err := s.primaries()
	if err != nil {
		return old, nil, err
	}
	key, err := l.zoneKey(s)
	if err != nil {
		return old, nil, err
	}
	var known *uint32
	if old.SHA256 != "" && old.sameOrigin(s) {
		known = &old.SOA.Serial
	}
	client := &transfer.Client{Zone: s.Zone.Name, Primaries: addresses, Key: key,
		MaxBytes: l.lists.MaxBytes, MaxText: l.lists.maxInflated(), Timeout: l.lists.Timeout}
	m := new(memory)
	r, err := client.Whole(ctx, known, m)
	switch {
	case errors.Is(err, transfer.ErrRollback):
		return old, nil, fmt.Errorf("%w: %w", errRefused, err)
	case errors.Is(err, transfer.ErrTooLarge):
		return old, nil, fmt.Errorf("%w: %w; max_bytes is %d", ErrTooLarge, err, l.lists.MaxBytes)
	case err != nil, r.Type == "":
		return old, nil, err
	}
	fresh := newKept(s)
	fresh.SOA, fresh.Serial, fresh.Bytes, fresh.Fetched = r.SOA, r.SOA.Serial, r.Bytes, l.config.Now().UTC()
	return fresh, m.parse(s), nil
}

// memory is a file that never lies on a disk.
type memory struct {
	b  []byte
	at int64
}

// Write implements io.Writer.
func (m *memory) Write(p []byte) (int, error) {
	m.b = append(m.b[:m.at], p...)
	m.at += int64(len(p))
	return len(p), nil
}

// Seek implements io.Seeker for the one place that is asked for: the beginning.
func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return m.at, errors.ErrUnsupported
	}
	m.at = 0
	return 0, nil
}

// Truncate cuts what is held.
func (m *memory) Truncate(size int64) error {
	if size > int64(len(m.b)) {
		return errors.ErrUnsupported
	}
	m.b = m.b[:size]
	return nil
}

// begin is the empty place that an attempt to fetch something writes to.
func (m *memory) begin() (io.Writer, error) {
	m.b, m.at = m.b[:0], 0
	return m, nil
}

// parse reads the list that is held, and overwrites it.
func (m *memory) parse(s Source) legalContent {
	return func(o Options, emit func(Item) error) (Report, error) {
		defer func() { clear(m.b[:cap(m.b)]) }()
		return Parse(bytes.NewReader(m.b), s.Format, o, emit)
	}
}
