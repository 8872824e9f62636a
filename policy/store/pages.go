package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// The engine trusts its file: a page that points outside makes it fault, one that points at itself makes it walk
// without end, and neither can be caught where it is used. So the pages are walked here first, within bounds and
// each once, and what is sealed is compared with its checksum. It reads the file as bbolt's format version 2
// lays it out, in the octet order of the machine.

const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	elementSize = 16 // leaf: flags, pos, ksize, vsize, 4 each; branch: pos 4, ksize 4, page 8
	bucketSize  = 16 // root page 8, sequence 8; root 0: a page follows inline
	metaSize    = 64 // magic, version, page size, flags, 4 each; root, sequence, freelist, pages, transaction, checksum, 8 each

	metaMagic   = 0xED0CDAED
	metaVersion = 2

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	leafBucket   = 0x01

	minPage, maxPage = 4 << 10, 64 << 10
	// maxSpan bounds a page with its overflow, in octets: a list of all pages of the largest file takes 2 MiB, two
	// of the largest values far less.
	maxSpan = 4 << 20
	// maxDepth bounds nested pages; a tree of the largest file has 6, and buckets lie 6 deep.
	maxDepth = 100
)

var order = binary.NativeEndian

// checkPages says whether the engine can use the file: all of it that is reachable is read. What is sealed otherwise than
// this program does it is told apart, as unsealed: another version may have written it.
func checkPages(f io.ReaderAt, size int64) (unsealed, err error) {
	if size > 2*maxFile {
		return nil, damaged("it has %d octets, more than Hearth ever makes it", size)
	}
	m, err := readMeta(f, size)
	if err != nil {
		return nil, err
	}
	c := checker{f: f, page: m.page, seen: make([]bool, m.pages)}
	if err := c.freelist(m.freelist); err != nil {
		return nil, err
	}
	err = c.tree(m.root, span{})
	return c.unsealed, err
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// meta is the part of a meta page that says where the rest is.
type meta struct {
	page                               int
	root, freelist, pages, transaction uint64
}

// readMeta gives the newer of the two meta pages that are whole, as the engine chooses.
func readMeta(f io.ReaderAt, size int64) (meta, error) {
	first, ok := metaAt(f, 0)
	page := first.page
	for try := minPage; !ok && page == 0 && try <= maxPage; try *= 2 {
		if m, whole := metaAt(f, int64(try)); whole && m.page == try {
			page = try
		}
	}
	second, also := metaAt(f, int64(page))
	if page == 0 || !ok && !also {
		return meta{}, damaged("neither of its two meta pages is whole")
	}
	m := first
	if !ok || also && second.transaction > first.transaction {
		m = second
	}
	switch {
	case ok && also && first.page != second.page || m.page < minPage || m.page > maxPage || m.page&(m.page-1) != 0:
		return m, damaged("pages of %d octets", m.page)
	case m.pages < 4 || m.pages > uint64(size)/uint64(m.page):
		return m, damaged("it is cut off: %d octets, and %d pages of %d are in use", size, m.pages, m.page)
	}
	return m, nil
}

// metaAt reads a meta page, and says whether it is whole.
func metaAt(f io.ReaderAt, at int64) (meta, bool) {
	b := make([]byte, pageHeader+metaSize)
	if n, _ := f.ReadAt(b, at); n < len(b) {
		return meta{}, false
	}
	b = b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	whole := order.Uint32(b) == metaMagic && order.Uint32(b[4:]) == metaVersion && order.Uint64(b[56:]) == sum.Sum64()
	if !whole {
		return meta{}, false
	}
	return meta{
		page: int(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), transaction: order.Uint64(b[48:]),
	}, true
}

// checker walks the pages of a file.
type checker struct {
	f    io.ReaderAt
	page int
	seen []bool // of each page: it is free, or something has led there

	unsealed error  // the first
	elements uint64 // of the bucket that is being walked
}

// load reads a page with its overflow.
func (c *checker) load(id uint64) (p []byte, flags uint16, err error) {
	header := make([]byte, pageHeader)
	if id < 2 || id >= uint64(len(c.seen)) {
		return nil, 0, damaged("something leads to page %d, and there are %d", id, len(c.seen))
	}
	if _, err := c.f.ReadAt(header, int64(id)*int64(c.page)); err != nil {
		return nil, 0, damaged("page %d cannot be read: %v", id, err)
	}
	pages := uint64(order.Uint32(header[12:])) + 1
	octets := pages * uint64(c.page)
	if order.Uint64(header) != id || octets > maxSpan || pages > uint64(len(c.seen))-id {
		return nil, 0, damaged("page %d calls itself %d, and takes %d octets", id, order.Uint64(header), octets)
	}
	for i := id; i < id+pages; i++ {
		if c.seen[i] {
			return nil, 0, damaged("page %d is used twice", i)
		}
		c.seen[i] = true
	}
	p = make([]byte, octets)
	if _, err := c.f.ReadAt(p, int64(id)*int64(c.page)); err != nil {
		return nil, 0, damaged("page %d cannot be read: %v", id, err)
	}
	return p, order.Uint16(p[8:]), nil
}

// freelist checks the list of free pages, and marks them.
func (c *checker) freelist(id uint64) error {
	p, flags, err := c.load(id)
	if err != nil {
		return err
	}
	count, ids := uint64(order.Uint16(p[10:])), p[pageHeader:]
	if count == 0xFFFF { // then the number itself stands first
		count, ids = order.Uint64(ids), ids[8:]
	}
	if flags != flagFreelist || count > uint64(len(ids))/8 {
		return damaged("page %d is no list of free pages", id)
	}
	for last := uint64(1); count > 0; count, ids = count-1, ids[8:] {
		free := order.Uint64(ids)
		if free <= last || free >= uint64(len(c.seen)) || c.seen[free] {
			return damaged("page %d cannot be free", free)
		}
		last, c.seen[free] = free, true
	}
	return nil
}

// span is where a page stands: in the bucket of a path, so deep, with keys that are at least from and, where before is not
// nil, less than that.
type span struct {
	path         uint32
	depth        int
	from, before []byte
}

// tree checks the pages beneath one.
func (c *checker) tree(id uint64, s span) error {
	if s.depth > maxDepth {
		return damaged("pages are nested more than %d deep", maxDepth)
	}
	p, flags, err := c.load(id)
	if err != nil {
		return err
	}
	switch flags {
	case flagLeaf:
		return c.leaf(p, s)
	case flagBranch:
		return c.branch(p, s)
	}
	return damaged("page %d has the flags %x", id, flags)
}

// element is a slice of a page that an element leads to, from pos octets after itself.
func element(p []byte, at int, pos, size uint64) ([]byte, error) {
	from := uint64(at) + pos
	if pos < elementSize || from+size > uint64(len(p)) {
		return nil, damaged("an element of page %d leads out of it", order.Uint64(p))
	}
	return p[from : from+size], nil
}

// elements is the number of elements of a page, if there is room for them.
func elements(p []byte) (int, error) {
	n := int(order.Uint16(p[10:]))
	if pageHeader+n*elementSize > len(p) {
		return 0, damaged("page %d cannot have %d elements", order.Uint64(p), n)
	}
	return n, nil
}

// ordered checks one key against the one before it and the bounds of its page.
func (s span) ordered(p, key, last []byte) error {
	if len(key) == 0 || last != nil && bytes.Compare(key, last) <= 0 ||
		bytes.Compare(key, s.from) < 0 || s.before != nil && bytes.Compare(key, s.before) >= 0 {
		return damaged("keys of page %d are out of order", order.Uint64(p))
	}
	return nil
}

func (c *checker) branch(p []byte, s span) error {
	n, err := elements(p)
	if err != nil || n == 0 {
		return damaged("page %d has no elements: %v", order.Uint64(p), err)
	}
	keys, pages := make([][]byte, n+1), make([]uint64, n)
	keys[n] = s.before
	var last []byte
	for i := range n {
		at := pageHeader + i*elementSize
		e := p[at:]
		if keys[i], err = element(p, at, uint64(order.Uint32(e)), uint64(order.Uint32(e[4:]))); err != nil {
			return err
		}
		if err := s.ordered(p, keys[i], last); err != nil {
			return err
		}
		last, pages[i] = keys[i], order.Uint64(e[8:])
	}
	for i, id := range pages {
		if err := c.tree(id, span{s.path, s.depth + 1, keys[i], keys[i+1]}); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) leaf(p []byte, s span) error {
	n, err := elements(p)
	if err != nil {
		return err
	}
	var last []byte
	for i := range n {
		at := pageHeader + i*elementSize
		e := p[at:]
		ksize, vsize := uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		both, err := element(p, at, uint64(order.Uint32(e[4:])), ksize+vsize)
		if err != nil {
			return err
		}
		key, value := both[:ksize], both[ksize:]
		if err := s.ordered(p, key, last); err != nil {
			return err
		}
		last = key
		c.elements++
		switch order.Uint32(e) {
		case 0:
			if _, wrong := unseal(s.path, key, value); c.unsealed == nil {
				c.unsealed = wrong
			}
		case leafBucket:
			err = c.bucket(value, span{path: inside(s.path, key), depth: s.depth + 1})
		default:
			err = damaged("an element of page %d has the flags %x", order.Uint64(p), order.Uint32(e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket checks what a bucket leads to, or has inline, and that none of it is missing.
func (c *checker) bucket(value []byte, s span) (err error) {
	if len(value) < bucketSize {
		return damaged("a bucket is cut off")
	}
	around := c.elements
	c.elements = 0
	if root := order.Uint64(value); root != 0 {
		err = c.tree(root, s)
	} else {
		err = c.inline(value[bucketSize:], s)
	}
	if sequence := order.Uint64(value[8:]); c.elements != sequence && c.unsealed == nil {
		c.unsealed = damaged("a bucket has %d elements, and should have %d", c.elements, sequence)
	}
	c.elements = around
	return err
}

// inline checks a bucket that is small enough to lie within the page around it.
func (c *checker) inline(p []byte, s span) error {
	if len(p) < pageHeader || order.Uint16(p[8:]) != flagLeaf || s.depth > maxDepth {
		return damaged("a bucket has no page")
	}
	return c.leaf(p, s)
}
