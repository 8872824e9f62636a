package tickets

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// Action is what a proposal does. The set is closed.
type Action string

// The actions.
const (
	Block Action = "block" // the name gets the category: an upheld report
	Allow Action = "allow" // the name is taken out of all lists of the category: an upheld appeal
)

// maxProposals bounds what the signed list holds: each exception costs an entry in every list of its category.
const maxProposals = 10_000

// Proposal is one word of the operator about a name, for the signed list.
type Proposal struct {
	Action   Action    `json:"action"`
	Name     string    `json:"name"` // with all beneath it
	Category string    `json:"category"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`
}

func (p Proposal) id() string {
	sum := sha256.Sum256([]byte(string(p.Action) + " " + p.Category + " " + p.Name))
	return hex.EncodeToString(sum[:16])
}

// opposite says the contrary.
func (p Proposal) opposite() Proposal {
	p.Action = map[Action]Action{Block: Allow, Allow: Block}[p.Action]
	return p
}

// propose makes a proposal of an upheld ticket; none of a report about a name of help. The caller holds mu.
func (d *Desk) propose(t *record) ([]Proposal, error) {
	p := Proposal{Action: Allow, Name: t.Name, Category: t.Category, At: t.Decided, By: t.By}
	if t.Kind == Report {
		p.Action = Block
	}
	switch {
	case p.Action == Block && t.Help && t.Category == "":
		return nil, nil
	case t.Category == "":
		return nil, refused("category", "what the name is has not been said: write its category, such as money.gambling")
	case !blocking(d.Taxonomy(), t.Category):
		return nil, refused("category", "%q is no category that names are put into or taken out of: write one such as money.gambling", cut(plain(t.Category), 64))
	case p.Action == Block && t.Help:
		return nil, nil
	case isSuffix(t.Name):
		return nil, refused("number", "strangers have sites of their own beneath %s, so it goes on no list: decide it as sent or declined", t.Name)
	case len(d.proposals) >= maxProposals:
		return nil, wait("the signed list is full with %d names: withdraw some, or send them to the makers of the lists", maxProposals)
	}
	return []Proposal{p}, nil
}

// Proposals lists what was accepted: by category, what blocks first, then by name.
func (d *Desk) Proposals() []Proposal {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.SortedFunc(maps.Values(d.proposals), func(a, b Proposal) int {
		return cmp.Or(-strings.Compare(string(a.Action), string(b.Action)), strings.Compare(a.Category, b.Category), strings.Compare(a.Name, b.Name))
	})
}

// Withdraw takes a name out of the signed list: of one category, or with "" of all. It returns how often it stood there.
func (d *Desk) Withdraw(ctx context.Context, text, category string) (int, error) {
	name, err := readName(text)
	if err != nil {
		return 0, err
	}
	gone := 0
	err = d.act(func() error {
		var c change
		for id, p := range d.proposals {
			if p.Name == name.String() && (category == "" || p.Category == category) {
				c.withdrawn = append(c.withdrawn, id)
			}
		}
		if gone = len(c.withdrawn); gone == 0 {
			return unknown("name", "%s is not on the signed list", name)
		}
		return d.put(ctx, c)
	})
	return gone, err
}
