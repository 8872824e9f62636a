package policy

import (
	"errors"
	"fmt"
	"strings"
)

// fieldError is one thing wrong in the configuration, at the path of its field.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string {
	if e.path == "" {
		return e.text
	}
	return e.path + ": " + e.text
}

// Path is the field, such as households[0].members[1].born.
func (e *fieldError) Path() string { return e.path }

// problems collects everything that is wrong.
type problems struct{ all []error }

func (p *problems) add(path, format string, args ...any) {
	p.all = append(p.all, &fieldError{path, fmt.Sprintf(format, args...)})
}

// addErr adds an error at a path, nil for none; a fieldError's own path continues it. Of joined errors it adds each.
func (p *problems) addErr(path string, err error) {
	var field *fieldError
	joined, many := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
	case many:
		for _, one := range joined.Unwrap() {
			p.addErr(path, one)
		}
	case errors.As(err, &field):
		p.all = append(p.all, &fieldError{path + field.path, field.text})
	default:
		p.all = append(p.all, &fieldError{path, err.Error()})
	}
}

func (p *problems) join() error { return errors.Join(p.all...) }

// oneOf writes choices as people read them: "a, b or c".
func oneOf(choices ...string) string {
	last := len(choices) - 1
	if last < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
