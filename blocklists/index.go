package blocklists

import (
	"encoding/binary"
	"math/bits"
	"runtime"
	"time"
	"weak"
)

// Match is what an Index knows of a name.
type Match struct {
	// Categories of the name, inherited ones included.
	Categories Categories
	// Labels is how many labels the deepest listed suffix of the name has, 0 if none is listed. An entry
	// that says nothing new is not kept, so this may be fewer than a list's own entry has.
	Labels uint8
	// Open says that beneath the deepest listed suffix lies a name with fewer categories, or with one more of
	// ok.* or of the services: whoever blocks this name must not say that nothing exists beneath it (RFC 8020).
	Open bool
	// Whole says that the patterns of the index were asked too, see Index.MatchPatterns.
	Whole bool
}

// openID is the category by which a file marks the values of Match.Open.
const openID = "meta.open"

// value is what an entry of an Index points at.
type value struct {
	exact   Categories // of the name itself
	subtree Categories // of all beneath it
	open    bool       // see Match.Open; in the builder and the file the category openID stands for it
}

// Index maps names to categories. It is immutable, safe for concurrent use, and lies outside the
// garbage-collected heap in memory that is read-only and returned when the last reader is gone.
//
// It holds hashes, not names: an unlisted name is taken for a listed one with a probability of
// about 8 in 2^40 for each of its suffixes.
type Index struct {
	memory   []byte // the whole file
	entries  []byte // from the first entry to the end of memory: reads of 8 octets stay inside
	offsets  []byte
	values   []value
	buckets  uint64
	shift    uint   // brings the low half of the product down to the remainder
	mask     uint64 // of the remainder inside an entry
	taxonomy *Taxonomy
	footer   footer

	// What no entry can say; see index_section.go.
	sets     []Categories
	patterns *patterns
	given    Categories // that a pattern can give
	exempt   []byte
	spans    []byte
	networks int

	self   weak.Pointer[Index] // identity that does not keep the memory alive
	plain  *Index              // of a view: the index that it is of; see WithSealed
	sealed *Sealed             // of a view
}

// Key returns the key of the hashes that Match takes.
func (ix *Index) Key() Key { return ix.footer.key }

// Taxonomy returns the taxonomy whose numbers the matches of ix use.
func (ix *Index) Taxonomy() *Taxonomy { return ix.taxonomy }

// Names returns the number of names in ix.
func (ix *Index) Names() int { return int(ix.footer.entries) }

// Bytes returns the size of ix in memory, which is that of its file.
func (ix *Index) Bytes() int64 { return int64(len(ix.memory)) }

// Built returns when ix was compiled, to the second.
func (ix *Index) Built() time.Time { return ix.footer.built }

// ID returns a short name of the content of ix: 8 hexadecimal digits of its checksum.
func (ix *Index) ID() string { return ix.footer.id() }

// lanes is how many suffixes are probed together. Few names have more labels.
const lanes = 8

// Match returns the categories of the name whose hashes, made with ix.Key, are h. The deepest suffix that is
// present decides. It does not allocate.
func (ix *Index) Match(h *Hashes) Match {
	n := min(h.N, len(h.H))
	m := Match{}
	for top := n; top > 0; top -= lanes {
		v, labels := ix.probe(h.H[max(0, top-lanes):top])
		if labels == 0 {
			continue
		}
		labels += max(0, top-lanes)
		m.Labels, m.Open = uint8(labels), ix.values[v].open
		m.Categories = ix.values[v].subtree
		if labels == n {
			m.Categories = ix.values[v].exact
		}
		break
	}
	if ix.sealed != nil {
		ix.sealed.match(h, &m)
	}
	runtime.KeepAlive(ix)
	return m
}

// probe looks for the longest of at most 8 suffixes, given from the shortest on. It returns the number of
// its value and its place in hashes counted from 1, or 0 if none is present. Each round of reads is done
// for all suffixes before the next begins, so that their cache misses overlap.
func (ix *Index) probe(hashes []uint64) (v uint16, labels int) {
	var places [lanes]place
	n := min(len(hashes), lanes)
	for i, hash := range hashes[:n] {
		bucket, low := bits.Mul64(hash, ix.buckets)
		span := binary.LittleEndian.Uint64(ix.offsets[bucket*offsetSize:])
		places[i] = place{low: low, first: span & 0xffffffff, end: span >> 32}
	}
	for i := range places[:n] {
		p := &places[i]
		before, _ := bits.Mul64(p.low, p.end-p.first)
		p.at = p.first + before
		p.entry = ix.entry(p.at)
	}
	for i := n - 1; i >= 0; i-- {
		if v, found := ix.scan(&places[i]); found {
			return v, i + 1
		}
	}
	return 0, 0
}

// place is where an entry has to be, if there is one.
type place struct {
	low        uint64 // what is left of the hash in its bucket; its highest bits are the remainder
	first, end uint64 // numbers of the bucket's first entry and of the next bucket's
	at         uint64 // where the entry would be if those of a bucket were evenly spread: rarely far off
	entry      uint64 // what is there
}

// entry returns the entry with the given number, which may be that behind the last.
func (ix *Index) entry(number uint64) uint64 {
	return binary.LittleEndian.Uint64(ix.entries[number*entrySize:])
}

// scan looks for the remainder among the entries of a bucket, which are in ascending order.
func (ix *Index) scan(p *place) (v uint16, found bool) {
	remainder, at, entry := p.low>>ix.shift, p.at, p.entry
	for entry&ix.mask < remainder && at+1 < p.end {
		at++
		entry = ix.entry(at)
	}
	for entry&ix.mask > remainder && at > p.first {
		at--
		entry = ix.entry(at)
	}
	return uint16(entry >> remainderBits), entry&ix.mask == remainder && p.first < p.end
}
