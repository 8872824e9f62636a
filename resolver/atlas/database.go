package atlas

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/oschwald/maxminddb-golang/v2"
)

// MaxBytes is the size of the largest database that is read, and so the memory that one takes. Those of countries and
// of systems have about 10 MB, those of cities 120.
const MaxBytes = 128 << 20

// kind is what is asked of a database: its key in the configuration.
type kind string

const (
	countries kind = "country"
	systems   kind = "system"
)

// read decodes what is asked from a record.
func (k kind) read(found maxminddb.Result, w *policy.Whereabouts) error {
	if k == systems {
		return found.DecodePath(&w.System, "autonomous_system_number") //nolint:wrapcheck // counted, not shown
	}
	var code string
	err := found.DecodePath(&code, "country", "iso_code")
	w.Country, _ = policy.ParseCountry(code)
	return err //nolint:wrapcheck // as above
}

// wanted says which databases can be asked.
func (k kind) wanted() string {
	if k == systems {
		return "no autonomous_system_number: write the path of a database of autonomous systems, such as GeoLite2-ASN or DB-IP Lite ASN"
	}
	return "no country.iso_code: write the path of a database of countries or cities, such as GeoLite2-Country or DB-IP Lite Country"
}

// stamp tells one state of a file from another.
type stamp struct {
	path     string
	size     int64
	modified time.Time
}

// look gives the stamp of a file, without reading it.
func look(path string) (stamp, error) {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{path: path}, err //nolint:wrapcheck // it names the file
	}
	s := stamp{path, st.Size(), st.ModTime()}
	switch {
	case !st.Mode().IsRegular():
		return s, fmt.Errorf("%s is no file", path)
	case st.Size() > MaxBytes:
		return s, fmt.Errorf("%s has %d bytes, more than the %d that are read", path, st.Size(), MaxBytes)
	}
	return s, nil
}

// database is one file, whole in memory: a file that is written to while it is mapped ends the program.
type database struct {
	kind   kind
	reader *maxminddb.Reader
	bytes  int
}

// read reads a database, if its file is not as it was when seen was its stamp. An empty path is no database, and right.
func read(k kind, path string, seen stamp) (*database, stamp, error) {
	if path == "" {
		return nil, stamp{}, nil
	}
	s, err := look(path)
	if err != nil || s == seen {
		return nil, s, err
	}
	raw, err := content(path)
	if err == nil && int64(len(raw)) != s.size {
		err = errors.New("it is being written: its size has just changed")
	}
	if err != nil {
		return nil, s, fmt.Errorf("reading %s: %w", path, err)
	}
	d, err := parse(k, raw)
	if err != nil {
		return nil, s, fmt.Errorf("reading %s: %w", path, err)
	}
	return d, s, nil
}

// content reads a file, and of one that grows meanwhile no more than is of use.
func content(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxBytes+1)) //nolint:wrapcheck // the caller names the file
}

// parse reads a database from memory. Whatever raw holds, it gives an error or a database that can be asked. raw must
// not be changed any more.
func parse(k kind, raw []byte) (d *database, err error) {
	defer func() {
		if p := recover(); p != nil { // the library promises none
			d, err = nil, fmt.Errorf("it is no sound database: %v", p)
		}
	}()
	r, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("it is no database in MaxMind's format (.mmdb): %w", err)
	}
	if err := r.Verify(); err != nil {
		return nil, fmt.Errorf("the database is torn or damaged: %w", err)
	}
	d = &database{kind: k, reader: r, bytes: len(raw)}
	if d.another() {
		return nil, fmt.Errorf("%q has %s", r.Metadata.DatabaseType, k.wanted())
	}
	return d, nil
}

// another reports whether the database is of another kind: of all over the internet it has records, and in none of them
// what is asked. A walk over all its networks could take for ever, if its maker meant it to.
func (d *database) another() bool {
	records := 0
	for high := range byte(224) {
		for _, a := range [...]netip.Addr{netip.AddrFrom4([4]byte{high, 1, 1, 1}), netip.AddrFrom16([16]byte{0x20 + high>>4, high << 4, 15: 1})} {
			var w policy.Whereabouts
			if d.locate(a, &w) == nil && w != (policy.Whereabouts{}) {
				return false
			}
			if found := d.reader.Lookup(a); found.Found() {
				records++
			}
		}
	}
	return records > 0
}

// locate puts to w what the database, which may be nil, knows of an address.
func (d *database) locate(a netip.Addr, w *policy.Whereabouts) error {
	if d == nil || a.Is6() && d.reader.Metadata.IPVersion == 4 {
		return nil
	}
	return d.kind.read(d.reader.Lookup(a), w)
}
