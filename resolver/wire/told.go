package wire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// Told is what a query says of the device that somebody forwards it for. Nobody signs that: whom
// to believe is for others to decide. What cannot be read, stands twice, or is said in two ways
// that differ, is left out.
type Told struct {
	MAC   [6]byte    // zero: none
	Token []byte     // in the packet, or in the Told itself; empty: none
	Addr  netip.Addr // the zero Addr: none
	// Vague: there is a client subnet that is no whole address.
	Vague bool
	// Broken: something was left out.
	Broken bool

	digits [2 * umbrellaDevice]byte
}

// IsZero says that the query tells of no device.
func (t *Told) IsZero() bool {
	return t.MAC == [6]byte{} && len(t.Token) == 0 && !t.Addr.IsValid()
}

// statement is an option, as often as it stands in the query.
type statement struct {
	value []byte // of the last
	times int
}

// The places of statements.
const (
	statedMAC = iota
	statedMACText
	statedToken
	statedUmbrella
	statedSubnet
	statements
)

// Told reads into t what the query tells of a device, in the options of home routers: 65001, the
// octets of a MAC; 65073, a MAC in text or in base64; 65074, a text; 20292, the device id and the
// address of Cisco Umbrella; and the client subnet (RFC 7871) where it is a whole address. dnsmasq
// sends each of them. It allocates nothing.
func (q *Query) Told(t *Told) {
	if *t = (Told{}); len(q.options) == 0 {
		return
	}
	var said [statements]statement
	for b := q.options; len(b) > 0; {
		code, v := nextOption(b)
		b = b[optionHead+len(v):]
		if i := statedIn(code); i < statements {
			said[i].value = v
			said[i].times++
		}
	}
	var umbrella umbrellaFields
	if s := said[statedUmbrella]; s.times > 1 || s.times == 1 && !umbrella.read(s.value) {
		t.Broken, umbrella = true, umbrellaFields{}
	}
	t.readMAC(said[statedMAC], said[statedMACText])
	t.readToken(said[statedToken], umbrella.device)
	t.readAddr(said[statedSubnet], umbrella.addr)
}

func statedIn(code uint16) int {
	switch code {
	case OptionMAC:
		return statedMAC
	case OptionMACText:
		return statedMACText
	case OptionToken:
		return statedToken
	case OptionUmbrella:
		return statedUmbrella
	case OptionSubnet:
		return statedSubnet
	}
	return statements
}

func (t *Told) readMAC(octets, text statement) {
	var plain, spelled [6]byte
	sound := octets.times == 0 || octets.times == 1 && len(octets.value) == len(plain) && copy(plain[:], octets.value) > 0 && oneMachine(plain)
	if text.times > 0 {
		sound = sound && text.times == 1 && parseMAC(&spelled, text.value) && (octets.times == 0 || plain == spelled)
		plain = spelled
	}
	if sound {
		t.MAC = plain
	}
	t.Broken = t.Broken || !sound
}

// oneMachine says of a MAC that it is neither nobody's nor a group's (IEEE 802).
func oneMachine(m [6]byte) bool { return m != [6]byte{} && m[0]&1 == 0 }

// parseMAC reads the 17 signs of "a4:cf:12:00:4d:91" or the 8 of base64 (RFC 4648 section 4).
func parseMAC(m *[6]byte, text []byte) bool {
	switch len(text) {
	case 3*len(m) - 1:
		for i := range m {
			if _, err := hex.Decode(m[i:i+1], text[3*i:3*i+2]); err != nil || i > 0 && text[3*i-1] != ':' {
				return false
			}
		}
	case 8:
		if n, err := base64.StdEncoding.Decode(m[:], text); err != nil || n != len(m) {
			return false
		}
	default:
		return false
	}
	return oneMachine(*m)
}

func (t *Told) readToken(text statement, device []byte) {
	switch {
	case text.times > 1, text.times == 1 && (len(text.value) == 0 || len(device) > 0):
		t.Broken = true
	case text.times == 1:
		t.Token = text.value
	case len(device) > 0:
		t.Token = t.digits[:hex.Encode(t.digits[:], device)]
	}
}

func (t *Told) readAddr(subnet statement, umbrella netip.Addr) {
	var a netip.Addr
	if subnet.times > 0 {
		if a = wholeAddress(subnet.value); subnet.times > 1 || !a.IsValid() {
			a, t.Vague = netip.Addr{}, true
		}
	}
	switch {
	case subnet.times > 1, a.IsValid() && umbrella.IsValid() && a != umbrella:
		t.Broken = true
	case a.IsValid():
		t.Addr = a
	default:
		t.Addr = umbrella
	}
}

// wholeAddress is the address of a sound client subnet option, the zero Addr if that is a network
// of many.
func wholeAddress(v []byte) netip.Addr {
	family, bits := binary.BigEndian.Uint16(v), int(v[2])
	if widest := addressBits(family); widest == 0 || bits != widest {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(v[4:])
	return a.Unmap()
}

// umbrellaFields is what there is to know in option 20292: "ODNS", the version 1, an octet of flags, and
// fields of a type and contents of the type's length.
type umbrellaFields struct {
	device []byte
	addr   netip.Addr
}

// The types of fields, of which dnsmasq sends all (man dnsmasq, --umbrella), and the length of a
// device id in octets.
const (
	umbrellaAsset = 0x04
	umbrellaOrg   = 0x08
	umbrellaIPv4  = 0x10
	umbrellaIPv6  = 0x20
	umbrellaID    = 0x40

	umbrellaDevice = 8
)

func (u *umbrellaFields) read(b []byte) bool {
	const head = "ODNS\x01"
	if len(b) < len(head)+1 || string(b[:len(head)]) != head {
		return false
	}
	for b = b[len(head)+1:]; len(b) > 0; {
		if len(b) < 2 {
			return false
		}
		field := binary.BigEndian.Uint16(b)
		n := umbrellaLen(field)
		if b = b[2:]; n == 0 || n > len(b) || !u.take(field, b[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

func umbrellaLen(field uint16) int {
	switch field {
	case umbrellaAsset, umbrellaOrg, umbrellaIPv4:
		return 4
	case umbrellaIPv6:
		return 16
	case umbrellaID:
		return umbrellaDevice
	}
	return 0
}

// take is false for what is said twice.
func (u *umbrellaFields) take(field uint16, v []byte) bool {
	switch field {
	case umbrellaIPv4, umbrellaIPv6:
		if u.addr.IsValid() {
			return false
		}
		a, _ := netip.AddrFromSlice(v)
		u.addr = a.Unmap()
	case umbrellaID:
		if u.device != nil {
			return false
		}
		u.device = v
	}
	return true
}
