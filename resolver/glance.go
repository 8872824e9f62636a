package resolver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
)

// maxPlaced bounds the records of a reply that glance looks at, of all sections:
// what it does grows with their number times the length of the chain.
const maxPlaced = 48

// placed is a record of the answer or authority section, located in the packet.
type placed struct {
	wire.RR
	owner []byte // canonical
}

// glance is inspect for the usual reply, on the octets of the packet: a chain of
// CNAMEs and the records at its end, or a negative answer. It gives the same as
// study, or false, with in half filled, for whatever is not usual or not sound:
// another code than NOERROR and NXDOMAIN, a DNAME, a service binding, a class
// other than IN, an address that has to be taken out, many records, a loop. It
// trusts the Exchanger that the records that it does not keep are well formed.
func (in *inspected) glance(raw []byte, key *cache.Key, may func(address) bool) bool {
	if !in.place(raw, key) {
		return false
	}
	name := key.Name
	for links := 0; key.Type != wire.TypeCNAME; links++ {
		next, ok := in.link(raw, name)
		if !ok || links >= maxChain {
			return false
		}
		if next == nil {
			break
		}
		if bytes.Equal(next, key.Name) {
			return false // a loop; one that leaves the question out runs into maxChain
		}
		name = next
	}
	return in.end(raw, name, key.Type, may) && in.prove(raw)
}

// place locates the records of a sound reply to key.
func (in *inspected) place(raw []byte, key *cache.Key) bool {
	end, err := wire.SkipQuestion(raw)
	if err != nil {
		return false
	}
	in.reply.Rcode = wire.Rcode(raw[3] & 0xF)
	if in.reply.Rcode != wire.NoError && in.reply.Rcode != wire.NXDomain {
		return false
	}
	var space [wire.MaxName]byte
	asked, _, err := wire.AppendName(space[:0], raw, wire.HeaderLen)
	if err != nil || !bytes.Equal(asked, key.Name) {
		return false
	}
	total, usual := 0, true
	err = wire.WalkRRs(raw, end, func(rr wire.RR) bool {
		total++
		usual = total <= maxPlaced && in.admit(raw, rr, key.Name)
		return usual
	})
	return usual && err == nil
}

// admit notes a record, unless it is one that needs the library.
func (in *inspected) admit(raw []byte, rr wire.RR, asked []byte) bool {
	if rr.Section == wire.Additional {
		return rr.Type != wire.TypeOPT || rr.TTL>>24 == 0 // an extended code
	}
	if rr.Class != wire.ClassIN || rr.Type == wire.TypeDNAME || rr.Type == wire.TypeOPT || rr.Data == rr.End {
		return false
	}
	p := placed{RR: rr, owner: asked}
	const question = 0xC000 | wire.HeaderLen
	if binary.BigEndian.Uint16(raw[rr.Start:]) != question {
		var err error
		if p.owner, _, err = wire.AppendName(nil, raw, rr.Start); err != nil {
			return false
		}
	}
	in.records = append(in.records, p)
	return true
}

// link keeps the CNAME of name and its signatures and returns its target, nil at
// the end of the chain.
func (in *inspected) link(raw, name []byte) (next []byte, ok bool) {
	for i := range in.records {
		p := &in.records[i]
		if p.Section != wire.Answer || p.Type != wire.TypeCNAME || !bytes.Equal(p.owner, name) {
			continue
		}
		at := len(in.targets)
		var err error
		if in.targets, _, err = wire.AppendName(in.targets, raw, p.Data); err != nil {
			return nil, false
		}
		return in.targets[at:], in.reply.Add(raw, p.RR) && in.sign(raw, name, wire.TypeCNAME)
	}
	return nil, true
}

// end keeps the records asked for at the end of the chain.
func (in *inspected) end(raw, name []byte, qtype uint16, may func(address) bool) bool {
	if qtype == wire.TypeSVCB || qtype == wire.TypeHTTPS {
		// Targets and addresses are in them.
		return !slices.ContainsFunc(in.records, func(p placed) bool { return p.Type == qtype })
	}
	answered := false
	for i := range in.records {
		p := &in.records[i]
		if p.Section != wire.Answer || p.Type != qtype || !bytes.Equal(p.owner, name) {
			continue
		}
		if !in.reply.Add(raw, p.RR) || !p.harmless(raw, may) {
			return false
		}
		answered = true
	}
	return !answered || in.sign(raw, name, qtype)
}

// harmless reports whether the record, if it is an address, is one that this
// view's names may have.
func (p *placed) harmless(raw []byte, may func(address) bool) bool {
	if p.Type != wire.TypeA && p.Type != wire.TypeAAAA {
		return true
	}
	a, ok := netip.AddrFromSlice(raw[p.Data:p.End])
	return ok && may(a)
}

// sign keeps the RRSIGs over one RRset of the answer.
func (in *inspected) sign(raw, owner []byte, covered uint16) bool {
	for i := range in.records {
		p := &in.records[i]
		if p.Section == wire.Answer && p.signs(raw) == covered && bytes.Equal(p.owner, owner) && !in.reply.Add(raw, p.RR) {
			return false
		}
	}
	return true
}

// prove keeps of the authority section what proof keeps.
func (in *inspected) prove(raw []byte) bool {
	for i := range in.records {
		p := &in.records[i]
		if p.Section != wire.Authority {
			continue
		}
		t := p.Type
		if t == wire.TypeRRSIG {
			t = p.signs(raw)
		}
		if (t == wire.TypeSOA || t == wire.TypeNSEC || t == wire.TypeNSEC3) && !in.reply.Add(raw, p.RR) {
			return false
		}
	}
	return true
}

// signs returns the type that an RRSIG covers, 0 of another record.
func (p *placed) signs(raw []byte) uint16 {
	if p.Type != wire.TypeRRSIG || p.End < p.Data+2 {
		return 0
	}
	return binary.BigEndian.Uint16(raw[p.Data:])
}
