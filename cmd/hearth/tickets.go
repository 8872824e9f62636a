package main

import (
	"cmp"
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/tickets"
)

// newTickets makes what takes appeals and reports.
func (s *server) newTickets() (*tickets.Desk, error) {
	known, err := register.Open()
	if err != nil {
		return nil, err
	}
	return tickets.New(context.Background(), tickets.Config{
		Log: s.store, Folder: filepath.Join(s.state, "tickets"), Problems: s.log, Look: s.standing,
		Settings: func() tickets.Settings { return s.config.Load().Config.Reports },
		Taxonomy: func() *blocklists.Taxonomy { return s.directory().Index().Taxonomy() },
		Maintainer: func(list string) (tickets.Maintainer, bool) {
			return maintainer(known, s.config.Load().Config.Lists.Sources, list)
		},
	})
}

// standing tells what the lists and the law say of a name.
func (s *server) standing(ctx context.Context, name blocklists.Name) (tickets.Standing, error) {
	dir := s.directory()
	var hashes blocklists.Hashes
	question := dir.Ask(name, &hashes)
	standing := tickets.Standing{Own: dir.Fixed(&hashes)}
	for c := range question.Match.Categories.All() {
		id := dir.Index().Taxonomy().ID(c)
		standing.Illegal = standing.Illegal || blocklists.IsLegal(id)
		standing.Help = standing.Help || id == "ok.help" || id == "ok.help.core"
	}
	found, err := s.shelf.Load().library.Find(ctx, name.String())
	if err != nil {
		return standing, err
	}
	standing.Claims = claims(found)
	return standing, nil
}

// claims tells for each category that may block which list says it first, and how.
func claims(found source.Found) []tickets.Claim {
	var all []tickets.Claim
	for _, agreed := range found.Categories {
		if strings.HasPrefix(agreed.Category, "ok.") || strings.HasPrefix(agreed.Category, "meta.") {
			continue
		}
		claim := tickets.Claim{Category: agreed.Category, List: agreed.Sources[0]}
		i := slices.IndexFunc(found.Entries, func(f source.Finding) bool {
			return f.Source == claim.List && f.Covers && !f.Exception && slices.Contains(f.Categories, claim.Category)
		})
		if i >= 0 {
			f := found.Entries[i]
			claim.Version, claim.Entry = f.Version, cmp.Or(f.Text, f.Name, f.Pattern)
		}
		all = append(all, claim)
	}
	return all
}

// homepage is where the starter lists are made.
const homepage = "https://github.com/hearthdns/hearth"

// maintainer tells who makes a list: the project its starter lists, others as the catalogue has them.
func maintainer(known *register.Register, sources []source.Source, list string) (tickets.Maintainer, bool) {
	if category, ours := strings.CutPrefix(list, "starter:"); ours {
		return tickets.Maintainer{Title: "Hearth's starter list of " + category, Homepage: homepage, Tracker: tracker(homepage)}, true
	}
	i := slices.IndexFunc(sources, func(s source.Source) bool { return s.Name == list })
	if i < 0 {
		return tickets.Maintainer{}, false
	}
	for _, l := range known.Lists() {
		if l.URL == sources[i].URL {
			return tickets.Maintainer{Title: l.Title + ", by " + l.Publisher, Homepage: l.Homepage, Tracker: tracker(l.Homepage)}, true
		}
	}
	return tickets.Maintainer{}, false
}

// tracker is where a project on one of the large forges takes issues; "" where that is not known.
func tracker(homepage string) string {
	at, err := url.Parse(homepage)
	if err != nil {
		return ""
	}
	parts := strings.Split(strings.Trim(at.Path, "/"), "/")
	if len(parts) != 2 {
		return ""
	}
	switch at.Host {
	case "github.com", "codeberg.org":
		return "https://" + at.Host + "/" + parts[0] + "/" + parts[1] + "/issues"
	case "gitlab.com":
		return "https://gitlab.com/" + parts[0] + "/" + parts[1] + "/-/issues"
	}
	return ""
}
