package source

import (
	"bytes"
	"net/netip"
)

// isAddress reports whether text is an IP address in any spelling that resolvers and browsers take: dotted quads, the
// short, octal and hexadecimal forms of inet_aton, IPv6 with or without brackets and zone.
func isAddress(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	if text[0] == '[' {
		return bytes.IndexByte(text, ']') > 0
	}
	if bytes.IndexByte(text, ':') >= 0 {
		_, err := netip.ParseAddr(string(text))
		return err == nil
	}
	if text[0] < '0' || text[0] > '9' {
		return false
	}
	return isAtonAddress(bytes.TrimSuffix(text, []byte(".")))
}

// isAtonAddress follows inet_aton(3): one to four numbers, decimal, octal or hexadecimal, the last of which fills the
// octets that are left.
func isAtonAddress(text []byte) bool {
	limit := uint64(1) << 32
	for parts := 1; parts <= 4; parts++ {
		i := bytes.IndexByte(text, '.')
		last := i < 0
		if last {
			i = len(text)
		}
		v, ok := atonNumber(text[:i])
		if !ok {
			return false
		}
		if last {
			return v < limit
		}
		if v > 255 {
			return false
		}
		limit >>= 8
		text = text[i+1:]
	}
	return false
}

func atonNumber(text []byte) (uint64, bool) {
	base := uint64(10)
	switch {
	case len(text) > 2 && text[0] == '0' && lower(text[1]) == 'x':
		base, text = 16, text[2:]
	case len(text) > 1 && text[0] == '0':
		base, text = 8, text[1:]
	}
	var v uint64
	for _, c := range text {
		d := uint64(digit(c))
		if d >= base || v > 1<<32 {
			return 0, false
		}
		v = v*base + d
	}
	return v, len(text) > 0
}

// digit is the value of a hexadecimal digit, 255 for anything else.
func digit(c byte) byte {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// isNumeric reports whether a label is a number in the sense of the WHATWG URL standard ("ends in a number"): no
// top-level domain is one, and programs read a name that ends so as an address.
func isNumeric(label []byte) bool {
	if len(label) >= 2 && label[0] == '0' && label[1] == 'x' {
		for _, c := range label[2:] {
			if digit(c) == 255 {
				return false
			}
		}
		return true
	}
	for _, c := range label {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(label) > 0
}
