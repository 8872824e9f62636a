package events

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
)

// Receivers is who is told: a program of this machine, a web service, both or none.
type Receivers struct {
	Command    []string `yaml:"command"`     // program with its arguments; gets the event as standard input
	Webhook    string   `yaml:"webhook"`     // https:// or http:// URL that events are posted to
	SecretFile string   `yaml:"secret_file"` // whose content signs what is posted; "": nothing is signed
}

// fieldError is one thing wrong, at the path of its field.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.path + ": " + e.text }

// Path is the field.
func (e *fieldError) Path() string { return e.path }

// Validate says what is wrong, field by field.
func (r Receivers) Validate() error {
	var found []error
	add := func(path, format string, args ...any) {
		found = append(found, &fieldError{path, fmt.Sprintf(format, args...)})
	}
	if len(r.Command) > 0 && !filepath.IsAbs(r.Command[0]) {
		add("command", "%q is no absolute path: write one such as /etc/hearth/on-event", r.Command[0])
	}
	if u, err := url.Parse(r.Webhook); r.Webhook != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		add("webhook", "this is no URL: write one such as https://home.example/hearth")
	}
	if r.SecretFile != "" && r.Webhook == "" {
		add("secret_file", "nothing is posted that could be signed: write webhook, or leave this out")
	}
	return errors.Join(found...)
}
