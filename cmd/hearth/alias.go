package main

import "github.com/goccy/go-yaml/ast"

// maxAliased bounds how many values the aliases of one file may stand for,
// those within others counted each time: a line of aliases of aliases is
// quickly more than a machine can hold.
const maxAliased = 100_000

// aliasBudget counts the values that are read through aliases.
type aliasBudget struct {
	within int      // aliases that the value at hand is beneath
	first  ast.Node // the outermost of them
	spent  int
}

// enter begins the value of an alias; the function it gives ends it.
func (b *aliasBudget) enter(alias ast.Node) func() {
	if b.within++; b.within == 1 {
		b.first = alias
	}
	return func() { b.within-- }
}

// exhausted says whether the rest of the file was not read.
func (b *aliasBudget) exhausted() bool { return b.spent > maxAliased }

// afford counts one value and refuses the file, once, when its aliases stand
// for too much.
func (c *checker) afford() bool {
	if c.aliases.within == 0 {
		return true
	}
	if c.aliases.exhausted() {
		return false
	}
	if c.aliases.spent++; c.aliases.exhausted() {
		c.note(c.aliases.first, "", "the aliases of this file stand for more than %d values; use fewer: where many share settings, name one profile", maxAliased)
		return false
	}
	return true
}

// anchorage collects the anchors of values that are not read themselves.
type anchorage struct{ anchors map[string]ast.Node }

// Visit implements ast.Visitor.
func (a anchorage) Visit(n ast.Node) ast.Visitor {
	if v, ok := n.(*ast.AnchorNode); ok {
		a.anchors[v.Name.String()] = v.Value
	}
	return a
}
