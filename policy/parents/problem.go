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

// Error is why something was not done. Nothing has changed then.
type Error struct {
	Reason   Reason
	Field    string // of the request, or ""
	Text     string
	Revision uint64 // of a Conflict
	Place    string // file:line of InFile
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

func refused(field, format string, args ...any) error {
	return &Error{Reason: Refused, Field: field, Text: fmt.Sprintf(format, args...)}
}

func unknown(field, format string, args ...any) error {
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
