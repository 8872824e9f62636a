package main

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/hearthdns/hearth/policy/portal/console"
)

// openConsole makes the pages of parents, with what brings messages to them, and the API.
func (s *server) openConsole(c *Config) (err error) {
	if err = s.hireMessengers(c); err != nil {
		return err
	}
	s.footprints, s.probes, s.turnedAway = newFootprints(), newProbes(c.Name), newTurnedAway()
	s.survey = newSurvey(lookAround(c, s.log))
	lists, err := newBookshelf(s)
	if err != nil {
		return err
	}
	s.console, err = console.New(console.Config{
		Book: s.accounts, Desk: s.parents, Directory: s.directory, Activity: remembered{s.activity}, Post: s.post,
		Network: &surroundings{s},
		Lists:   lists, Servers: func() []netip.Addr { return servers(c) }, Ask: askOrigin(c), Log: s.log,
		Authority: s.keeper != nil && s.keeper.Authority() != nil,
	})
	if err != nil {
		return fmt.Errorf("preparing the console: %w", err)
	}
	return s.openAPI()
}

// setupPages say, in lines, where the first account is opened, and by what certificate to know the machine.
func (s *server) setupPages() []string {
	all, others := s.boot.consoleAddresses(ownAddresses())
	if len(all) == 0 {
		return []string{"Nothing serves it yet: write console.listen in the configuration, such as [\"0.0.0.0:8444\"]."}
	}
	lines := []string{"  " + all[0] + "/setup"}
	if len(all) > 1 {
		lines = append(lines, "  "+all[1]+"/setup  on a device that asks Hearth")
	}
	if !others {
		lines = append(lines, "", "Nobody but this machine reaches it. For a phone write console: {listen: [\"0.0.0.0:8444\"]} into the configuration.")
	}
	if authority := s.keeper.Authority(); authority != nil {
		lines = append(lines, "", "Nobody else vouches for this machine, so a browser warns until it trusts its certificate", "("+all[0]+authorityPath+"). That has the SHA-256", "  "+authority.Fingerprint())
	}
	return lines
}

// servers are the addresses that a router is told: those that others reach.
func servers(c *Config) (all []netip.Addr) {
	for _, at := range c.servesPlainly(ownAddresses()) {
		if a := plainAddr(at.Addr()); !a.IsLoopback() && !a.IsUnspecified() && !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// askOrigin is where children see what was blocked.
func askOrigin(c *Config) string {
	at := "http://ask." + c.Name
	if port := pagePort(c); port != "" {
		at += ":" + port
	}
	return at
}

// authorityPath is where the console offers the certificate that browsers must trust.
const authorityPath = "/hearth-ca.crt"

// serveAuthority sends it. It is no secret: every handshake shows it.
func (s *server) serveAuthority(w http.ResponseWriter, r *http.Request) {
	authority := s.keeper.Authority()
	if authority == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="hearth-ca.crt"`)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(authority.Certificate.Raw)
}
