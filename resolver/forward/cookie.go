package forward

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Sizes of a cookie option in octets (RFC 7873 section 4).
const (
	clientCookie = 8
	minCookie    = clientCookie + 8 // with the server's
	maxCookie    = clientCookie + 32
)

// cookielessFor is how long a server that gives no cookies is asked without.
const cookielessFor = time.Hour

// errUncookied says that a reply lacks the cookie that its server used to send, and that
// the server could not be asked over TCP.
var errUncookied = unproven{silence("the reply lacks the upstream's cookie")}

// cookie is the option as it is sent: ours, and the server's if it has given one. Without
// octets none is sent.
type cookie struct {
	octets [maxCookie]byte
	length uint8
}

func (c *cookie) bytes() []byte { return c.octets[:c.length] }

// known reports whether the server has given its part, so that its replies have one.
func (c *cookie) known() bool { return c.length > clientCookie }

// jar keeps the cookies of one upstream over UDP (RFC 7873). Ours is random, drawn when the
// upstream is configured. Who forges a reply without seeing the query has to guess it, once
// the server is known to send it back.
type jar struct {
	mu       sync.Mutex
	cookie   cookie
	doubts   int // in a row: of a server that gave cookies, replies without; of another, silence
	offUntil time.Time
}

// draw makes our cookie.
func (j *jar) draw() {
	_, _ = rand.Read(j.cookie.octets[:clientCookie]) // never fails (crypto/rand, Go 1.24)
	j.cookie.length = clientCookie
}

// present returns what to send now.
func (j *jar) present(now time.Time) cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	if now.Before(j.offUntil) {
		return cookie{}
	}
	return j.cookie
}

// learn takes what a reply says of cookies. false: its server does not know them.
func (j *jar) learn(r *reply) bool {
	if r.cookie.end == 0 && !r.uncookied {
		return true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.uncookied {
		return j.cookie.known()
	}
	j.doubts = 0
	if got := r.raw[r.cookie.start:r.cookie.end]; len(got) >= minCookie && !bytes.Equal(got, j.cookie.bytes()) {
		j.cookie.length = uint8(copy(j.cookie.octets[:], got)) //nolint:gosec // at most 40
	}
	return true
}

// doubted notes a reply without a cookie from a server that gave them, which could not be
// asked over TCP, or the silence of one that never did. It reports whether that makes two
// in a row.
func (j *jar) doubted() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.doubts++
	return j.doubts > 1
}

// forget has the server asked without cookies for a while.
func (j *jar) forget(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cookie.length, j.doubts, j.offUntil = clientCookie, 0, now.Add(cookielessFor)
}

// suits looks into the options of a whole reply. It returns false if it has a cookie that is
// not ours (RFC 7873 section 5.3), or tells of another network than the one asked for (RFC
// 7871 section 7.3).
func (r *reply) suits(sent *packet) bool {
	r.uncookied = sent.cookie > 0
	for at := r.options.start; at+4 <= r.options.end; {
		size := int(binary.BigEndian.Uint16(r.raw[at+2:]))
		if at+4+size > r.options.end {
			return false
		}
		value := r.raw[at+4 : at+4+size]
		switch code := binary.BigEndian.Uint16(r.raw[at:]); {
		case code == wire.OptionCookie && sent.cookie > 0:
			ours := sent.msg[sent.cookie:][:clientCookie]
			if size != clientCookie && size < minCookie || size > maxCookie || !bytes.Equal(value[:clientCookie], ours) {
				return false
			}
			r.uncookied, r.proven = false, true
			r.cookie = span{at + 4, at + 4 + size}
		case code == wire.OptionSubnet && sent.subnet != "" && !sameSubnet(value, sent.subnet[4:]):
			return false
		}
		at += 4 + size
	}
	return true
}
