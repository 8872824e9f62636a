package listen

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
)

// The size of a sketch: 2^18 cells, 2 MiB, in lines as the processor's cache has them.
const (
	lines       = 1 << 15
	lineCells   = 8
	sketchBytes = lines * lineCells * 8
)

// sketch holds any number of clients to a pace each, in fixed memory and constant time.
// Each cell is a time: until when what was let through would have lasted at its pace (the
// theoretical arrival time of ITU-T I.371's algorithm). Time itself empties the cells.
// A client has two cells in each of two lines and is as far ahead as the one that is least
// so: what strangers do to a cell can only add, and they would have to meet it in all four.
// The places depend on a random key, so that nobody can choose whom to meet. A client never
// passes for slower than it is.
type sketch struct {
	key   [2]uint64
	began time.Time
	cells [lines][lineCells]pace
}

func newSketch() *sketch { return &sketch{key: randomKey(), began: time.Now()} }

// randomKey makes a key for SipHash.
func randomKey() (key [2]uint64) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return keyOf(b)
}

// keyOf reads a key as SipHash does.
func keyOf(b [16]byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:])}
}

// now is the time as the cells have it.
func (s *sketch) now() time.Duration { return time.Since(s.began) }

// take lets the subject through once more, if it is not ahead of its pace: at most burst
// of time's worth at once, and from then on one every cost.
func (s *sketch) take(who subject, now, cost time.Duration) bool {
	hash := siphash.Hash(s.key[0], s.key[1], who[:])
	a, b := &s.cells[hash%lines], &s.cells[hash>>16%lines]
	mine := [...]*pace{&a[hash>>32%lineCells], &a[hash>>36%lineCells], &b[hash>>40%lineCells], &b[hash>>44%lineCells]}
	for {
		least, at := mine[0], mine[0].load()
		for _, c := range mine[1:] {
			if t := c.load(); t < at {
				least, at = c, t
			}
		}
		next := max(at, now) + cost
		if next > now+burst {
			return false
		}
		for _, c := range mine {
			if c != least {
				c.raise(next)
			}
		}
		if least.move(at, next) { // last, so that of two that count the same client only one gets here
			return true
		}
	}
}

// burst is how much a client that was quiet may do at once: what its limit gives it in
// this time.
const burst = time.Second

// pace is how far ahead something is: the time until which it has had its share.
type pace struct{ until atomic.Int64 }

func (p *pace) load() time.Duration { return time.Duration(p.until.Load()) }

// move sets p from one time to another; false if it was not at the first.
func (p *pace) move(from, to time.Duration) bool {
	return p.until.CompareAndSwap(int64(from), int64(to))
}

// raise sets p to the time at least.
func (p *pace) raise(to time.Duration) {
	for {
		if at := p.load(); at >= to || p.move(at, to) {
			return
		}
	}
}

// take is that of a sketch for one alone.
func (p *pace) take(now, cost time.Duration) bool {
	for {
		at := p.load()
		next := max(at, now) + cost
		if next > now+burst {
			return false
		}
		if p.move(at, next) {
			return true
		}
	}
}

// each is the cost of one where so many a second are the limit, 0 where there is none.
func each(limit int) time.Duration {
	if limit == 0 {
		return 0
	}
	return max(time.Second/time.Duration(limit), 1)
}

// counted is what a sketch counts of an address.
type counted byte

// What is counted. Queries whose source is proved are counted apart from those whose
// source may be forged, so that nobody can use up another's share.
const (
	forgeableQueries counted = iota
	provedQueries
	forgeablePrefix
	provedPrefix
	replies
	begunHandshakes
	forgeableHandshakes
)

// subject is who does what.
type subject [17]byte

// subjectOf gives the subject of an IPv4 address cut to v4 bits or an IPv6 address cut to
// v6 bits, whole octets.
func subjectOf(what counted, a netip.Addr, v4, v6 int) (who subject) {
	b := a.As16()
	n := v6
	if a.Is4() {
		n = 96 + v4
	}
	copy(who[:], b[:n/8])
	who[16] = byte(what)
	return who
}
