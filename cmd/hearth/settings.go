package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/policy"
)

// setting is one key whose value differs between two configurations.
type setting struct {
	Path    string `json:"key"`
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	Restart bool   `json:"restart,omitempty"` // takes effect with the next start only
}

// String gives "cache.size: 64MiB -> 32MiB (needs a restart)".
func (s setting) String() string {
	text := s.Path + ": "
	switch {
	case s.Old == "":
		text += "added " + s.New
	case s.New == "":
		text += "removed " + s.Old
	default:
		text += s.Old + " -> " + s.New
	}
	if s.Restart {
		text += " (needs a restart)"
	}
	return text
}

// compareSettings lists the keys that differ, in the order of the
// configuration. Items of lists are told apart by name, id or zone where they
// have one, so that a new item does not look like a change of all behind it.
func compareSettings(was, now *Config) []setting {
	c := comparison{meanings: keyMeanings()}
	c.section("", reflect.ValueOf(*was), reflect.ValueOf(*now))
	return c.found
}

type comparison struct {
	meanings map[string]keyMeaning
	found    []setting
}

func (c *comparison) section(path string, was, now reflect.Value) {
	for _, f := range fieldsOf(was.Type()) {
		c.value(joinPath(path, f.name), was.Field(f.index), now.Field(f.index))
	}
}

func (c *comparison) value(path string, was, now reflect.Value) {
	switch t := was.Type(); {
	case reflect.DeepEqual(was.Interface(), now.Interface()):
	case isSection(t):
		c.section(path, was, now)
	case isList(t) && isSection(deref(t.Elem())):
		c.items(path, was, now)
	default:
		c.note(path, plain(was), plain(now))
	}
}

// items compares two lists of sections by the names of their items.
func (c *comparison) items(path string, was, now reflect.Value) {
	old := make(map[string]reflect.Value, was.Len())
	for i := range was.Len() {
		old[itemName(was.Index(i), i)] = was.Index(i)
	}
	for i := range now.Len() {
		name := itemName(now.Index(i), i)
		at := path + "[" + name + "]"
		if before, ok := old[name]; ok {
			c.value(at, before, now.Index(i))
			delete(old, name)
			continue
		}
		c.note(at, "", summary(now.Index(i)))
	}
	for i := range was.Len() {
		name := itemName(was.Index(i), i)
		if gone, ok := old[name]; ok {
			c.note(path+"["+name+"]", summary(gone), "")
		}
	}
}

func (c *comparison) note(path, was, now string) {
	s := setting{Path: path, Old: was, New: now}
	switch shapePath(path) {
	case "households[].devices[].id", "events.webhook":
		s.Old, s.New = hidden(was), hidden(now)
	}
	m, ok := c.meanings[shapePath(path)]
	if !ok { // a whole item: what holds for its list
		m = c.meanings[strings.TrimSuffix(shapePath(path), "[]")]
	}
	s.Restart = m.Effect == "restart"
	c.found = append(c.found, s)
}

// hidden stands for what is as good as a password, such as a device's id; "" stays.
func hidden(secret string) string {
	if secret == `""` {
		return secret
	}
	return "(secret)"
}

// shapePath turns listen[0].addresses into listen[].addresses.
func shapePath(path string) string {
	var shape strings.Builder
	for part := range strings.SplitSeq(path, "]") {
		before, _, item := strings.Cut(part, "[")
		shape.WriteString(before)
		if item {
			shape.WriteString("[]")
		}
	}
	return shape.String()
}

// itemName tells an item of a list from the others.
func itemName(v reflect.Value, index int) string {
	for _, name := range []string{"id", "name", "zone"} {
		if name == "id" && v.Type() == reflect.TypeFor[policy.DeviceConfig]() {
			continue // a secret
		}
		if f := fieldNamed(v, name); f.IsValid() && f.Kind() == reflect.String && f.String() != "" {
			return f.String()
		}
	}
	return strconv.Itoa(index)
}

// summary shows a whole item on one line, without what is empty.
func summary(v reflect.Value) string {
	var parts []string
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if value.IsZero() || (isList(f.typ) && value.Len() == 0) {
			continue
		}
		text := plain(value)
		if f.name == "id" && v.Type() == reflect.TypeFor[policy.DeviceConfig]() {
			text = hidden(text)
		}
		parts = append(parts, f.name+": "+text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// plain shows any value on one line.
func plain(v reflect.Value) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "default"
		}
		v = v.Elem()
	}
	switch t := v.Type(); {
	case isSection(t):
		return summary(v)
	case isList(t):
		items := make([]string, v.Len())
		for i := range items {
			items[i] = plain(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if text := scalarString(v); text != "" {
		return text
	}
	return `""`
}

// restarts lists the keys among the changes that wait for a restart, without
// the names of items.
func restarts(changes []setting) []string {
	var keys []string
	for _, s := range changes {
		if s.Restart {
			keys = append(keys, shapePath(s.Path))
		}
	}
	return slices.Compact(keys)
}

// brief puts the changes into one log line's worth of words: keys and how
// many of them, never the names that people chose.
func brief(changes []setting) string {
	const most = 8
	times := make(map[string]int)
	var keys []string
	for _, s := range changes {
		key := shapePath(s.Path)
		if times[key]++; times[key] == 1 {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return "nothing"
	}
	words := slices.Clone(keys[:min(len(keys), most)])
	for i, key := range words {
		if times[key] > 1 {
			words[i] = fmt.Sprintf("%s (%d)", key, times[key])
		}
	}
	text := strings.Join(words, ", ")
	if more := len(keys) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
