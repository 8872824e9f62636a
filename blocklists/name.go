package blocklists

import (
	"errors"
	"fmt"
)

// Name is a domain name in canonical wire form: labels with a length octet before each, ASCII letters in
// lower case, no compression, the zero octet of the root at the end, at most 255 octets (RFC 1035
// section 3.1, RFC 4034 section 6.2). A dot inside a label is an octet like any other.
type Name []byte

const (
	maxNameOctets  = 255
	maxLabelOctets = 63
	maxLabels      = 127 // of one octet each: 2*127 + the root = 255
)

// ParseName reads the presentation form of RFC 1035 section 5.1: labels joined by dots, "\." and "\046" as
// escapes, the dot at the end optional, "." for the root. Letters become lower case. Octets that are not
// printable ASCII have to be escaped; an internationalised name has to be an A-label already.
func ParseName(text string) (Name, error) {
	if text == "" {
		return nil, errors.New("empty name")
	}
	if text == "." {
		return Name{0}, nil
	}
	n := make(Name, 1, len(text)+2)
	label := 0 // offset of the length octet of the label being read
	for at := 0; at < len(text); {
		if text[at] == '.' {
			if at++; at == len(text) {
				break
			}
			if err := n.endLabel(label); err != nil {
				return nil, err
			}
			label = len(n)
			n = append(n, 0)
			continue
		}
		octet, width, err := unescape(text[at:])
		if err != nil {
			return nil, err
		}
		n = append(n, lower(octet))
		at += width
	}
	if err := n.endLabel(label); err != nil {
		return nil, err
	}
	if n = append(n, 0); len(n) > maxNameOctets {
		return nil, fmt.Errorf("name of %d octets, at most %d are allowed", len(n), maxNameOctets)
	}
	return n, nil
}

// endLabel sets the length octet at start for the octets behind it.
func (n Name) endLabel(start int) error {
	size := len(n) - start - 1
	if size == 0 {
		return errors.New("empty label")
	}
	if size > maxLabelOctets {
		return fmt.Errorf("label of %d octets, at most %d are allowed", size, maxLabelOctets)
	}
	n[start] = byte(size)
	return nil
}

// unescape returns the octet that text begins with and the length of its spelling.
func unescape(text string) (octet byte, width int, err error) {
	c := text[0]
	switch {
	case c != '\\' && (c <= ' ' || c > '~'):
		return 0, 0, fmt.Errorf("octet %#02x has to be escaped or, in an international name, written as an A-label", c)
	case c != '\\':
		return c, 1, nil
	case len(text) < 2:
		return 0, 0, errors.New("backslash at the end of the name")
	case !digit(text[1]):
		if text[1] <= ' ' || text[1] > '~' {
			return 0, 0, fmt.Errorf("octet %#02x has to be escaped as three decimal digits", text[1])
		}
		return text[1], 2, nil
	case len(text) < 4 || !digit(text[2]) || !digit(text[3]):
		return 0, 0, errors.New(`an escape is "\" and one character, or "\" and three decimal digits`)
	}
	value := int(text[1]-'0')*100 + int(text[2]-'0')*10 + int(text[3]-'0')
	if value > 255 {
		return 0, 0, fmt.Errorf(`escape "%s" is above 255`, text[:4])
	}
	return byte(value), 4, nil
}

// String returns the presentation form in lower case without the dot at the end, "." for the root. What
// would read as something else in a zone file is escaped, so ParseName gives n back.
func (n Name) String() string {
	if len(n) <= 1 {
		return "."
	}
	text := make([]byte, 0, len(n))
	for at := 0; at < len(n) && n[at] != 0; {
		if at > 0 {
			text = append(text, '.')
		}
		end := min(at+1+int(n[at]), len(n))
		for _, octet := range n[at+1 : end] {
			text = appendEscaped(text, octet)
		}
		at = end
	}
	return string(text)
}

func appendEscaped(text []byte, octet byte) []byte {
	switch octet {
	case '.', '\\', '"', '(', ')', ';', '@', '$':
		return append(text, '\\', octet)
	}
	if octet <= ' ' || octet > '~' {
		return append(text, '\\', '0'+octet/100, '0'+octet/10%10, '0'+octet%10)
	}
	return append(text, octet)
}

// Labels returns the number of labels, the root's empty one not counted.
func (n Name) Labels() int {
	count := 0
	for at := 0; at < len(n) && n[at] != 0; at += 1 + int(n[at]) {
		count++
	}
	return count
}

// check reports how n is not in canonical wire form.
func (n Name) check() error {
	if len(n) > maxNameOctets {
		return fmt.Errorf("name of %d octets, at most %d are allowed", len(n), maxNameOctets)
	}
	at := 0
	for at < len(n) && n[at] != 0 {
		end := at + 1 + int(n[at])
		if n[at] > maxLabelOctets || end >= len(n) {
			return errors.New("name is not in wire form: a label is too long")
		}
		for _, octet := range n[at+1 : end] {
			if octet != lower(octet) {
				return errors.New("name is not canonical: it has an upper-case letter")
			}
		}
		at = end
	}
	if at != len(n)-1 {
		return errors.New("name is not in wire form: the root's octet is not its last")
	}
	return nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
