package forward

import (
	"errors"
	"fmt"
)

// Extended DNS Error codes of RFC 8914 section 4.
const (
	NoReachableAuthority = 22 // nobody answered, or those who did refused
	NetworkError         = 23 // the network, not the upstreams, said no to every try
)

// Failure is the end of an Exchange without an answer.
type Failure struct {
	EDE uint16 // NoReachableAuthority or NetworkError
	Err error  // what each upstream did, for the operator
}

// Error tells the operator what happened.
func (f *Failure) Error() string { return fmt.Sprintf("asking the upstreams: %v", f.Err) }

// ExtendedError returns what a client may be told (RFC 8914).
func (f *Failure) ExtendedError() uint16 { return f.EDE }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Busy reports whether an upstream was not asked because too many questions were open. That says
// nothing of the name.
func (f *Failure) Busy() bool { return errors.Is(f.Err, errBusy) }

// reason is why a try failed; the closed set of the metric's label.
type reason uint8

const (
	reasonTimeout reason = iota
	reasonNetwork
	reasonServfail
	reasonRefused
	reasonNotimp
	reasonFormerr
	reasonRcode       // any other code that is no answer
	reasonCertificate // who answers did not prove to be the upstream
	reasonProtocol    // what came is no DNS: another protocol, an HTTP status, a broken stream
	reasons
)

// String returns the label.
func (r reason) String() string {
	switch r {
	case reasonTimeout:
		return "timeout"
	case reasonNetwork:
		return "network"
	case reasonServfail:
		return "servfail"
	case reasonRefused:
		return "refused"
	case reasonNotimp:
		return "notimp"
	case reasonFormerr:
		return "formerr"
	case reasonCertificate:
		return "certificate"
	case reasonProtocol:
		return "protocol"
	default:
		return "rcode"
	}
}

// fault is an error that knows its reason.
type fault struct {
	why reason
	err error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }
