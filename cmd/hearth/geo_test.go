package main

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// countries gives a database in which one network lies in a country.
func countries(t *testing.T, network, code string) []byte {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", Description: map[string]string{"en": "for tests"}, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, n, err := net.ParseCIDR(network)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Insert(n, mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestGeoIsValidated: a rule that no database can serve is refused where it stands; a database that cannot be read is
// worth a warning alone, for the rest of the configuration has to serve.
func TestGeoIsValidated(t *testing.T) {
	got := keysOfProblems(t, `profiles:
  - {name: kids, band: teen, addresses: [{country: AQ, action: deny}, {network: 203.0.113.0/24, action: deny}]}
households:
  - id: home
    consent: {by: x, at: 2026-01-01}
    addresses: [{system: 64500, action: deny}, {country: aq, action: allow}]
`)
	want := "2 profiles[0].addresses[0].country\n6 households[0].addresses[0].system\n6 households[0].addresses[1].country\n6 households[0].addresses[1].action"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	file := writeConfig(t, "geo: {country: none.mmdb}\n")
	l, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(file), "none.mmdb"); l.Config.Geo.Country != want {
		t.Errorf("the path is %s, want %s", l.Config.Geo.Country, want)
	}
	var said []string
	for _, p := range l.Config.warnings(l.at) {
		if p.Path == "geo.country" {
			said = append(said, p.Error())
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "config.yaml:1:") || !strings.Contains(said[0], "no such file") {
		t.Errorf("warned of %q", said)
	}
}

// TestGeoFollowsItsFile: a database that comes, changes or breaks is taken over by the reload that its change starts, and
// the last good one serves on; which answers a rule denies changes with it.
func TestGeoFollowsItsFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "country.mmdb")
	s, log, _ := testServer(t, withBand("teen")+"    addresses: [{country: AQ, action: deny}]\ngeo: {country: "+path+"}\n")
	s.compileMissing(context.Background())
	if dirs := strings.Join(s.folders(), " "); !strings.Contains(dirs, dir) {
		t.Errorf("the folder of the database is not watched: %s", dirs)
	}
	where := func() string {
		return s.atlas.Follow(s.config.Load().Config.Geo).Locate(netip.MustParseAddr("203.0.113.7")).Country.String()
	}
	good := countries(t, "203.0.113.0/24", "AQ")
	for _, step := range []struct {
		name    string
		content []byte
		want    string
		logged  string
	}{
		{"none", nil, "", ""},
		{"the first", good, "AQ", "serves"},
		{"torn", good[:len(good)/2], "AQ", "the last good one serves on"},
		{"another", countries(t, "203.0.113.0/25", "NO"), "NO", "serves"},
	} {
		log.Reset()
		if step.content != nil {
			write(t, path+".new", string(step.content))
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.reload(context.Background(), "test"); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := where(); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
		if !strings.Contains(log.String(), step.logged) {
			t.Errorf("%s: logged %q, want %q", step.name, log, step.logged)
		}
	}
}

// TestDiffTellsOfAddressRules: hearth diff names the rules that are new or gone for a person.
func TestDiffTellsOfAddressRules(t *testing.T) {
	with := func(rules string) *policy.Profile {
		t.Helper()
		l, err := load(writeConfig(t, withBand("teen")+"    addresses: ["+rules+"]\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		j, err := newJudge(&l.Config)
		if err != nil {
			t.Fatal(err)
		}
		return j.profile(person{"home", "member Kim"})
	}
	got := strings.Join(profileChanges(with("{network: 203.0.113.0/24, action: deny}"), with("{network: 198.51.100.0/24, action: deny}")), "; ")
	for _, want := range []string{"new: deny addresses in 198.51.100.0/24", "gone: deny addresses in 203.0.113.0/24"} {
		if !strings.Contains(got, want) {
			t.Errorf("the changes are %q, want %q among them", got, want)
		}
	}
}
