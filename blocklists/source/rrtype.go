package source

import "bytes"

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

// isOtherTrigger reports whether a policy looks at something else than the question's name.
func isOtherTrigger(trigger []byte) bool {
	label := trigger[bytes.LastIndexByte(trigger, '.')+1:]
	for _, kind := range []string{"rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"} {
		if equalFold(label, kind) {
			return true
		}
	}
	return false
}
