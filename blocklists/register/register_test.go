package register_test

import (
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/blocklists/register"
	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
)

func open(t *testing.T) *register.Register {
	t.Helper()
	r, err := register.Open()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func taxonomy(t *testing.T) *blocklists.Taxonomy {
	t.Helper()
	tax, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	return tax
}

// TestCatalogueIsLargeEnough holds the number that the issue asks for.
func TestCatalogueIsLargeEnough(t *testing.T) {
	if n := len(open(t).Lists()); n < 60 {
		t.Errorf("%d lists, want at least 60", n)
	}
}

func TestListsFitTheProject(t *testing.T) {
	tax := taxonomy(t)
	for _, l := range open(t).Lists() {
		for _, id := range l.Subjects() {
			if _, ok := tax.Lookup(id); !ok {
				t.Errorf("%s: no category %q", l.Name, id)
			}
			// An allow of a service lifts its category, so what is listed for the one has to be of the other.
			if c, _ := tax.Lookup(id); tax.Definition(c).Service && !slices.Contains(l.Subjects(), tax.Definition(c).Parent) {
				t.Errorf("%s is of %s and not of %s", l.Name, id, tax.Definition(c).Parent)
			}
			if strings.HasPrefix(id, "illegal.") || strings.HasPrefix(id, "ok.") || strings.HasPrefix(id, "meta.") {
				t.Errorf("%s: a public list cannot be %s", l.Name, id)
			}
		}
		if !slices.Contains(source.Formats(), source.Format(l.Format)) {
			t.Errorf("%s: format %s is none of %v", l.Name, l.Format, source.Formats())
		}
		for _, d := range l.Sources {
			at, err := time.Parse(time.DateOnly, d.Date)
			if err != nil || at.Year() < 2000 {
				t.Errorf("%s: %q is no date of %s", l.Name, d.Date, d.Text)
			}
			// A wrong year is found; passing time can only make the test greener.
			if at.After(time.Now()) && time.Now().Year() > 2025 {
				t.Errorf("%s: %s lies in the future", l.Name, d.Date)
			}
		}
	}
}

// TestNoListTwice finds rows that differ in their name alone.
func TestNoListTwice(t *testing.T) {
	urls, titles := map[string]string{}, map[string]string{}
	for _, l := range open(t).Lists() {
		if other := urls[l.URL]; other != "" {
			t.Errorf("%s and %s are the same list", l.Name, other)
		}
		if other := titles[l.Title]; other != "" {
			t.Errorf("%s and %s have the same title", l.Name, other)
		}
		urls[l.URL], titles[l.Title] = l.Name, l.Name
	}
}

// TestFamiliesAreJoined holds what makes two lists one opinion: a family that is named exists, and a host or an
// account on a code forge is one publisher's.
func TestFamiliesAreJoined(t *testing.T) {
	lists := open(t).Lists()
	families, accounts := map[string]bool{}, map[string]string{}
	for _, l := range lists {
		families[l.Family] = true
		u, err := url.Parse(l.URL)
		if err != nil {
			t.Fatal(err)
		}
		account := u.Host
		if u.Host == "raw.githubusercontent.com" {
			account += "/" + strings.Split(u.Path, "/")[1]
		}
		if other := accounts[account]; other != "" && other != l.Family {
			t.Errorf("%s: %s gives lists of %s and of %s", l.Name, account, l.Family, other)
		}
		accounts[account] = l.Family
	}
	for _, l := range lists {
		for _, family := range l.Includes {
			if !families[family] || family == l.Family {
				t.Errorf("%s includes %q, which is no other family of the catalogue", l.Name, family)
			}
		}
	}
}

// independent reports whether two lists that agree are two opinions.
func independent(a, b register.List) bool {
	return !slices.ContainsFunc(a.Behind(), func(family string) bool { return slices.Contains(b.Behind(), family) })
}

func TestBehind(t *testing.T) {
	r := open(t)
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"hagezi-light", "hagezi-pro", false},
		{"stevenblack-porn", "sinfonietta-porn", false},
		{"sinfonietta-porn", "stevenblack-porn", false},
		{"stevenblack-gambling", "hagezi-gambling", false}, // both take Sinfonietta's names over
		{"sinfonietta-porn", "oisd-nsfw", true},
	} {
		a, _ := r.List(tc.a)
		b, _ := r.List(tc.b)
		if got := independent(a, b); got != tc.want {
			t.Errorf("%s and %s independent: %v, want %v", tc.a, tc.b, got, tc.want)
		}
	}
}

// TestAgesFollowTheBands holds that a list suits a band only if the band's preset does something with one of its
// subjects, or leaves it to the person; a band that lets only listed names through needs no list.
func TestAgesFollowTheBands(t *testing.T) {
	tax := taxonomy(t)
	for _, band := range policy.Bands() {
		p, err := policy.LoadPreset(band)
		if err != nil {
			t.Fatal(err)
		}
		used := slices.Concat(p.Block, p.Warn, p.Timed, p.Optional)
		for _, l := range open(t).Lists() {
			if !slices.Contains(l.Ages, band.String()) || p.Filter == "allow-list" {
				continue
			}
			if !slices.ContainsFunc(l.Subjects(), func(id string) bool {
				c, _ := tax.Lookup(id)
				return slices.Contains(used, id) || slices.Contains(used, tax.Definition(c).Parent)
			}) && !slices.Equal(l.Subjects(), []string{"ads.trackers"}) {
				t.Errorf("%s suits %s, whose preset does nothing with %v", l.Name, band, l.Subjects())
			}
		}
	}
}

// TestYAMLIsConfiguration holds that what is printed can be pasted: it loads as a list of sources that the check of
// the configuration accepts, and it is the same list.
func TestYAMLIsConfiguration(t *testing.T) {
	for _, l := range open(t).Lists() {
		text := register.YAML(l)
		var config struct {
			Sources []source.Source `yaml:"sources"`
		}
		if err := yaml.UnmarshalWithOptions([]byte("sources:\n"+text), &config, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v\n%s", l.Name, err, text)
		}
		if err := (source.Config{Sources: config.Sources}).Validate(taxonomy(t)); err != nil || len(config.Sources) != 1 {
			t.Fatalf("%s: %v\n%s", l.Name, err, text)
		}
		got := config.Sources[0]
		if got.Name != l.Name || got.URL != l.URL || string(got.Format) != l.Format || got.Refresh != l.Refresh ||
			got.PublicSuffixes != l.PublicSuffixes || !slices.Equal(got.Categories, l.Categories) || len(got.Map) != len(l.Map) {
			t.Errorf("%s: pasted, it is %+v", l.Name, got)
		}
		for i, m := range got.Map {
			if m.From != l.Map[i].From || !slices.Equal(m.To, l.Map[i].To) {
				t.Errorf("%s: directory %+v, want %+v", l.Name, m, l.Map[i])
			}
		}
		if !strings.Contains(text, "Licence: "+l.Licence) || text != register.YAML(l) {
			t.Errorf("%s: no licence, or another text the second time:\n%s", l.Name, text)
		}
	}
}

// TestNoListDataIsEmbedded holds that the package is facts about lists: nothing in it is large, and nothing has a
// form in which lists are published.
func TestNoListDataIsEmbedded(t *testing.T) {
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".yaml") {
			t.Errorf("%s: only code and the tables belong here", name)
		}
		text, err := os.ReadFile(name)
		if len(text) > 128<<10 {
			t.Errorf("%s has %d bytes: is there a list in it?", name, len(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
