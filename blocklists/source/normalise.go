package source

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/hearthdns/hearth/blocklists"
)

const (
	maxName  = 255  // octets of a name in wire form, RFC 1035 section 2.3.4
	maxLabel = 63   // octets of a label, same place
	maxText  = 1024 // bytes of UTF-8 that a name of 255 octets can come from, with room to spare
)

// reasonOdd is never reported: the text needs a closer look than the common case.
const reasonOdd Reason = "odd"

// Normalise reads one name as people write it in lists: any case, a trailing dot, an internationalised name (UTS 46,
// non-transitional), "\." and "\046" inside a label, "scheme://" before and ":port" or "/" behind it. It returns the
// canonical wire form, or nil and the reason. Public suffixes of two and more labels are not refused here.
func Normalise(text string) (blocklists.Name, Reason) {
	var n normaliser
	name, why := n.name(bytes.TrimSpace([]byte(text)))
	if why != "" {
		return nil, why
	}
	return slices.Clone(name), ""
}

// normaliser holds the buffers of one parser. What it returns is valid until its next call.
type normaliser struct {
	wire [maxName + 1]byte
	text []byte
}

// entry is name, and refuses public suffixes unless forced. Forced, it takes top-level domains too.
func (n *normaliser) entry(text []byte, forced bool) (blocklists.Name, Reason) {
	name, why := n.name(text)
	switch {
	case why == "" && !forced && n.isPublicSuffix(name):
		return nil, ReasonPublicSuffix
	case why == ReasonSingleLabel && forced && n.isTopLevel(name):
		return name, ""
	}
	return name, why
}

// name returns the wire form. With ReasonSingleLabel the name is returned as well.
func (n *normaliser) name(text []byte) (blocklists.Name, Reason) {
	name, why := n.pack(text, false)
	if why != reasonOdd {
		return name, why
	}
	host, path := splitURL(text)
	if isAddress(host) {
		return nil, ReasonIP
	}
	host, ok := cutPort(host)
	switch {
	case !ok || len(host) == 0:
		return nil, ReasonSyntax
	case isAddress(host):
		return nil, ReasonIP
	case path:
		return nil, ReasonURLPath
	case len(host) > maxText:
		return nil, ReasonTooLong
	}
	if !isASCII(host) {
		if !utf8.Valid(host) {
			return nil, ReasonBadIDN
		}
		ascii, err := nameProfile().ToASCII(string(host))
		if err != nil {
			return nil, ReasonBadIDN
		}
		host = []byte(ascii)
	}
	return n.pack(host, true)
}

// nameProfile is UTS 46 look-up processing, tolerant of what real host names have: underscores, and hyphens in the
// third and fourth place.
func nameProfile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false),
		idna.StrictDomainName(false), idna.CheckHyphens(false), idna.VerifyDNSLength(false))
}

// pack writes the wire form of text. Where text has more than letters, digits, hyphens, underscores and dots, it
// returns reasonOdd unless full is set; then escapes are read and the rest is named.
func (n *normaliser) pack(text []byte, full bool) (blocklists.Name, Reason) {
	if len(text) == 0 {
		return nil, ReasonSyntax
	}
	start, at, labels := 0, 1, 1 // start: where the label's length octet is
	for i := 0; i < len(text); {
		c := text[i]
		if c == '.' {
			if i++; i == len(text) {
				break
			}
			if why := n.endLabel(start, at); why != "" {
				return nil, n.orOdd(why, text, full)
			}
			labels++
			start, at = at, at+1
			continue
		}
		octet, width := hostOctet(c), 1
		if octet == 0 {
			if !full {
				return nil, reasonOdd
			}
			if octet, width = unescape(text[i:]); width == 0 {
				return nil, badOctet(c)
			}
		}
		if why := tooFar(start, at); why != "" {
			return nil, n.orOdd(why, text, full)
		}
		n.wire[at] = octet
		at++
		i += width
	}
	return n.finish(text, start, at, labels)
}

// orOdd defers a verdict to the closer look where the rest of the text needs one anyway ("a.-/path").
func (n *normaliser) orOdd(why Reason, text []byte, full bool) Reason {
	if full {
		return why
	}
	for _, c := range text {
		if c != '.' && hostOctet(c) == 0 {
			return reasonOdd
		}
	}
	return why
}

// finish ends the last label and the name.
func (n *normaliser) finish(text []byte, start, at, labels int) (blocklists.Name, Reason) {
	if at == 1 { // "."
		return nil, ReasonSingleLabel
	}
	if why := n.endLabel(start, at); why != "" {
		return nil, why
	}
	if last := n.wire[start+1 : at]; last[0] <= '9' && isNumeric(last) {
		if isAddress(text) {
			return nil, ReasonIP
		}
		return nil, ReasonBadLabel
	}
	n.wire[at] = 0
	if labels == 1 {
		return n.wire[:at+1], ReasonSingleLabel
	}
	return n.wire[:at+1], ""
}

func (n *normaliser) endLabel(start, at int) Reason {
	size := at - start - 1
	if size == 0 || n.wire[start+1] == '-' || n.wire[at-1] == '-' {
		return ReasonBadLabel
	}
	n.wire[start] = byte(size)
	return ""
}

// tooFar reports why no octet may be written at at: the label is full, or the name has room for the root only.
func tooFar(start, at int) Reason {
	if at-start > maxLabel {
		return ReasonBadLabel
	}
	if at >= maxName-1 {
		return ReasonTooLong
	}
	return ""
}

// hostOctet returns c in lower case if host names have it, 0 otherwise.
func hostOctet(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		return c
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return 0
}

func badOctet(c byte) Reason {
	if c == '*' {
		return ReasonInnerWildcard
	}
	return ReasonBadLabel
}

// unescape reads "\x" and "\ddd" (RFC 1035 section 5.1); width 0 means that text does not begin with an escape.
func unescape(text []byte) (octet byte, width int) {
	if len(text) < 2 || text[0] != '\\' {
		return 0, 0
	}
	if c := text[1]; c < '0' || c > '9' {
		if c <= ' ' || c > '~' {
			return 0, 0
		}
		return lower(c), 2
	}
	if len(text) < 4 {
		return 0, 0
	}
	v, err := strconv.ParseUint(string(text[1:4]), 10, 8)
	if err != nil {
		return 0, 0
	}
	return lower(byte(v)), 4
}
