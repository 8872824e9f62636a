package wire_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// FuzzParse holds Parse to the library: what Parse accepts, the library reads to
// the same facts. Where the library refuses RDATA that is none of our business
// (a TSIG that is too short), it must still read the question.
func FuzzParse(f *testing.F) {
	for _, text := range []string{plain + example, withOPT + example + opt, "abcd 0100 0001 0000 0000 0002" + example + opt + tsigRR,
		withOPT + example + "00 0029 04d0 00 01 0000 0000", plain + "c00c 0001 0001", plain + bigName + "0001 0001"} {
		f.Add(packet(f, text))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		var q wire.Query
		before := bytes.Clone(msg)
		fault := q.Parse(msg)
		if !bytes.Equal(before, msg) {
			t.Fatal("Parse changed the packet")
		}
		reply := wire.AppendFault(nil, msg, fault)
		if fault != wire.None {
			checkFault(t, msg, reply, fault)
			return
		}
		m := new(dns.Msg)
		if m.Unpack(msg) != nil {
			msg = bytes.Clone(msg[:q.End])
			binary.BigEndian.PutUint16(msg[10:], 0)
			m = unpack(t, msg)
		} else {
			checkEDNS(t, &q, m)
		}
		checkQuestion(t, &q, m)
	})
}

func checkFault(t *testing.T, msg, reply []byte, fault wire.Fault) {
	if len(reply) > len(msg) {
		t.Errorf("%v: a packet of %d octets gets %d", fault, len(msg), len(reply))
	}
	if (len(reply) == 0) != (fault == wire.Ignore) {
		t.Errorf("%v: reply %x", fault, reply)
	}
	if len(reply) > 0 {
		unpack(t, reply)
	}
}

func checkQuestion(t *testing.T, q *wire.Query, m *dns.Msg) {
	if m.Id != q.ID || m.Opcode != int(q.Opcode) || m.RecursionDesired != q.RD || m.CheckingDisabled != q.CD || m.AuthenticatedData != q.AD {
		t.Errorf("header %+v, library %+v", q, m.MsgHdr)
	}
	if len(m.Question) != 1 || m.Question[0].Qtype != q.Type || m.Question[0].Qclass != q.Class {
		t.Fatalf("type %d class %d, library %v", q.Type, q.Class, m.Question)
	}
	name := make([]byte, 256)
	n, err := dns.PackDomainName(m.Question[0].Name, name, 0, nil, false)
	if err != nil {
		t.Fatalf("packing %q: %v", m.Question[0].Name, err)
	}
	if !bytes.Equal(bytes.ToLower(name[:n]), q.Name()) && !bytes.Equal(lowered(name[:n]), q.Name()) {
		t.Errorf("name %q, library %q", q.Name(), name[:n])
	}
	if got := dns.CountLabel(m.Question[0].Name); got != q.Labels {
		t.Errorf("%d labels, library %d", q.Labels, got)
	}
}

// lowered makes ASCII capitals small and leaves other octets alone.
func lowered(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 32
		}
	}
	return out
}

func checkEDNS(t *testing.T, q *wire.Query, m *dns.Msg) {
	o := m.IsEdns0()
	if (o != nil) != q.EDNS {
		t.Fatalf("EDNS %v, library %v", q.EDNS, o)
	}
	if o != nil && (o.Do() != q.DO || o.Version() != q.Version || max(o.UDPSize(), 512) != q.Size) {
		t.Errorf("EDNS %+v, library %v", q, o)
	}
}

// FuzzReply authors a reply of every kind to whatever Parse accepts; the library
// must read back what was meant.
func FuzzReply(f *testing.F) {
	f.Add(packet(f, plain+example), uint32(60), []byte("words"), uint16(17), []byte("\x03com\x00"))
	f.Add(packet(f, withOPT+example+opt), uint32(0), []byte{}, uint16(15), []byte("\x00"))
	f.Fuzz(func(t *testing.T, msg []byte, ttl uint32, text []byte, code uint16, zone []byte) {
		var q, z wire.Query
		if q.Parse(msg) != wire.None {
			return
		}
		z.Parse(append(append(packet(t, plain), zone...), 0, 1, 0, 1))
		if len(z.Name()) == 0 {
			return
		}
		b := wire.AppendTXT(wire.Start(nil, &q, wire.NXDomain), ttl, text)
		b = wire.AppendAddress(b, ttl, netip.IPv4Unspecified())
		b = wire.AppendSOA(b, z.Name(), ttl, 7)
		b = wire.Finish(b, &q, wire.NXDomain, &wire.EDE{Code: code, Text: text})
		m := unpack(t, b)
		if m.Rcode != dns.RcodeNameError || len(m.Answer) != 2 || m.Answer[0].Header().Ttl != ttl || len(m.Ns) != 1 {
			t.Fatalf("reply: %v", m)
		}
		owner := make([]byte, 256)
		n, err := dns.PackDomainName(m.Ns[0].Header().Name, owner, 0, nil, false)
		if err != nil || !bytes.Equal(lowered(owner[:n]), z.Name()) {
			t.Errorf("SOA of %q, want %q", m.Ns[0].Header().Name, z.Name())
		}
		if (m.IsEdns0() != nil) != q.EDNS {
			t.Errorf("OPT: %v", m.IsEdns0())
		}
		limit := min(int(q.Size), wire.MaxUDP)
		if fit := wire.Fit(b, &q, limit); len(fit) > limit {
			t.Errorf("%d octets of %d", len(fit), limit)
		} else {
			unpack(t, fit)
		}
	})
}

// FuzzWalk holds the walk to the library on messages that the library packs.
func FuzzWalk(f *testing.F) {
	f.Add(chain(f))
	f.Add(packet(f, plain+example))
	f.Fuzz(func(t *testing.T, raw []byte) {
		end, err := wire.SkipQuestion(raw)
		if err == nil {
			_ = wire.TTLOffsets(raw, end, func(off int) { _ = raw[off : off+4] })
		}
		for off := range raw {
			name, _, err := wire.AppendName(nil, raw, off)
			if err == nil && (len(name) == 0 || len(name) > wire.MaxName || name[len(name)-1] != 0) {
				t.Fatalf("AppendName at %d: %q", off, name)
			}
		}
		m := new(dns.Msg)
		if m.Unpack(raw) != nil || len(m.Question) != 1 {
			return
		}
		m.Compress = true
		msg, err := m.Pack()
		if err != nil {
			return // the library reads more than it writes
		}
		checkWalk(t, m, msg)
	})
}

func checkWalk(t *testing.T, m *dns.Msg, msg []byte) {
	var want []uint32
	for _, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				want = append(want, rr.Header().Ttl)
			}
		}
	}
	end, err := wire.SkipQuestion(msg)
	if err != nil {
		t.Fatalf("Question of %x: %v", msg, err)
	}
	i := 0
	err = wire.TTLOffsets(msg, end, func(off int) {
		if i >= len(want) || binary.BigEndian.Uint32(msg[off:]) != want[i] {
			t.Errorf("TTL %d is not the library's", i)
		}
		i++
	})
	if err != nil || i != len(want) {
		t.Errorf("%d TTLs, library %d, error %v, message %x", i, len(want), err, msg)
	}
}
