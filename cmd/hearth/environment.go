package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// envPrefix begins the name of every override: HEARTH__CACHE__SIZE=32MiB
// sets cache.size. Single underscores belong to the keys themselves.
const envPrefix = "HEARTH__"

// override is one scalar set by the environment.
type override struct {
	name  string // of the variable
	path  []string
	value any
}

// overrides reads the environment (entries NAME=VALUE) against the shape of
// the configuration. Lists and sections cannot be overridden: an environment
// variable has no items, and half a list is a policy nobody wrote.
func overrides(environ []string, root reflect.Type) ([]override, problems) {
	var set []override
	var found problems
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(name, envPrefix)
		if !ok {
			continue
		}
		path := strings.Split(strings.ToLower(rest), "__")
		v, err := overrideValue(path, value, root)
		if err != nil {
			found = append(found, &problem{place: place{File: "environment"}, Path: name, Text: err.Error()})
			continue
		}
		set = append(set, override{name: name, path: path, value: v})
	}
	return set, found
}

func overrideValue(path []string, value string, root reflect.Type) (any, error) {
	dotted := strings.Join(path, ".")
	for _, k := range keysOf(root) {
		if k.Path != dotted {
			continue
		}
		if !isScalar(k.Type) {
			return nil, fmt.Errorf("%s is no single value (%s), and the environment overrides only those; write it in the configuration file", dotted, typeName(k.Type))
		}
		return parseScalar(value, k.Type)
	}
	return nil, fmt.Errorf("there is no key %q; %s", dotted, suggestVariable(dotted, root))
}

func suggestVariable(dotted string, root reflect.Type) string {
	var known []string
	for _, k := range keysOf(root) {
		if isScalar(k.Type) && !strings.Contains(k.Path, "[]") {
			known = append(known, k.Path)
		}
	}
	if word, ok := nearest(dotted, known); ok {
		return "did you mean " + envPrefix + strings.ToUpper(strings.ReplaceAll(word, ".", "__")) + "?"
	}
	return "unset it, or see docs/configuration.md for the keys"
}
