package blocklists

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Seal is the pair of secrets under which the names of legal lists are kept: the index's own key, and a second one
// that lies in a file of its own. A name is held as the keyed hash, under the second, of its keyed hash under the
// first. Whoever has a sealed file and not both keys cannot test names against it; whoever has both can, one guess at a
// time: this slows enumeration and does not stop it.
type Seal struct{ Index, Legal Key }

// hash is the second stage.
func (s Seal) hash(first uint64) uint64 { return s.Legal.begin().absorb(first).sum() }

// mark names a key without telling it. No label begins with the octet 0xff, so it is the hash of no name.
func (k Key) mark() uint64 { return k.begin().absorb(0xff_6b_72_61_6d).sum() }

var (
	// ErrOtherKey is in the chain of the error that says sealed names were made with other keys: they cannot be
	// matched any more, and their list has to be read anew.
	ErrOtherKey = errors.New("sealed with another key")
	// ErrTooMany is in the chain of the error that says a list has more names than can be sealed.
	ErrTooMany = errors.New("too many names")
)

// maxSealed bounds the names of one legal list; the table in force takes 16 octets for each. The largest legal
// lists known, of courts that order mirrors to be blocked, have some tens of thousands.
const maxSealed = 1 << 22

// covers says what of the tree a sealed name stands for.
type covers uint8

const (
	coversOwn     covers = 1 << iota // the name itself
	coversBeneath                    // what lies beneath
)

func (s Scope) covers() covers {
	switch s {
	case Exact:
		return coversOwn
	case Below:
		return coversBeneath
	case Subtree:
	}
	return coversOwn | coversBeneath
}

// sealedName is one name of a sealed list.
type sealedName struct {
	hash   uint64
	covers covers
}

// Sealer seals the names of one list. It keeps hashes alone.
type Sealer struct {
	seal  Seal
	first Hashes
	names []sealedName
}

// NewSealer returns a Sealer without names.
func NewSealer(seal Seal) *Sealer { return &Sealer{seal: seal} }

// Add seals a name. The error is ErrTooMany's, or says that the name is malformed or the root.
func (s *Sealer) Add(name Name, scope Scope) error {
	s.seal.Index.Hash(name, &s.first)
	switch {
	case s.first.N == 0:
		return errors.New("sealing: not a name below the root")
	case len(s.names) == maxSealed:
		return fmt.Errorf("sealing: %w: more than %d", ErrTooMany, maxSealed)
	}
	s.names = append(s.names, sealedName{s.seal.hash(s.first.H[s.first.N-1]), scope.covers()})
	return nil
}

// List returns what was sealed. The Sealer must not be used afterwards.
func (s *Sealer) List() *SealedList {
	slices.SortFunc(s.names, func(a, b sealedName) int { return cmp.Compare(a.hash, b.hash) })
	kept := s.names[:0]
	for _, n := range s.names {
		if last := len(kept) - 1; last >= 0 && kept[last].hash == n.hash {
			kept[last].covers |= n.covers
			continue
		}
		kept = append(kept, n)
	}
	return &SealedList{seal: s.seal, names: slices.Clip(kept)}
}

// SealedList is the names of one legal list, as hashes. It is immutable.
type SealedList struct {
	seal  Seal
	names []sealedName // in ascending order, each hash once
}

// Names returns how many names l has.
func (l *SealedList) Names() int { return len(l.names) }

// Lacks returns how many names of old are not in l. Both must be of one Seal.
func (l *SealedList) Lacks(old *SealedList) int {
	lost, at := 0, 0
	for _, n := range old.names {
		for at < len(l.names) && l.names[at].hash < n.hash {
			at++
		}
		if at == len(l.names) || l.names[at].hash != n.hash {
			lost++
		}
	}
	return lost
}

// Covers reports whether l has the name, or one above it with what lies beneath.
func (l *SealedList) Covers(name Name) bool {
	var h Hashes
	l.seal.Index.Hash(name, &h)
	for i := range h.N {
		at, found := slices.BinarySearchFunc(l.names, l.seal.hash(h.H[i]), func(n sealedName, hash uint64) int { return cmp.Compare(n.hash, hash) })
		wanted := coversBeneath
		if i == h.N-1 {
			wanted = coversOwn
		}
		if found && l.names[at].covers&wanted != 0 {
			return true
		}
	}
	return false
}

// SealedPart is a sealed list and what its names are.
type SealedPart struct {
	List       *SealedList
	Categories []string // ids, none of them unknown to the index that the names are joined to
}

// maxSealedCategories is how many categories all legal lists together may name.
const maxSealedCategories = 8

// Sealed is the table of all legal lists that are in force. It is immutable and safe for concurrent use.
type Sealed struct {
	seal   Seal
	ids    []string // categories, by the bits of the masks
	hashes []uint64 // ascending
	values []sealedValue
	starts []uint32 // number of the first hash of each bucket, and how many there are
	digest [sha256.Size]byte

	numbers [maxSealedCategories]Category // of ids, in the taxonomy of a view
}

// sealedValue holds masks of categories: of the name itself, and of what lies beneath.
type sealedValue struct{ own, beneath uint8 }

// sealedRow is a name of one of the lists that are joined.
type sealedRow struct {
	sealedName
	mask uint8
}

// NewSealed joins lists of one Seal. It is nil for lists without a name.
func NewSealed(parts ...SealedPart) (*Sealed, error) {
	s := &Sealed{}
	var rows []sealedRow
	for i, p := range parts {
		if i == 0 {
			s.seal = p.List.seal
		}
		if p.List.seal != s.seal {
			return nil, fmt.Errorf("joining sealed lists: %w", ErrOtherKey)
		}
		mask, err := s.mask(p.Categories)
		if err != nil {
			return nil, err
		}
		for _, n := range p.List.names {
			rows = append(rows, sealedRow{n, mask})
		}
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // no name is no table
	}
	slices.SortFunc(rows, func(a, b sealedRow) int { return cmp.Compare(a.hash, b.hash) })
	for _, r := range rows {
		s.add(r)
	}
	s.spread()
	s.digest = s.sum()
	return s, nil
}

// mask returns the bits of categories.
func (s *Sealed) mask(ids []string) (mask uint8, err error) {
	for _, id := range ids {
		at := slices.Index(s.ids, id)
		if at < 0 {
			if at = len(s.ids); at == maxSealedCategories {
				return 0, fmt.Errorf("joining sealed lists: more than %d categories", maxSealedCategories)
			}
			s.ids = append(s.ids, id)
		}
		mask |= 1 << at
	}
	return mask, nil
}

// add appends a name, or adds to the last one if that is the same.
func (s *Sealed) add(r sealedRow) {
	if last := len(s.hashes) - 1; last < 0 || s.hashes[last] != r.hash {
		s.hashes, s.values = append(s.hashes, r.hash), append(s.values, sealedValue{})
	}
	v := &s.values[len(s.values)-1]
	if r.covers&coversOwn != 0 {
		v.own |= r.mask
	}
	if r.covers&coversBeneath != 0 {
		v.beneath |= r.mask
	}
}

// sum names the content.
func (s *Sealed) sum() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", s.ids)
	var b [10]byte
	for i, hash := range s.hashes {
		binary.LittleEndian.PutUint64(b[:], hash)
		b[8], b[9] = s.values[i].own, s.values[i].beneath
		h.Write(b[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// spread divides the table into buckets of about four names, so that a look-up reads two or three lines of memory.
func (s *Sealed) spread() {
	buckets := len(s.hashes)/4 + 1
	s.starts = make([]uint32, buckets+1)
	at := 0
	for i := range s.starts {
		for at < len(s.hashes) && s.bucket(s.hashes[at]) < i {
			at++
		}
		s.starts[i] = uint32(at) //nolint:gosec // at most maxSealed a list, and few lists
	}
}

// bucket returns the bucket of a hash, in ascending order. starts must have its length.
func (s *Sealed) bucket(hash uint64) int {
	bucket, _ := bits.Mul64(hash, uint64(len(s.starts)-1))
	return int(bucket) //nolint:gosec // less than the number of buckets
}

// Names returns how many names s has.
func (s *Sealed) Names() int {
	if s == nil {
		return 0
	}
	return len(s.hashes)
}

// match adds to m what s says of the name with the hashes h. No list may seal a name of one label, so the first is
// not looked for.
func (s *Sealed) match(h *Hashes, m *Match) {
	n := min(h.N, len(h.H))
	for i := 1; i < n; i++ {
		at, found := s.find(s.seal.hash(h.H[i]))
		if !found {
			continue
		}
		mask := s.values[at].beneath
		if i == n-1 {
			mask = s.values[at].own
		}
		if mask == 0 {
			continue
		}
		m.Labels = max(m.Labels, uint8(i+1)) //nolint:gosec // at most 127 labels
		for ; mask != 0; mask &= mask - 1 {
			m.Categories.Add(s.numbers[bits.TrailingZeros8(mask)])
		}
	}
}

func (s *Sealed) find(hash uint64) (at int, found bool) {
	b := s.bucket(hash)
	for at = int(s.starts[b]); at < int(s.starts[b+1]); at++ {
		if s.hashes[at] == hash {
			return at, true
		}
	}
	return 0, false
}
