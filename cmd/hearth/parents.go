package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/hearthdns/hearth/policy/store"
	"github.com/hearthdns/hearth/resolver"
)

// openDesk makes the desk at which parents change what holds beside a configuration, and what remembers
// activity, and the one that takes appeals and reports.
func (s *server) openDesk(l *loaded) (err error) {
	s.config.Store(l)
	s.activity = s.newActivity()
	s.used = newUsageKeeper(s)
	s.parents, err = parents.Open(context.Background(), parents.Config{
		Log: s.store, Directory: s.directory, Written: s.written, Renew: s.renewPeople, Changed: s.stopsChanged, Renamed: s.renamed, Forget: s.forgetPerson, Adult: s.adultSignsIn, Erased: s.erased,
		Asked: s.tellOfRequest, Answered: s.tellOfAnswer, Guessed: s.tellOfGuessing, Presence: acquaintances{s}, Report: s.log,
	})
	if err != nil {
		return fmt.Errorf("preparing what parents may change: %w", err)
	}
	if err = s.openAccounts(&l.Config); err != nil {
		return err
	}
	s.tickets, err = s.newTickets()
	return err
}

// erased has go from disk and memory what somebody erased of a household.
func (s *server) erased(household string) {
	s.store.Erased()
	s.portal.Forget(household)
	s.api.Forget(household)
}

// written gives what the configuration in force says of people, and where in it a household stands.
func (s *server) written() (policy.Config, func(household string) string) {
	l := s.config.Load()
	return l.Config.people(), l.householdPlace
}

// householdPlace gives file:line of a household, "" for one that the configuration does not name.
func (l *loaded) householdPlace(id string) string {
	for i := range l.Config.Households {
		if l.Config.Households[i].ID != id {
			continue
		}
		at := l.at.of("households[" + strconv.Itoa(i) + "]")
		if at.Line == 0 {
			return at.File
		}
		return at.File + ":" + strconv.Itoa(at.Line)
	}
	return ""
}

// people joins what a configuration says of people with what the store has. The caller holds work, or nobody else knows
// the server yet.
func (s *server) people(l *loaded) (policy.Config, error) {
	people, err := s.parents.People(l.Config.people())
	if double := new(parents.DoubleError); errors.As(err, &double) {
		return people, problems{l.twice(double)}
	}
	return people, err
}

// twice is the problem of a household that the store owns and the configuration names.
func (l *loaded) twice(double *parents.DoubleError) *problem {
	for i := range l.Config.Households {
		if l.Config.Households[i].ID == double.Household {
			path := "households[" + strconv.Itoa(i) + "]"
			return &problem{place: l.at.of(path), Path: path, Text: double.Error()}
		}
	}
	return &problem{Path: "households", Text: double.Error()}
}

// install serves a World, with all that people changed up to that moment. Whoever sees it sees the configuration that it
// is of: that a legal list is configured, and whether a household stands in YAML.
func (s *server) install(l *loaded, w *resolver.World) {
	s.parents.Install(w.Directory, l.Config.people(), func() {
		s.config.Store(l)
		if w != s.resolver.World() {
			s.resolver.Swap(w)
		}
	})
}

// renewPeople compiles who there is anew, against the index in use.
func (s *server) renewPeople(context.Context) error {
	s.work.Lock()
	defer s.work.Unlock()
	return s.swap(s.config.Load(), s.stock)
}

// acquaintances tells the desk what is on the network.
type acquaintances struct{ server *server }

// Seen implements parents.Presence.
func (a acquaintances) Seen() []parents.Seen {
	machines := a.server.presence.List()
	all := make([]parents.Seen, 0, len(machines))
	for _, m := range machines {
		all = append(all, parents.Seen{Address: m.Addr, MAC: m.MAC, Name: m.Name})
	}
	return all
}

// lookFor is how long the kernel may take to tell who has an address.
const lookFor = time.Second

// Find implements parents.Presence. What is decided by it lasts, so it is worth to wait for the kernel.
func (a acquaintances) Find(addr netip.Addr) (parents.Seen, bool) {
	f := policy.Facts{Addr: addr}
	a.server.presence.Wait(&f, time.Now().Add(lookFor))
	return parents.Seen{Address: addr, MAC: f.MAC, Name: f.Name}, !f.MAC.IsZero() || f.Name != ""
}

// checkOwners finds households that the configuration names although the store owns them, and what else is worth a second
// look. It reads the snapshot beside the store, which belongs to the server that runs; it is at most half a minute behind.
func (a *app) checkOwners(l *loaded) (twice, warnings problems) {
	r := &report{at: l.at, found: l.Config.warnings(l.at)}
	l.Config.warnFiles(r)
	warnings = r.found
	state, err := a.stateDir(&l.Config)
	var kept store.Snapshot
	if err == nil {
		kept, err = store.LoadSnapshot(storePath(state))
	}
	if err != nil {
		warnings = append(warnings, &problem{Text: fmt.Sprintf("whether the store owns one of these households could not be seen (%v); the server refuses such a file too", err)})
	}
	households := len(l.Config.Households)
	for _, e := range kept.Entries {
		if !parents.Owns(e) {
			continue
		}
		if households++; l.householdPlace(e.Key.Household) != "" {
			twice = append(twice, l.twice(&parents.DoubleError{Household: e.Key.Household}))
		}
	}
	if households == 0 {
		warnings = append(warnings, nobodysHome())
	}
	return twice, warnings
}

// nobodysHome is what is said where there is no household.
func nobodysHome() *problem {
	return &problem{Path: "households", Text: "no household is configured, so every client is a stranger; copy the example from config.example.yaml and fit it to your home"}
}

// askTime is how long a running server may take to say that it has a household.
const askTime = 2 * time.Second

// newer leaves out that there is no household, where the running server has made one since the snapshot.
func (a *app) newer(l *loaded, warnings problems) problems {
	nobody := func(p *problem) bool { return p.Path == nobodysHome().Path }
	if !slices.ContainsFunc(warnings, nobody) {
		return warnings
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var page api.Page[parents.Household]
	if c, err := a.running(l); err != nil || c.call(ctx, look("/v1/households?limit=1"), &page) != nil || len(page.Items) == 0 {
		return warnings
	}
	return slices.DeleteFunc(warnings, nobody)
}

// pagePort is the port of the pages, "" for that of HTTP or where there are none.
func pagePort(c *Config) string {
	port := ""
	for _, at := range c.Landing.HTTP {
		if at.Port() == 80 {
			return ""
		}
		if port == "" {
			port = strconv.Itoa(int(at.Port()))
		}
	}
	return port
}
