package certificate

import "github.com/miekg/dns"

// algorithms are those that updates may be signed with, by the names in the configuration.
var algorithms = map[string]string{"hmac-sha256": dns.HmacSHA256, "hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512}
