package resolver

// typeResolverInfo is the type of RESINFO records (RFC 9606).
const typeResolverInfo = 261

// sentErrors are the Extended DNS Errors that answers may carry, in the form of RESINFO's exterr:
// docs/answers.md lists when.
const sentErrors = "0-13,15,17-19,21-24"

// resolverFacts returns the RDATA of our RESINFO record. There is no qnamemin: we forward, and whether the names of
// what others ask are minimised is not ours to say.
func resolverFacts(infoURL string) []byte {
	data := appendString(nil, "exterr="+sentErrors)
	if infoURL != "" {
		data = appendString(data, "infourl="+infoURL)
	}
	return data
}

// appendString appends a character-string (RFC 1035 section 3.3); what is over 255 octets is left out.
func appendString(data []byte, text string) []byte {
	text = text[:min(len(text), 255)]
	return append(append(data, byte(len(text))), text...)
}
