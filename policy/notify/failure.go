package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unicode"
)

// Why is why a message was not delivered. The set is closed.
type Why string

// The reasons.
const (
	Wrong       Why = "wrong"       // what the household wrote cannot be used
	Off         Why = "off"         // the operator has not set this kind of channel up
	Often       Why = "often"       // too many tests
	Full        Why = "full"        // too many channels
	Forbidden   Why = "forbidden"   // the address is not a public one
	Unreachable Why = "unreachable" // the name has no address, or nobody answers there
	Late        Why = "late"        // no answer in time
	Certificate Why = "certificate" // the other side does not prove who it is
	Login       Why = "login"       // our name and password, token or key are not taken
	Gone        Why = "gone"        // there is nothing there any more; a push subscription is removed
	Busy        Why = "busy"        // the other side says: later
	Refused     Why = "refused"     // the other side says no
)

// Whys lists all of them.
func Whys() []Why {
	return []Why{Wrong, Off, Often, Full, Forbidden, Unreachable, Late, Certificate, Login, Gone, Busy, Refused}
}

// Failure says why a message was not delivered, in words that may be shown to the household: no secret, no address, and
// nothing of what the other side wrote but numbers.
type Failure struct {
	Why   Why
	Field string        // of the channel that is Wrong, or ""
	Text  string        // ends with what to do
	After time.Duration // that the other side wants to be left alone; 0: it does not say
}

// Error implements error.
func (f *Failure) Error() string { return f.Text }

// again says whether another try may do better.
func (f *Failure) again() bool {
	return f.Why == Unreachable || f.Why == Late || f.Why == Busy
}

// wrong says what a household should write instead.
func wrong(field, format string, args ...any) error {
	return &Failure{Why: Wrong, Field: field, Text: fmt.Sprintf(format, args...)}
}

var (
	forbidden = &Failure{Why: Forbidden, Text: "that address is not on the internet but in a private or special network: " +
		"write a public one, or have the operator allow private ones (notify.private)"}
	unreachable = &Failure{Why: Unreachable, Text: "nobody answers there, or the name has no address: look at the name and the port"}
	late        = &Failure{Why: Late, Text: "there was no answer in time: look whether it is up"}
	uncertified = &Failure{Why: Certificate, Text: "its certificate is not valid for that name: have it renewed, or look at the name"}
)

// failureOf sorts an error of the network. What the error says is left out: it may name addresses, and URLs that
// are as good as passwords.
func failureOf(err error) *Failure {
	var known *Failure
	var slow net.Error
	var bad *tls.CertificateVerificationError
	var odd tls.RecordHeaderError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &bad), errors.As(err, &odd), errors.As(err, &host), errors.As(err, &authority):
		return uncertified
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return late
	}
	return unreachable
}

// unprintable are control characters and what is no text.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }
