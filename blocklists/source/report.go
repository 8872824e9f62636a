package source

import (
	"strings"
	"unicode"
)

// Reason says why a line, or a part of one, gave no entry. Blank lines and comments are not rejections.
type Reason string

// The reasons of Report.Rejected.
const (
	ReasonIP            Reason = "ip"                  // an address or a network, in any spelling that resolvers take
	ReasonURLPath       Reason = "url-path"            // a page of a host: the name alone would block too much
	ReasonSingleLabel   Reason = "single-label"        // a top-level domain, the root or a local name
	ReasonBadLabel      Reason = "bad-label"           // empty, longer than 63 octets, a hyphen at an end, a character no host name has
	ReasonTooLong       Reason = "too-long"            // a name of more than 255 octets (RFC 1035 section 2.3.4)
	ReasonBadIDN        Reason = "bad-idn"             // not a valid internationalised name (UTS 46)
	ReasonPublicSuffix  Reason = "public-suffix"       // everybody's names end in it; see Options.PublicSuffixes
	ReasonRegex         Reason = "regex"               // a regular expression
	ReasonInnerWildcard Reason = "inner-wildcard"      // a * that is not the whole first label
	ReasonCosmetic      Reason = "cosmetic"            // hides parts of pages; nothing for DNS
	ReasonModifier      Reason = "modifier"            // an adblock modifier other than important and badfilter
	ReasonAction        Reason = "unsupported-action"  // an RPZ or dnsmasq action that is no block
	ReasonTrigger       Reason = "unsupported-trigger" // an RPZ trigger other than QNAME
	ReasonSyntax        Reason = "syntax"              // not of this format at all
	ReasonLongLine      Reason = "long-line"           // longer than 4 KiB
	ReasonUnsafePath    Reason = "unsafe-path"         // a member of an archive that would lie outside of it
)

// exampleBytes bounds the text kept of a rejected line.
const exampleBytes = 120

// Rejection is the first line that was rejected for a reason.
type Rejection struct {
	File string `json:"file,omitempty"` // UT1: the directory
	Line int    `json:"line"`
	Text string `json:"text"` // at most 120 bytes, made printable
}

// Report is what Parse counted. The maps are nil while nothing was rejected.
type Report struct {
	Lines    int                  // lines read, blank ones and comments included
	Names    int                  // entries emitted, repeated ones counted each time
	Rejected map[Reason]int       // rejected lines, or names where a line holds several
	Examples map[Reason]Rejection // the first of each reason
}

func (r *Report) reject(why Reason, file string, line int, text []byte) {
	if r.Rejected == nil {
		r.Rejected = make(map[Reason]int)
		r.Examples = make(map[Reason]Rejection)
	}
	r.Rejected[why]++
	if r.Rejected[why] == 1 {
		r.Examples[why] = Rejection{File: file, Line: line, Text: printable(text)}
	}
}

// printable makes hostile text safe to show on a terminal and in a log.
func printable(text []byte) string {
	if len(text) > exampleBytes {
		text = text[:exampleBytes]
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, strings.ToValidUTF8(string(text), "�"))
	return strings.TrimSpace(clean)
}
