package policy

import (
	"net/netip"
	"slices"
)

// Facts are what is known of whoever asks. The zero value of each is: not known.
type Facts struct {
	Addr  netip.Addr
	ID    string // the device's id that came with encrypted DNS, in lower case
	MAC   MAC    // of the machine that has Addr, as the kernel, a lease or a trusted forwarder says
	Token string // by which a trusted forwarder tells its devices apart
	Name  string // that the machine gives itself, as HostLabel makes it; it proves nothing
}

// IdentifyBy says who asks. In this order: the device with the id; the device with the MAC; the device with the
// address; with the token; with the name; what the household's rules recognise; a guest of the household with the
// longest network that holds the address. docs/decisions/0017-who-is-asking.md has the reasons. 0 allocations.
//
// What a machine says of itself, its name and the maker in its MAC, never gives it more than a guest has. MACs,
// tokens and names are those of the household whose network the address is in; a MAC alone counts where the
// address is in nobody's.
func (d *Directory) IdentifyBy(f *Facts) Client {
	if f.ID != "" {
		if at := d.ids[f.ID]; at != 0 {
			return d.clients[at]
		}
	}
	at := d.addresses.find(f.Addr)
	if at == 0 && !f.MAC.IsZero() {
		at = d.macs.find(f.MAC.number(), f.MAC.number().hash())
	} else if at != 0 && d.clients[at].Forwarder == nil { // whose own MAC says nothing of who asks
		if r := d.clients[at].Household.recognition; r != nil {
			at = r.identify(d, f, at)
		}
	}
	return d.clients[at]
}

// IdentifyUnseen says who has an address while nobody knows which machine that is: where a household tells machines
// apart, an address alone proves nothing, and it is a guest.
func (d *Directory) IdentifyUnseen(addr netip.Addr) Client {
	c := d.Identify(addr)
	if c.Status == Known && c.Household.recognition != nil {
		return c.Household.guest()
	}
	return c
}

// recognition is by what else than addresses a household knows its devices. The numbers are places of clients.
type recognition struct {
	macs   table[number6]
	tokens map[string]int32
	names  map[string]int32
	rules  []recogniseRule
}

// seats is where the clients of a device are in the Directory.
type seats struct {
	proved  int32
	assumed int32 // as somebody gets it who only seems to be it, 0: nobody can
	hasMACs bool
}

// recogniseRule gives devices that are not known a profile.
type recogniseRule struct {
	prefix, mask number6 // of the MAC
	name         namePattern
	client       int32
}

// identify goes on from the client that has the address: a device, or the household's guest.
func (r *recognition) identify(d *Directory, f *Facts, at int32) int32 {
	device := d.clients[at].Device
	var byMAC int32
	if !f.MAC.IsZero() {
		byMAC = r.macs.find(f.MAC.number(), f.MAC.number().hash())
	}
	switch {
	case byMAC != 0 && device != nil && !device.hasMACs:
		return d.stricter(byMAC, at)
	case byMAC != 0:
		return byMAC
	case device != nil && !f.MAC.IsZero() && device.hasMACs:
		return device.assumed
	case device != nil:
		return at
	}
	if found := r.tokens[f.Token]; found != 0 && f.Token != "" {
		return found
	}
	if found := r.names[f.Name]; found != 0 && f.Name != "" {
		return found
	}
	for i := range r.rules {
		if r.rules[i].matches(f) {
			return r.rules[i].client
		}
	}
	return at
}

// stricter is the one of two devices whose band is the stricter one. Two things may be true: one of them has the
// other's old address, or a repeater, whose MAC was taken for a device's, stands before both.
func (d *Directory) stricter(a, b int32) int32 {
	if strictness(d.clients[b].Profile.Band()) < strictness(d.clients[a].Profile.Band()) {
		return b
	}
	return a
}

// strictness orders bands, the strictest first. Things stand between children and grown-ups: a child's device must
// not become one, a grown-up's may.
func strictness(b Band) int {
	return slices.Index([]Band{Little, Child, Preteen, Teen, Young, Things, Adult}, b)
}

func (r *recogniseRule) matches(f *Facts) bool {
	return (r.mask == number6{} || !f.MAC.IsZero() && f.MAC.number().and(r.mask) == r.prefix) &&
		(r.name == namePattern{} || f.Name != "" && r.name.matches(f.Name))
}
