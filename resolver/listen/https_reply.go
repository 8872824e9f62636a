package listen

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Header values that are always the same.
var (
	nosniff     = []string{"nosniff"}
	noStore     = []string{"no-store"}
	dnsMessages = []string{mediaType}
)

// send replies with a DNS message, whatever it says: to HTTP it is a success (RFC 8484
// 4.2.1). No octets end the exchange without a reply.
func (l *httpsListener) send(w http.ResponseWriter, req *http.Request, reply []byte) {
	if len(reply) == 0 {
		panic(http.ErrAbortHandler)
	}
	if req.ProtoMajor == 3 { // http.Server sees to the others
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(l.server.cfg.Limits.TCP.Write))
	}
	h := w.Header()
	h["Content-Type"] = dnsMessages
	h["Content-Length"] = []string{strconv.Itoa(len(reply))}
	// What is answered depends on who asks, so that a cache between us must not keep it.
	h["Cache-Control"] = noStore
	if age, ok := freshness(reply); ok {
		h["Cache-Control"] = []string{"private, max-age=" + strconv.FormatUint(uint64(age), 10)}
	}
	_, _ = w.Write(reply)
}

// freshness is how long an HTTP cache may keep a reply, in seconds: the smallest TTL of the
// answer; of a reply that says there is none what RFC 2308 5 gives; none for failures
// (RFC 8484 5.1).
func freshness(reply []byte) (age uint32, ok bool) {
	end, err := wire.SkipQuestion(reply)
	if err != nil {
		return 0, false
	}
	flags := binary.BigEndian.Uint16(reply[2:])
	code := wire.Rcode(flags & 0xF)
	if wire.Flags(flags)&wire.TC != 0 || code != wire.NoError && code != wire.NXDomain {
		return 0, false
	}
	found, negative := false, false
	shortest := func(ttl uint32) {
		if !found || ttl < age {
			age, found = ttl, true
		}
	}
	err = wire.WalkRRs(reply, end, func(rr wire.RR) bool {
		switch {
		case rr.Section == wire.Answer:
			shortest(rr.TTL)
		case rr.Section == wire.Authority && rr.Type == wire.TypeSOA && rr.End-rr.Data >= 4:
			negative = true
			shortest(min(rr.TTL, binary.BigEndian.Uint32(reply[rr.End-4:])))
		}
		return true
	})
	return age, found && err == nil && (negative || code == wire.NoError)
}
