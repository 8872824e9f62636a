package forward

import (
	"encoding/binary"

	"github.com/hearthdns/hearth/resolver/wire"
)

// glance reads the usual reply without the library: NOERROR or NXDOMAIN with
// records of the commonest types and an OPT without options. It returns false,
// with r as it was, for any other, and for what is not well formed.
func (r *reply) glance() bool {
	if r.rcode != int(wire.NoError) && r.rcode != int(wire.NXDomain) {
		return false
	}
	end, err := wire.Question(r.raw)
	if err != nil {
		return false
	}
	sound, edns := true, false
	err = wire.WalkRRs(r.raw, end, func(rr wire.RR) bool {
		if rr.Type == wire.TypeOPT {
			sound = !edns && rr.Section == wire.Additional && rr.TTL>>16 == 0 && rr.Start+1 == rr.Fixed && rr.Data == rr.End
			edns = true
		} else {
			sound = isName(r.raw, rr.Start, rr.Fixed) && usual(r.raw, rr)
		}
		return sound
	})
	if err != nil || !sound {
		return false
	}
	r.edns = edns
	return true
}

// usual reports whether rr is of one of the commonest types and its RDATA of the
// right form.
func usual(msg []byte, rr wire.RR) bool {
	size := rr.End - rr.Data
	switch rr.Type {
	case wire.TypeA:
		return size == 4
	case wire.TypeAAAA:
		return size == 16
	case wire.TypeCNAME, wire.TypeNS:
		return isName(msg, rr.Data, rr.End)
	case wire.TypeSOA:
		const numbers = 20
		mname, err := wire.SkipName(msg, rr.Data)
		return err == nil && mname < rr.End && isName(msg, rr.Data, mname) && isName(msg, mname, rr.End-numbers)
	case wire.TypeRRSIG:
		const fixed = 18
		if size <= fixed+1 {
			return false
		}
		signer, err := wire.SkipName(msg, rr.Data+fixed)
		return err == nil && signer < rr.End && isName(msg, rr.Data+fixed, signer)
	}
	return false
}

// isName reports whether a whole name stands from off to end in msg.
func isName(msg []byte, off, end int) bool {
	const question = 0xC000 | wire.HeaderLen
	if end-off == 2 && binary.BigEndian.Uint16(msg[off:]) == question {
		return true // read before
	}
	var space [wire.MaxName]byte
	_, behind, err := wire.AppendName(space[:0], msg, off)
	return err == nil && behind == end
}
