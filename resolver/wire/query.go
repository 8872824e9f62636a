package wire

import "encoding/binary"

// Fault says why a packet is not handed to the resolver.
type Fault uint8

// The faults, in the order in which Parse looks for them.
const (
	None         Fault = iota // a well-formed query
	Ignore                    // shorter than a header, or a response: send nothing
	FaultNotImp               // an opcode other than QUERY
	FaultFormErr              // not a message, or one that no query may be
	FaultBadVers              // an EDNS version above 0

	Faults = iota // how many there are
)

// String returns the fault as a metric label.
func (f Fault) String() string {
	switch f {
	case None:
		return "none"
	case Ignore:
		return "ignored"
	case FaultNotImp:
		return "notimp"
	case FaultFormErr:
		return "formerr"
	case FaultBadVers:
		return "badvers"
	}
	return "unknown"
}

// Query is one parsed query: facts and offsets into the packet, which is neither
// copied nor changed. The zero value is ready; one Query serves many packets in
// turn. Its facts hold until the next Parse, and while Msg is left alone.
type Query struct {
	Msg    []byte // the packet
	ID     uint16
	Opcode uint8
	RD     bool // recursion desired
	AD     bool // wants to see the AD bit (RFC 6840 5.7)
	CD     bool // checking disabled

	Type  uint16
	Class uint16
	End   int // offset behind the question section; 0 if it was not read whole

	EDNS    bool   // the packet carries an OPT record
	DO      bool   // DNSSEC OK (RFC 3225)
	Version uint8  // of EDNS
	Size    uint16 // the client's UDP payload in octets: 512 without EDNS and never less
	Labels  int    // of the name, the root not counted

	options []byte // of the OPT record, as they stand in Msg; none after a fault
	nameLen int
	name    [MaxName]byte
}

// Name returns the question's name in canonical wire form. It is part of q and
// changes with the next Parse. It is empty if no question was read.
func (q *Query) Name() []byte { return q.name[:q.nameLen] }

// Parse reads msg as a query and keeps a reference to it. It is strict about
// structure and blind to rarity: whatever is a valid query, however odd its
// flags, class, type or options, gives None. Exactly one question (RFC 9619), no
// compression in its name, no answer or authority records, at most one OPT, its
// options whole (RFC 6891 6.1.1), counts and lengths true to the octets, nothing
// behind the last record. After a fault the fields are set as far as they were read.
// It allocates nothing.
func (q *Query) Parse(msg []byte) Fault {
	q.reset(msg)
	if len(msg) < HeaderLen {
		return Ignore
	}
	flags := Flags(binary.BigEndian.Uint16(msg[2:]))
	if flags&QR != 0 {
		return Ignore
	}
	q.ID = binary.BigEndian.Uint16(msg)
	q.Opcode = uint8(flags>>11) & 0xF
	q.RD, q.AD, q.CD = flags&RD != 0, flags&AD != 0, flags&CD != 0
	if q.Opcode != 0 {
		return FaultNotImp
	}
	if !q.parseQuestion() || !q.parseAdditional() {
		q.options = nil
		return FaultFormErr
	}
	if q.Version != 0 {
		q.options = nil
		return FaultBadVers
	}
	return None
}

// reset forgets the last query; the octets of its name stay behind nameLen.
func (q *Query) reset(msg []byte) {
	q.Msg = msg
	q.ID, q.Opcode, q.RD, q.AD, q.CD = 0, 0, false, false, false
	q.Type, q.Class, q.End = 0, 0, 0
	q.EDNS, q.DO, q.Version, q.Size = false, false, 0, MinUDP
	q.Labels, q.nameLen, q.options = 0, 0, nil
}

// parseQuestion reads the one question and requires the sections that a query
// leaves empty to be empty.
func (q *Query) parseQuestion() bool {
	const counts = 1 << 32 // QDCOUNT 1, ANCOUNT 0, NSCOUNT 0
	if binary.BigEndian.Uint64(q.Msg[4:])>>16 != counts {
		return false
	}
	end := q.parseName()
	if end == 0 || end+4 > len(q.Msg) {
		return false
	}
	q.Type = binary.BigEndian.Uint16(q.Msg[end:])
	q.Class = binary.BigEndian.Uint16(q.Msg[end+2:])
	q.End = end + 4
	return true
}

// parseName lower-cases the question's name into q and returns the offset behind
// it, or 0 if the name is cut, compressed or too long.
func (q *Query) parseName() int {
	msg := q.Msg
	for off := HeaderLen; off < len(msg); {
		n := int(msg[off])
		next := off + 1 + n
		if n > maxLabel || next > len(msg) || next-HeaderLen > MaxName {
			return 0
		}
		at := off - HeaderLen
		q.name[at] = byte(n)
		if n == 0 {
			q.nameLen = at + 1
			return next
		}
		lower(q.name[at+1:at+1+n], msg[off+1:next])
		q.Labels++
		off = next
	}
	return 0
}
