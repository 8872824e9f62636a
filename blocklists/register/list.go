package register

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// List is one public blocklist.
type List struct {
	Name       string        `yaml:"name"`       // proposed name of the source: a-z, 0-9 and "-"
	Title      string        `yaml:"title"`      // what people call it
	Publisher  string        `yaml:"publisher"`  // who makes it
	Family     string        `yaml:"family"`     // lists of one family come from one hand
	Includes   []string      `yaml:"includes"`   // families whose names it takes over
	URL        string        `yaml:"url"`        // https, or http where the publisher has nothing else and Note says so
	Format     string        `yaml:"format"`     // a format of blocklists/source
	Categories []string      `yaml:"categories"` // what its names are; empty with Map
	Map        []Directory   `yaml:"map"`        // format ut1: what the names of each directory are
	Licence    string        `yaml:"licence"`    // SPDX identifier, "none stated", or the publisher's own words
	Homepage   string        `yaml:"homepage"`   // where its publisher writes about it
	Names      int           `yaml:"names"`      // entries, as seen in the source; 0 = not seen
	Size       Size          `yaml:"size"`       // class of Names
	Ages       []string      `yaml:"ages"`       // age bands that it suits, youngest first; "things" for devices
	Refresh    time.Duration `yaml:"refresh"`    // how often to ask for it
	// PublicSuffixes says that its entries are public suffixes on purpose, as those of dynamic DNS are.
	PublicSuffixes bool       `yaml:"public_suffixes"`
	Note           string     `yaml:"note"` // known faults, and what to know before use; "" = none
	Sources        []Document `yaml:"-"`    // where all this was read; never empty
}

// Directory gives the names of one directory of a UT1 list their categories.
type Directory struct {
	From string   `yaml:"from"`
	To   []string `yaml:"to"`
}

// Document is something that was read.
type Document struct {
	Text string `yaml:"text" json:"text"` // repository, file and commit, or the address of a page without its scheme
	Date string `yaml:"date" json:"date"` // the document's own date: YYYY-MM-DD
}

// Size is a class of lists by their number of names.
type Size string

// The classes of size.
const (
	Tiny   Size = "tiny"   // below 1,000 names
	Small  Size = "small"  // below 10,000
	Medium Size = "medium" // below 100,000
	Large  Size = "large"  // below 1,000,000
	Huge   Size = "huge"   // more
)

// SizeOf is the class of a list of so many names.
func SizeOf(names int) Size {
	switch {
	case names < 1_000:
		return Tiny
	case names < 10_000:
		return Small
	case names < 100_000:
		return Medium
	case names < 1_000_000:
		return Large
	}
	return Huge
}

// Subjects lists the categories of its names, those of a Map too, each once.
func (l List) Subjects() []string {
	subjects := slices.Clone(l.Categories)
	for _, d := range l.Map {
		subjects = append(subjects, d.To...)
	}
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

// Behind lists the families that stand behind the list: its own, and those whose names it takes over. Two lists that
// agree are two opinions only if none stands behind both.
func (l List) Behind() []string { return append([]string{l.Family}, l.Includes...) }

// YAML is the list as an item of lists.sources, to paste into a configuration: indented by four spaces, behind a
// comment with its publisher, licence and homepage. The same list always gives the same text.
func YAML(l List) string {
	var b strings.Builder
	fmt.Fprintf(&b, "    # %s, by %s. Licence: %s. %s\n", l.Title, l.Publisher, l.Licence, l.Homepage)
	fmt.Fprintf(&b, "    - name: %s\n      url: %s\n      format: %s\n", l.Name, strconv.Quote(l.URL), l.Format)
	if len(l.Categories) > 0 {
		fmt.Fprintf(&b, "      categories: [%s]\n", strings.Join(l.Categories, ", "))
	}
	if len(l.Map) > 0 {
		b.WriteString("      map:\n")
	}
	for _, d := range l.Map {
		fmt.Fprintf(&b, "        - {from: %s, to: [%s]}\n", d.From, strings.Join(d.To, ", "))
	}
	if l.PublicSuffixes {
		b.WriteString("      public_suffixes: true\n")
	}
	fmt.Fprintf(&b, "      refresh: %dh\n", int(l.Refresh.Hours()))
	return b.String()
}

var (
	listName  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	oneLine   = regexp.MustCompile(`^\S[^\n]*$`)
	directory = regexp.MustCompile(`^[a-z0-9_+-]+$`)
	formats   = []string{"hosts", "domains", "wildcard", "adblock", "dnsmasq", "rpz", "ut1", "unbound", "v2fly"}
	bands     = []string{"little", "child", "preteen", "teen", "young", "adult", "things"}
	sizes     = []Size{Tiny, Small, Medium, Large, Huge}
)

// check reports what is wrong with a row.
func (l List) check() error {
	for _, field := range []struct{ key, text string }{
		{"title", l.Title}, {"publisher", l.Publisher}, {"family", l.Family}, {"licence", l.Licence},
	} {
		if !oneLine.MatchString(field.text) {
			return fmt.Errorf("%s %q: write it on one line", field.key, field.text)
		}
	}
	switch {
	case !listName.MatchString(l.Name):
		return fmt.Errorf(`name %q: write words of a-z and 0-9 joined by "-"`, l.Name)
	case !slices.Contains(formats, l.Format):
		return fmt.Errorf("format %q: write one of %s", l.Format, strings.Join(formats, ", "))
	case l.Refresh < time.Hour || l.Refresh%time.Hour != 0:
		return fmt.Errorf("refresh %s: write whole hours, at least 1h", l.Refresh)
	case len(l.Sources) == 0:
		return fmt.Errorf("no sources: name the documents in which it was read")
	}
	return firstError(l.checkPlaces, l.checkSubjects, l.checkSize, l.checkAges)
}

func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (l List) checkPlaces() error {
	for _, place := range []string{l.URL, l.Homepage} {
		u, err := url.Parse(place)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
			return fmt.Errorf("%q is no address of a list or a page: write https://host/path", place)
		}
		if u.Scheme == "http" && !strings.Contains(l.Note, "http") {
			return fmt.Errorf("%q can be changed on its way: write https, or say in the note that there is only http", place)
		}
	}
	return nil
}

func (l List) checkSubjects() error {
	if (len(l.Categories) > 0) == (len(l.Map) > 0) {
		return fmt.Errorf("write either categories, or a map of directories")
	}
	if (l.Format == "ut1") != (len(l.Map) > 0) {
		return fmt.Errorf("a map belongs to the format ut1, and to it alone")
	}
	for _, d := range l.Map {
		if !directory.MatchString(d.From) || len(d.To) == 0 {
			return fmt.Errorf("directory %q to %v: write a bare name and at least one category", d.From, d.To)
		}
	}
	return nil
}

func (l List) checkSize() error {
	if !slices.Contains(sizes, l.Size) || l.Names < 0 {
		return fmt.Errorf("size %q: write one of %v", l.Size, sizes)
	}
	if l.Names > 0 && SizeOf(l.Names) != l.Size {
		return fmt.Errorf("size %s: %d names are %s", l.Size, l.Names, SizeOf(l.Names))
	}
	return nil
}

// checkAges holds that the bands are there, known, and in their order.
func (l List) checkAges() error {
	if len(l.Ages) == 0 {
		return fmt.Errorf("no ages: write the bands that it suits, some of %s", strings.Join(bands, ", "))
	}
	last := -1
	for _, band := range l.Ages {
		at := slices.Index(bands, band)
		if at <= last {
			return fmt.Errorf("ages %v: write some of %s, in this order", l.Ages, strings.Join(bands, ", "))
		}
		last = at
	}
	return nil
}
