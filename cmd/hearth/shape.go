package main

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// The shape of the configuration is its Go type: the loader, the schema, the
// environment and the reference in docs/ all read it from the yaml tags.

var (
	durationType  = reflect.TypeFor[time.Duration]()
	unmarshalType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// key is one key of the configuration.
type key struct {
	Name string       // last part of the path, as written in YAML
	Path string       // whole path, "[]" behind each list: listen[].addresses
	Type reflect.Type // pointers removed
}

// keysOf walks a configuration type and gives all its keys, parents before
// children, in the order of declaration.
func keysOf(t reflect.Type) []key {
	var all []key
	collectKeys(t, "", &all)
	return all
}

func collectKeys(t reflect.Type, path string, all *[]key) {
	for _, f := range fieldsOf(t) {
		k := key{Name: f.name, Path: joinPath(path, f.name), Type: f.typ}
		*all = append(*all, k)
		beneath, at := k.Type, k.Path
		for isList(beneath) {
			beneath, at = deref(beneath.Elem()), at+"[]"
		}
		if isSection(beneath) {
			collectKeys(beneath, at, all)
		}
	}
}

// field is one key of a section.
type field struct {
	name  string
	typ   reflect.Type
	index int
}

// fieldsOf lists the keys of a section type.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		fields = append(fields, field{name: name, typ: deref(f.Type), index: i})
	}
	return fields
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// isScalar says whether a value of t is written as one word.
func isScalar(t reflect.Type) bool {
	return !isSection(t) && !isList(t) && t.Kind() != reflect.Map && t.Kind() != reflect.Interface
}

// isSection says whether a value of t is written as a mapping of known keys.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !isText(t)
}

// isList says whether a value of t is written as a list.
func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && !isText(t) }

// isText says whether t reads itself from text: addresses, sizes, dates.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(unmarshalType) }

// typeName says in an operator's words what may be written for t.
func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration"
	case isText(t):
		return textTypeName(t)
	case isList(t):
		return "list of " + plural(typeName(deref(t.Elem())))
	case isSection(t):
		return "section"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Map:
		return "section"
	default:
		return "whole number"
	}
}

func plural(name string) string {
	switch name {
	case "text":
		return name
	case "address":
		return "addresses"
	case "address and port":
		return "addresses and ports"
	case "hardware address":
		return "hardware addresses"
	default:
		return name + "s"
	}
}

// textTypeName names the types that read themselves from text.
func textTypeName(t reflect.Type) string {
	switch t.String() {
	case "netip.Addr":
		return "address"
	case "netip.Prefix":
		return "network"
	case "netip.AddrPort":
		return "address and port"
	case "main.byteSize":
		return "size"
	case "policy.Date":
		return "date"
	case "policy.MAC":
		return "hardware address"
	default:
		return "text"
	}
}

// sample gives a value of t to show in a message.
func sample(t reflect.Type) string {
	switch typeName(t) {
	case "duration":
		return "10s, 5m or 24h"
	case "true or false":
		return "true or false, without quotes"
	case "whole number", "number":
		return "a number without quotes"
	case "address":
		return "an address such as 192.168.1.10 or fd00::10"
	case "network":
		return "a network such as 192.168.1.0/24"
	case "hardware address":
		return "a hardware address such as a4:cf:12:00:4d:91"
	case "address and port":
		return `an address and port such as 127.0.0.1:5300 or "[::1]:5300"`
	case "size":
		return "a size such as 64MiB"
	case "text":
		return `text, in quotes if it looks like a number: "12"`
	case "section":
		return "its keys on the lines below, indented"
	default:
		return "a list: one item a line, each with a dash before it"
	}
}

// nilEmpty makes empty lists nil in place, so that "[]" in a file and an
// absent key are the same configuration.
func nilEmpty(v reflect.Value) {
	switch {
	case isSection(v.Type()):
		for _, f := range fieldsOf(v.Type()) {
			nilEmpty(v.Field(f.index))
		}
	case isList(v.Type()) && v.Len() == 0:
		v.SetZero()
	case isList(v.Type()):
		for i := range v.Len() {
			nilEmpty(v.Index(i))
		}
	}
}
