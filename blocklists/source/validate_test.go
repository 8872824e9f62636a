package source

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// places returns "path: text" of every mistake in err.
func places(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined", err)
	}
	var all []string
	for _, e := range joined.Unwrap() {
		var at interface{ Path() string }
		if !errors.As(e, &at) {
			t.Fatalf("%v has no place", e)
		}
		all = append(all, at.Path()+": "+e.Error())
	}
	return all
}

func TestValidate(t *testing.T) {
	good := Source{Name: "list", URL: "https://lists.example/a.txt", Format: Hosts, Categories: []string{"adult.porn"}}
	tests := []struct {
		why    string
		change func(c *Config, s *Source)
		want   string // "path: ... part of the message"; "" = valid
		hint   string
	}{
		{"good", func(*Config, *Source) {}, "", ""},
		{"path instead", func(_ *Config, s *Source) { s.URL, s.Path = "", "lists/a.txt" }, "", ""},
		{"popular needs no category", func(c *Config, s *Source) { s.Categories = nil; c.Popular = "list" }, "", ""},
		{"mapping instead", func(_ *Config, s *Source) {
			s.Format, s.Categories, s.Map = UT1, nil, []Mapping{{"gambling", []string{"money.gambling"}}}
		}, "", ""},
		{"no name", func(_ *Config, s *Source) { s.Name = "" }, "sources[0].name", "give it one"},
		{"control character", func(_ *Config, s *Source) { s.Name = "a\x1b[2J" }, "sources[0].name", "cannot be printed"},
		{"long name", func(_ *Config, s *Source) { s.Name = strings.Repeat("é", 65) }, "sources[0].name", "64"},
		{"name of a built-in list", func(_ *Config, s *Source) { s.Name = "starter:piracy" }, "sources[0].name", "choose another"},
		{"both origins", func(_ *Config, s *Source) { s.Path = "/a" }, "sources[0]", "more than one of url, path and zone"},
		{"no origin", func(_ *Config, s *Source) { s.URL = "" }, "sources[0]", "write url"},
		{"file URL", func(_ *Config, s *Source) { s.URL = "file:///etc/passwd" }, "sources[0].url", "use path for a file"},
		{"no host", func(_ *Config, s *Source) { s.URL = "https:///a" }, "sources[0].url", "no host"},
		{"no URL", func(_ *Config, s *Source) { s.URL = "https://a b/\x7f" }, "sources[0].url", "write https://"},
		{"password", func(_ *Config, s *Source) { s.URL = "https://me:geheim@lists.example/" }, "sources[0].url", "password"},
		{"unknown format", func(_ *Config, s *Source) { s.Format = "csv" }, "sources[0].format", "hosts, domains, wildcard, adblock, dnsmasq, unbound, rpz, ut1, v2fly"},
		{"no category of a zone", func(_ *Config, s *Source) {
			s.URL, s.Format, s.Categories = "", "", nil
			s.Zone = Zone{Name: "rpz.example", Primaries: []string{"192.0.2.1"}}
		}, "sources[0].categories", "no category"},
		{"unknown match", func(_ *Config, s *Source) { s.Match = "suffix" }, "sources[0].match", "subdomains or exact"},
		{"emergency help of one's own", func(_ *Config, s *Source) { s.Categories = []string{"ok.help.core"} }, "sources[0].categories[0]", "write ok.help"},
		{"unknown category", func(_ *Config, s *Source) { s.Categories = []string{"piracy", "adult.pron"} }, "sources[0].categories[1]", `did you mean "adult.porn"`},
		{"group instead of a category", func(_ *Config, s *Source) { s.Categories = []string{"adult"} }, "sources[0].categories[0]", "did you mean \"adult."},
		{"no category", func(_ *Config, s *Source) { s.Categories = nil }, "sources[0].categories", "[adult.porn]"},
		{"asked too often", func(_ *Config, s *Source) { s.Refresh = 59 * time.Minute }, "sources[0].refresh", "1h"},
		{"asked never", func(_ *Config, s *Source) { s.Refresh = 365 * 24 * time.Hour }, "sources[0].refresh", "2160h"},
		{"negative refresh", func(_ *Config, s *Source) { s.Refresh = -time.Hour }, "sources[0].refresh", "1h"},
		{"map elsewhere", func(_ *Config, s *Source) { s.Map = []Mapping{{"a", []string{"piracy"}}} }, "sources[0].map", "ut1"},
		{"map from nothing", func(_ *Config, s *Source) { s.Format, s.Map = UT1, []Mapping{{"", []string{"piracy"}}} }, "sources[0].map[0].from", "gambling"},
		{"map from a path", func(_ *Config, s *Source) { s.Format, s.Map = UT1, []Mapping{{"../a", []string{"piracy"}}} }, "sources[0].map[0].from", "bare name"},
		{"map twice", func(_ *Config, s *Source) {
			s.Format, s.Map = UT1, []Mapping{{"a", []string{"piracy"}}, {"a", []string{"misinfo"}}}
		}, "sources[0].map[1].from", "mapped twice"},
		{"map to nothing", func(_ *Config, s *Source) { s.Format, s.Map = UT1, []Mapping{{From: "a"}} }, "sources[0].map[0].to", "write the categories"},
		{"map to unknown", func(_ *Config, s *Source) { s.Format, s.Map = UT1, []Mapping{{"a", []string{"pirac"}}} }, "sources[0].map[0].to[0]", `"piracy"`},
		{"popular is none", func(c *Config, _ *Source) { c.Popular = "lst" }, "popular", `"list"`},
		{"tiny limit", func(c *Config, _ *Source) { c.MaxBytes = 10 }, "max_bytes", "1024"},
		{"huge limit", func(c *Config, _ *Source) { c.MaxBytes = 1 << 40 }, "max_bytes", "1024"},
		{"guards", func(c *Config, _ *Source) {
			c.Guards = Guards{Shrink: 100, Growth: 10_000, PopularTop: 1, StaleAfter: 100}
		}, "", ""},
		{"shrink", func(c *Config, _ *Source) { c.Guards.Shrink = 101 }, "guards.shrink", "write 1 to 100"},
		{"negative shrink", func(c *Config, _ *Source) { c.Guards.Shrink = -1 }, "guards.shrink", "write 1 to 100"},
		{"growth", func(c *Config, _ *Source) { c.Guards.Growth = 10_001 }, "guards.growth", "write 1 to 10000"},
		{"popular top", func(c *Config, _ *Source) { c.Guards.PopularTop = -5 }, "guards.popular_top", "write 1 to 1000000"},
		{"stale after", func(c *Config, _ *Source) { c.Guards.StaleAfter = 101 }, "guards.stale_after", "write 1 to 100"},
		{"credentials", func(_ *Config, s *Source) {
			s.TokenFile, s.CertFile, s.KeyFile, s.CAFile, s.Private = "/a", "/b", "/c", "/d", true
		}, "", ""},
		{"token over http", func(_ *Config, s *Source) { s.URL, s.TokenFile = "http://lists.example/", "/a" }, "sources[0].token_file", "https"},
		{"authority over http", func(_ *Config, s *Source) { s.URL, s.CAFile = "http://lists.example/", "/a" }, "sources[0].ca_file", "https"},
		{"token for a path", func(_ *Config, s *Source) { s.URL, s.Path, s.TokenFile = "", "/list", "/a" }, "sources[0].token_file", "leave it out"},
		{"certificate without a key", func(_ *Config, s *Source) { s.CertFile = "/a" }, "sources[0].key_file", "write the file of its private key"},
		{"key without a certificate", func(_ *Config, s *Source) { s.KeyFile = "/a" }, "sources[0].cert_file", "write the file"},
		{"private path", func(_ *Config, s *Source) { s.URL, s.Path, s.Private = "", "/list", true }, "sources[0].private", "leave it out"},
		{"attributes", func(_ *Config, s *Source) { s.Format, s.Attributes = V2fly, []string{"ads", "-cn"} }, "", ""},
		{"attributes elsewhere", func(_ *Config, s *Source) { s.Attributes = []string{"ads"} }, "sources[0].attributes", "format: v2fly"},
		{"no attribute", func(_ *Config, s *Source) { s.Format, s.Attributes = V2fly, []string{"@ads", "not cn"} }, "sources[0].attributes[1]", "-ads"},
		{"no time", func(c *Config, _ *Source) { c.Timeout = time.Millisecond }, "timeout", "1s"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			c, s := Default(), good
			tt.change(&c, &s)
			c.Sources = []Source{s}
			got := places(t, c.Validate(taxonomy(t)))
			if tt.want == "" {
				if len(got) > 0 {
					t.Errorf("mistakes %q in a valid section", got)
				}
				return
			}
			if len(got) != 1 || !strings.HasPrefix(got[0], tt.want+": ") || !strings.Contains(got[0], tt.hint) {
				t.Errorf("got %q, want one at %s with %q", got, tt.want, tt.hint)
			}
			if strings.Contains(strings.Join(got, ""), "geheim") {
				t.Error("the message shows the password")
			}
		})
	}
}

// TestValidateAll: all mistakes come at once, and a name that is taken is one.
func TestValidateAll(t *testing.T) {
	c := Config{Sources: []Source{
		{Name: "a", URL: "https://a.example/", Format: Hosts, Categories: []string{"piracy"}},
		{Name: "a", URL: "ftp://a.example/", Format: "x", Categories: []string{"y"}},
	}}
	got := strings.Join(places(t, c.Validate(taxonomy(t))), "\n")
	for _, path := range []string{"sources[1].name: ", "sources[1].url: ", "sources[1].format: ", "sources[1].categories[0]: "} {
		if !strings.Contains(got, path) {
			t.Errorf("no mistake at %s in:\n%s", path, got)
		}
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(taxonomy(t)); err != nil {
		t.Error(err)
	}
}
