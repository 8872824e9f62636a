package wire

import "strconv"

// HeaderLen is the length of a message header in octets (RFC 1035 4.1.1).
const HeaderLen = 12

// MaxUDP is the largest UDP payload sent or advertised, in octets: it fits one
// packet on every path that carries IPv6 (RFC 9715, RFC 6891 6.2.5).
const MaxUDP = 1232

// MinUDP is the payload every client can take, in octets (RFC 1035 4.2.1).
const MinUDP = 512

// MaxName is the longest name in wire form, in octets (RFC 1035 3.1).
const MaxName = 255

// Flags is the second word of a message header (RFC 1035 4.1.1, RFC 4035 3.2).
type Flags uint16

// opcodeMask covers the four bits of the opcode.
const opcodeMask Flags = 0xF << 11

// The bits of a header's flag word.
const (
	QR Flags = 1 << 15 // a response
	AA Flags = 1 << 10 // authoritative answer
	TC Flags = 1 << 9  // truncated
	RD Flags = 1 << 8  // recursion desired
	RA Flags = 1 << 7  // recursion available
	AD Flags = 1 << 5  // authentic data
	CD Flags = 1 << 4  // checking disabled
)

// Rcode is a response code, with the upper bits that EDNS adds (RFC 6891 6.1.3).
type Rcode uint16

// The response codes that this resolver sends.
const (
	NoError  Rcode = 0
	FormErr  Rcode = 1
	ServFail Rcode = 2
	NXDomain Rcode = 3
	NotImp   Rcode = 4
	Refused  Rcode = 5
	BadVers  Rcode = 16
)

// String returns the registered mnemonic in upper case, or "RCODE<n>".
func (r Rcode) String() string {
	switch r {
	case NoError:
		return "NOERROR"
	case FormErr:
		return "FORMERR"
	case ServFail:
		return "SERVFAIL"
	case NXDomain:
		return "NXDOMAIN"
	case NotImp:
		return "NOTIMP"
	case Refused:
		return "REFUSED"
	case BadVers:
		return "BADVERS"
	}
	return "RCODE" + strconv.Itoa(int(r))
}

// Types of records that this resolver treats by name (IANA DNS Parameters).
const (
	TypeA      uint16 = 1
	TypeNS     uint16 = 2
	TypeCNAME  uint16 = 5
	TypeSOA    uint16 = 6
	TypePTR    uint16 = 12
	TypeHINFO  uint16 = 13
	TypeMX     uint16 = 15
	TypeTXT    uint16 = 16
	TypeAAAA   uint16 = 28
	TypeSRV    uint16 = 33
	TypeDNAME  uint16 = 39
	TypeOPT    uint16 = 41
	TypeDS     uint16 = 43
	TypeRRSIG  uint16 = 46
	TypeNSEC   uint16 = 47
	TypeDNSKEY uint16 = 48
	TypeNSEC3  uint16 = 50
	TypeSVCB   uint16 = 64
	TypeHTTPS  uint16 = 65
	TypeIXFR   uint16 = 251
	TypeAXFR   uint16 = 252
	TypeANY    uint16 = 255
)

// Classes of records (RFC 1035 3.2.4, RFC 2136 2.2).
const (
	ClassIN   uint16 = 1
	ClassCH   uint16 = 3
	ClassHS   uint16 = 4
	ClassNONE uint16 = 254
	ClassANY  uint16 = 255
)

// EDNS options that this resolver reads or writes (IANA DNS EDNS0 Option Codes).
const (
	OptionSubnet    uint16 = 8  // RFC 7871
	OptionCookie    uint16 = 10 // RFC 7873
	OptionKeepalive uint16 = 11 // RFC 7828
	OptionPadding   uint16 = 12 // RFC 7830
	OptionEDE       uint16 = 15 // RFC 8914

	OptionUmbrella uint16 = 20292 // "OD", of Cisco Umbrella
	OptionMAC      uint16 = 65001 // of the range for local use, as dnsmasq sends them: --add-mac
	OptionMACText  uint16 = 65073 // --add-mac=text and --add-mac=base64
	OptionToken    uint16 = 65074 // --add-cpe-id
)
