package blocklists

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sort"
)

// MaxPrefixes is how many networks an index holds: each takes up to 40 octets of memory.
const MaxPrefixes = 1 << 17

// ErrPrefixLimit is in the chain of the error about a network that is sound, but for which an index has no room.
var ErrPrefixLimit = errors.New("no room for the network")

// network is what a list says of one.
type network struct {
	netip.Prefix
	list      uint16
	exception bool
}

// AddPrefix adds a network to list l: an answer with an address in it gets the list's categories (RPZ's rpz-ip). Of the
// networks of one list the longest that holds an address decides, and of two alike an exception. Bits behind the
// network's own count as 0. An error with ErrPrefixLimit in its chain leaves the Builder as it was, as with AddPattern.
func (b *Builder) AddPrefix(l ListID, p netip.Prefix, exception bool) error {
	number, err := b.outlierList(l)
	if err == nil {
		p, err = soundPrefix(p)
	}
	if err == nil && len(b.networks) == MaxPrefixes {
		err = fmt.Errorf("%w: at most %d fit: use fewer lists that have any", ErrPrefixLimit, MaxPrefixes)
	}
	if err != nil {
		return fmt.Errorf("adding a network: %w", err)
	}
	b.networks = append(b.networks, network{p, number, exception})
	return nil
}

// soundPrefix returns p as a table holds it: IPv4 as IPv6 that is mapped from it.
func soundPrefix(p netip.Prefix) (netip.Prefix, error) {
	addr, bits := p.Addr(), p.Bits()
	mapped := netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff})
	if p.IsValid() && addr.Is4() {
		addr, bits = netip.AddrFrom16(addr.As16()), bits+96
	}
	switch {
	case !p.IsValid():
		return p, errors.New("it is not valid: write one such as 192.0.2.0/24")
	case p.Bits() == 0:
		return p, fmt.Errorf("%s is all there is: write a network of at least one bit", p)
	case bits <= 96 && netip.PrefixFrom(addr, bits).Contains(mapped) && !p.Addr().Is4():
		return p, fmt.Errorf("%s is all of IPv4 too: write the networks of both families one by one", p)
	}
	return netip.PrefixFrom(addr, bits).Masked(), nil
}

// spanSize is the size of a span in an index file.
const spanSize = 20

// span begins where what is known of addresses changes, and reaches up to the next one.
type span struct {
	from netip.Addr
	set  uint32 // number of its categories, counted from 1; 0 if it has none
}

// spanner turns networks, those that enclose others first, into a table in which the last span that begins at or before
// an address has all that is known of it.
type spanner struct {
	sets   []Categories            // by list
	intern func(Categories) uint32 // numbers sets from 1 on, the empty one 0
	path   []enclosing             // from all addresses, which are in no network, to the network at hand
	table  []span
}

// enclosing is a network and what each list says of its addresses.
type enclosing struct {
	last     netip.Addr
	verdicts map[uint16]verdict
	set      uint32
}

// spans returns the table of the given networks.
func spans(networks []network, sets []Categories, intern func(Categories) uint32) []span {
	networks = slices.SortedFunc(slices.Values(networks), func(a, b network) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	s := spanner{sets: sets, intern: intern, path: []enclosing{{}}}
	for begin := 0; begin < len(networks); {
		p, made := networks[begin].Prefix, make(map[uint16]uint32)
		for ; begin < len(networks) && networks[begin].Prefix == p; begin++ {
			made[networks[begin].list] |= 1 << Entry{Exception: networks[begin].exception}.statement()
		}
		s.leave(p.Addr())
		s.enter(p, made)
	}
	s.leave(netip.Addr{})
	return s.table
}

// enter begins a network of which each list makes the given statements.
func (s *spanner) enter(p netip.Prefix, made map[uint16]uint32) {
	verdicts := make(map[uint16]verdict)
	maps.Copy(verdicts, s.path[len(s.path)-1].verdicts)
	for list, statements := range made {
		verdicts[list] = weigh(statements, verdicts[list])
	}
	var set Categories
	for list, v := range verdicts {
		if v.lists() {
			set = set.Or(s.sets[list])
		}
	}
	here := enclosing{last: lastOf(p), verdicts: verdicts, set: s.intern(set)}
	s.begin(p.Addr(), here.set)
	s.path = append(s.path, here)
}

// leave ends the networks that end before next, all of them if that is the zero Addr.
func (s *spanner) leave(next netip.Addr) {
	for n := len(s.path) - 1; n > 0 && (!next.IsValid() || s.path[n].last.Less(next)); n-- {
		if behind := s.path[n].last.Next(); behind.IsValid() {
			s.begin(behind, s.path[n-1].set)
		}
		s.path = s.path[:n]
	}
}

// begin starts a span at from, in place of one that starts there too and has no address then.
func (s *spanner) begin(from netip.Addr, set uint32) {
	if n := len(s.table); n > 0 && s.table[n-1].from == from {
		s.table = s.table[:n-1]
	}
	before := uint32(0)
	if n := len(s.table); n > 0 {
		before = s.table[n-1].set
	}
	if set != before {
		s.table = append(s.table, span{from, set})
	}
}

// lastOf returns the highest address of a network of IPv6.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	for bit := p.Bits(); bit < 128; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom16(b)
}

// Prefixes returns the number of networks that ix was compiled from. With none, MatchAddress has nothing to say.
func (ix *Index) Prefixes() int { return ix.networks }

// MatchAddress returns the categories of the networks that hold a. IPv4 in IPv6 counts as IPv4. It does not allocate.
func (ix *Index) MatchAddress(a netip.Addr) (found Categories) {
	if len(ix.spans) == 0 || !a.IsValid() {
		return found
	}
	raw := a.As16()
	high, low := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	behind := sort.Search(len(ix.spans)/spanSize, func(i int) bool {
		b := ix.spans[i*spanSize:]
		h := binary.LittleEndian.Uint64(b)
		return h > high || h == high && binary.LittleEndian.Uint64(b[8:]) > low
	})
	if behind > 0 {
		if set := binary.LittleEndian.Uint32(ix.spans[(behind-1)*spanSize+16:]); set > 0 {
			found = ix.sets[set-1]
		}
	}
	runtime.KeepAlive(ix)
	return found
}
