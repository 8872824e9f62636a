package forward

import (
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// glance reads the usual reply without the library: NOERROR or NXDOMAIN with
// records of the types that wire.SoundRR knows and an OPT with a cookie and padding at most. It returns false,
// with r as it was, for any other, and for what is not well formed.
func (r *reply) glance() bool {
	if r.rcode != int(wire.NoError) && r.rcode != int(wire.NXDomain) {
		return false
	}
	end, err := wire.SkipQuestion(r.raw)
	if err != nil {
		return false
	}
	sound, edns := true, false
	var options span
	err = wire.WalkRRs(r.raw, end, func(rr wire.RR) bool {
		if rr.Type == wire.TypeOPT {
			sound = !edns && rr.Section == wire.Additional && rr.TTL>>16 == 0 && rr.Start+1 == rr.Fixed && usualOptions(r.raw[rr.Data:rr.End])
			edns, options = true, span{rr.Data, rr.End}
		} else {
			sound = wire.SoundRR(r.raw, rr)
		}
		return sound
	})
	if err != nil || !sound {
		return false
	}
	r.edns, r.options = edns, options
	return true
}

// usualOptions reports whether b is whole options, of kinds whose content may be anything.
func usualOptions(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 {
			return false
		}
		code, size := binary.BigEndian.Uint16(b), 4+int(binary.BigEndian.Uint16(b[2:]))
		if code != wire.OptionCookie && code != wire.OptionPadding || size > len(b) {
			return false
		}
		b = b[size:]
	}
	return true
}
