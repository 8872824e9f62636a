package portal

import (
	"strconv"
	"strings"
)

// typeNumber returns the number of a query type in capitals, by the registry of IANA or as RFC 3597 section 5 writes any, and 0, which no
// type has, for another.
func typeNumber(text string) uint16 {
	if digits, ok := strings.CutPrefix(text, "TYPE"); ok {
		n, _ := strconv.ParseUint(digits, 10, 16) // 0 if it is no number
		return uint16(n)
	}
	return map[string]uint16{
		"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28, "LOC": 29, "SRV": 33,
		"NAPTR": 35, "DNAME": 39, "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "NSEC3PARAM": 51,
		"TLSA": 52, "SMIMEA": 53, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62, "ZONEMD": 63, "SVCB": 64, "HTTPS": 65,
		"SPF": 99, "ANY": 255, "URI": 256, "CAA": 257,
	}[text]
}
