package transfer

import (
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// stream reads the records of one transfer, message by message.
type stream struct {
	*session
	zone  string // canonical
	queue []dns.RR
}

// next returns the next record. It is of the zone: the primary of a policy has nothing to say about other names.
func (in *stream) next() (dns.RR, error) {
	if len(in.queue) == 0 {
		m, err := in.read(quietTime)
		if err != nil {
			return nil, err
		}
		if len(m.Answer) == 0 {
			return nil, errors.New("a message of the transfer has no record")
		}
		in.queue = m.Answer
	}
	rr := in.queue[0]
	in.queue = in.queue[1:]
	h := rr.Header()
	switch {
	case h.Class != dns.ClassINET:
		return nil, fmt.Errorf("the record %s %s is of class %s", h.Name, dns.TypeToString[h.Rrtype], dns.ClassToString[h.Class])
	case !dns.IsSubDomain(in.zone, h.Name):
		return nil, fmt.Errorf("the record %s lies outside of the zone %s", h.Name, in.zone)
	case isMeta(h.Rrtype):
		return nil, fmt.Errorf("the record %s is of the type %s, which no zone has", h.Name, dns.TypeToString[h.Rrtype])
	case h.Rrtype == dns.TypeSOA && dns.CanonicalName(h.Name) != in.zone:
		return nil, fmt.Errorf("the SOA record %s is not that of the zone %s", h.Name, in.zone)
	}
	return rr, nil
}

// isMeta names what belongs in messages and in no zone (RFC 6895 section 3.1).
func isMeta(rrtype uint16) bool {
	return rrtype == dns.TypeOPT || rrtype == dns.TypeNULL || rrtype >= 128 && rrtype <= 255
}

// soa returns the next record, which must be an SOA.
func (in *stream) soa() (*dns.SOA, error) {
	rr, err := in.next()
	if err != nil {
		return nil, err
	}
	soa, ok := rr.(*dns.SOA)
	if !ok {
		return nil, fmt.Errorf("a transfer begins with %s where the SOA record must be", dns.TypeToString[rr.Header().Rrtype])
	}
	return soa, nil
}

// end holds that the last record was the last one, and covered by a signature.
func (in *stream) end() error {
	if len(in.queue) > 0 {
		return errors.New("records follow the end of the transfer")
	}
	return in.session.end()
}

// whole reads a zone (RFC 5936 section 2.2): the SOA record, all others, the SOA record again.
func (in *stream) whole(out *file) (*dns.SOA, error) {
	soa, err := in.soa()
	if err != nil {
		return nil, err
	}
	return soa, in.wholeAfter(soa, nil, out)
}

// wholeAfter reads what follows the first SOA record; second is a record that was read already, or nil.
func (in *stream) wholeAfter(soa *dns.SOA, second dns.RR, out *file) error {
	if err := out.add(soa); err != nil {
		return err
	}
	for rr := second; ; rr = nil {
		if rr == nil {
			var err error
			if rr, err = in.next(); err != nil {
				return err
			}
		}
		last, isSOA := rr.(*dns.SOA)
		if !isSOA {
			if err := out.add(rr); err != nil {
				return err
			}
			continue
		}
		if last.Serial != soa.Serial {
			return fmt.Errorf("the zone changed while it was transferred: it began as serial %d and ended as %d", soa.Serial, last.Serial)
		}
		return in.end()
	}
}

// increment reads the answer to an IXFR request (RFC 1995 section 4) about the copy with the serial have, and writes
// the new zone. whole is true where the primary sent all of it instead of differences.
func (in *stream) increment(kept string, have uint32, out *file) (soa *dns.SOA, whole bool, err error) {
	if soa, err = in.soa(); err != nil {
		return nil, false, err
	}
	if !Newer(soa.Serial, have) {
		return soa, false, nil // one SOA record: nothing newer; the caller compares the serials
	}
	rr, err := in.next()
	if err != nil {
		return nil, false, err
	}
	from, ok := rr.(*dns.SOA)
	if !ok || from.Serial == soa.Serial {
		return soa, true, in.wholeAfter(soa, rr, out)
	}
	d := newDifference()
	if err := in.sequences(from, have, soa.Serial, d); err != nil {
		return nil, false, err
	}
	return soa, false, d.apply(kept, soa, out)
}

// sequences reads one difference after the other: from the version have to the version to.
func (in *stream) sequences(from *dns.SOA, have, to uint32, d *difference) error {
	at, adding := have, false
	if from.Serial != have {
		return fmt.Errorf("the increment begins with serial %d, the kept copy is %d", from.Serial, have)
	}
	for {
		rr, err := in.next()
		if err != nil {
			return err
		}
		soa, isSOA := rr.(*dns.SOA)
		switch {
		case !isSOA:
			err = d.note(rr, adding)
		case !adding && Newer(soa.Serial, at):
			at, adding = soa.Serial, true
		case adding && soa.Serial == at && at == to:
			return in.end()
		case adding && soa.Serial == at:
			adding = false
		default:
			err = fmt.Errorf("the increments do not follow one another: serial %d after %d", soa.Serial, at)
		}
		if err != nil {
			return err
		}
	}
}
