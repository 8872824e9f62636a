package policy

import "net/netip"

// Forwarder is a machine that asks for the devices behind it, such as the home's router.
type Forwarder struct {
	household    *Household
	believed     tellings
	own, unknown int32 // places of clients: of whom it tells nothing, and of a device that nobody entered
	chosen       bool  // own has a profile that somebody wrote
}

// tellings are the ways in which a forwarder says for which device it asks.
type tellings uint8

const (
	tellsMAC tellings = 1 << iota
	tellsToken
	tellsSubnet
)

// tellingNames are the ways as configurations spell them.
var tellingNames = []string{"mac", "token", "subnet"}

// TellsApart reports whether the forwarder says for which device it asks. What it is answered then holds for that
// device alone, so it must keep nothing of it.
func (f *Forwarder) TellsApart() bool { return f.believed != 0 }

// Told is what a forwarder says of the device that it asks for. Nothing proves it.
type Told struct {
	MAC   MAC        // zero: none
	Token []byte     // empty: none
	Addr  netip.Addr // the zero Addr: none
	Vague bool       // it names a network in place of an address
}

// Telling is what came of what a forwarder said. The set is closed.
type Telling uint8

// What may come of it.
const (
	ToldNothing Telling = iota // that is believed
	ToldUnknown                // a device that nobody entered
	ToldDevice                 // a device of the household
)

// IdentifyTold says for which device of its household a forwarder asks, by what of t it is believed in. The proofs
// count as in IdentifyBy. A forwarder never speaks for another home. 0 allocations.
//
// A device that nobody entered is a guest, and gets no more than the forwarder's profile where one is written. A
// query that tells of no device gets that profile, or what all members and guests alike are allowed: it may be
// any of them.
func (d *Directory) IdentifyTold(f *Forwarder, t *Told) (Client, Telling) {
	told := f.believe(d, t)
	if told.MAC.IsZero() && len(told.Token) == 0 && !told.Addr.IsValid() {
		return d.clients[f.own], ToldNothing
	}
	at := f.unknown
	if found := d.addresses.find(told.Addr); found != 0 && d.clients[found].Device != nil {
		at = found
	}
	if r := f.household.recognition; r != nil {
		at = r.identify(d, &Facts{Addr: told.Addr, MAC: told.MAC}, at)
		if byToken := r.tokens[string(told.Token)]; byToken != 0 && d.clients[at].Device == nil {
			at = byToken
		}
	}
	if c := &d.clients[at]; f.chosen && (c.Device == nil || c.Assumed) {
		at = d.stricter(at, f.unknown)
	}
	if d.clients[at].Device != nil {
		return d.clients[at], ToldDevice
	}
	return d.clients[at], ToldUnknown
}

// believe leaves of t what the forwarder is trusted with.
//
// Where a client subnet stands beside the MAC that is no address of the home, the MAC does not count. dnsmasq takes
// the subnet for all that an answer hangs on, and gives what one device was answered to all that ask the same
// (docs/router.md). Nor does an address count whose MAC the forwarder should tell and does not know yet.
func (f *Forwarder) believe(d *Directory, t *Told) Told {
	told := *t
	if t.Addr.IsValid() && !f.atHome(d, t.Addr) {
		told.Vague, told.Addr = true, netip.Addr{}
	}
	if f.believed&tellsSubnet == 0 {
		told.Addr = netip.Addr{}
	}
	if f.believed&tellsMAC == 0 || told.Vague {
		told.MAC = MAC{}
	}
	if f.believed&tellsToken == 0 {
		told.Token = nil
	}
	if f.believed&tellsMAC != 0 && told.MAC.IsZero() { // a child's device may just have taken this address
		told.Addr = netip.Addr{}
	}
	return told
}

// atHome reports whether an address is one of a device behind the forwarder.
func (f *Forwarder) atHome(d *Directory, a netip.Addr) bool {
	found := d.addresses.find(a)
	return found != 0 && d.clients[found].Household == f.household && d.clients[found].Forwarder == nil
}
