package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFileBytes bounds one configuration file: far above a town's worth of
// households, far below what would hurt a small machine.
const maxFileBytes = 64 << 20

// Bounds of nesting: the configuration has seven levels.
const (
	maxDepth  = 64
	maxIndent = 1024 // columns
)

// readFile reads a configuration file of bounded size.
func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w; give the path of a YAML file, or start from config.example.yaml", err)
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("reading configuration: %s is not a file; give the path of a YAML file", path)
	}
	if st.Size() > maxFileBytes {
		return nil, fmt.Errorf("reading configuration: %s has %d bytes, more than %d; split the households into files of households_dir", path, st.Size(), maxFileBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil
}

// document is one parsed YAML file whose keys, types and duplicates are yet
// to be checked; body is nil for an empty file.
type document struct {
	file string
	body ast.Node
}

// parseDocument parses the bytes of one file. A syntax error is a problem
// with its place; nothing else is looked at then.
func parseDocument(file string, b []byte) (*document, problems) {
	tokens := lexer.Tokenize(string(b))
	if deep := tooDeep(tokens); deep != nil {
		return nil, problems{{place: tokenPlace(file, deep), Text: fmt.Sprintf("this is nested more than %d levels deep; no key needs that, remove the brackets or dashes", maxDepth)}}
	}
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, problems{syntaxProblem(file, err)}
	}
	doc := &document{file: file}
	for _, d := range parsed.Docs {
		if d.Body == nil || d.Body.Type() == ast.NullType {
			continue
		}
		if doc.body != nil {
			return nil, problems{{place: placeOf(file, d.Body), Text: "a second document begins here; keep one document a file and remove the --- line"}}
		}
		doc.body = d.Body
	}
	return doc, nil
}

// tooDeep finds the first token that is nested deeper than maxDepth: by
// brackets, by dashes on one line or by indentation. Parsing what is nested
// without bound takes memory without bound.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
		}
		if brackets > maxDepth || dashes > maxDepth || t.Position.IndentNum > maxIndent {
			return t
		}
	}
	return nil
}

// topScalar gives the text of a single value at the top of a document, with
// its key's place; "" if it is not written.
func topScalar(doc *document, name string) string {
	values, _ := entriesOf(doc.body)
	for _, v := range values {
		if keyText(v.Key) != name {
			continue
		}
		if _, ok := v.Value.(ast.ScalarNode); ok && v.Value.Type() != ast.NullType {
			return scalarText(v.Value)
		}
	}
	return ""
}

func syntaxProblem(file string, err error) *problem {
	p := &problem{place: place{File: file}, Text: err.Error() + "; correct the YAML here"}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		if t := syntax.GetToken(); t != nil && t.Position != nil {
			p.place = tokenPlace(file, t)
		}
		p.Text = "this is not valid YAML: " + syntax.GetMessage() + "; look at the indentation and quotes of this line and the one above"
	}
	return p
}

func tokenPlace(file string, t *token.Token) place {
	return place{File: file, Line: t.Position.Line, Column: t.Position.Column}
}

// placeOf gives where a node begins.
func placeOf(file string, n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		n = m.Values[0].Key
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		n = v.Key
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return place{File: file}
	}
	return tokenPlace(file, t)
}

// checkDocument compares a document with the type it will be decoded into,
// notes where each key stands and gives the tree of values that may be
// decoded. whole is false where the file was not read to its end.
func checkDocument(doc *document, root reflect.Type, prefix string, at *places) (tree map[string]any, found problems, whole bool) {
	if doc.body == nil {
		return nil, nil, true
	}
	c := checker{file: doc.file, root: root, at: at, anchors: make(map[string]ast.Node)}
	tree, _ = c.node(prefix, doc.body, root).(map[string]any)
	return tree, c.found, !c.aliases.exhausted()
}
