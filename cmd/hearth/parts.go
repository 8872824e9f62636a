package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/forward"
)

// taxonomy numbers the built-in categories and the operator's own.
func (c *Config) taxonomy() (*blocklists.Taxonomy, error) {
	return blocklists.NewTaxonomy(c.people().Definitions()...)
}

// usableTaxonomy leaves out the operator's own categories that are wrong,
// which policy reports, and keeps those whose group alone is: lists and
// profiles that use them are right.
func (c *Config) usableTaxonomy(r *report) *blocklists.Taxonomy {
	good, err := blocklists.NewTaxonomy()
	if err != nil {
		r.add("categories", "%v", err)
	}
	var own []blocklists.Definition
	for i, d := range c.people().Definitions() {
		lost := !slices.Contains(blocklists.Groups(), d.Group) // policy reports that, and looks no further
		if lost {
			d.Group = ""
		}
		t, err := blocklists.NewTaxonomy(append(slices.Clone(own), d)...)
		switch {
		case err == nil:
			own, good = append(own, d), t
		case lost:
			r.add("categories["+strconv.Itoa(i)+"].id", "%v", err)
		}
	}
	return good
}

// validateParts asks the packages that own their sections.
func (c *Config) validateParts(r *report) {
	t := c.usableTaxonomy(r)
	r.found = append(r.found, problemsOf(c.Lists.Validate(t), "lists", r.at)...)
	c.validateLegal(r)
	r.found = append(r.found, problemsOf(c.people().Validate(t), "", r.at)...)
	c.validateBirths(r, time.Now())
	r.found = append(r.found, problemsOf(c.Events.Validate(), "events", r.at)...)
	r.found = append(r.found, problemsOf(c.Notify.Validate(), "notify", r.at)...)
	r.found = append(r.found, problemsOf(c.Reports.Validate(), "reports", r.at)...)
	for i, l := range c.Listen {
		c.validateGuest(r, "listen["+strconv.Itoa(i)+"].guest", l.Guest)
	}
}

// validateBirths refuses birth dates to come, of which no policy can be made.
func (c *Config) validateBirths(r *report, now time.Time) {
	for i, h := range c.Households {
		zone, err := time.LoadLocation(h.Timezone)
		if err != nil {
			continue // refused already
		}
		for j, m := range h.Members {
			if policy.DateOf(now.In(zone)).Before(m.Born) {
				r.add(fmt.Sprintf("households[%d].members[%d].born", i, j), "%s lies in the future; write the day of birth", m.Born)
			}
		}
	}
}

// validateGuest refuses a listener's guest profile that does not exist or
// has no band of its own.
func (c *Config) validateGuest(r *report, path, guest string) {
	if _, ok := policy.ParseBand(guest); ok || guest == "" {
		return
	}
	names := make([]string, 0, len(c.Profiles)+7)
	for _, b := range policy.Bands() {
		names = append(names, b.String())
	}
	for _, p := range c.Profiles {
		if p.Name == guest && p.Band == "" {
			r.add(path, "the profile %q has no band, and clients of no household have none either; write band: in the profile", guest)
			return
		}
		names = append(names, p.Name)
	}
	r.word(path, guest, names...)
}

// validateUpstreams asks forward about the upstreams at path. What is the same for all
// upstreams is reported once, with the main ones.
func (c *Config) validateUpstreams(r *report, path string, urls []string) {
	f := c.upstreamsOf(urls)
	f.Own = c.addresses()
	for _, p := range problemsOf(f.Validate(), path, r.at) {
		own := strings.HasPrefix(p.Path, path+".upstreams[") || p.Path == path+".upstreams" && len(urls) > 0
		if own || path == "resolve" && p.Path != path+".upstreams" {
			r.found = append(r.found, p)
		}
	}
}

// upstreamsOf says how a set of upstreams is asked.
func (c *Config) upstreamsOf(urls []string) forward.Config {
	r := c.Resolve
	return forward.Config{
		Upstreams: urls, Strategy: r.Strategy, Timeout: r.Timeout, Attempts: r.Attempts,
		Bootstrap: r.Bootstrap, Servers: r.Servers, ClientSubnet: r.ClientSubnet,
	}
}

// allUpstreams lists every upstream of the configuration.
func (c *Config) allUpstreams() []string {
	all := slices.Concat(c.Resolve.Upstreams, c.Resolve.Local.Upstreams)
	for _, z := range c.Resolve.Zones {
		all = append(all, z.Upstreams...)
	}
	for _, p := range c.Profiles {
		all = append(all, p.Upstreams...)
	}
	return all
}

// addresses lists where queries are answered.
func (c *Config) addresses() []netip.AddrPort {
	var all []netip.AddrPort
	for _, l := range c.Listen {
		all = append(all, l.Addresses...)
	}
	return all
}

// includeFile appends the household of one file.
func (l *loaded) includeFile(file string) problems {
	b, err := readFile(file)
	if err != nil {
		return problems{{place: place{File: file}, Text: err.Error()}}
	}
	doc, found := parseDocument(file, b)
	if len(found) > 0 {
		return found
	}
	path := "households[" + strconv.Itoa(len(l.Config.Households)) + "]"
	l.at.at[path] = place{File: file, Line: 1, Column: 1}
	var h policy.HouseholdConfig
	tree, found, whole := checkDocument(doc, reflect.TypeOf(h), path, l.at)
	if !whole {
		return found
	}
	if err := decodeInto(&h, tree, nil); err != nil {
		found = append(found, &problem{place: place{File: file}, Text: err.Error()})
	}
	l.Config.Households = append(l.Config.Households, h)
	return found
}

// rooted makes relative paths start at the folder of the configuration file; those of the environment
// start where the program does.
func (l *loaded) rooted(environ []string) {
	if l.File == "" {
		return
	}
	folder, err := filepath.Abs(filepath.Dir(l.File))
	if err != nil {
		return
	}
	paths := []*string{&l.Config.Lists.Help.Update.Path, &l.Config.Geo.Country, &l.Config.Geo.System}
	for name, path := range map[string]*string{"STATE": &l.Config.State, "CONTROL": &l.Config.Control} {
		if !slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, envPrefix+name+"=") }) {
			paths = append(paths, path)
		}
	}
	for i := range l.Config.Lists.Sources {
		s := &l.Config.Lists.Sources[i]
		paths = append(paths, &s.Path, &s.TokenFile, &s.CertFile, &s.KeyFile, &s.CAFile, &s.Zone.TSIG.SecretFile)
	}
	for _, list := range [][]string{l.Config.Resolve.Local.Hosts, l.Config.Resolve.Local.Leases, l.Config.Presence.Leases} {
		for i := range list {
			paths = append(paths, &list[i])
		}
	}
	for i := range l.Config.Resolve.Servers {
		paths = append(paths, &l.Config.Resolve.Servers[i].CAFile)
	}
	t := &l.Config.TLS
	paths = append(paths, &t.ACME.CAFile, &t.ACME.DNS.TSIG.SecretFile, &l.Config.Telemetry.DNSTap.Unix, &l.Config.Events.SecretFile, &l.Config.Notify.Mail.PasswordFile, &l.Config.Notify.Ntfy.TokenFile, &l.Config.Console.Provider.SecretFile)
	for i := range t.Files {
		paths = append(paths, &t.Files[i].CertFile, &t.Files[i].KeyFile)
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
}
