package presence

import (
	"maps"
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/policy"
)

// Lease is what a DHCP server noted of an address: for whom, and what they call themselves. What it does not know is
// the zero value.
type Lease struct {
	Addr  netip.Addr
	MAC   policy.MAC
	Name  string    // as policy.HostLabel makes it
	Until time.Time // zero: for ever
}

func (l *Lease) over(now time.Time) bool { return !l.Until.IsZero() && !now.Before(l.Until) }

// Leases are the files of DHCP servers, from which somebody calls SetLeases.
type Leases interface {
	// Fresh says whether all that is written there has been told. It is asked at a query; 0 allocations.
	Fresh() bool
	// Refresh has it told, and waits a moment while somebody writes.
	Refresh()
}

// noLeases is where there are none.
type noLeases struct{}

func (noLeases) Fresh() bool { return true }
func (noLeases) Refresh()    {}

// leases are those that hold. It never changes; nil has none.
type leases struct {
	byAddr map[netip.Addr]Lease
	byMAC  map[policy.MAC]string // names
}

// SetLeases takes over all leases that hold now, in place of those before.
func (t *Table) SetLeases(all []Lease) {
	l := &leases{byAddr: make(map[netip.Addr]Lease, len(all)), byMAC: make(map[policy.MAC]string)}
	for _, lease := range all {
		l.byAddr[lease.Addr] = lease
		if lease.Name != "" && !lease.MAC.IsZero() {
			l.byMAC[lease.MAC] = lease.Name
		}
	}
	if old := t.leases.Swap(l); old == nil || !maps.Equal(old.byAddr, l.byAddr) {
		t.rename()
	}
}

// findLease adds what is known of an address beyond a router, where the kernel sees no MAC.
func (t *Table) findLease(f *policy.Facts, a netip.Addr) {
	l := t.leases.Load()
	if l == nil {
		return
	}
	if lease, known := l.byAddr[a]; known && !lease.over(t.now()) {
		f.MAC, f.Name = lease.MAC, lease.Name
	}
}

// name is what a machine calls itself: by its MAC, so that all its addresses have it, else by an address that was
// given to no other MAC.
func (l *leases) name(a netip.Addr, m policy.MAC) string {
	if l == nil {
		return ""
	}
	if name := l.byMAC[m]; name != "" {
		return name
	}
	if lease := l.byAddr[a]; lease.MAC.IsZero() || lease.MAC == m {
		return lease.Name
	}
	return ""
}

func (l *leases) len() int {
	if l == nil {
		return 0
	}
	return len(l.byAddr)
}
