package tickets

import (
	"errors"
	"fmt"

	"github.com/hearthdns/hearth/policy/store"
)

// Reason is what kind of error something is. The set is closed.
type Reason uint8

// The reasons.
const (
	Refused  Reason = iota // it makes no sense as it was asked; the text says what to write instead
	Unknown                // there is nothing of that number or name
	Unlisted               // an appeal about a name that no list blocks
	Wait                   // too many at once
	Conflict               // somebody else was faster
)

// Error is why something was not done. Nothing has changed then.
type Error struct {
	Reason Reason
	Field  string // of the request, or ""
	Text   string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

func refused(field, format string, args ...any) error {
	return &Error{Reason: Refused, Field: field, Text: fmt.Sprintf(format, args...)}
}

func unknown(field, format string, args ...any) error {
	return &Error{Reason: Unknown, Field: field, Text: fmt.Sprintf(format, args...)}
}

func wait(format string, args ...any) error {
	return &Error{Reason: Wait, Text: fmt.Sprintf(format, args...)}
}

// isConflict says whether a write found another revision than it expected.
func isConflict(err error) bool {
	var c *store.ConflictError
	return errors.As(err, &c)
}
