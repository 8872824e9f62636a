package blocklists

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed services.txt
var serviceTable string

// Service is a site or an app with a switch of its own. Some stand for a family: omegle for all that join strangers,
// twitter for X.
type Service struct {
	ID      string   // of its category: "service.tiktok"
	Title   string   // what people call it
	Group   string   // under which parents look for it: one of ServiceGroups
	Parent  string   // id of the category that its names belong to and that an allow of it lifts
	Names   []string // that carry it, each with all that lies beneath; in presentation form, without a dot at the end
	Sources []Source // where the names were read; never empty
}

// Source is a document that was read, and its own date.
type Source struct {
	Date string // YYYY-MM-DD
	Text string // repository, file and commit
}

// ServiceGroups returns the keys of the groups in which the services are shown, in that order. They are finer than
// Groups, which are those of the categories.
func ServiceGroups() []string {
	return []string{
		"social", "chat", "video", "music", "games", "ai", "forums",
		"shopping", "dating", "gambling", "crypto", "adult", "remote",
	}
}

// readServices reads the embedded table once.
var readServices = sync.OnceValues(func() ([]Service, error) { return parseServices(serviceTable) })

// Services returns every service, those of a group together. The caller owns the slice, not what its rows point to.
// An error is a mistake in the program itself, which the tests find.
func Services() ([]Service, error) {
	services, err := readServices()
	return slices.Clone(services), err
}

// builtinServices are the definitions of the services.
func builtinServices(categories []Definition) []Definition {
	services, _ := readServices() // NewTaxonomy reports the error
	var definitions []Definition
	for _, s := range services {
		d := Definition{ID: s.ID, Service: true, Parent: s.Parent}
		if i := slices.IndexFunc(categories, func(c Definition) bool { return c.ID == s.Parent }); i >= 0 {
			d.Group = categories[i].Group
		}
		definitions = append(definitions, d)
	}
	return definitions
}

// parseServices reads a table as services.txt describes it. A service that is not whole is an error.
func parseServices(text string) ([]Service, error) {
	var services []Service
	for number, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(line, " ")
		value = strings.TrimSpace(value)
		if key == "service" {
			services = append(services, Service{ID: "service." + value})
			continue
		}
		if len(services) == 0 || !services[len(services)-1].set(key, value) {
			return nil, fmt.Errorf("services, line %d: %q: write service, title, group, parent, source or names", number+1, line)
		}
	}
	for i, s := range services {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.ID, err)
		}
		if slices.ContainsFunc(services[:i], func(other Service) bool { return other.ID == s.ID }) {
			return nil, fmt.Errorf("%s is there twice", s.ID)
		}
	}
	return services, nil
}

// set takes one line of the table; false if there is no such line.
func (s *Service) set(key, value string) bool {
	switch key {
	case "title":
		s.Title = value
	case "group":
		s.Group = value
	case "parent":
		s.Parent = value
	case "source":
		date, text, _ := strings.Cut(value, " ")
		s.Sources = append(s.Sources, Source{Date: date, Text: strings.TrimSpace(text)})
	case "names":
		s.Names = append(s.Names, strings.Fields(value)...)
	default:
		return false
	}
	return true
}

// check reports what is missing in a service or cannot be.
func (s Service) check() error {
	switch {
	case !validID(s.ID):
		return fmt.Errorf(`write an id of a-z, 0-9 and "-"`)
	case s.Title == "" || s.Parent == "":
		return fmt.Errorf("write its title and its parent")
	case !slices.Contains(ServiceGroups(), s.Group):
		return fmt.Errorf("group %q: write one of %s", s.Group, strings.Join(ServiceGroups(), ", "))
	case len(s.Names) == 0:
		return fmt.Errorf("write the names that carry it")
	case len(s.Sources) == 0:
		return fmt.Errorf("no source: write where its names were read")
	}
	for _, source := range s.Sources {
		if _, err := time.Parse(time.DateOnly, source.Date); err != nil || source.Text == "" {
			return fmt.Errorf("source %q: write its own date as YYYY-MM-DD, and the document", source.Date+" "+source.Text)
		}
	}
	return nil
}
