package resolver

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

const (
	// maxChain is the longest CNAME/DNAME chain followed, Unbound's and BIND's
	// limit too: an honest chain is rarely longer than five.
	maxChain = 11
	// maxRecords bounds the records of one reply that are looked at.
	maxRecords = 512
	// emptiedTTL is how long, in seconds, an answer emptied by the rebinding
	// check is kept: long enough to spare the upstream, short enough for an
	// operator who is declaring the zone local.
	emptiedTTL = 30
)

type address = netip.Addr

// inspected is what an upstream said, reduced to what answers the question.
type inspected struct {
	reply    cache.Reply // the chain in order, then the records, then the proof
	targets  []byte      // wire-form names that the answer leads to
	places   []address   // that it leads to, from behind a translator
	stripped bool        // addresses that no public name may have were taken out
	records  []placed    // scratch of glance
}

func (in *inspected) reset() {
	in.reply.Reset()
	in.targets, in.places, in.stripped, in.records = in.targets[:0], in.places[:0], false, in.records[:0]
}

func (in *inspected) facts(w *World, key *cache.Key) cache.Facts {
	f := read(w, key.Name, key.Type, bytes.Clone(in.targets))
	w.locate(&f, in.places)
	if in.stripped {
		f.EDE = edeBlocked
	}
	return f
}

// inspect reads an upstream's reply, keeps only what lies on the way from the
// question to its answer, in order (some clients read an answer strictly front to
// back), and drops addresses that may returns false for. Whatever else the
// upstream sent along is no answer to anything we asked and never reaches the
// cache. The usual reply is read where it lies; the rest by the library. AD is the
// upstream's, which the Exchanger has cleared unless it is believed, but never of an
// answer that something was taken out of.
func (in *inspected) inspect(raw []byte, key *cache.Key, may func(address) bool) error {
	if !in.glance(raw, key, may) {
		in.reset()
		if err := in.study(raw, key, may); err != nil {
			return err
		}
	}
	in.reply.AD = !in.stripped && raw[3]&byte(wire.AD) != 0
	return nil
}

// study is inspect by the library, for every reply.
func (in *inspected) study(raw []byte, key *cache.Key, may func(address) bool) error {
	var m dns.Msg
	if err := m.Unpack(raw); err != nil {
		return &Error{wire.ServFail, edeInvalidAnswer, fmt.Errorf("reading the upstream's reply: %w", err)}
	}
	if len(m.Answer)+len(m.Ns) > maxRecords {
		return &Error{wire.ServFail, edeInvalidAnswer, errors.New("reading the upstream's reply: more records than an honest reply has")}
	}
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return &Error{wire.ServFail, reasonOf(&m), fmt.Errorf("the upstream answered %s", dns.RcodeToString[m.Rcode])}
	}
	owner, _, err := dns.UnpackDomainName(key.Name, 0)
	if err != nil {
		return fmt.Errorf("reading our own question: %w", err)
	}
	w := walker{records: m.Answer, qtype: key.Type, may: may}
	if err := w.follow(owner); err != nil {
		return err
	}
	out := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Rcode: m.Rcode}}
	out.Question = []dns.Question{{Name: owner, Qtype: key.Type, Qclass: key.Class}}
	out.Answer = w.kept
	out.Ns = proof(m.Ns)
	if w.stripped && !w.answered {
		out.Rcode = dns.RcodeSuccess
		out.Ns = []dns.RR{emptied(w.name)}
	}
	in.targets, in.stripped = append(in.targets, w.targets...), w.stripped
	return in.take(out)
}

// take packs m, without compression, and takes it apart.
func (in *inspected) take(m *dns.Msg) error {
	packed, err := m.Pack()
	if err != nil {
		return &Error{wire.ServFail, edeInvalidAnswer, fmt.Errorf("packing the upstream's reply: %w", err)}
	}
	in.reply.Rcode = wire.Rcode(m.Rcode)
	end, err := wire.SkipQuestion(packed)
	if err == nil {
		err = wire.WalkRRs(packed, end, func(rr wire.RR) bool { return in.reply.Copy(packed, rr) })
	}
	if err != nil || in.reply.Len() != len(m.Answer)+len(m.Ns) {
		return &Error{wire.ServFail, edeInvalidAnswer, fmt.Errorf("taking the upstream's reply apart: %w", err)}
	}
	return nil
}

// reasonOf returns the upstream's own Extended DNS Error, so that a client learns
// of a failed validation, and otherwise that the network is at fault. What an
// upstream says it blocked is its word, not ours: only 1 to 13 and 22 to 24 tell
// of the resolution.
func reasonOf(m *dns.Msg) uint16 {
	reason := uint16(edeNone)
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			e, ok := opt.(*dns.EDNS0_EDE)
			if !ok {
				continue
			}
			if invalid(e.InfoCode) {
				return e.InfoCode // whatever else it says
			}
			if reason == edeNone && (e.InfoCode >= 1 && e.InfoCode <= 13 || e.InfoCode >= 22 && e.InfoCode <= 24) {
				reason = e.InfoCode
			}
		}
	}
	if reason == edeNone {
		return edeNetworkError
	}
	return reason
}

// emptied is the SOA of an answer that the rebinding check left nothing of.
func emptied(owner string) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: emptiedTTL},
		Ns:  "localhost.", Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 1200, Expire: 604800, Minttl: emptiedTTL,
	}
}

// proof keeps of an authority section what makes an answer negative or proves
// it: SOA, NSEC, NSEC3 and their signatures. A forwarder's NS records are not for
// us.
func proof(rrs []dns.RR) []dns.RR {
	var out []dns.RR
	for _, rr := range rrs {
		if rr.Header().Class != dns.ClassINET {
			continue
		}
		switch t := rr.(type) {
		case *dns.SOA, *dns.NSEC, *dns.NSEC3:
			out = append(out, rr)
		case *dns.RRSIG:
			if t.TypeCovered == dns.TypeSOA || t.TypeCovered == dns.TypeNSEC || t.TypeCovered == dns.TypeNSEC3 {
				out = append(out, rr)
			}
		}
	}
	return out
}

// walker follows one answer from its question.
type walker struct {
	records  []dns.RR
	qtype    uint16
	may      func(address) bool
	name     string // where the chain has come to
	kept     []dns.RR
	targets  []byte
	stripped bool
	answered bool
}

// follow collects the chain from owner and the records at its end.
func (w *walker) follow(owner string) error {
	seen := make(map[string]bool, 2)
	for w.name = dns.CanonicalName(owner); ; {
		if seen[w.name] || len(seen) > maxChain {
			return &Error{wire.ServFail, edeInvalidAnswer, fmt.Errorf("following the chain of the reply: a loop, or more than %d names", maxChain)}
		}
		seen[w.name] = true
		next, err := w.step()
		if err != nil {
			return err
		}
		if next == "" {
			w.collect()
			return nil
		}
		if err := w.target(next); err != nil {
			return err
		}
		w.name = next
	}
}

// step keeps the DNAME and CNAME that lead on from the present name and returns
// where to; "" at the end of the chain.
func (w *walker) step() (string, error) {
	if w.qtype == dns.TypeCNAME {
		return "", nil
	}
	if next, err := w.dname(); next != "" || err != nil {
		return next, err
	}
	for _, rr := range w.records {
		c, ok := rr.(*dns.CNAME)
		if ok && dns.CanonicalName(c.Hdr.Name) == w.name {
			w.keep(rr)
			w.signatures(w.name, dns.TypeCNAME)
			return dns.CanonicalName(c.Target), nil
		}
	}
	return "", nil
}

// dname keeps a DNAME above the present name and returns the name it makes of
// it (RFC 6672 section 2.2), with the CNAME that carries it.
func (w *walker) dname() (string, error) {
	for _, rr := range w.records {
		d, ok := rr.(*dns.DNAME)
		if !ok {
			continue
		}
		top := dns.CanonicalName(d.Hdr.Name)
		if w.name == top || !dns.IsSubDomain(top, w.name) || top == "." {
			continue
		}
		next := strings.TrimSuffix(w.name, top) + dns.CanonicalName(d.Target)
		if _, ok := dns.IsDomainName(next); !ok {
			return "", &Error{wire.Rcode(dns.RcodeYXDomain), edeNone, errors.New("following a DNAME: the name it makes is too long")}
		}
		w.keep(rr)
		w.signatures(top, dns.TypeDNAME)
		w.keep(&dns.CNAME{Hdr: dns.RR_Header{Name: w.name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.Hdr.Ttl}, Target: next})
		return next, nil
	}
	return "", nil
}

// collect keeps the records asked for at the end of the chain.
func (w *walker) collect() {
	for _, rr := range w.records {
		h := rr.Header()
		if h.Rrtype != w.qtype || h.Class != dns.ClassINET || dns.CanonicalName(h.Name) != w.name {
			continue
		}
		if !w.harmless(rr) {
			w.stripped = true
			continue
		}
		w.answered = true
		w.keep(rr)
	}
	if w.answered && !w.stripped {
		w.signatures(w.name, w.qtype)
	}
}

// harmless reports whether a record's addresses are ones that this view's names
// may have, and notes the names that a service binding leads to.
func (w *walker) harmless(rr dns.RR) bool {
	switch t := rr.(type) {
	case *dns.A:
		return w.allowed(t.A)
	case *dns.AAAA:
		return w.allowed(t.AAAA)
	case *dns.SVCB:
		return w.binding(t)
	case *dns.HTTPS:
		return w.binding(&t.SVCB)
	}
	return true
}

func (w *walker) allowed(ip []byte) bool {
	a, ok := netip.AddrFromSlice(ip)
	return ok && w.may(a)
}

// binding checks the address hints of a service binding (RFC 9460 section 7.3)
// and notes its target.
func (w *walker) binding(s *dns.SVCB) bool {
	for _, kv := range s.Value {
		switch hint := kv.(type) {
		case *dns.SVCBIPv4Hint:
			for _, ip := range hint.Hint {
				if v4 := ip.To4(); v4 == nil || !w.allowed(v4) {
					return false
				}
			}
		case *dns.SVCBIPv6Hint:
			for _, ip := range hint.Hint {
				if !w.allowed(ip) {
					return false
				}
			}
		}
	}
	if s.Target == "." {
		return true // the owner itself
	}
	return w.target(dns.CanonicalName(s.Target)) == nil
}

// signatures keeps the RRSIGs over one RRset.
func (w *walker) signatures(owner string, covered uint16) {
	for _, rr := range w.records {
		s, ok := rr.(*dns.RRSIG)
		if ok && s.TypeCovered == covered && dns.CanonicalName(s.Hdr.Name) == owner {
			w.keep(rr)
		}
	}
}

func (w *walker) keep(rr dns.RR) { w.kept = append(w.kept, rr) }

// target notes a name that the answer leads to.
func (w *walker) target(name string) error {
	var buf [255]byte
	n, err := dns.PackDomainName(name, buf[:], 0, nil, false)
	if err != nil {
		return &Error{wire.ServFail, edeInvalidAnswer, fmt.Errorf("following the chain of the reply: %w", err)}
	}
	w.targets = append(w.targets, buf[:n]...)
	return nil
}
