package forward

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// opt is the OPT record of every query: root owner, type 41, payload size 1232,
// version 0, DO (RFC 6891 section 6.1, RFC 3225), no options.
const opt = "\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00"

// question is what is asked of the upstreams, free of the client's packet.
type question struct {
	msg []byte // with ID 0 and OPT
	end int    // behind the question section
}

// newQuestion builds the upstream query for q: its name in lower case, its type,
// class and CD bit, and nothing else of it.
func newQuestion(q *wire.Query) question {
	name := q.Name()
	msg := make([]byte, wire.HeaderLen, wire.HeaderLen+len(name)+4+len(opt))
	msg[2] = 1 // RD
	if q.CD {
		msg[3] = 0x10
	}
	msg[5] = 1  // QDCOUNT
	msg[11] = 1 // ARCOUNT
	msg = append(msg, name...)
	msg = binary.BigEndian.AppendUint16(msg, q.Type)
	msg = binary.BigEndian.AppendUint16(msg, q.Class)
	return question{append(msg, opt...), len(msg)}
}

// packet returns a query with a fresh random ID, with or without EDNS.
func (q question) packet(edns bool) []byte {
	n := len(q.msg)
	if !edns {
		n = q.end
	}
	msg := append(make([]byte, 0, n), q.msg[:n]...)
	if !edns {
		msg[11] = 0
	}
	_, _ = rand.Read(msg[:2]) // never fails (crypto/rand, Go 1.24)
	return msg
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

// redraw returns msg with another ID: no two packets share one.
func redraw(msg []byte) []byte {
	msg = append([]byte(nil), msg...)
	_, _ = rand.Read(msg[:2])
	return msg
}
