package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Directory is who there is and what holds for them: all households compiled
// against one Index. It is immutable and safe for concurrent use.
type Directory struct {
	index    *blocklists.Index
	ground   *ground
	hash     string
	bands    Date // when the band of a member changes next
	warnings []Warning
	where    bool // somebody has rules of addresses
	waiting  []Waiting

	households map[string]*Household
	order      []*Household
	profiles   map[string]*Profile // named ones and presets

	clients   []Client // 0 is the stranger
	addresses addresses
	ids       map[string]int32 // of devices; they are secrets
	macs      table[number6]   // of devices, for addresses of nobody's network
	knowing   bool             // some household knows devices by more than addresses and ids
}

// Warning is something in the configuration that holds, but that the people
// concerned should know.
type Warning struct {
	Path string // of the field, as in validation errors
	Text string
}

// Index is the Index that the Directory was compiled against.
func (d *Directory) Index() *blocklists.Index { return d.index }

// Popular reports whether a popularity list is loaded. Without one, profiles
// that block unpopular names allow them.
func (d *Directory) Popular() bool { return d.ground.popular }

// Locates reports whether somebody has rules of addresses, so that it matters where
// those of an answer lie.
func (d *Directory) Locates() bool { return d.where }

// Hash names this version of the policy, in hexadecimal: equal configurations
// on equal bands have equal hashes.
func (d *Directory) Hash() string { return d.hash }

// Versions is how the ids of decisions end: "-POLICY-LISTS", of the policy and the lists that decide.
func (d *Directory) Versions() string { return d.ground.versions }

// BandsUntil is the first day on which a member's band changes by birth date:
// compile again on it, at midnight of the household. Zero if no band will change.
func (d *Directory) BandsUntil() Date { return d.bands }

// Warnings are what Compile found worth saying without refusing.
func (d *Directory) Warnings() []Warning { return d.warnings }

// Waiting is a member whose birthday has come, and whose next band nobody has confirmed yet.
type Waiting struct {
	Household, Member string
	From, To          Band
}

// Waiting lists who waits for the next band.
func (d *Directory) Waiting() []Waiting { return d.waiting }

// Households lists the households in the order of the configuration.
func (d *Directory) Households() []*Household { return d.order }

// Identify says who has an address: the device that has it, else the household
// with the longest network that holds it. IPv4 in IPv6 counts as IPv4, zones are
// ignored. 0 allocations.
func (d *Directory) Identify(addr netip.Addr) Client {
	return d.clients[d.addresses.find(addr)]
}

// Recognises says that it matters to IdentifyBy what is known of a client beside address and id.
func (d *Directory) Recognises() bool { return d.knowing }

// Profile gives a named profile or a band's preset, as a listener's guest has
// it: without a household or a language of its own, a schedule in UTC. nil if there is none, or if it
// has no band of its own.
func (d *Directory) Profile(name string) *Profile { return d.profiles[name] }

// Locate finds a member of a household, as if one of their devices asked.
func (d *Directory) Locate(household, member string) (Client, error) {
	h, ok := d.households[household]
	if !ok {
		return Client{}, fmt.Errorf("no household %q: write one of %s", household, d.listHouseholds())
	}
	names := make([]string, 0, len(h.Members))
	for _, m := range h.Members {
		if m.Name == member {
			return h.client(m, nil, m.Profile, m.budget), nil
		}
		names = append(names, m.Name)
	}
	return Client{}, fmt.Errorf("household %s has no member %q: write one of %s", household, member, strings.Join(names, ", "))
}

// LocateMember finds a member by "household/member", or by the name alone where only one household has it.
func (d *Directory) LocateMember(id string) (Client, error) {
	if household, member, qualified := strings.Cut(id, "/"); qualified {
		return d.Locate(household, member)
	}
	var found []Client
	var at []string
	for _, h := range d.order {
		for _, m := range h.Members {
			if m.Name == id {
				found = append(found, h.client(m, nil, m.Profile, m.budget))
				at = append(at, h.ID+"/"+m.Name)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Client{}, fmt.Errorf("no member %q: write the member or household/member as in the configuration", id)
	}
	return Client{}, fmt.Errorf("several members are called %q: write one of %s", id, strings.Join(at, ", "))
}

// LocateDevice finds a device by "household/device", or by its name alone where
// only one household has it.
func (d *Directory) LocateDevice(id string) (Client, error) {
	household, name, qualified := strings.Cut(id, "/")
	var found []Client
	var at []string
	for _, h := range d.order {
		for _, v := range h.Devices {
			if v.Name == id || qualified && h.ID == household && v.Name == name {
				found = append(found, h.device(v))
				at = append(at, h.ID+"/"+v.Name)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Client{}, fmt.Errorf("no device %q: write the device or household/device as in the configuration", id)
	}
	return Client{}, fmt.Errorf("several devices are called %q: write one of %s", id, strings.Join(at, ", "))
}

func (d *Directory) listHouseholds() string {
	ids := make([]string, 0, len(d.order))
	for _, h := range d.order {
		ids = append(ids, h.ID)
		if len(ids) == 5 {
			break
		}
	}
	return strings.Join(ids, ", ")
}

// client gives the view of somebody of the household, with nothing of them in
// it if the household has opted out.
func (h *Household) client(m *Member, v *Device, p *Profile, b *budget) Client {
	if !h.Enabled {
		return Client{Status: OptedOut, Household: h, Profile: h.Guest}
	}
	return Client{Status: Known, Household: h, Member: m, Device: v, Profile: p, budget: b}
}

// Client is who asks from a device of the household, whoever uses it: Client.Now says who does.
func (h *Household) Client(v *Device) Client { return h.device(v) }

func (h *Household) device(v *Device) Client {
	var alone *Member
	if len(v.Members) == 1 {
		alone = v.Members[0]
	}
	return h.client(alone, v, v.Profile, v.budget)
}

func (h *Household) guest() Client {
	if !h.Enabled {
		return h.client(nil, nil, nil, nil)
	}
	return Client{Status: Guest, Household: h, Profile: h.Guest, budget: h.budget}
}

// Fixed reports whether the resolver answers a name itself: its own, and those that are special to it.
func (d *Directory) Fixed(h *blocklists.Hashes) bool { return d.ground.isFixed(h) }

// Match replaces m by the category of a self-test name, test-<category>.<own
// name>; every other match is given back as it is.
func (d *Directory) Match(h *blocklists.Hashes, m blocklists.Match) blocklists.Match {
	if at := d.ground.test(h); at != 0 {
		return d.ground.tests[at]
	}
	return m
}

// Ask prepares a question for an address: it fills h, and looks the name up.
func (d *Directory) Ask(name blocklists.Name, h *blocklists.Hashes) Question {
	const typeA = 1 // RFC 1035 section 3.2.2
	return d.AskFor(name, typeA, h)
}

// AskFor is Ask for records of type qtype.
func (d *Directory) AskFor(name blocklists.Name, qtype uint16, h *blocklists.Hashes) Question {
	d.ground.key.Hash(name, h)
	m, _ := d.index.MatchPatterns(name, qtype, d.index.Match(h))
	return Question{Hashes: h, Match: d.Match(h, m)}
}
