package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/portal"
)

// Lists is what is known of the block lists. Legal ones are none of them.
type Lists interface {
	All(ctx context.Context) ([]List, error)
	// Explain walks the order of decisions at present, with the lists that say so. Its errors for what was asked wrongly are of
	// type *portal.QueryError.
	Explain(ctx context.Context, q portal.ExplainQuery) (portal.Explanation, error)
}

// List is one list.
type List struct {
	Name       string
	Licence    string // SPDX identifier or the publisher's words; "": not known
	Categories []string
	Names      int
	Fetched    time.Time // when the version in force came; zero: it is built in
	Failed     bool      // the last update did not work; what came before goes on
	Held       bool      // a newer version waits for who runs the machine
	Stale      bool      // nobody has confirmed it for long
}

// listsParts is what names are known by, and what that means for one name.
type listsParts struct {
	Lists []listRow
	Names int // of all lists
	More  int // lists beside these
	Name  string
	Found *foundName
}

type listRow struct {
	Name, Kinds, Names, Age, Licence, For string
	Problems                              []string
}

// foundName is what happens to a name, for each member, and which lists say so.
type foundName struct {
	Name    string
	Members []foundRow
	Lists   []foundRow
}

type foundRow struct {
	Name, Text string
	Stopped    bool
}

// maxLists bounds the lists of a page of 30 kB.
const maxLists = 50

func (c *Console) listsPage(v *visit) error {
	if c.Lists == nil {
		return v.missing()
	}
	household, err := v.overseen()
	if err != nil {
		return err
	}
	h, _ := c.Directory().Household(household)
	all, err := c.Lists.All(v.r.Context())
	if err != nil {
		return err
	}
	parts := listsParts{Name: strings.TrimSpace(v.r.URL.Query().Get("name"))}
	for _, l := range all {
		l.Categories = slices.DeleteFunc(slices.Clone(l.Categories), blocklists.IsLegal)
		switch {
		case len(l.Categories) == 0:
			continue
		case len(parts.Lists) < maxLists:
			parts.Lists = append(parts.Lists, v.list(h, l))
		default:
			parts.More++
		}
		parts.Names += l.Names
	}
	p := v.blank(v.say("lists.title"), "household", &parts)
	if parts.Name == "" || h == nil {
		return v.show("lists", p)
	}
	if parts.Found, err = v.find(h, parts.Name); err != nil {
		return v.again("lists", p, err)
	}
	return v.show("lists", p)
}

func (v *visit) list(h *policy.Household, l List) listRow {
	row := listRow{Name: l.Name, Kinds: v.groups(l.Categories), Licence: l.Licence, Names: v.say("lists.names", "n", l.Names), Age: v.say("lists.built_in"), For: v.say("lists.for_nobody")}
	if !l.Fetched.IsZero() {
		row.Age = v.ago(l.Fetched)
	}
	t := v.c.Directory().Index().Taxonomy()
	var set blocklists.Categories
	for _, id := range l.Categories {
		if c, there := t.Lookup(id); there {
			set.Add(c)
		}
	}
	if h != nil {
		var members []string
		for _, m := range h.Members {
			if m.Profile.Stops(set) {
				members = append(members, m.Name)
			}
		}
		if len(members) > 0 {
			row.For = v.say("lists.for", "names", strings.Join(members, ", "))
		}
	}
	for _, problem := range []struct {
		is  bool
		key string
	}{{l.Failed, "lists.failed"}, {l.Held, "lists.held"}, {l.Stale, "lists.stale"}} {
		if problem.is {
			row.Problems = append(row.Problems, v.say(problem.key))
		}
	}
	return row
}

// find tells what happens to a name at this moment.
func (v *visit) find(h *policy.Household, name string) (*foundName, error) {
	found := &foundName{}
	for _, m := range h.Members {
		e, err := v.c.Lists.Explain(v.r.Context(), portal.ExplainQuery{Name: name, Member: h.ID + "/" + m.Name, Now: v.now()})
		if wrong := new(portal.QueryError); errors.As(err, &wrong) {
			return nil, v.wrong("name", "lists.no_name")
		}
		if err != nil {
			return nil, err
		}
		found.Name = e.Name
		row := foundRow{Name: m.Name, Text: v.say("lists.open")}
		row.Stopped = e.Applied && (e.Action == policy.Block.String() || e.Action == policy.Warn.String())
		why := v.group(cmp.Or(e.Category, e.StepName))
		if e.StepName == policy.StepHomework.String() { // then the kind of site is not why
			why = v.group(e.StepName)
		}
		switch {
		case !row.Stopped:
		case e.StepName == policy.StepBedtime.String(): // or a pause, or time that is used up
			row.Text = v.say("lists.off")
		case e.Action == policy.Block.String():
			row.Text = v.say("lists.blocked", "why", why)
		default:
			row.Text = v.say("lists.warned", "why", why)
		}
		found.Members = append(found.Members, row)
		for _, l := range e.Lists {
			if !l.Exception && !slices.ContainsFunc(found.Lists, func(o foundRow) bool { return o.Name == l.Source }) {
				found.Lists = append(found.Lists, foundRow{Name: l.Source, Text: v.groups(l.Categories)})
			}
		}
	}
	return found, nil
}

// groups are categories as parents look for them.
func (v *visit) groups(ids []string) string {
	var list []string
	for _, id := range ids {
		if text := v.group(id); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}
