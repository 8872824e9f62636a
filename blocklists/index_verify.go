package blocklists

import "encoding/binary"

// newIndex lays an Index over the content of a file whose size fits its footer.
func newIndex(memory []byte, f footer) (*Index, error) {
	offsets := headerSize + int(f.entries)*entrySize
	values := offsets + int(f.buckets+1)*offsetSize
	definitions := values + int(f.values)*valueSize
	section := definitions + int(f.definitions)
	taxonomy, err := parseDefinitions(memory[definitions:section])
	if err != nil {
		return nil, err
	}
	ix := &Index{
		memory:   memory,
		entries:  memory[headerSize:],
		offsets:  memory[offsets:values],
		buckets:  f.buckets,
		shift:    uint(64 - f.remainder),
		mask:     1<<remainderBits - 1,
		taxonomy: taxonomy,
		footer:   f,
	}
	if ix.values, err = parseValues(memory[values:definitions], taxonomy); err != nil {
		return nil, err
	}
	if err := ix.verifyTable(); err != nil {
		return nil, err
	}
	return ix, ix.readSection(memory[section : len(memory)-footerSize])
}

// knownTo returns all categories of a taxonomy.
func knownTo(taxonomy *Taxonomy) (all Categories) {
	for c := range taxonomy.Len() {
		all.Add(Category(c))
	}
	return all
}

// parseValues reads the pairs of category sets, all of whose categories are the taxonomy's.
func parseValues(b []byte, taxonomy *Taxonomy) ([]value, error) {
	values := make([]value, len(b)/valueSize)
	known, open := knownTo(taxonomy), taxonomy.open()
	for i := range values {
		v := &values[i]
		for word := range v.exact {
			v.exact[word] = binary.LittleEndian.Uint64(b[i*valueSize+word*8:])
			v.subtree[word] = binary.LittleEndian.Uint64(b[i*valueSize+32+word*8:])
		}
		if !v.exact.Or(v.subtree).AndNot(known).IsZero() {
			return nil, corrupt("value %d has a category beyond the taxonomy", i)
		}
		v.open = v.exact.Or(v.subtree).Intersects(open)
		v.exact, v.subtree = v.exact.AndNot(open), v.subtree.AndNot(open)
	}
	return values, nil
}

// verifyTable checks in one pass that offsets rise to the number of entries, that the remainders of a
// bucket rise and fit their bits, and that every value exists: all that Match relies on.
func (ix *Index) verifyTable() error {
	count, values := uint32(ix.footer.entries), uint64(len(ix.values))
	limit := uint64(1) << ix.footer.remainder
	at := uint32(0)
	if binary.LittleEndian.Uint32(ix.offsets) != 0 {
		return corrupt("the first bucket does not begin at 0")
	}
	for bucket := range ix.buckets {
		end := binary.LittleEndian.Uint32(ix.offsets[(bucket+1)*offsetSize:])
		if end < at || end > count {
			return corrupt("bucket %d ends at %d of %d entries", bucket, end, count)
		}
		least := uint64(0) // the lowest remainder that may come next
		for ; at < end; at++ {
			entry := binary.LittleEndian.Uint64(ix.entries[uint64(at)*entrySize:])
			remainder := entry & ix.mask
			if remainder < least || remainder >= limit || entry>>remainderBits&0xffff >= values {
				return corrupt("entry %d is out of order or range", at)
			}
			least = remainder + 1
		}
	}
	if at != count {
		return corrupt("its buckets hold %d of %d entries", at, count)
	}
	return nil
}
