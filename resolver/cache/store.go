package cache

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// maxBody is the largest reply that is kept, in octets behind the question.
// A larger one is served to those who asked, not remembered.
const maxBody = 8 << 10

// newEntry makes the entry of the reply msg to k. Its life is 0 when it must not
// be kept.
func newEntry(k *Key, msg []byte, f Facts, l limits, now int64) (*Entry, error) {
	m, err := unpack(k, msg)
	if err != nil {
		return nil, err
	}
	e := &Entry{
		view: k.View, qtype: k.Type, class: k.Class, cd: k.CD, nameLen: uint8(len(k.Name)),
		rcode: wire.Rcode(m.Rcode), stored: now, life: l.apply(m, k.Type),
	}
	bodies, err := render(m, k)
	if err != nil {
		return nil, err
	}
	if len(bodies[0].records) > maxBody {
		e.life = 0
	}
	e.fill(k.Name, bodies)
	f.Chain, f.Names = slices.Clone(f.Chain), slices.Clone(f.Names)
	e.facts.Store(&f)
	e.cost = e.weigh(&f)
	return e, nil
}

// render packs m with and, if that differs, without its DNSSEC records.
func render(m *dns.Msg, k *Key) ([]rendered, error) {
	m.Compress, m.Rcode = true, dns.RcodeSuccess // the header is written for each client
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	full, err := pack(m, k.end())
	if err != nil {
		return nil, err
	}
	answer, a := withoutDNSSEC(m.Answer, k.Type, false)
	authority, b := withoutDNSSEC(m.Ns, k.Type, true)
	extra, c := withoutDNSSEC(m.Extra, k.Type, true)
	if !a && !b && !c {
		return []rendered{full}, nil
	}
	m.Answer, m.Ns, m.Extra = answer, authority, extra
	plain, err := pack(m, k.end())
	return []rendered{full, plain}, err
}

// fill places name and bodies, the full one first, into one allocation.
func (e *Entry) fill(name []byte, bodies []rendered) {
	size := len(name)
	for _, r := range bodies {
		size += len(r.records) + 2*len(r.ttls)
	}
	e.buf = append(make([]byte, 0, size), name...)
	e.full = e.place(bodies[0])
	e.plain = e.full
	if len(bodies) > 1 {
		e.plain = e.place(bodies[1])
	}
}

// place appends r to the entry's buffer.
func (e *Entry) place(r rendered) body {
	b := body{at: uint32(len(e.buf)), size: uint32(len(r.records)), ttls: uint32(len(r.ttls)), counts: r.counts}
	e.buf = append(e.buf, r.records...)
	for _, off := range r.ttls {
		e.buf = binary.BigEndian.AppendUint16(e.buf, off)
	}
	return b
}

// weigh returns the memory the entry takes, as the allocator rounds it.
func (e *Entry) weigh(f *Facts) uint32 {
	total := allocated(int(unsafe.Sizeof(*e))) + allocated(cap(e.buf)) +
		allocated(int(unsafe.Sizeof(*f))) + allocated(8*cap(f.Chain)) + allocated(cap(f.Names))
	return uint32(total)
}

// allocated returns what an allocation of n bytes takes: the runtime rounds it
// up to one of about 70 sizes, which lie up to an eighth apart.
func allocated(n int) int {
	if n == 0 {
		return 0
	}
	if n <= 256 {
		return (n + 15) &^ 15
	}
	return (n + n/16 + 15) &^ 15
}
