package listen

import (
	"crypto/subtle"
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/dchest/siphash"
	"github.com/hearthdns/hearth/resolver/wire"
)

// The lengths of cookies in octets (RFC 7873 section 4, RFC 9018 section 4).
const (
	clientCookie = 8
	serverCookie = 16
)

// The ages of cookies (RFC 9018 section 4.3) and of the secret that makes them, which is
// good for a day after the next one came (RFC 9018 section 5).
const (
	cookieLife   = time.Hour
	cookieRenew  = 30 * time.Minute
	cookieFuture = 5 * time.Minute
	secretLife   = 24 * time.Hour
)

// proof is what a query's cookie says of its source.
type proof uint8

const (
	unproved proof = iota // no cookie, or none of ours for this address, or too old a one
	proved                // ours
	aging                 // ours, but to be replaced
)

// cookies makes and checks the server cookies of RFC 9018, by which a client over UDP
// proves that it gets what we send to its address.
type cookies struct{ secrets atomic.Pointer[secrets] }

// secrets are the keys that cookies are made with and, until the next change, the one
// before.
type secrets struct {
	fresh, old [2]uint64
	since      time.Time
}

// current returns the secrets, with a fresh one if it is a day old.
func (c *cookies) current(now time.Time) *secrets {
	have := c.secrets.Load()
	if have != nil && now.Sub(have.since) < secretLife {
		return have
	}
	next := &secrets{fresh: randomKey(), old: randomKey(), since: now}
	if have != nil {
		next.old = have.fresh
	}
	if c.secrets.CompareAndSwap(have, next) {
		return next
	}
	return c.secrets.Load()
}

// check says what r's cookie proves.
func (c *cookies) check(r *Request) proof {
	v, ok := r.Query.Option(wire.OptionCookie)
	if !ok || len(v) != clientCookie+serverCookie {
		return unproved
	}
	now := time.Now()
	return c.current(now).judge(v, r.Client.Addr.Addr(), now)
}

// judge says what a client cookie with a server cookie proves of the address.
func (s *secrets) judge(v []byte, a netip.Addr, now time.Time) proof {
	made := time.Unix(int64(binary.BigEndian.Uint32(v[clientCookie+4:])), 0)
	age := now.Sub(made)
	if v[clientCookie] != 1 || age > cookieLife || age < -cookieFuture {
		return unproved
	}
	stem := v[:clientCookie+8]
	switch {
	case sameHash(v, cookieHash(s.fresh, stem, a)):
		if age > cookieRenew {
			return aging
		}
		return proved
	case sameHash(v, cookieHash(s.old, stem, a)):
		return aging
	}
	return unproved
}

func sameHash(v []byte, want uint64) bool {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], want)
	return subtle.ConstantTimeCompare(v[clientCookie+8:], b[:]) == 1
}

// cookieHash is the hash of a cookie (RFC 9018 section 4.4) whose stem is the client
// cookie, the version, the reserved octets and the timestamp.
func cookieHash(key [2]uint64, stem []byte, a netip.Addr) uint64 {
	var b [clientCookie + 8 + 16]byte
	n := copy(b[:], stem)
	if a.Is4() {
		octets := a.As4()
		n += copy(b[n:], octets[:])
	} else {
		octets := a.As16()
		n += copy(b[n:], octets[:])
	}
	return siphash.Hash(key[0], key[1], b[:n])
}

// bake makes the server cookie for a client cookie and an address; both are returned.
func (s *secrets) bake(client []byte, a netip.Addr, now time.Time) (v [clientCookie + serverCookie]byte) {
	copy(v[:], client)
	v[clientCookie] = 1 // the version; three octets are reserved
	binary.BigEndian.PutUint32(v[clientCookie+4:], uint32(now.Unix()))
	binary.LittleEndian.PutUint64(v[clientCookie+8:], cookieHash(s.fresh, v[:clientCookie+8], a))
	return v
}

// add puts into r.Reply the cookie that the client has to bring next time, if it knows
// cookies: the one that it brought, or a fresh one.
func (c *cookies) add(r *Request) {
	v, ok := r.Query.Option(wire.OptionCookie)
	if !ok {
		return
	}
	if r.proof != proved {
		now := time.Now()
		fresh := c.current(now).bake(v[:clientCookie], r.Client.Addr.Addr(), now)
		v = fresh[:]
	}
	r.Reply = wire.AddOption(r.Reply, &r.Query, wire.OptionCookie, v)
}
