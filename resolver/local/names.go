package local

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	lookEvery = 2 * time.Second // how soon a new lease is found; a look is one stat a file
	maxFile   = 4 << 20         // octets read of one file: 40,000 leases
	maxNames  = 20_000          // names kept in all, so that no file takes the memory of the cache
	maxHost   = 16              // addresses of one name, so that any reply fits in 512 octets over UDP
)

// DefaultZone holds the names of leases where no other zone is configured (RFC 8375).
const DefaultZone = "home.arpa"

// Config says where the names come from.
type Config struct {
	Hosts  []string // files of addresses with names, as hosts(5)
	Leases []string // lease files of dnsmasq, Kea or odhcpd
	// Zones are those that a name of a single label is found in, beside standing alone.
	// None: DefaultZone.
	Zones []blocklists.Name
}

// Host is what is known of one name: addresses, or for the reverse name of an address
// the names it has. It is not to be changed.
type Host struct {
	V4, V6 []netip.Addr
	Names  []blocklists.Name // of PTR records
}

// Names finds the machines of the home. It is safe for concurrent use and a
// prometheus.Collector (hearth_local_*). The zero Names knows nobody.
type Names struct {
	table  atomic.Pointer[map[string]*Host]
	read   atomic.Pointer[[]probe] // lease files as they were looked at last
	leased func([]Lease)

	mu    sync.Mutex
	cfg   Config
	files map[string]*file
	now   func() time.Time
	log   *slog.Logger
}

// New returns Names that Configure fills and Run keeps true. log may be nil.
func New(log *slog.Logger) *Names {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Names{files: make(map[string]*file), now: time.Now, log: log}
}

// Lease is what a DHCP server noted: who has an address.
type Lease struct {
	Addr netip.Addr
	Name string // of a single label, "" for none
	MAC  string // as the server writes it; "" or something that is none where it knows the client by another mark

	Until time.Time // zero: for ever
}

// OnLeases has f told of all leases that hold: at once, and whenever that changes. It must be set before Run, and must
// not call n.
func (n *Names) OnLeases(f func([]Lease)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.leased = f
	n.tellLeases()
}

// tellLeases tells who wants to know of the leases that hold. The caller holds mu.
func (n *Names) tellLeases() {
	if n.leased == nil {
		return
	}
	var all []Lease
	for _, path := range n.cfg.Leases {
		for _, e := range n.files[path].entries {
			if e.listed {
				all = append(all, Lease{e.addr, e.name, e.mac, e.expires})
			}
		}
	}
	n.leased(all)
}

// Find returns what is known of a name in canonical wire form, nil if nothing is. It does
// not allocate.
func (n *Names) Find(name blocklists.Name) *Host {
	t := n.table.Load()
	if t == nil {
		return nil
	}
	return (*t)[string(name)]
}

// Configure reads the files of cfg at once. One that cannot be read is reported, and what
// was read of it before stays.
func (n *Names) Configure(cfg Config) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cfg = cfg
	before := n.files
	n.files = make(map[string]*file)
	for _, path := range slices.Concat(cfg.Hosts, cfg.Leases) {
		n.files[path] = cmp.Or(before[path], &file{path: path})
	}
	n.look()
	n.build()
	n.looked()
}

// Run looks for changes of the files until ctx ends.
func (n *Names) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.Refresh()
		}
	}
}

// Refresh takes over what changed: files, and leases that ran out. Run does so every two seconds; whoever learns of
// a change sooner calls it. It waits a moment while somebody writes.
func (n *Names) Refresh() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.look() || n.lapsed() {
		n.build()
	}
	n.looked()
}

// Fresh says whether the lease files are as they were when they were read. A DHCP server writes a lease down before it
// tells its client (dnsmasq, Kea), so what a client may do can be decided by the leases if this is true. 0 allocations.
func (n *Names) Fresh() bool {
	all := n.read.Load()
	if all == nil {
		return true
	}
	for i := range *all {
		if p := &(*all)[i]; !p.same() {
			return false
		}
	}
	return true
}

// look reads the files that changed.
func (n *Names) look() (changed bool) {
	for _, path := range n.cfg.Hosts {
		changed = n.files[path].read(readHosts, n.now, n.log) || changed
	}
	for _, path := range n.cfg.Leases {
		changed = n.files[path].read(readLeases, n.now, n.log) || changed
	}
	return changed
}

// looked has Fresh go by what was read. It comes after all were told: who finds it fresh decides at once.
func (n *Names) looked() {
	all := make([]probe, 0, len(n.cfg.Leases))
	for _, path := range n.cfg.Leases {
		all = append(all, newProbe(path, n.files[path].looked[0]))
	}
	n.read.Store(&all)
}

// lapsed reports whether a lease ran out since the table was built.
func (n *Names) lapsed() bool {
	now := n.now()
	for _, f := range n.files {
		for i := range f.entries {
			if e := &f.entries[i]; e.listed && e.over(now) {
				return true
			}
		}
	}
	return false
}

// Describe implements prometheus.Collector.
func (n *Names) Describe(ch chan<- *prometheus.Desc) { ch <- descNames; ch <- descLimit }

// Collect implements prometheus.Collector.
func (n *Names) Collect(ch chan<- prometheus.Metric) {
	held := 0
	if t := n.table.Load(); t != nil {
		held = len(*t)
	}
	ch <- prometheus.MustNewConstMetric(descNames, prometheus.GaugeValue, float64(held))
	ch <- prometheus.MustNewConstMetric(descLimit, prometheus.GaugeValue, maxNames)
}

var (
	descNames = prometheus.NewDesc("hearth_local_names", "Names of the home's machines known from hosts and lease files, reverse names included.", nil, nil)
	descLimit = prometheus.NewDesc("hearth_local_names_limit", "Names of the home's machines that are kept at most.", nil, nil)
)
