package resolver

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/resolver/wire"
)

// Designation is by which encrypted transports clients reach this resolver. They are told of it as
// RFC 9462 says (Discovery of Designated Resolvers), and its names resolve to its addresses.
//
// Who asks over plain DNS from the address of a device is told that device's id, so that the device keeps its
// profile on the encrypted transport. This gives nobody more than the address does at home, but whoever can take the
// address for a moment can keep the id and be taken for the device from elsewhere; docs/decisions has the weighing.
type Designation struct {
	// Name is what certificates are for; a device with an id asks for ID.Name. Empty: nothing is designated.
	Name blocklists.Name
	// Addresses are where clients reach the Endpoints. Empty: at the address that a query came in on.
	Addresses []netip.Addr
	Endpoints []Endpoint // the first is the one to prefer
}

// Endpoint is one encrypted listener.
type Endpoint struct {
	Transport Transport // TLS, QUIC or HTTPS
	Port      uint16
	Path      string // of HTTPS, such as /dns-query
	// At is the only address that it listens on; the zero Addr is all. It is not told of to who came to another one.
	At netip.Addr
}

// Keys of service parameters (RFC 9460 section 14.3.2, RFC 9461 section 5).
const (
	keyALPN     = 1
	keyPort     = 3
	keyIPv4Hint = 4
	keyIPv6Hint = 6
	keyDoHPath  = 7
)

// Of each encrypted transport: the protocols in the form of the alpn parameter, and the port that need not be told
// (RFC 7858, RFC 9250, RFC 9461).
var (
	protocols   = [transports]string{TLS: "\x03dot", QUIC: "\x03doq", HTTPS: "\x02h2\x02h3"}
	usualPort   = [transports]uint16{TLS: 853, QUIC: 853, HTTPS: 443}
	discoverers = "\x04_dns" // RFC 9461 section 3, RFC 9462 section 4
)

// pathTemplate is what stands behind the path in dohpath (RFC 9461 section 5).
const pathTemplate = "{?dns}"

// designated is a Designation, prepared.
type designated struct {
	Designation
	kind   kind // of the name: it may be our own name
	labels int
	heads  [][]byte // of each endpoint: its parameters before the address hints
	facts  []byte   // RDATA of RESINFO
}

func newDesignated(d Designation, own blocklists.Name, infoURL string) (designated, error) {
	out := designated{Designation: d, kind: kindDesignated, labels: d.Name.Labels(), facts: resolverFacts(infoURL)}
	if string(d.Name) == string(own) {
		out.kind = kindOwn
	}
	if len(d.Name) > wire.MaxName-64 {
		return out, fmt.Errorf("designating encrypted transports: the name %s is too long to stand behind an id; write one of at most 190 octets in tls.name", d.Name)
	}
	for _, e := range d.Endpoints {
		port := e.Port
		if port == e.Transport.UsualPort() {
			port = 0
		}
		out.heads = append(out.heads, ServiceParameters([]Transport{e.Transport}, port, ""))
	}
	return out, nil
}

// UsualPort is the port of an encrypted transport that need not be told, 0 of plain DNS.
func (t Transport) UsualPort() uint16 { return usualPort[t] }

// ServiceParameters encodes how to use encrypted transports that share a port: alpn, port unless it is 0, and
// dohpath unless path is empty, in the order of their keys (RFC 9460 section 2.2, RFC 9461).
func ServiceParameters(over []Transport, port uint16, path string) []byte {
	alpn := ""
	for _, t := range over {
		alpn += protocols[t]
	}
	b := appendParameter(nil, keyALPN, alpn)
	if port != 0 {
		b = appendParameter(b, keyPort, string([]byte{byte(port >> 8), byte(port)}))
	}
	if path != "" {
		b = appendParameter(b, keyDoHPath, path+pathTemplate)
	}
	return b
}

func appendParameter(dst []byte, key uint16, value string) []byte {
	dst = binary.BigEndian.AppendUint16(dst, key)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(value))) //nolint:gosec // a path or a few octets
	return append(dst, value...)
}

// role is what a name is to who looks for encrypted transports.
type role uint8

const (
	roleNone     role = iota
	roleHost          // Name, or ID.Name for anything that could be an id: where the endpoints are
	roleBindings      // _dns before a host or resolver.arpa: how to use them
	roleResolver      // resolver.arpa, and our own name where it is no host: it has facts
	roleBeneath       // beneath ID.Name: there is nothing, and nobody else is asked, who would learn the id
)

// role says what the name of the question is. All that could be an id is answered alike, so that nobody can find out
// which ones there are.
func (s *Stroke) role(name []byte) role {
	d, above := &s.world.designated, s.hashes.N-s.depth
	asks := above > 0 && hasPrefix(name, discoverers)
	ours := len(d.Name) > 0 && s.kind == d.kind && s.depth == d.labels && int(s.question.Match.Labels) <= d.labels // else a self-test
	switch {
	case above == 0 && (s.kind == kindResolver || s.kind == kindOwn && s.depth == s.world.special.depth && (!ours || len(d.Addresses) == 0)):
		return roleResolver
	case above == 1 && asks && s.kind == kindResolver && len(d.Name) > 0:
		return roleBindings
	case !ours:
		return roleNone
	}
	if asks {
		name, above = name[len(discoverers):], above-1
	}
	if above > 0 {
		if id := suffix(name, s.depth+1); !couldBeID(id[1 : 1+id[0]]) {
			return roleNone
		}
	}
	switch {
	case above > 1:
		return roleBeneath
	case asks:
		return roleBindings
	}
	return roleHost
}

func hasPrefix(name []byte, prefix string) bool {
	return len(name) >= len(prefix) && string(name[:len(prefix)]) == prefix
}

// couldBeID says whether a label has the form of a device's id.
func couldBeID(label []byte) bool {
	if len(label) < 16 {
		return false
	}
	for _, c := range label {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// discover appends what is known of a name to who looks for encrypted transports. It is false for a name that is
// nothing to them. 0 allocations.
func (s *Stroke) discover(q *wire.Query, c Client, reply []byte, ttl uint32) ([]byte, bool) {
	d := &s.world.designated
	what := s.role(q.Name())
	switch {
	case what == roleNone || what == roleBeneath:
		return reply, false
	case what == roleBindings && q.Type == wire.TypeSVCB:
		return s.appendBindings(q, c, reply, ttl), true
	case what != roleBindings && q.Type == typeResolverInfo:
		return wire.AppendRR(reply, wire.Answer, nil, typeResolverInfo, wire.ClassIN, ttl, d.facts), true
	case what == roleResolver:
		return reply, false // as if nothing were said here; our own name is the landing page's
	case what == roleHost && len(d.Addresses) > 0:
		for _, a := range d.Addresses {
			if a.Is4() == (q.Type == wire.TypeA) && (q.Type == wire.TypeA || q.Type == wire.TypeAAAA) {
				reply = wire.AppendAddress(reply, ttl, a)
			}
		}
	case what == roleHost && (q.Type == wire.TypeA && c.Local.Is4() || q.Type == wire.TypeAAAA && c.Local.Is6()):
		reply = wire.AppendAddress(reply, ttl, reachable(c.Local))
	}
	return reply, true
}

// reachable is an address that clients can be told of, or the zero Addr.
func reachable(a netip.Addr) netip.Addr {
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// appendBindings appends an SVCB record for each endpoint, the first of the highest priority.
func (s *Stroke) appendBindings(q *wire.Query, c Client, reply []byte, ttl uint32) []byte {
	d := &s.world.designated
	var host, id []byte
	if s.kind == kindResolver {
		host = d.Name
		if v := s.who.Device; v != nil && !s.who.Assumed { // who only seems to be it must not learn its id
			id = append(s.label[:0], v.ID...)
		}
	} else if host = q.Name()[len(discoverers):]; s.hashes.N == s.depth+2 {
		id, host = host[1:1+host[0]], host[1+host[0]:]
	}
	priority := uint16(0)
	for i, e := range d.Endpoints {
		if e.At.IsValid() && e.At != c.Local {
			continue
		}
		priority++
		data := binary.BigEndian.AppendUint16(s.words[:0], priority)
		if len(id) > 0 {
			data = append(append(data, byte(len(id))), id...)
		}
		data = append(append(data, host...), d.heads[i]...)
		data = appendHints(data, d.Addresses, reachable(c.Local))
		if e.Transport == HTTPS {
			data = appendPath(data, e.Path, id)
		}
		reply = wire.AppendRR(reply, wire.Answer, nil, wire.TypeSVCB, wire.ClassIN, ttl, data)
	}
	return reply
}

// appendHints appends the addresses, those of IPv4 first: ipv4hint and ipv6hint.
func appendHints(data []byte, addresses []netip.Addr, local netip.Addr) []byte {
	for _, key := range [...]uint16{keyIPv4Hint, keyIPv6Hint} {
		at := len(data)
		data = append(data, byte(key>>8), byte(key), 0, 0)
		for _, a := range addresses {
			data = appendHint(data, key, a)
		}
		if len(addresses) == 0 {
			data = appendHint(data, key, local)
		}
		if n := len(data) - at - 4; n > 0 {
			binary.BigEndian.PutUint16(data[at+2:], uint16(n)) //nolint:gosec // a few addresses
		} else {
			data = data[:at]
		}
	}
	return data
}

func appendHint(data []byte, key uint16, a netip.Addr) []byte {
	switch {
	case a.Is4() && key == keyIPv4Hint:
		b := a.As4()
		return append(data, b[:]...)
	case a.Is6() && key == keyIPv6Hint:
		b := a.As16()
		return append(data, b[:]...)
	}
	return data
}

// appendPath appends dohpath, with the id in the path: over HTTPS a client that found us by our address names the
// address, not our name (RFC 9462 section 6.3), and the path is all that it says of itself.
func appendPath(data []byte, path string, id []byte) []byte {
	n := len(path) + len(pathTemplate)
	if len(id) > 0 {
		n += 1 + len(id)
	}
	data = append(data, 0, keyDoHPath, byte(n>>8), byte(n))
	data = append(data, path...)
	if len(id) > 0 {
		data = append(append(data, '/'), id...)
	}
	return append(data, pathTemplate...)
}
