package forward

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Exchanger is who is asked, as Forwarder.Exchange says.
type Exchanger interface {
	Exchange(q wire.Question, done func(raw []byte, err error))
}

// DNS64 gives names that have IPv4 addresses alone IPv6 ones, which lead to them through a
// translator (RFC 6147). What it makes is not signed and has no AD, and a question with CD gets
// what there is: who validates finds nothing forged (section 5.5). An embedded address may
// be a private one, which is for the caller to judge.
type DNS64 struct {
	prefix netip.Prefix
	next   Exchanger
}

// unsignedTTL bounds, in seconds, the TTL of an address that is made where nothing tells how
// long there may be no other (RFC 6147 section 5.1.7).
const unsignedTTL = 600

// mapped are IPv6 addresses that nobody can be reached by (RFC 6147 section 5.1.4).
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// NewDNS64 returns a DNS64 that asks next, for a translator behind prefix, such as
// 64:ff9b::/96 (RFC 6052 section 2).
func NewDNS64(prefix netip.Prefix, next Exchanger) (*DNS64, error) {
	if !wire.CanEmbed(prefix) {
		return nil, fmt.Errorf("%s is no prefix of a translator; write one of 32, 40, 48, 56, 64 or 96 bits without others, whose bits 64 to 71 are zero (RFC 6052 section 2.2), for example 64:ff9b::/96", prefix)
	}
	return &DNS64{prefix, next}, nil
}

// Exchange does as Forwarder.Exchange, but that a name without IPv6 addresses is asked for its
// IPv4 ones, and the name of an address behind the prefix is an alias of that of the address in
// it (RFC 6147 section 5.3.1). Nobody is asked for the name of a private one.
func (d *DNS64) Exchange(q wire.Question, done func(raw []byte, err error)) {
	if q.Class == wire.ClassIN && q.Type == wire.TypeAAAA && !q.CD {
		d.address(q, done)
		return
	}
	switch v4, behind := d.embedded(&q); {
	case behind && private(v4):
		done(nameless(q), nil)
	case behind && !q.CD:
		d.pointer(q, v4, done)
	default:
		d.next.Exchange(q, done)
	}
}

// address answers a question for AAAA. NXDOMAIN stays, and that the validation failed (section
// 5.5); every other failure counts as a name without AAAA (sections 5.1.2 and 5.1.3), and stays
// only if there is no A either.
func (d *DNS64) address(q wire.Question, done func(raw []byte, err error)) {
	d.next.Exchange(q, func(six []byte, err error) {
		if err == nil && settled(six) {
			done(unmapped(six), nil)
			return
		}
		six = bytes.Clone(six)
		four := q
		four.Type = wire.TypeA
		d.next.Exchange(four, func(raw []byte, failed error) {
			if failed == nil {
				if made := d.synthesise(raw, six); made != nil {
					done(made, nil)
					return
				}
			}
			done(six, err)
		})
	})
}

// settled reports whether a reply has an address that a client can use, or says that the name
// does not exist or that nobody is to believe what is said of it.
func settled(raw []byte) bool {
	good, _ := addresses(raw)
	r := reply{raw: raw}
	rcode := wire.Rcode(raw[3] & 0xF)
	return rcode == wire.NXDomain || rcode == wire.NoError && good > 0 || rcode == wire.ServFail && r.study() && r.bogus
}

// addresses counts the AAAA records of an answer, those apart that nobody can use.
func addresses(raw []byte) (good, bad int) {
	end, err := wire.SkipQuestion(raw)
	if err != nil {
		return 0, 0
	}
	_ = wire.WalkRRs(raw, end, func(rr wire.RR) bool {
		if rr.Section == wire.Answer && rr.Type == wire.TypeAAAA && rr.End == rr.Data+16 {
			if mapped.Contains(netip.AddrFrom16([16]byte(raw[rr.Data:rr.End]))) {
				bad++
			} else {
				good++
			}
		}
		return rr.Section == wire.Answer
	})
	return good, bad
}

// unmapped returns a reply without the addresses that nobody can use.
func unmapped(raw []byte) []byte {
	var m dns.Msg
	if _, bad := addresses(raw); bad == 0 || m.Unpack(raw) != nil {
		return raw
	}
	kept := m.Answer[:0]
	for _, rr := range m.Answer {
		a, ok := rr.(*dns.AAAA)
		if !ok || a.AAAA.To4() == nil {
			kept = append(kept, rr)
		}
	}
	m.Answer, m.AuthenticatedData = kept, false
	return pack(&m)
}

// synthesise makes the reply to a question for AAAA from the one for A, with the chain that
// leads to the addresses. six is the reply without any; nil: there is no A either.
func (d *DNS64) synthesise(raw, six []byte) []byte {
	var m dns.Msg
	if m.Unpack(raw) != nil || m.Rcode != dns.RcodeSuccess || len(m.Question) != 1 {
		return nil
	}
	longest, found := lifetime(six), false
	out := response(m.Question[0].Name, dns.TypeAAAA)
	for _, rr := range m.Answer {
		switch t := rr.(type) {
		case *dns.CNAME, *dns.DNAME:
			out.Answer = append(out.Answer, rr)
		case *dns.A:
			v4, ok := netip.AddrFromSlice(t.A.To4())
			if !ok {
				continue
			}
			h := dns.RR_Header{Name: t.Hdr.Name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: min(t.Hdr.Ttl, longest)}
			out.Answer = append(out.Answer, &dns.AAAA{Hdr: h, AAAA: wire.EmbedIPv4(d.prefix, v4).AsSlice()})
			found = true
		}
	}
	if !found {
		return nil
	}
	return pack(out)
}

// lifetime returns for how many seconds there is no AAAA (RFC 2308 section 5).
func lifetime(six []byte) uint32 {
	var m dns.Msg
	if len(six) > 0 && m.Unpack(six) == nil && m.Rcode == dns.RcodeSuccess {
		for _, rr := range m.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				return min(soa.Hdr.Ttl, soa.Minttl)
			}
		}
	}
	return unsignedTTL
}

// embedded returns the address behind the prefix that q asks the name of; false: it asks for
// something else.
func (d *DNS64) embedded(q *wire.Question) (v4 netip.Addr, ok bool) {
	const nibbles, suffix = 32, "\x03ip6\x04arpa\x00"
	if q.Class != wire.ClassIN || q.Type != wire.TypePTR || len(q.Name) != 2*nibbles+len(suffix) || string(q.Name[2*nibbles:]) != suffix {
		return v4, false
	}
	var b [16]byte
	for i := range nibbles { // the last of the address comes first
		digit := bytes.IndexByte([]byte("0123456789abcdef"), q.Name[2*i+1])
		if q.Name[2*i] != 1 || digit < 0 {
			return v4, false
		}
		b[15-i/2] |= byte(digit) << (4 * (i % 2)) //nolint:gosec // under 16
	}
	return wire.EmbeddedIPv4(d.prefix, netip.AddrFrom16(b))
}

// between is the space between providers and their customers (RFC 6598).
var between = netip.MustParsePrefix("100.64.0.0/10")

// private reports whether the reverse zone of an address is one that no public server has (RFC
// 6303 section 4.1, RFC 7793).
func private(v4 netip.Addr) bool {
	return v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast() || v4.IsUnspecified() || between.Contains(v4)
}

// namelessTTL is for how many seconds a private address has no name.
const namelessTTL = 3600

// nameless is the reply that an address has no name.
func nameless(q wire.Question) []byte {
	owner, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		return nil
	}
	out := response(owner, q.Type)
	out.Rcode, out.CheckingDisabled = dns.RcodeNameError, q.CD
	out.Ns = []dns.RR{&dns.SOA{
		Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: namelessTTL},
		Ns:  "localhost.", Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: namelessTTL,
	}}
	return pack(out)
}

// pointer answers a question for the name of an address behind the prefix.
func (d *DNS64) pointer(q wire.Question, v4 netip.Addr, done func(raw []byte, err error)) {
	owner, _, err := dns.UnpackDomainName(q.Name, 0)
	name, _ := dns.ReverseAddr(v4.String())
	if err != nil {
		d.next.Exchange(q, done)
		return
	}
	four := q
	four.Name = wireName(name)
	d.next.Exchange(four, func(raw []byte, err error) {
		var m dns.Msg
		if err != nil || m.Unpack(raw) != nil || len(m.Question) != 1 {
			done(raw, err)
			return
		}
		out := response(owner, dns.TypePTR)
		out.Rcode, out.Ns = m.Rcode&0xF, m.Ns
		alias := &dns.CNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: unsignedTTL}, Target: m.Question[0].Name}
		for _, rr := range m.Answer {
			alias.Hdr.Ttl = min(alias.Hdr.Ttl, rr.Header().Ttl)
		}
		out.Answer = append([]dns.RR{alias}, m.Answer...)
		if o := m.IsEdns0(); o != nil { // it tells why there is none
			out.Extra = []dns.RR{o}
		}
		done(pack(out), nil)
	})
}

func response(name string, qtype uint16) *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, RecursionDesired: true, RecursionAvailable: true}, Compress: true}
	m.Question = []dns.Question{{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	return m
}

// pack returns m as a packet, nil if it makes none.
func pack(m *dns.Msg) []byte {
	raw, err := m.Pack()
	if err != nil {
		return nil
	}
	return raw
}
