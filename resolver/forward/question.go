package forward

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// opt is the OPT record of every query: root owner, type 41, payload size 1232,
// version 0, DO (RFC 6891 section 6.1, RFC 3225), and so far no options.
const opt = "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"

// question is what is asked of the upstreams.
type question struct{ wire.Question }

// form is how an upstream is asked.
type form struct {
	edns    bool   // with OPT
	spelled bool   // with letters of random case, which the reply must repeat
	subnet  string // option of RFC 7871, "" for none
	cookie  cookie
}

// packet is a query as it is sent.
type packet struct {
	msg     []byte
	spelled bool // the reply must repeat the spelling of the question
	cookie  int  // where in msg the cookie stands; 0: there is none
	subnet  string
}

// packet returns a query with a fresh random ID and, if wanted, a fresh spelling.
// Nothing of the client's own query is in it but the question and CD.
func (q question) packet(as form) packet {
	var random [2 + wire.MaxName/8 + 1]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand, Go 1.24)
	msg := make([]byte, wire.HeaderLen, wire.HeaderLen+len(q.Name)+4+len(opt)+len(as.subnet)+4+int(as.cookie.length))
	msg[0], msg[1] = random[0], random[1]
	msg[2] = 1 // RD
	if q.CD {
		msg[3] = 0x10
	}
	msg[5] = 1 // QDCOUNT
	msg = append(msg, q.Name...)
	spelled := as.spelled && spell(msg[wire.HeaderLen:], random[2:])
	msg = binary.BigEndian.AppendUint16(msg, q.Type)
	msg = binary.BigEndian.AppendUint16(msg, q.Class)
	p := packet{msg: msg, spelled: spelled}
	if as.edns {
		p.extend(&as)
	}
	return p
}

// extend puts OPT and its options behind the question.
func (p *packet) extend(as *form) {
	msg := append(p.msg, opt...)
	options := len(msg)
	msg[11] = 1 // ARCOUNT
	msg = append(msg, as.subnet...)
	if own := as.cookie.bytes(); len(own) > 0 {
		msg = append(msg, 0, byte(wire.OptionCookie), 0, as.cookie.length)
		p.cookie = len(msg)
		msg = append(msg, own...)
	}
	binary.BigEndian.PutUint16(msg[options-2:], uint16(len(msg)-options)) //nolint:gosec // at most 70
	p.msg, p.subnet = msg, as.subnet
}

// spell capitalises the letters of a name whose bit is set (the "0x20" of
// draft-vixie-dnsext-dns0x20): who forges a reply has to guess them as well. It
// returns whether there is one.
func spell(name, bits []byte) (spelled bool) {
	for i, c := range name { // a length octet is never a letter
		if c >= 'a' && c <= 'z' && bits[i/8]>>(i%8)&1 != 0 {
			name[i] = c - 0x20
			spelled = true
		}
	}
	return spelled
}

// unspell writes the question of a reply in lower case, and so all names that are
// compressed to it: our spelling is nobody else's business.
func (q question) unspell(raw []byte) {
	if len(raw) >= wire.HeaderLen+len(q.Name) && raw[4] == 0 && raw[5] == 1 { // else it does not repeat the question
		copy(raw[wire.HeaderLen:], q.Name)
	}
}

const (
	firstPort = 1024
	ports     = 1<<16 - firstPort
)

// randomPort returns a port from 1024 to 65535, each with the same chance. It
// leaves out two that firewalls and network cards are known to treat as their
// own: 4791 (RoCE) and 11211 (memcached), and those of neighbours on a home
// network that may want to bind theirs: 1900, 5353, 5355.
func randomPort() int {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])
		port := firstPort + int(uint64(binary.BigEndian.Uint32(b[:]))*ports>>32)
		switch port {
		case 1900, 4791, 5353, 5355, 11211:
			continue
		}
		return port
	}
}
