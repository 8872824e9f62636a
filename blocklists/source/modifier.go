package source

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/blocklists"
)

// adblockRule is a rule of an adblock list as far as it was read.
type adblockRule struct {
	text     []byte
	entry    blocklists.Entry
	modified bool     // it has modifiers
	types    []uint16 // $dnstype
	except   bool     // types are those that it does not hold for
	open     []byte   // $denyallow: names joined by "|"
}

// modify sets what the modifiers say, or returns why the rule cannot be had with them. They are those that AdGuard
// has for DNS; its documentation asks to leave rules with any other alone.
func (r *adblockRule) modify(modifiers []byte) Reason {
	r.modified = true
	for m := range bytes.SplitSeq(modifiers, []byte(",")) {
		key, value, _ := bytes.Cut(bytes.TrimSpace(m), []byte("="))
		var why Reason
		switch string(key) {
		case "important":
			r.entry.Important = true
		case "badfilter":
			r.entry.Cancel = true
		case "dnstype":
			why = r.holdFor(value)
		case "denyallow":
			r.open = value
			if len(value) == 0 || r.entry.Exception { // an exception to an exception: nothing says that here
				why = ReasonModifier
			}
		case "dnsrewrite":
			if r.entry.Exception || !isBlockingRewrite(string(value)) {
				why = ReasonAction
			}
		case "client", "ctag":
			why = ReasonClient
		default:
			why = ReasonModifier
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// holdFor reads the value of $dnstype: types joined by "|". Where some have "~" and some have not, those with it count
// for nothing.
func (r *adblockRule) holdFor(value []byte) Reason {
	var only, not []uint16
	for word := range bytes.SplitSeq(value, []byte("|")) {
		name, inverted := bytes.CutPrefix(bytes.TrimSpace(word), []byte("~"))
		kind, ok := dns.StringToType[strings.ToUpper(string(name))]
		switch {
		case !ok:
			return ReasonModifier
		case inverted:
			not = append(not, kind)
		default:
			only = append(only, kind)
		}
	}
	r.types, r.except = only, len(only) == 0
	if r.except {
		r.types = not
	}
	slices.Sort(r.types)
	r.types = slices.Compact(r.types)
	return ""
}

// isBlockingRewrite reports whether a value of $dnsrewrite is an answer by which names are blocked: an error code, no
// data, or an address that leads nowhere. Any other value is another answer.
func isBlockingRewrite(value string) bool {
	code, rest, full := strings.Cut(value, ";")
	if !full {
		switch value {
		case "NXDOMAIN", "REFUSED", "NOERROR", "SERVFAIL":
			return true
		}
		return isNullAddress(value)
	}
	kind, data, _ := strings.Cut(rest, ";")
	switch code {
	case "NXDOMAIN", "REFUSED", "SERVFAIL":
		return true
	case "NOERROR":
		switch strings.ToUpper(kind) {
		case "":
			return data == ""
		case "A", "AAAA":
			return isNullAddress(data)
		}
	}
	return false
}

// isNullAddress reports whether text is an address that lists give to what they block.
func isNullAddress(text string) bool {
	a, err := netip.ParseAddr(text)
	return err == nil && (a.IsUnspecified() || a.IsLoopback())
}
