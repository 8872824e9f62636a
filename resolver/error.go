package resolver

import (
	"errors"
	"fmt"

	"github.com/hearthdns/hearth/resolver/wire"
)

// Extended DNS Error codes that Hearth sends (RFC 8914 section 4).
const (
	edeNone          = 0
	edeStale         = 3
	edeIndeterminate = 5  // the first that tells of a failed validation
	edeNSECMissing   = 12 // the last
	edeCached        = 13
	edeBlocked       = 15
	edeFiltered      = 17
	edeProhibited    = 18
	edeStaleNXDomain = 19
	edeNotSupported  = 21
	edeNoReachable   = 22
	edeNetworkError  = 23
	edeInvalidAnswer = 24 // "Invalid Data"
)

// Error is a failure that a client may see: an RCODE and an Extended DNS Error.
type Error struct {
	Rcode wire.Rcode
	EDE   uint16 // RFC 8914 info code; 0 sends none
	Err   error
}

// Error says what failed, for the operator.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// visible returns what a client is told of err: SERVFAIL unless err knows
// better. An Exchanger's error may have an Extended DNS Error of its own.
func visible(err error) (wire.Rcode, uint16) {
	var e *Error
	if errors.As(err, &e) {
		return e.Rcode, e.EDE
	}
	var extended interface{ ExtendedError() uint16 }
	if errors.As(err, &extended) {
		return wire.ServFail, extended.ExtendedError()
	}
	return wire.ServFail, edeNoReachable
}

// broken is the error of a resolution that panicked.
type broken struct {
	value any
	stack []byte
}

// Error tells the value; the stack is for the log.
func (e *broken) Error() string { return fmt.Sprintf("resolving: panic: %v", e.value) }
