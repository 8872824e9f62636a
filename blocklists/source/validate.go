package source

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hearthdns/hearth/blocklists"
)

// fieldError is a mistake in one field of a Config.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.text }

// Path is the place of the field relative to the Config, such as "sources[2].format".
func (e *fieldError) Path() string { return e.path }

// validation collects the mistakes of one Validate.
type validation struct {
	taxonomy *blocklists.Taxonomy
	errs     []error
}

func (v *validation) fail(path, format string, args ...any) {
	v.errs = append(v.errs, &fieldError{path: path, text: fmt.Sprintf(format, args...)})
}

// Validate reports every mistake at once, joined; each has a method Path() string and says what to write instead.
// It reads no file and needs no network. t must not be nil.
func (c Config) Validate(t *blocklists.Taxonomy) error {
	v := &validation{taxonomy: t}
	if c.MaxBytes != 0 && (c.MaxBytes < 1<<10 || c.MaxBytes > 1<<30) {
		v.fail("max_bytes", "%d bytes is no sensible limit of a list: write 1024 to %d, default %d", c.MaxBytes, 1<<30, defaultBytes)
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > time.Hour) {
		v.fail("timeout", "%s is no sensible limit of a download: write 1s to 1h, default %s", c.Timeout, defaultTimeout)
	}
	v.guards(c.Guards)
	v.help("help", c.Help)
	var names []string
	for i, s := range c.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		if at := slices.Index(names, s.Name); at >= 0 && s.Name != "" {
			v.fail(path+".name", "the name %q is taken by sources[%d]: give every list a name of its own", s.Name, at)
		}
		names = append(names, s.Name)
		v.source(path, s, c.Popular)
	}
	v.notify(c)
	if c.Popular != "" && !slices.Contains(names, c.Popular) {
		v.fail("popular", "no source is named %q: write one of %s, or leave it empty", c.Popular, quoted(names))
	}
	return errors.Join(v.errs...)
}

func (v *validation) source(path string, s Source, popular string) {
	v.name(path+".name", s.Name)
	v.place(path, s)
	if s.Format != "" && s.Format != "auto" && !slices.Contains(Formats(), s.Format) {
		v.fail(path+".format", "unknown list format %q: write one of %s", s.Format, formatNames())
	}
	if s.Match != "" && s.Match != MatchSubdomains && s.Match != MatchExact {
		v.fail(path+".match", "unknown match %q: write %s or %s", s.Match, MatchSubdomains, MatchExact)
	}
	if s.Refresh != 0 && (s.Refresh < minRefresh || s.Refresh > maxRefresh) {
		v.fail(path+".refresh", "%s: write 1h to %dh; list servers are run by volunteers", s.Refresh, int(maxRefresh.Hours()))
	}
	v.categories(path+".categories", s.Categories)
	v.mappings(path, s)
	v.access(path, s)
	v.legal(path, s, popular)
	if len(s.Categories) == 0 && len(s.Map) == 0 && (s.Name == "" || s.Name != popular) {
		v.fail(path+".categories", "the list has no category, so it would do nothing: write the categories of its names, such as [adult.porn]")
	}
}

func (v *validation) name(path, name string) {
	switch {
	case name == "":
		v.fail(path, "the list has no name: give it one, such as \"my-list\"")
	case utf8.RuneCountInString(name) > 64:
		v.fail(path, "the name is longer than 64 characters: shorten it")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		v.fail(path, "the name %q has characters that cannot be printed: leave them out", name)
	case strings.HasPrefix(name, starterPrefix):
		v.fail(path, "names that begin with %q are those of the built-in lists: choose another", starterPrefix)
	}
}

// place checks that a source has exactly one origin.
func (v *validation) place(path string, s Source) {
	origins := 0
	for _, given := range []bool{s.URL != "", s.Path != "", s.Zone.Name != ""} {
		if given {
			origins++
		}
	}
	switch {
	case origins > 1:
		v.fail(path, "more than one of url, path and zone is given: keep the one where the list is")
	case origins == 0:
		v.fail(path, "the list has no origin: write url: https://…, path: /… or zone: {name: …, primaries: […]}")
	case s.URL != "":
		v.url(path+".url", s.URL)
	case s.isZone():
		v.zone(path, s)
	}
}

func (v *validation) url(path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		v.fail(path, "not a URL: write https://host/path")
	case u.Scheme != "https" && u.Scheme != "http":
		v.fail(path, "scheme %q cannot be fetched: write https:// or http://, or use path for a file", u.Scheme)
	case u.Hostname() == "":
		v.fail(path, "the URL has no host: write https://host/path")
	case u.User != nil:
		v.fail(path, "the URL holds a password, which would stand in logs: use a URL without, or fetch it yourself and use path")
	}
}

func (v *validation) categories(path string, ids []string) {
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch _, ok := v.taxonomy.Lookup(id); {
		case !ok:
			v.fail(at, "no category %q: did you mean %q?", id, v.nearest(id))
		case id == "ok.help.core":
			v.fail(at, "what nobody can deny is the program's own list: write ok.help for help names of yours")
		}
	}
}

// nearest is the nearest id that exists; Taxonomy.Nearest may suggest a prefix of ids.
func (v *validation) nearest(id string) string {
	near := v.taxonomy.Nearest(id)
	if _, ok := v.taxonomy.Lookup(near); ok {
		return near
	}
	for _, row := range v.taxonomy.All() {
		if strings.HasPrefix(row.ID, near+".") {
			return row.ID
		}
	}
	return near
}

func (v *validation) mappings(path string, s Source) {
	if len(s.Map) > 0 && s.Format != UT1 {
		v.fail(path+".map", "only a list of format ut1 has directories to map: write format: ut1, or use categories")
	}
	seen := make(map[string]bool)
	for i, m := range s.Map {
		at := fmt.Sprintf("%s.map[%d]", path, i)
		switch {
		case m.From == "":
			v.fail(at+".from", "no directory: write the name of one in the list, such as gambling")
		case !isDirectoryName(m.From):
			v.fail(at+".from", "%q is no directory of a UT1 list: write its bare name, such as gambling", m.From)
		case seen[m.From]:
			v.fail(at+".from", "%q is mapped twice: put all its categories into one to: [...]", m.From)
		}
		seen[m.From] = true
		if len(m.To) == 0 {
			v.fail(at+".to", "no category: write the categories of these names, such as [money.gambling]")
		}
		v.categories(at+".to", m.To)
	}
}

func quoted(names []string) string {
	if len(names) == 0 {
		return "a source's name (none is configured)"
	}
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, ", ")
}
