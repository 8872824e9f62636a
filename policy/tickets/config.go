package tickets

import (
	"errors"
	"fmt"
	"time"
)

// Settings is the section `reports` of the configuration.
type Settings struct {
	To      string        `yaml:"to"`      // whom an appeal goes to: ToParents, or ToOperator
	Promise time.Duration `yaml:"promise"` // within which time an answer is promised; told as a date
	Keep    time.Duration `yaml:"keep"`    // how long a decided ticket is kept, and a number answered
}

// Whom an appeal goes to.
const (
	ToParents  = "parents"  // those of the household, as at home
	ToOperator = "operator" // the queue of who runs the resolver, as at an internet provider
)

const (
	minPromise = 24 * time.Hour
	maxPromise = 60 * 24 * time.Hour
	minKeep    = 7 * 24 * time.Hour
	maxKeep    = 365 * 24 * time.Hour
)

// Default is the section as it is when nothing is configured. Three days are what somebody who looks once a day, and is
// away at a weekend, can keep; three months let a maker of lists answer, and a person ask again.
func Default() Settings {
	return Settings{To: ToParents, Promise: 72 * time.Hour, Keep: 90 * 24 * time.Hour}
}

// fieldError is one thing wrong, at the path of its field.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.text }

// Path is the field.
func (e *fieldError) Path() string { return e.path }

// Validate says what is wrong, field by field.
func (s Settings) Validate() error {
	var found []error
	add := func(path, format string, args ...any) {
		found = append(found, &fieldError{path, fmt.Sprintf(format, args...)})
	}
	if s.To != ToParents && s.To != ToOperator {
		add("to", "%q is nobody that appeals go to: write %s or %s", s.To, ToParents, ToOperator)
	}
	if s.Promise < minPromise || s.Promise > maxPromise {
		add("promise", "%s is out of range: write 24h to 1440h, such as 72h", s.Promise)
	}
	if s.Keep < minKeep || s.Keep > maxKeep {
		add("keep", "%s is out of range: write 168h to 8760h, such as 2160h", s.Keep)
	}
	if len(found) == 0 && s.Keep < s.Promise {
		add("keep", "a number would be forgotten before the promised answer: write at least what promise says")
	}
	return errors.Join(found...)
}

// promiseDays is the promise in whole days.
func (s Settings) promiseDays() int64 { return int64((s.Promise + oneDay - 1) / oneDay) }
