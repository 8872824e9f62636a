package parents

import (
	"errors"
	"fmt"

	"github.com/hearthdns/hearth/policy/store"
)

// Reason is what kind of error something is. The set is closed.
type Reason uint8

// The reasons.
const (
	Refused     Reason = iota // it makes no sense as it was asked; the text says what to write instead
	Unknown                   // there is nobody and nothing of that name
	Conflict                  // somebody else was faster; Revision is what is there now
	InFile                    // the household's definition is in YAML, at Place
	Unconfirmed               // it must be asked for once more, with the confirmation that the text names
	Wait                      // too many tries
	Forbidden                 // who asks may not
)

var reasonNames = [...]string{"refused", "unknown", "conflict", "in_file", "unconfirmed", "wait", "forbidden"}

// String gives the name by which texts are found.
func (r Reason) String() string { return reasonNames[r] }

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{Refused, Unknown, Conflict, InFile, Unconfirmed, Wait, Forbidden}
}

// Error is why something was not done. Nothing has changed then.
type Error struct {
	Reason   Reason
	Field    string // of the request, or ""
	Case     string // what is wrong with the field, where Reason and Field do not tell it
	Values   []any  // name and value by turns, for the places of the same in another language
	Text     string
	Revision uint64 // of a Conflict
	Place    string // file:line of InFile
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

// conflicting turns a conflict of the store into one of ours, and leaves other errors.
func conflicting(err error) error {
	var c *store.ConflictError
	if !errors.As(err, &c) {
		return err
	}
	return &Error{
		Reason: Conflict, Revision: c.Found.Revision, Field: "revision",
		Text: fmt.Sprintf("somebody changed this meanwhile: it has revision %d now; read it again, and change that", c.Found.Revision),
	}
}
