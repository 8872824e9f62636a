package blocklists

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sort"
)

// The section of what no entry can say stands between definitions and footer of a file of format version 2:
//
//	counts    4 octets each: sets, spans, exemptions, patterns, networks, and 0
//	sets      32 octets each: categories; the first ones are those of the lists that have a pattern or a network
//	spans     20 octets each: 16 of an address, as two numbers, and 4 of a set; by address
//	exempt    12 octets each: 8 of a hash, 2 of a list, 2 of statements; by hash and list
//	patterns  2 octets of list, 1 of flags, 1 of how many types, those types, 2 of a length, the expression
const (
	sectionHead = 24
	setSize     = 32
	exemptSize  = 12

	// maxSets is more than there can be: of each list, and of each network with others around it.
	maxSets = maxLists + 2*MaxPrefixes
	// maxExempt is how many exceptions of lists with patterns are kept, 3 MB of them. The patterns of a list that
	// has more are left out.
	maxExempt = 1 << 18
)

// exemption is what the exceptions of a list with patterns say at a name: statements as weigh takes them.
type exemption struct {
	hash uint64
	list uint16
	made uint16
}

// exemptions gathers the exceptions of those lists that have a pattern which blocks.
type exemptions struct {
	numbers map[ListID]uint16
	rows    []exemption
	crowded map[uint16]bool // lists that had more than fit
	left    int             // patterns that were left out for that
}

// want reports whether a list's statements at a name are to be added.
func (ex *exemptions) want(list ListID, made uint32) bool {
	if made&(plainExcept|firmExcept) == 0 {
		return false
	}
	_, patterned := ex.numbers[list]
	return patterned
}

// add notes what list says at the name with the given hash.
func (ex *exemptions) add(list ListID, made uint32, hash uint64) {
	made &= plainExcept | firmExcept
	number := ex.numbers[list]
	if len(ex.rows) == maxExempt {
		ex.crowded[number] = true
		return
	}
	ex.rows = append(ex.rows, exemption{hash, number, uint16(made)})
}

// outlierList returns the number of list l among those that have a pattern or a network.
func (b *Builder) outlierList(l ListID) (uint16, error) {
	if err := b.checkList(l); err != nil {
		return 0, err
	}
	number, known := b.outliers[l]
	if !known {
		number = uint16(len(b.outliers))
		b.outliers[l] = number
	}
	return number, nil
}

// exemptions returns an empty set of exemptions for the lists whose patterns block.
func (b *Builder) exemptions() *exemptions {
	blocking := make(map[uint16]bool)
	for _, row := range b.patterns.rows {
		blocking[row.list] = blocking[row.list] || !row.Exception
	}
	ex := &exemptions{numbers: make(map[ListID]uint16), crowded: make(map[uint16]bool)}
	for list, number := range b.outliers {
		if blocking[number] {
			ex.numbers[list] = number
		}
	}
	return ex
}

// section returns the section of b's patterns and networks, nil if it has none.
func (b *Builder) section(ex *exemptions) []byte {
	before := len(b.patterns.rows)
	rows := slices.DeleteFunc(b.patterns.rows, func(row patternRow) bool { return ex.crowded[row.list] })
	ex.left = before - len(rows)
	if b.patterns.rows = rows; len(rows)+len(b.networks) == 0 {
		return nil
	}
	b.patterns.sort()
	sets := make([]Categories, len(b.outliers))
	for list, number := range b.outliers {
		sets[number] = b.lists[list]
	}
	numbers := make(map[Categories]uint32)
	table := spans(b.networks, sets, func(set Categories) uint32 {
		if set.IsZero() {
			return 0
		}
		if numbers[set] == 0 {
			sets = append(sets, set)
			numbers[set] = uint32(len(sets))
		}
		return numbers[set]
	})
	slices.SortFunc(ex.rows, exemption.compare)
	var out []byte
	le := binary.LittleEndian
	for _, n := range [...]int{len(sets), len(table), len(ex.rows), len(rows), len(b.networks), 0} {
		out = le.AppendUint32(out, uint32(n))
	}
	for _, set := range sets {
		for _, w := range set {
			out = le.AppendUint64(out, w)
		}
	}
	for _, s := range table {
		from := s.from.As16()
		out = le.AppendUint64(out, binary.BigEndian.Uint64(from[:8]))
		out = le.AppendUint64(out, binary.BigEndian.Uint64(from[8:]))
		out = le.AppendUint32(out, s.set)
	}
	for _, row := range ex.rows {
		out = le.AppendUint64(out, row.hash)
		out = le.AppendUint16(out, row.list)
		out = le.AppendUint16(out, row.made)
	}
	for i := range rows {
		out = rows[i].append(out)
	}
	return out
}

func (e exemption) compare(other exemption) int {
	return cmp.Or(cmp.Compare(e.hash, other.hash), cmp.Compare(e.list, other.list))
}

// readSection reads what section wrote.
func (ix *Index) readSection(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if len(b) < sectionHead {
		return corrupt("the section of patterns is cut")
	}
	var counts [6]int
	for i := range counts {
		n := binary.LittleEndian.Uint32(b[4*i:])
		if n > math.MaxInt32 {
			return corrupt("%d in the section of patterns", n)
		}
		counts[i] = int(n)
	}
	sets, spans, exempt, rows, networks := counts[0], counts[1], counts[2], counts[3], counts[4]
	if sets > maxSets || networks > MaxPrefixes || spans > 2*networks || exempt > maxExempt || rows > MaxPatterns || counts[5] != 0 {
		return corrupt("the section of patterns holds more than fits")
	}
	fixed := sets*setSize + spans*spanSize + exempt*exemptSize
	if b = b[sectionHead:]; fixed > len(b) {
		return corrupt("the section of patterns is cut")
	}
	ix.networks = networks
	ix.spans = b[sets*setSize:][:spans*spanSize]
	ix.exempt = b[sets*setSize+spans*spanSize : fixed]
	if err := ix.readSets(b[:sets*setSize]); err != nil {
		return err
	}
	if err := errors.Join(ix.verifySpans(), ix.verifyExempt()); err != nil {
		return err
	}
	return ix.readPatterns(b[fixed:], rows)
}

func (ix *Index) readSets(b []byte) error {
	known, open := knownTo(ix.taxonomy), ix.taxonomy.open()
	ix.sets = make([]Categories, len(b)/setSize)
	for i := range ix.sets {
		for word := range ix.sets[i] {
			ix.sets[i][word] = binary.LittleEndian.Uint64(b[i*setSize+word*8:])
		}
		if !ix.sets[i].AndNot(known).IsZero() || ix.sets[i].Intersects(open) {
			return corrupt("set %d has a category that no list can give", i)
		}
	}
	return nil
}

// verifySpans checks that the addresses ascend and that all sets exist: what MatchAddress relies on.
func (ix *Index) verifySpans() error {
	var before netip.Addr // zero: less than all others
	for at := 0; at < len(ix.spans); at += spanSize {
		var raw [16]byte
		binary.BigEndian.PutUint64(raw[:8], binary.LittleEndian.Uint64(ix.spans[at:]))
		binary.BigEndian.PutUint64(raw[8:], binary.LittleEndian.Uint64(ix.spans[at+8:]))
		from := netip.AddrFrom16(raw)
		if !before.Less(from) || binary.LittleEndian.Uint32(ix.spans[at+16:]) > uint32(len(ix.sets)) {
			return corrupt("network %d is out of order or range", at/spanSize)
		}
		before = from
	}
	return nil
}

// verifyExempt checks that the rows ascend: what spared relies on.
func (ix *Index) verifyExempt() error {
	for i := range len(ix.exempt) / exemptSize {
		if row := ix.exemption(i); i > 0 && ix.exemption(i-1).compare(row) >= 0 || int(row.list) >= len(ix.sets) {
			return corrupt("exemption %d is out of order or range", i)
		}
	}
	return nil
}

func (ix *Index) exemption(i int) exemption {
	b := ix.exempt[i*exemptSize:]
	return exemption{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:]), binary.LittleEndian.Uint16(b[10:])}
}

// readPatterns reads and compiles the patterns, which have to fit as if a Builder took them.
func (ix *Index) readPatterns(b []byte, count int) error {
	var all patternRows
	for range count {
		row, rest, err := parsePattern(b)
		if err != nil {
			return err
		}
		if int(row.list) >= len(ix.sets) {
			return corrupt("a pattern is of no list")
		}
		if err := all.add(row); err != nil {
			return corrupt("%v", err)
		}
		if !row.Exception {
			ix.given = ix.given.Or(ix.sets[row.list])
		}
		b = rest
	}
	if len(b) > 0 || len(all.rows) != count {
		return corrupt("its patterns are not %d", count)
	}
	if count == 0 {
		return nil
	}
	var err error
	if ix.patterns, err = compilePatterns(all.rows); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// spared returns what the exceptions among the entries of a list say of name, as statements.
func (ix *Index) spared(name Name, list uint16) (made uint32) {
	var h Hashes
	ix.Key().Hash(name, &h)
	for n, hash := range h.H[:h.N] {
		wanted := exemption{hash: hash, list: list}
		i, found := sort.Find(len(ix.exempt)/exemptSize, func(i int) int { return wanted.compare(ix.exemption(i)) })
		if !found {
			continue
		}
		covers := coversBelow
		if n == h.N-1 {
			covers = coversName
		}
		made |= uint32(ix.exemption(i).made) & covers
	}
	return made
}
