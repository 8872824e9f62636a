package forward

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/resolver/wire"
)

// reply is a message that passed the checks of RFC 5452 section 9.1.
type reply struct {
	raw       []byte
	rcode     int  // with the extended bits
	edns      bool // it has an OPT record
	truncated bool
	bare      bool // an error that does not repeat the question
	bogus     bool // it says that the upstream's own DNSSEC validation failed
	spelled   bool // it repeats the question in a spelling with capital letters
	misspelt  bool // it has lost that spelling
	proven    bool // nobody can have sent it who does not see the query: it has our cookie, or came over a connection
	uncookied bool // it has no cookie, but the query had one
	options   span // of OPT, in raw
	cookie    span // the content of that option
}

// span is a part of a packet.
type span struct{ start, end int }

// verdict is what a packet from an upstream is to the query sent.
type verdict uint8

const (
	unrelated verdict = iota // nothing that the upstream would have sent in answer to it
	misspelt                 // an answer, but for the spelling of the question
	fitting
)

// readReply returns msg as the reply to the query sent. Junk is a cut header, a
// query, another ID, opcode or question, or a message that is malformed or counts
// more records than it has.
func readReply(sent packet, msg []byte) (reply, verdict) {
	if len(msg) < wire.HeaderLen || msg[0] != sent.msg[0] || msg[1] != sent.msg[1] {
		return reply{}, unrelated
	}
	const qr, opcode, tc = 0x80, 0x78, 0x02
	if msg[2]&qr == 0 || msg[2]&opcode != 0 {
		return reply{}, unrelated
	}
	r := reply{raw: msg, truncated: msg[2]&tc != 0, rcode: int(msg[3] & 0xf)}
	if r.bare = binary.BigEndian.Uint16(msg[4:]) == 0; r.bare {
		r.uncookied = sent.cookie > 0
		if isError(r.rcode) { // servers of old, and some for REFUSED
			return r, fitting
		}
		return reply{}, unrelated
	}
	is := sent.repeated(msg)
	if is == unrelated || !r.truncated && !r.read() { // what is truncated is cut anywhere; TCP will tell the rest
		return reply{}, unrelated
	}
	if !r.truncated && !r.suits(&sent) {
		return reply{}, unrelated
	}
	r.spelled, r.misspelt = sent.spelled && is == fitting, is == misspelt
	return r, is
}

// isError reports whether rcode is one that a server may send without having
// understood the question. Such a reply carries no data, so that it can spoil a
// try but poison nothing.
func isError(rcode int) bool {
	switch rcode {
	case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return true
	}
	return false
}

// repeated tells whether msg has exactly the question of p, and in its spelling.
func (p packet) repeated(msg []byte) verdict {
	sent := p.msg
	end := wire.HeaderLen
	for sent[end] != 0 {
		end += 1 + int(sent[end])
	}
	end++
	if len(msg) < end+4 || binary.BigEndian.Uint16(msg[4:]) != 1 || string(msg[end:end+4]) != string(sent[end:end+4]) {
		return unrelated
	}
	if string(msg[wire.HeaderLen:end]) == string(sent[wire.HeaderLen:end]) {
		return fitting
	}
	for i := wire.HeaderLen; i < end; i++ { // a length octet is never a letter
		if lower(msg[i]) != lower(sent[i]) {
			return unrelated
		}
	}
	if !p.spelled {
		return fitting
	}
	return misspelt
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// read parses the whole message and reports whether it is well formed. Only what
// is not usual needs the library for that.
func (r *reply) read() bool {
	return r.glance() || r.study()
}

// study is read by the library. What makes the library panic is junk.
func (r *reply) study() (sound bool) {
	defer func() { sound = recover() == nil && sound }()
	var m dns.Msg
	if m.Unpack(r.raw) != nil {
		return false
	}
	for i, n := range []int{len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(r.raw[6+2*i:])) != n {
			return false
		}
	}
	r.rcode = m.Rcode
	if o := m.IsEdns0(); o != nil {
		r.edns, r.options = true, optionsOf(r.raw)
		r.bogus = r.rcode == dns.RcodeServerFailure && saysBogus(o)
	}
	return true
}

// optionsOf finds the options of a sound message's OPT.
func optionsOf(raw []byte) (options span) {
	end, err := wire.SkipQuestion(raw)
	if err != nil {
		return span{}
	}
	_ = wire.WalkRRs(raw, end, func(rr wire.RR) bool {
		if rr.Type == wire.TypeOPT {
			options = span{rr.Data, rr.End}
		}
		return true
	})
	return options
}

// saysBogus reports whether o has an Extended DNS Error of DNSSEC: 6 (bogus) to
// 12 (NSEC missing) in RFC 8914 section 4.
func saysBogus(o *dns.OPT) bool {
	for _, option := range o.Option {
		if e, ok := option.(*dns.EDNS0_EDE); ok && e.InfoCode >= dns.ExtendedErrorCodeDNSBogus && e.InfoCode <= dns.ExtendedErrorCodeNSECMissing {
			return true
		}
	}
	return false
}

// refusesEDNS reports whether r is the answer of a server that does not know EDNS
// (RFC 6891 section 7): FORMERR or NOTIMP without OPT. BADVERS to version 0 is
// no better.
func (r *reply) refusesEDNS() bool {
	switch r.rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented:
		return !r.edns
	case dns.RcodeBadVers:
		return true
	}
	return false
}

// failure returns why r is no answer to pass on; ok is true when it is one.
// YXDOMAIN is what a DNAME that makes too long a name gives (RFC 6672 section 2.2).
func (r *reply) failure() (why reason, ok bool) {
	switch r.rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
		return 0, true
	case dns.RcodeServerFailure:
		return reasonServfail, r.bogus
	case dns.RcodeRefused:
		return reasonRefused, false
	case dns.RcodeNotImplemented:
		return reasonNotimp, false
	case dns.RcodeFormatError:
		return reasonFormerr, false
	}
	return reasonRcode, false
}
