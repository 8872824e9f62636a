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
	b, name := exampleFile, exampleName
	if file != "" {
		var err error
		if b, err = readFile(file); err != nil {
			return nil, err
		}
		name = file
	}
	l := &loaded{Config: Default(), File: file, at: newPlaces(name)}
	if found := l.read(name, b, environ); len(found) > 0 {
		return nil, found.orNil()
	}
	nilEmpty(reflect.ValueOf(&l.Config).Elem())
	l.rooted()
	if found := l.Config.validate(l.at); len(found) > 0 {
		return nil, found.orNil()
	}
	return l, nil
}

// read parses, checks and decodes the file, the environment and the included
// household files.
func (l *loaded) read(name string, b []byte, environ []string) problems {
	doc, found := parseDocument(name, b)
	if len(found) > 0 {
		return found
	}
	root := reflect.TypeFor[Config]()
	found = checkDocument(doc, root, "", l.at)
	if newer := versionProblem(topScalar(doc, "version"), l.at); newer != nil {
		return problems{newer}
	}
	set, wrong := overrides(environ, root)
	found = append(found, wrong...)
	for _, o := range set {
		l.at.at[strings.Join(o.path, ".")] = place{File: "environment (" + o.name + ")"}
	}
	if len(found) == 0 {
		if err := decodeInto(&l.Config, b, set); err != nil {
			return problems{{place: place{File: name}, Text: err.Error()}}
		}
	} else {
		l.Config.HouseholdsDir = topScalar(doc, "households_dir") // report what is wrong in there as well
	}
	return append(found, l.include()...)
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
