package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxDifference bounds a difference in memory, in bytes of its lines. A larger one costs about as much as the zone, which
// is then transferred instead.
const maxDifference = 16 << 20

// errInconsistent means that a difference is not one of the kept copy.
var errInconsistent = errors.New("the increment does not fit the kept copy")

// difference is what the sequences of an IXFR answer do together. Of each record it holds what must be in the kept
// copy, and what is in the new one.
type difference struct {
	records map[string]fate
	size    int
}

// fate is what becomes of one record.
type fate struct {
	was  bool   // the first sequence that speaks of it deletes it, so it is in the kept copy
	seen bool   // it was found there
	line string // in the new version; "": it is not in it
}

func newDifference() *difference { return &difference{records: make(map[string]fate)} }

// note adds a record that a sequence deletes or adds.
func (d *difference) note(rr dns.RR, adding bool) error {
	line, err := lineOf(rr)
	if err != nil {
		return err
	}
	key, _ := keyOf(line)
	f, known := d.records[key]
	if known && adding == (f.line != "") {
		return fmt.Errorf("%w: %s is added or deleted twice", errInconsistent, rr.Header().Name)
	}
	if !known {
		f.was = !adding
		d.size += 2*len(line) + 64
	}
	f.line = ""
	if adding {
		f.line = line
	}
	d.records[key] = f
	if d.size > maxDifference {
		return fmt.Errorf("the increment is larger than %d bytes", maxDifference)
	}
	return nil
}

// apply writes the new version: the SOA record, the kept copy without what is gone, and what is new.
func (d *difference) apply(kept string, soa *dns.SOA, out *file) error {
	if err := out.add(soa); err != nil {
		return err
	}
	if err := d.copyRest(kept, out); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(d.records)) { // so that the same difference gives the same file
		f := d.records[key]
		if f.was != f.seen {
			return fmt.Errorf("%w: %s is deleted and was not there", errInconsistent, owner(key))
		}
		if f.line == "" {
			continue
		}
		if err := out.addLine(f.line); err != nil {
			return err
		}
	}
	return nil
}

// copyRest copies the records of the kept copy that the difference does not speak of.
func (d *difference) copyRest(kept string, out *file) error {
	old, err := os.Open(kept) //nolint:gosec // the caller's own file
	if err != nil {
		return err
	}
	defer old.Close()
	lines := bufio.NewScanner(old)
	lines.Buffer(nil, 1<<20) // 65535 octets of data, each escaped by four
	lines.Scan()             // the SOA record
	for lines.Scan() {
		key, ok := keyOf(lines.Text())
		f, changed := d.records[key]
		switch {
		case !ok:
			return fmt.Errorf("%w: it was changed by somebody else", errInconsistent)
		case changed && !f.was:
			return fmt.Errorf("%w: %s is added and was there", errInconsistent, owner(key))
		case changed:
			f.seen = true
			d.records[key] = f
			continue
		}
		if err := out.addLine(lines.Text()); err != nil {
			return err
		}
	}
	return lines.Err()
}

func owner(key string) string {
	name, _, _ := strings.Cut(key, "\t")
	return name
}
