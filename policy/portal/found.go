package portal

import (
	"context"
)

// ListFound is what the sources say of a name.
type ListFound struct {
	Entries    []ListEntry     `json:"entries"`
	Categories []ListAgreement `json:"categories"`
}

// ListEntry is one entry of a source that covers a name.
type ListEntry struct {
	Source     string   `json:"source"`
	Format     string   `json:"format"`
	Version    string   `json:"version,omitempty"`    // short hash of the content
	FirstSeen  string   `json:"first_seen,omitempty"` // YYYY-MM-DD; not there: built in
	Categories []string `json:"categories"`
	Entry      string   `json:"entry"`
	Scope      string   `json:"scope,omitempty"` // subtree, exact, below; not there: an expression
	Part       string   `json:"part,omitempty"`  // directory or file of the list
	Line       int      `json:"line"`
	Exception  bool     `json:"exception,omitempty"`
}

// ListAgreement is which sources put a name into a category.
type ListAgreement struct {
	Category     string   `json:"category"`
	Sources      []string `json:"sources"`
	Independent  int      `json:"independent"`   // sources that have nothing to do with each other
	SingleSource bool     `json:"single_source"` // nobody independent agrees
}

// Found is what may be told of what the sources say of a name.
type Found struct {
	Name string `json:"name"`
	ListFound
	Withheld bool `json:"withheld"` // those of security lists, if there are any
}

// Find tells what the sources in force say of a name in any spelling, nothing of legal lists. A name that is none is a
// *QueryError.
func (p *Portal) Find(ctx context.Context, text string) (Found, error) {
	name, err := ParseName(text)
	if err != nil {
		return Found{}, &QueryError{Field: "name", Problem: "this is not a domain name (" + err.Error() + "); write one such as example.com"}
	}
	found, err := p.listed(ctx, name.String())
	if err != nil {
		return Found{}, err
	}
	return Found{name.String(), tellable(found, p.Frank()), !p.Frank()}, nil
}

// Explain is Explain for the policy in force at the present, with what the sources say.
func (p *Portal) Explain(ctx context.Context, q ExplainQuery) (Explanation, error) {
	q.Now, q.Presence = p.now(), p.find()
	e, err := Explain(p.view(), q)
	if err != nil || p.listed == nil {
		return e, err
	}
	found, err := p.listed(ctx, e.Name)
	e.Lists = e.shown(tellable(found, p.Frank()).Entries, p.Frank())
	return e, err
}

// Frank reports whether security lists may be told of.
func (p *Portal) Frank() bool { return p.frank != nil && p.frank() }
