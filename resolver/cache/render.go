package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// ErrMalformed is returned by Store for a message that is not a whole, well
// formed reply to the key's question.
var ErrMalformed = errors.New("malformed reply")

// rendered is a body before it is placed into an entry.
type rendered struct {
	records []byte   // behind the question
	ttls    []uint16 // offsets from the start of the message
	counts  [3]uint16
}

// unpack reads msg, which must be a reply to k whose counts tell the truth.
func unpack(k *Key, msg []byte) (*dns.Msg, error) {
	if !answers(k, msg) {
		return nil, fmt.Errorf("%w: it answers another question", ErrMalformed)
	}
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for i, n := range []int{len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(msg[6+2*i:])) != n {
			return nil, fmt.Errorf("%w: it has fewer records than it counts", ErrMalformed)
		}
	}
	return m, nil
}

// answers reports whether msg is long enough for, is a reply to, and repeats the
// question of k, in any spelling.
func answers(k *Key, msg []byte) bool {
	end := k.end()
	if len(msg) < end || msg[2]&0x80 == 0 || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return false
	}
	for i, c := range k.Name {
		d := msg[wire.HeaderLen+i]
		if d >= 'A' && d <= 'Z' {
			d += 'a' - 'A'
		}
		if c != d {
			return false
		}
	}
	return binary.BigEndian.Uint16(msg[end-4:]) == k.Type && binary.BigEndian.Uint16(msg[end-2:]) == k.Class
}

// pack packs the sections of m behind its question. Owner names that are the
// asked name take the question's spelling, so that they become a pointer to it
// and follow the spelling of each client.
func pack(m *dns.Msg, end int) (rendered, error) {
	asked := m.Question[0].Name
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if h := rr.Header(); strings.EqualFold(h.Name, asked) {
				h.Name = asked
			}
		}
	}
	msg, err := m.Pack()
	if err != nil {
		return rendered{}, fmt.Errorf("%w: packing it again: %w", ErrMalformed, err)
	}
	r := rendered{records: msg[end:], counts: [3]uint16{uint16(len(m.Answer)), uint16(len(m.Ns)), uint16(len(m.Extra))}}
	err = wire.TTLOffsets(msg, end, func(off int) { r.ttls = append(r.ttls, uint16(off)) })
	if err != nil {
		return rendered{}, fmt.Errorf("%w: walking it: %w", ErrMalformed, err)
	}
	return r, nil
}

// withoutDNSSEC returns rrs without the records that only authenticate others;
// a record of the asked type stays (RFC 4035 section 3.2.1). The second result
// tells whether any was left out.
func withoutDNSSEC(rrs []dns.RR, qtype uint16, authority bool) ([]dns.RR, bool) {
	kept := make([]dns.RR, 0, len(rrs))
	for _, rr := range rrs {
		if t := rr.Header().Rrtype; t == qtype || qtype == dns.TypeANY || !authenticates(t, authority) {
			kept = append(kept, rr)
		}
	}
	return kept, len(kept) < len(rrs)
}

// authenticates reports whether t is a DNSSEC type. In the answer section DS and
// DNSKEY are data; elsewhere they come along for a validator only.
func authenticates(t uint16, elsewhere bool) bool {
	switch t {
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3:
		return true
	case dns.TypeDS, dns.TypeDNSKEY:
		return elsewhere
	}
	return false
}
