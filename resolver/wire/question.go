package wire

// Question is what is asked of an upstream or an authority: all that may leave the
// house of a client's query.
type Question struct {
	Name  []byte // QNAME in canonical wire form
	Type  uint16
	Class uint16
	CD    bool // checking disabled (RFC 4035 section 3.2.2)
}
