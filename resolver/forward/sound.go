package forward

import "github.com/hearthdns/hearth/resolver/wire"

// glance reads the usual reply without the library: NOERROR or NXDOMAIN with
// records of the types that wire.SoundRR knows and an OPT without options. It returns false,
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
	err = wire.WalkRRs(r.raw, end, func(rr wire.RR) bool {
		if rr.Type == wire.TypeOPT {
			sound = !edns && rr.Section == wire.Additional && rr.TTL>>16 == 0 && rr.Start+1 == rr.Fixed && rr.Data == rr.End
			edns = true
		} else {
			sound = wire.SoundRR(r.raw, rr)
		}
		return sound
	})
	if err != nil || !sound {
		return false
	}
	r.edns = edns
	return true
}
