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
	ReasonRegex         Reason = "regex"               // a regular expression that is not RE2, is too large, or is about more than a name
	ReasonBroad         Reason = "too-broad"           // a pattern or network that holds for everything, or nearly so
	ReasonTooMany       Reason = "too-many-patterns"   // patterns beyond what one list may have
	ReasonInnerWildcard Reason = "inner-wildcard"      // a * that is not the whole first label
	ReasonCosmetic      Reason = "cosmetic"            // hides parts of pages; nothing for DNS
	ReasonModifier      Reason = "modifier"            // an adblock modifier that is not for DNS, or cannot be had with the rule's pattern
	ReasonClient        Reason = "client"              // $client and $ctag: devices of the author's network, not of yours
	ReasonAction        Reason = "unsupported-action"  // an action that is no block: another answer, another server
	ReasonTrigger       Reason = "unsupported-trigger" // an RPZ trigger other than QNAME and rpz-ip
	ReasonMissing       Reason = "include-missing"     // v2fly: the included file is not in the list's folder
	ReasonCycle         Reason = "include-cycle"       // v2fly: files that include one another, or too deeply
	ReasonSyntax        Reason = "syntax"              // not of this format at all
	ReasonLongLine      Reason = "long-line"           // longer than 4 KiB
	ReasonUnsafePath    Reason = "unsafe-path"         // a member of an archive that would lie outside of it
)

// exampleBytes bounds the text kept of a rejected line.
const exampleBytes = 120

// Rejection is the first line that was rejected for a reason.
type Rejection struct {
	File string `json:"file,omitempty"` // as in Item
	Line int    `json:"line"`
	Text string `json:"text"` // at most 120 bytes, made printable
}

// Report is what Parse counted. The maps are nil while nothing was rejected.
type Report struct {
	Format    Format               // what the list was read as; with Auto what it was taken for
	Detection *Detection           // how Auto came to it; nil where the format was given
	Lines     int                  // lines read, blank ones and comments included
	Names     int                  // entries emitted, repeated ones counted each time
	Patterns  int                  // patterns emitted
	Prefixes  int                  // networks emitted
	Rejected  map[Reason]int       // rejected lines, or names where a line holds several
	Examples  map[Reason]Rejection // the first of each reason
}

// Statements is how many items were emitted: entries, patterns and networks.
func (r Report) Statements() int { return r.Names + r.Patterns + r.Prefixes }

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
