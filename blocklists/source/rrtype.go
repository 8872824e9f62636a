package source

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// isTTL reports whether a field of a record is a time to live: 3600, 1h30m.
func isTTL(field []byte) bool {
	for _, c := range field {
		if (c < '0' || c > '9') && bytes.IndexByte([]byte("smhdw"), lower(c)) < 0 {
			return false
		}
	}
	return len(field) > 0 && field[0] >= '0' && field[0] <= '9'
}

func isClass(field []byte) bool {
	return equalFold(field, "in") || equalFold(field, "ch") || equalFold(field, "hs")
}

// isZoneRecord names the types by which a zone describes and signs itself; a policy zone takes no policy from them.
func isZoneRecord(kind []byte) bool {
	if len(kind) > len("nsec3param") {
		return false
	}
	switch string(bytes.ToLower(kind)) {
	case "ns", "dnskey", "rrsig", "nsec", "nsec3", "nsec3param", "ds", "cds", "cdnskey", "zonemd", "type65534":
		return true
	}
	return false
}

// isRecordType names the types of local data that policy zones carry, and RFC 3597's TYPEnnn.
func isRecordType(kind []byte) bool {
	if len(kind) > len("type65535") {
		return false
	}
	lowered := bytes.ToLower(kind)
	switch string(lowered) {
	case "cname", "dname", "a", "aaaa", "txt", "mx", "srv", "ptr", "https", "svcb", "caa", "naptr", "spf",
		"hinfo", "rp", "loc", "sshfp", "tlsa", "uri", "openpgpkey":
		return true
	}
	number, ok := bytes.CutPrefix(lowered, []byte("type"))
	return ok && isNumeric(number)
}

// triggerKind tells what of a query or an answer a policy looks at.
func triggerKind(trigger []byte) (kind policyTrigger) {
	dot := bytes.LastIndexByte(trigger, '.')
	label := trigger[dot+1:]
	switch {
	case equalFold(label, "rpz-ip") && dot > 0:
		return triggerAddress
	case len(label) > 4 && equalFold(label[:4], "rpz-"):
		return triggerOther // rpz-client-ip, rpz-nsip, rpz-nsdname and what may come: no such top-level domain exists
	}
	return triggerName
}

// policyTrigger is a kind of trigger of a response policy zone.
type policyTrigger uint8

const (
	triggerName    policyTrigger = iota // QNAME
	triggerAddress                      // rpz-ip: an address in the answer
	triggerOther
)

// triggerPrefix reads what stands before rpz-ip: the length of the prefix and the address backwards, IPv4 in decimal
// ("24.0.2.0.192"), IPv6 in hexadecimal groups with "zz" for the longest run of zeros ("48.zz.db8.2001"). Octets
// beyond the prefix have to be zero, as BIND has it.
func triggerPrefix(text string) (netip.Prefix, bool) {
	labels := strings.Split(text, ".")
	if len(labels) > 9 || strings.Contains(text, ":") {
		return netip.Prefix{}, false
	}
	bits, err := strconv.ParseUint(labels[0], 10, 8)
	if err != nil {
		return netip.Prefix{}, false
	}
	groups := labels[1:]
	slices.Reverse(groups)
	zeros := slices.IndexFunc(groups, func(g string) bool { return strings.EqualFold(g, "zz") })
	spelled := strings.Join(groups, ".")
	if zeros >= 0 || len(groups) == 8 {
		spelled = strings.Join(groups, ":")
	}
	if zeros >= 0 {
		before, after := strings.Join(groups[:zeros], ":"), strings.Join(groups[zeros+1:], ":")
		spelled = before + "::" + after
	}
	address, err := netip.ParseAddr(spelled)
	if err != nil || address.Zone() != "" {
		return netip.Prefix{}, false
	}
	prefix, err := address.Prefix(int(bits))
	return prefix, err == nil && prefix.Addr() == address
}

// isBroadPrefix reports whether a network is so large that no list can mean it: more than a /8 of IPv4 or a /16 of
// IPv6, which are what registries hand out to whole regions.
func isBroadPrefix(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 16
}
