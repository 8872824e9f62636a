package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// loaded is one configuration that has been read and found right.
type loaded struct {
	Config Config
	File   string // "" for the built-in example
	at     *places
}

// Hash names the content of the configuration in logs and metrics: the same
// for two files that mean the same.
func (l *loaded) Hash() string {
	b, err := json.Marshal(l.Config)
	if err != nil {
		return "unknown"
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// source says in words where the configuration came from.
func (l *loaded) source() string {
	if l.File == "" {
		return "the built-in defaults with the example household"
	}
	return l.File
}

// load reads the configuration file, or for an empty name the built-in
// example, applies the environment (entries NAME=VALUE) and validates
// everything. The error is a problems list with all that is wrong.
func load(file string, environ []string) (*loaded, error) {
	l, _, err := loadAnyway(file, environ)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// loadAnyway is load, and gives what could be read of a file that is refused; judged says that it is worth a look.
func loadAnyway(file string, environ []string) (l *loaded, judged bool, err error) {
	b, name := exampleFile, exampleName
	if file != "" {
		if b, err = readFile(file); err != nil {
			return nil, false, err
		}
		name = file
	}
	l = &loaded{Config: Default(), File: file, at: newPlaces(name)}
	found, judged := l.read(name, b, environ)
	if judged {
		nilEmpty(reflect.ValueOf(&l.Config).Elem())
		l.rooted(environ)
		found = append(found, l.at.unrepeated(l.Config.validate(l.at))...)
	}
	if len(found) > 0 {
		return l, judged, found.orNil()
	}
	return l, judged, nil
}

// read parses, checks and decodes the file, the environment and the included
// household files. What is refused is left out and the rest decoded; judge
// says whether enough of it is there to be judged.
func (l *loaded) read(name string, b []byte, environ []string) (found problems, judge bool) {
	root := reflect.TypeFor[Config]()
	set, found := overrides(environ, root)
	doc, wrong := parseDocument(name, b)
	if len(wrong) > 0 {
		return append(found, wrong...), false
	}
	tree, wrong, whole := checkDocument(doc, root, "", l.at)
	if newer := versionProblem(topScalar(doc, "version"), l.at); newer != nil {
		return problems{newer}, false
	}
	found = append(found, wrong...)
	if !whole {
		return found, false
	}
	for _, o := range set {
		l.at.set(strings.Join(o.path, "."), place{File: "environment (" + o.name + ")"})
	}
	if err := decodeInto(&l.Config, tree, set); err != nil {
		return append(found, &problem{place: place{File: name}, Text: err.Error()}), false
	}
	return append(found, l.include()...), true
}

// versionProblem refuses a file of another version of the format. Its other
// keys are not judged: they may be right there.
func versionProblem(written string, at *places) *problem {
	if n, err := strconv.ParseInt(written, 0, 64); written == "" || err != nil || n == configVersion {
		return nil // not written, or no number: the checker has said so
	}
	return &problem{place: at.of("version"), Path: "version", Text: fmt.Sprintf(
		"version %s is not known to this hearth, which reads version %d; install a newer hearth, or write version: %[2]d and the keys of docs/configuration.md", written, configVersion)}
}
