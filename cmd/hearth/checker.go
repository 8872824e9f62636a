package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// checker walks the syntax tree of a document beside the type it will be
// decoded into. It finds unknown and duplicate keys and values of the wrong
// kind, all of them, with their places, and gives the tree of plain values
// that is left: what is refused is absent, or empty where it is an item of a
// list, so that the rest can be judged too.
type checker struct {
	file    string
	root    reflect.Type
	at      *places
	anchors map[string]ast.Node
	aliases aliasBudget
	found   problems
}

// refuse notes a problem at path, whose value is not to be judged further.
func (c *checker) refuse(n ast.Node, path, format string, args ...any) {
	c.at.refused(path)
	c.note(n, path, format, args...)
}

func (c *checker) note(n ast.Node, path, format string, args ...any) {
	c.found = append(c.found, &problem{place: placeOf(c.file, n), Path: path, Text: fmt.Sprintf(format, args...)})
}

// node checks one value against its type and gives it; nil where there is
// none, or none that can be used.
func (c *checker) node(path string, n ast.Node, t reflect.Type) any {
	value, copied := c.unwrap(path, n)
	if value == nil || value.Type() == ast.NullType {
		return nil
	}
	if copied {
		defer c.aliases.enter(n)()
	}
	if !c.afford() {
		return nil
	}
	if tag, ok := value.(*ast.TagNode); ok {
		c.refuse(value, path, "the tag %s is not supported; write the value alone", tag.Start.Value)
		return nil
	}
	switch t = deref(t); {
	case isSection(t):
		return c.section(path, value, t)
	case isList(t):
		return c.list(path, value, t)
	case isScalar(t):
		return c.scalar(path, value, t)
	}
	return nil
}

// unwrap follows anchors and aliases to the value itself, and says whether it
// stands elsewhere.
func (c *checker) unwrap(path string, n ast.Node) (value ast.Node, copied bool) {
	for {
		switch v := n.(type) {
		case *ast.AnchorNode:
			c.anchors[v.Name.String()] = v.Value
			n = v.Value
		case *ast.AliasNode:
			value, ok := c.anchors[v.Value.String()]
			if !ok {
				c.at.refused(path)
				c.note(n, "", "the alias *%s has no anchor before it; write &%[1]s at the value that is meant", v.Value.String())
				return nil, false
			}
			return value, true // places stay those of the anchor
		default:
			return n, false
		}
	}
}

func (c *checker) section(path string, n ast.Node, t reflect.Type) any {
	values, ok := entriesOf(n)
	if !ok {
		c.refuse(n, path, "a section belongs here, not %s; write %s", kindOf(n), sample(t))
		return nil
	}
	w := written{fields: fieldsOf(t), seen: make(map[string]place, len(values))}
	tree := make(map[string]any, len(values))
	for _, v := range values {
		if name, value := c.entry(path, v, &w); value != nil {
			tree[name] = value
		}
	}
	for _, name := range w.meant {
		if _, ok := w.seen[name]; !ok {
			c.at.refused(joinPath(path, name)) // that it is missing is no second mistake
		}
	}
	return tree
}

// written is what stands in one section.
type written struct {
	fields []field
	seen   map[string]place
	meant  []string // keys that unknown ones were probably meant to be
}

// entriesOf gives the keys and values of a mapping.
func entriesOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}, true
	}
	return nil, false
}

// entry checks one key of a section and gives it with its value; nil where
// the value cannot be used.
func (c *checker) entry(path string, v *ast.MappingValueNode, w *written) (string, any) {
	if v.Key.IsMergeKey() {
		c.refuse(v.Key, path, "merge keys (<<) are not supported; write the keys out, or use an alias for one value")
		return "", nil
	}
	name := keyText(v.Key)
	full := joinPath(path, name)
	if first, ok := w.seen[name]; ok {
		c.note(v.Key, full, "duplicate key %q, first written on line %d; keep one of the two", name, first.Line)
		return "", nil
	}
	w.seen[name] = placeOf(c.file, v.Key)
	known := make([]string, 0, len(w.fields))
	for _, f := range w.fields {
		if f.name == name {
			c.at.at[full] = w.seen[name]
			return name, c.node(full, v.Value, f.typ)
		}
		known = append(known, f.name)
	}
	if meant, ok := nearest(name, known); ok {
		w.meant = append(w.meant, meant)
	}
	ast.Walk(anchorage{c.anchors}, v.Value) // what is right may refer to it
	c.note(v.Key, "", "%s", unknownKey(name, path, known, c.root))
	return "", nil
}

func (c *checker) list(path string, n ast.Node, t reflect.Type) any {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		c.refuse(n, path, "a list belongs here, not %s; write %s", kindOf(n), listSample(n))
		return nil
	}
	items := make([]any, len(seq.Values))
	for i, item := range seq.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		c.at.at[at] = placeOf(c.file, item)
		if item.Type() == ast.NullType {
			c.at.at[at] = tokenPlace(c.file, seq.Entries[i].Start) // the dash
			c.at.refused(at)
			c.found = append(c.found, &problem{place: c.at.at[at], Path: at, Text: "this item is empty; write a value or remove the dash"})
			continue
		}
		items[i] = c.node(at, item, t.Elem())
	}
	return items
}

func listSample(n ast.Node) string {
	if _, ok := n.(ast.ScalarNode); ok {
		return "[" + strings.TrimSpace(n.String()) + "]"
	}
	return "one item a line, each with a dash before it"
}

// keyText is the key as written, without quotes.
func keyText(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return k.GetToken().Value
}

func scalarText(n ast.Node) string {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	default:
		return n.GetToken().Value
	}
}

// kindOf names what was written.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a section"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	default:
		return "text"
	}
}
