package presence

import (
	"encoding/binary"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/policy"
)

const (
	// maxMachines addresses are kept: twice what Linux keeps of IPv4 and of IPv6 together where nobody changed
	// gc_thresh3 (1,024 each). Of one that finds no room the kernel is asked at each query, which is right as well.
	maxMachines = 4096
	// shards keep what is copied at a change small: 16 addresses each where the table is full.
	shards = 256
	// maxShard bounds one shard, should chance fill it more than others.
	maxShard = 64
)

// Config is what a Table is made of.
type Config struct {
	Neighbours bool             // watch the kernel's neighbour table
	Leases     Leases           // nil: there are none
	MDNS       bool             // ask neighbours without a name for it by multicast DNS
	Reverse    []netip.AddrPort // servers that are asked for the names of their addresses; none: nobody
	Log        *slog.Logger     // nil: nobody is told
	Now        func() time.Time // nil: time.Now
}

// Table is which machine has which address. It is safe for concurrent use and a prometheus.Collector
// (hearth_presence_*).
type Table struct {
	log    *slog.Logger
	now    func() time.Time
	kernel kernel // nil: not watched

	seeds  [2]uint64 // so that nobody can choose addresses of one shard
	shards [shards]shard
	size   atomic.Int64
	ground atomic.Pointer[ground] // nil: nothing of the kernel is known, nor ever will be
	leases atomic.Pointer[leases]
	files  Leases
	heard  atomic.Pointer[map[policy.MAC]string] // names that were asked for; a writer holds hearing
	asks   waiting

	hearing sync.Mutex

	counts counters

	mdns    bool
	reverse []netip.AddrPort
	unnamed chan unnamed // who is asked next; nil: nobody
}

// shard is a part of the addresses. Readers load entries; a writer holds mu and stores others.
type shard struct {
	mu      sync.Mutex
	changes uint64 // how often the kernel told of one
	entries atomic.Pointer[[]Machine]
}

// Machine is an address with what is known of who has it.
type Machine struct {
	Addr  netip.Addr // with the interface if it is link-local
	MAC   policy.MAC
	Name  string    // that it gives itself, "" for none
	Since time.Time // that this MAC has this address, as far as we saw
	link  int       // number of the interface
}

// New returns a Table. If it is to watch the kernel, all that the kernel knows is in it already, so that no query
// comes before; Run must follow. Where the kernel does not tell, that is logged, and addresses alone count.
func New(cfg Config) *Table {
	t := &Table{log: cfg.Log, now: cfg.Now, files: cfg.Leases, seeds: [2]uint64{rand.Uint64(), rand.Uint64()}} //nolint:gosec // spreads, keeps no secret
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.files == nil {
		t.files = noLeases{}
	}
	t.asks.of = make(map[netip.Addr][]*look)
	if t.mdns, t.reverse = cfg.MDNS, cfg.Reverse; t.mdns || len(t.reverse) > 0 {
		t.unnamed = make(chan unnamed, maxUnnamed)
	}
	if cfg.Neighbours {
		t.watch(newKernel())
	}
	return t
}

// watch begins to watch a kernel, nil for none.
func (t *Table) watch(k kernel) {
	if k == nil {
		return
	}
	t.kernel = k
	if err := t.survey(); err != nil {
		t.kernel = nil
		t.ground.Store(nil)
		t.log.Warn("the kernel does not tell which device has which address; devices are known by their addresses alone", "error", err)
	}
}

// Find adds to f what is known of the machine that has f.Addr: MAC and Name. It is false for an address of a
// network that this machine is in where nothing is known of it yet, or while the kernel tells of a change, and for
// others while a lease file has one: then Look must be asked before anybody decides by the address. Who sends a query from an address that was another's a moment
// ago has told the kernel first, by ARP or neighbour discovery; so the kernel is asked whether there is anything new,
// which costs a system call, and is seen by Find before the query is. 0 allocations.
func (t *Table) Find(f *policy.Facts) bool {
	g, addr := t.ground.Load(), f.Addr.Unmap()
	in := t.shard(addr)
	if g == nil || in.find(addr) == nil && !g.near(addr) { // who is in the table is near
		if !addr.IsLoopback() && !t.files.Fresh() {
			return false
		}
		t.findLease(f, addr)
		return true
	}
	if g.outdated || g.feed.pending() || t.ground.Load() != g {
		return false
	}
	m := in.find(addr)
	if m == nil || m.Name == "" && !t.files.Fresh() {
		return false
	}
	f.MAC, f.Name = m.MAC, m.Name
	return true
}

// List gives every address with the machine that has it, in order.
func (t *Table) List() []Machine {
	var all []Machine
	for i := range t.shards {
		if in := t.shards[i].entries.Load(); in != nil {
			all = append(all, *in...)
		}
	}
	if l := t.leases.Load(); l != nil {
		g := t.ground.Load()
		for a, lease := range l.byAddr {
			if (g == nil || !g.near(a)) && !lease.over(t.now()) {
				all = append(all, Machine{Addr: a, MAC: lease.MAC, Name: lease.Name})
			}
		}
	}
	slices.SortFunc(all, func(a, b Machine) int { return a.Addr.Compare(b.Addr) })
	return all
}

func (t *Table) shard(a netip.Addr) *shard {
	b := a.As16()
	x, y := bits.Mul64(binary.BigEndian.Uint64(b[:8])^t.seeds[0], binary.BigEndian.Uint64(b[8:])^t.seeds[1])
	return &t.shards[(x^y)%shards]
}

func (s *shard) find(a netip.Addr) *Machine {
	in := s.entries.Load()
	if in == nil {
		return nil
	}
	for i := range *in {
		if m := &(*in)[i]; m.Addr == a {
			return m
		}
	}
	return nil
}

// put enters a machine, or what changed of it. Only what the kernel told since it was asked may contradict it: where
// that is so, seen is not the shard's number of changes, and nothing is entered.
func (t *Table) put(m Machine, seen uint64, told bool) {
	s := t.shard(m.Addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	if told {
		s.changes++
	} else if s.changes != seen {
		return
	}
	old := s.find(m.Addr)
	m.Name = t.nameOf(m.Addr, m.MAC)
	m.Since = t.now()
	if old != nil && old.MAC == m.MAC {
		if m.Since = old.Since; *old == m {
			return
		}
	}
	in := s.without(m.Addr)
	if old == nil {
		if len(in) >= maxShard || t.size.Load() >= maxMachines {
			t.counts.leftOut.Add(1)
			return
		}
		t.size.Add(1)
	}
	in = append(in, m)
	s.entries.Store(&in)
	if t.unnamed != nil && m.Name == "" && (old == nil || old.MAC != m.MAC) {
		select {
		case t.unnamed <- unnamed{m.Addr, m.MAC}:
		default:
		}
	}
}

// remove takes out an address that the kernel has forgotten, unless another interface has it.
func (t *Table) remove(a netip.Addr, link int) {
	s := t.shard(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	if old := s.find(a); old != nil && old.link == link {
		in := s.without(a)
		s.entries.Store(&in)
		t.size.Add(-1)
	}
}

// without copies the entries but that of an address, with room for one more.
func (s *shard) without(a netip.Addr) []Machine {
	var in []Machine
	if old := s.entries.Load(); old != nil {
		in = make([]Machine, 0, len(*old)+1)
		for _, m := range *old {
			if m.Addr != a {
				in = append(in, m)
			}
		}
	}
	return in
}

// replace takes over all that the kernel knows, and forgets the rest.
func (t *Table) replace(all []Machine) {
	known := make(map[netip.Addr]bool, len(all))
	for _, m := range all {
		known[m.Addr] = true
		t.put(m, 0, true)
	}
	for i := range t.shards {
		if in := t.shards[i].entries.Load(); in != nil {
			for _, m := range *in {
				if !known[m.Addr] {
					t.remove(m.Addr, m.link)
				}
			}
		}
	}
}

// rename gives the machines the names that they have now.
func (t *Table) rename() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		if in := s.entries.Load(); in != nil {
			named := slices.Clone(*in)
			for j := range named {
				named[j].Name = t.nameOf(named[j].Addr, named[j].MAC)
			}
			s.entries.Store(&named)
		}
		s.mu.Unlock()
	}
}

// nameOf gives the name that a machine gave the DHCP server, else the one that it was asked for.
func (t *Table) nameOf(a netip.Addr, m policy.MAC) string {
	if name := t.leases.Load().name(a, m); name != "" {
		return name
	}
	if heard := t.heard.Load(); heard != nil {
		return (*heard)[m]
	}
	return ""
}
