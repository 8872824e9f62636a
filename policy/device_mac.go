package policy

import (
	"errors"
	"fmt"
	"strings"
)

// MAC is the hardware address of a network interface (IEEE 802, EUI-48). The zero MAC is none.
type MAC [6]byte

const sampleMAC = "a4:cf:12:00:4d:91"

var errOctets = errors.New("no pairs of hexadecimal digits")

// ParseMAC reads a hardware address as systems write it: pairs of hexadecimal digits with ":" or "-" between
// them, or all twelve digits in a row. The address of a group, and that of nobody, is an error.
func ParseMAC(text string) (MAC, error) {
	octets, err := parseOctets(text)
	if err != nil || len(octets) != len(MAC{}) {
		return MAC{}, fmt.Errorf("%q is no hardware address: write six pairs of hexadecimal digits, such as %s", text, sampleMAC)
	}
	m := MAC(octets)
	if m == (MAC{}) || m[0]&1 != 0 {
		return MAC{}, fmt.Errorf("%s is the hardware address of a group or of nobody: write that of one device, such as %s", text, sampleMAC)
	}
	return m, nil
}

// parseOctets reads up to six octets in hexadecimal.
func parseOctets(text string) ([]byte, error) {
	step := 2
	if len(text) > 2 && (text[2] == ':' || text[2] == '-') {
		step = 3
	}
	if (len(text)+step-2)%step != 0 || len(text)/step > len(MAC{}) {
		return nil, errOctets
	}
	octets := make([]byte, 0, len(MAC{}))
	for i := 0; i < len(text); i += step {
		high, low := strings.IndexByte(hexDigits, lower(text[i])), strings.IndexByte(hexDigits, lower(text[i+1]))
		if high < 0 || low < 0 || i > 0 && step == 3 && text[i-1] != text[2] {
			return nil, errOctets
		}
		octets = append(octets, byte(high<<4|low))
	}
	return octets, nil
}

const hexDigits = "0123456789abcdef"

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// String gives six pairs of digits with ":" between them.
func (m MAC) String() string { return formatOctets(m[:]) }

// Vendor is the first half, which the IEEE gives to a maker of devices, such as "a4:cf:12"; "" for a Local one.
func (m MAC) Vendor() string {
	if m.Local() {
		return ""
	}
	return formatOctets(m[:3])
}

func formatOctets(octets []byte) string {
	text := make([]byte, 0, 3*len(octets))
	for _, b := range octets {
		text = append(text, hexDigits[b>>4], hexDigits[b&15], ':')
	}
	return string(text[:max(len(text)-1, 0)])
}

// Local says that no maker gave this address (the U/L bit of IEEE 802): phones and computers make such ones up, one
// for each network, and change them.
func (m MAC) Local() bool { return m[0]&2 != 0 }

// IsZero says that there is none.
func (m MAC) IsZero() bool { return m == MAC{} }

// MarshalText is String, and nothing for the zero MAC.
func (m MAC) MarshalText() ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	return []byte(m.String()), nil
}

// UnmarshalText is ParseMAC, and the zero MAC for nothing.
func (m *MAC) UnmarshalText(text []byte) (err error) {
	if *m = (MAC{}); len(text) > 0 {
		*m, err = ParseMAC(string(text))
	}
	return err
}

// number is the address as one, for tables.
func (m MAC) number() number6 {
	var n uint64
	for _, b := range m {
		n = n<<8 | uint64(b)
	}
	return number6{low: n}
}
