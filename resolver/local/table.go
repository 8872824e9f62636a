package local

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// entry is one line of a file: an address with a name of it.
type entry struct {
	addr    netip.Addr
	name    string    // as written; "" for none
	mac     string    // of a lease: as written, which may be something else that the server knows the client by
	expires time.Time // of a lease; zero: never
	listed  bool      // it is in the table
}

func (e *entry) over(now time.Time) bool { return !e.expires.IsZero() && !now.Before(e.expires) }

// build makes the table of all entries that hold now: hosts files, and what leases have besides.
func (n *Names) build() {
	t := table{hosts: make(map[string]*Host), written: make(map[string]bool), zones: n.cfg.Zones}
	if len(t.zones) == 0 {
		if zone, err := blocklists.ParseName(DefaultZone); err == nil {
			t.zones = []blocklists.Name{zone}
		}
	}
	now := n.now()
	for i, path := range slices.Concat(n.cfg.Hosts, n.cfg.Leases) {
		entries := n.files[path].entries
		for j := range entries {
			e := &entries[j]
			if e.listed = !e.over(now); e.listed {
				t.add(e, i >= len(n.cfg.Hosts))
			}
		}
	}
	if t.full {
		n.log.Warn("too many names of the home; the rest is left out", "kept", maxNames)
	}
	n.table.Store(&t.hosts)
	n.tellLeases()
}

// table is Names.table while it is filled.
type table struct {
	hosts   map[string]*Host
	written map[string]bool // by whom the house belongs to, in a hosts file
	zones   []blocklists.Name
	full    bool
}

// add enters an entry: the name, in each zone too if it is a single label, and the
// reverse name. Names that are no host's, and addresses that lead to the machine that
// asks, say nothing to others. Nor does a machine that claims, in a lease, a name that a hosts
// file has: what is sent to that name is not for it.
func (t *table) add(e *entry, claimed bool) {
	name, err := blocklists.ParseName(e.name)
	if err != nil || name.Labels() == 0 || e.addr.IsLoopback() || e.addr.IsUnspecified() || e.addr.IsMulticast() {
		return
	}
	forms := []blocklists.Name{name}
	if name.Labels() == 1 {
		for _, zone := range t.zones {
			if len(name)-1+len(zone) <= 255 { // RFC 1035 section 2.3.4
				forms = append(forms, slices.Concat(name[:len(name)-1], zone))
			}
		}
	}
	if claimed && slices.ContainsFunc(forms, func(form blocklists.Name) bool { return t.another(form, e.addr) }) {
		return
	}
	for _, form := range forms {
		t.written[string(form)] = t.written[string(form)] || !claimed
		if h := t.host(form); h != nil {
			h.addAddress(e.addr)
		}
	}
	if h := t.host(reverse(e.addr)); h != nil {
		whole := forms[len(forms)-1]
		if len(forms) > 1 {
			whole = forms[1] // the first zone is where it belongs
		}
		if !slices.ContainsFunc(h.Names, func(n blocklists.Name) bool { return string(n) == string(whole) }) && len(h.Names) < maxHost/4 {
			h.Names = append(h.Names, whole)
		}
	}
}

// another reports whether a hosts file has the name, of a machine without that address.
func (t *table) another(name blocklists.Name, addr netip.Addr) bool {
	h := t.hosts[string(name)]
	return h != nil && t.written[string(name)] && !slices.Contains(h.V4, addr) && !slices.Contains(h.V6, addr)
}

// host returns the entry of a name, nil if there is no room for it.
func (t *table) host(name blocklists.Name) *Host {
	if h := t.hosts[string(name)]; h != nil {
		return h
	}
	if len(t.hosts) >= maxNames {
		t.full = true
		return nil
	}
	h := new(Host)
	t.hosts[string(name)] = h
	return h
}

func (h *Host) addAddress(a netip.Addr) {
	to := &h.V6
	if a.Is4() {
		to = &h.V4
	}
	if !slices.Contains(*to, a) && len(*to) < maxHost {
		*to = append(*to, a)
	}
}

// reverse is the name of an address in the reverse tree (RFC 1035 section 3.5, RFC 3596
// section 2.5).
func reverse(a netip.Addr) blocklists.Name {
	var labels []string
	tree := "ip6.arpa"
	if a.Is4() {
		tree = "in-addr.arpa"
		labels = strings.Split(a.String(), ".")
	} else {
		labels = strings.Split(strings.ReplaceAll(a.WithZone("").StringExpanded(), ":", ""), "")
	}
	slices.Reverse(labels)
	name, err := blocklists.ParseName(strings.Join(labels, ".") + "." + tree)
	if err != nil {
		panic("local: " + err.Error()) // digits make a name
	}
	return name
}
