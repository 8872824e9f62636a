package cache

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// ErrTooLarge is returned by Store for a reply that is no DNS message any more.
var ErrTooLarge = errors.New("reply over 65535 octets")

// maxBody is the largest reply that is kept, in octets behind the question.
// A larger one is served to those who asked, not remembered.
const maxBody = 8 << 10

// newEntry makes the entry of the reply r to k, whose TTLs it bounds. Its life is
// 0 when it must not be kept.
func newEntry(k *Key, r *Reply, f Facts, l limits, now int64) (*Entry, error) {
	e := &Entry{
		view: k.View, qtype: k.Type, class: k.Class, cd: k.CD, ad: r.AD, nameLen: uint8(len(k.Name)),
		rcode: r.Rcode, stored: now, life: l.apply(r, k.Type),
	}
	e.fill(k, r)
	if k.end()+int(e.full.size) > math.MaxUint16 {
		return nil, fmt.Errorf("storing a reply: %w", ErrTooLarge)
	}
	if e.full.size > maxBody {
		e.life = 0
	}
	e.facts.Store(&f)
	e.cost = e.weigh(&f)
	return e, nil
}

// fill places name and bodies, the full one first, into one allocation.
func (e *Entry) fill(k *Key, r *Reply) {
	var space [1024]byte // most replies; what is kept is cut to size
	buf := append(space[:0], k.Name...)
	buf, e.full = render(buf, r, k.Name, k.Type, true)
	e.plain = e.full
	if slices.ContainsFunc(r.records, func(x record) bool { return x.dropped(k.Type) }) {
		buf, e.plain = render(buf, r, k.Name, k.Type, false)
	}
	e.buf = append(make([]byte, 0, len(buf)), buf...)
}

// weigh returns the memory the entry takes, as the allocator rounds it.
func (e *Entry) weigh(f *Facts) uint32 {
	total := allocated(int(unsafe.Sizeof(*e))) + allocated(cap(e.buf)) +
		allocated(int(unsafe.Sizeof(*f))) + allocated(8*cap(f.Chain)) + allocated(cap(f.Names))
	return uint32(total)
}

// allocated returns what an allocation of n bytes takes: the runtime rounds it
// up to one of about 70 sizes, which lie up to an eighth apart.
func allocated(n int) int {
	if n == 0 {
		return 0
	}
	if n <= 256 {
		return (n + 15) &^ 15
	}
	return (n + n/16 + 15) &^ 15
}
