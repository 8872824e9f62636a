package portal

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"

	"github.com/hearthdns/hearth/blocklists"
)

// asked is what a request's Host field names.
type asked struct {
	name blocklists.Name // canonical; nil where the field names no host name
	text string          // presentation form of name, ASCII
	port string          // with its colon, "" without one; digits only
}

// parseHost reads the Host field. An address, an empty field and junk give no name; they are no
// error, because a person who typed the address of this machine deserves an answer too.
func parseHost(field string) asked {
	host, port := field, ""
	if h, p, err := net.SplitHostPort(field); err == nil {
		host = h
		if digits(p) {
			port = ":" + p
		}
	}
	// A Host is no master file: a backslash in it is junk, not an escape.
	if host == "" || len(host) > 1024 || literal(host) || strings.Contains(host, `\`) {
		return asked{port: port}
	}
	ascii, err := toASCII(host)
	if err != nil {
		ascii = host // ParseName judges what idna will not
	}
	name, err := blocklists.ParseName(ascii)
	if err != nil || name.Labels() == 0 || !printable(name.String()) {
		return asked{port: port}
	}
	return asked{name: name, text: name.String(), port: port}
}

// toASCII gives the A-labels of a name as people type it (UTS 46, non-transitional).
func toASCII(text string) (string, error) {
	return idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.VerifyDNSLength(false)).ToASCII(text)
}

func literal(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

func digits(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// printable tells whether the text has nothing but visible ASCII, so that no character can turn the
// direction of the page around or look like another one.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clientAddr is the address at the other end of the connection, the only identity that counts: X-Forwarded-For
// and the like are written by whoever likes. The zero Addr where there is none.
func clientAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
