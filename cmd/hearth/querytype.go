package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// queryTypes are the types that clients ask for, by their names in the
// registry of IANA.
func queryTypes() []string {
	return []string{
		"A", "AAAA", "HTTPS", "SVCB", "CNAME", "DNAME", "MX", "TXT", "NS", "SOA", "PTR", "SRV", "CAA", "NAPTR",
		"DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY", "TLSA", "SSHFP", "LOC", "URI",
		"HINFO", "OPENPGPKEY", "SMIMEA", "CSYNC", "ZONEMD", "SPF", "ANY",
	}
}

// knownType refuses a query type that does not exist; any other one may be
// written by its number (RFC 3597 section 5).
func knownType(text string) error {
	upper := strings.ToUpper(text)
	if text == "" || slices.Contains(queryTypes(), upper) {
		return nil
	}
	if digits, ok := strings.CutPrefix(upper, "TYPE"); ok {
		if _, err := strconv.ParseUint(digits, 10, 16); err == nil {
			return nil
		}
	}
	return fmt.Errorf("--type: %q is no query type; write one of %s, or its number such as TYPE65", text, strings.Join(queryTypes(), ", "))
}
