package account

import (
	"errors"
	"fmt"
	"time"

	"github.com/hearthdns/hearth/policy/store"
)

// Reason is what kind of error something is. The set is closed.
type Reason uint8

// The reasons.
const (
	Refused   Reason = iota // it makes no sense as it was asked; the text says what to write instead
	Unknown                 // there is nobody and nothing of that name, or it is somebody else's
	SignedOut               // the cookie or token is none, has ended or was ended
	Wrong                   // what was to prove who it is does not; which part is wrong is not said
	Stale                   // who is signed in must prove again who they are
	Wait                    // too many tries, or too many at once; Error.Wait says how long
	Conflict                // somebody else was faster: read again
)

var reasonNames = [...]string{"refused", "unknown", "signed_out", "wrong", "stale", "wait", "conflict"}

// String gives the name by which texts are found.
func (r Reason) String() string { return reasonNames[r] }

// Reasons lists all of them.
func Reasons() []Reason { return []Reason{Refused, Unknown, SignedOut, Wrong, Stale, Wait, Conflict} }

// Error is why something was not done. Nothing has changed then.
type Error struct {
	Reason Reason
	Field  string // of the request, or ""
	Case   string // what is wrong with the field, where Reason and Field do not tell it
	Values []any  // name and value by turns, for the places of the same in another language
	Text   string
	Wait   time.Duration // of Wait
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

func refused(field, format string, args ...any) *Error {
	return &Error{Reason: Refused, Field: field, Text: fmt.Sprintf(format, args...)}
}

// with says which case it is, and gives the values of the places in its text of another language.
func (e *Error) with(which string, values ...any) *Error {
	e.Case, e.Values = which, values
	return e
}

func unknown(field, format string, args ...any) *Error {
	return &Error{Reason: Unknown, Field: field, Text: fmt.Sprintf(format, args...)}
}

func signedOut() error {
	return &Error{Reason: SignedOut, Text: "you are not signed in, or not any more: sign in"}
}

func stale() error {
	return &Error{Reason: Stale, Text: "this needs a sign-in of the last 15 minutes: sign in once more"}
}

// wrong has the same words whatever is wrong: a name that nobody has, or a passphrase that is another.
func wrong() error {
	return &Error{Reason: Wrong, Field: "passphrase", Text: "name and passphrase do not fit: try again"}
}

func wrongCode() error {
	return &Error{Reason: Wrong, Field: "code", Text: "this code is not good, or not any more: ask for a new one"}
}

func wrongPasskey() error {
	return &Error{Reason: Wrong, Field: "passkey", Text: "this passkey is not known here, or its answer came too late: try again, or sign in with your passphrase"}
}

// wait says how long somebody waits, in whole minutes, so that it tells nothing of others.
func wait(long time.Duration) error {
	minutes := int((long + time.Minute - 1) / time.Minute)
	unit := "minutes"
	if minutes == 1 {
		unit = "minute"
	}
	return &Error{
		Reason: Wait, Case: "minutes", Values: []any{"n", minutes}, Wait: time.Duration(minutes) * time.Minute,
		Text: fmt.Sprintf("too many tries from here: wait %d %s; a passkey and a browser that is signed in work on", minutes, unit),
	}
}

func busy() error {
	return &Error{Reason: Wait, Case: "busy", Wait: busyFor, Text: "too many people sign in at this moment: try again in a few seconds"}
}

// conflicting turns a conflict of the store into one of ours, and leaves other errors.
func conflicting(err error) error {
	if errors.As(err, new(*store.ConflictError)) {
		return &Error{Reason: Conflict, Text: "somebody changed this meanwhile: try again"}
	}
	return err
}
