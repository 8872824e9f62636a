package certificate

import (
	"net/netip"
	"strings"
	"testing"
)

// TestValidate: each mistake is told at its key, with what to write instead.
func TestValidate(t *testing.T) {
	good := func(source string) Config {
		c := Default()
		c.Name, c.Source = "dns.example.org", source
		c.ACME.Agree = true
		if source == Files {
			c.Files = []Pair{{CertFile: "chain.pem", KeyFile: "key.pem"}}
		}
		return c
	}
	byDNS := func(edit func(*UpdateConfig)) Config {
		c := good(ACME)
		c.ACME.Challenge, c.ACME.DNS.Server = "dns", "192.0.2.53"
		edit(&c.ACME.DNS)
		return c
	}
	with := func(c Config, edit func(*Config)) Config { edit(&c); return c }
	for what, c := range map[string]Config{
		"the default": Default(), "files": good(Files), "acme": good(ACME), "acme by dns": byDNS(func(*UpdateConfig) {}),
		"a port and a key": byDNS(func(u *UpdateConfig) {
			u.Server, u.Zone, u.TSIG.Name, u.TSIG.SecretFile = "[2001:db8::53]:5353", "Example.org.", "hearth", "secret"
		}),
	} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, tt := range []struct {
		path, says string
		c          Config
	}{
		{"name", "such as dns.example.org", with(good(Local), func(c *Config) { c.Name = "my house" })},
		{"name", "such as dns.example.org", with(good(Local), func(c *Config) { c.Name = strings.Repeat("long.", 40) + "example" })},
		{"addresses[0]", "192.168.1.2", with(good(Local), func(c *Config) { c.Addresses = []netip.Addr{netip.IPv4Unspecified()} })},
		{"source", "local, files or acme", good("letsencrypt")},
		{"files", "cert_file:", with(good(Files), func(c *Config) { c.Files = nil })},
		{"files", "source: files", with(good(Local), func(c *Config) { c.Files = []Pair{{"a", "b"}} })},
		{"files[0].key_file", "private key", with(good(Files), func(c *Config) { c.Files[0].KeyFile = "" })},
		{"files[0].cert_file", "whole chain", with(good(Files), func(c *Config) { c.Files[0].CertFile = "" })},
		{"name", "a name that is yours", with(good(ACME), func(c *Config) { c.Name = "" })},
		{"name", "source: local", with(good(ACME), func(c *Config) { c.Name = "hearth.home.arpa" })},
		{"name", "source: local", with(good(ACME), func(c *Config) { c.Name = "router" })},
		{"acme.agree", "agree: true", with(good(ACME), func(c *Config) { c.ACME.Agree = false })},
		{"acme.directory", DefaultDirectory, with(good(ACME), func(c *Config) { c.ACME.Directory = "http://ca.example/dir" })},
		{"acme.email", "mail address", with(good(ACME), func(c *Config) { c.ACME.Email = "anna" })},
		{"acme.challenge", "http or dns", with(good(ACME), func(c *Config) { c.ACME.Challenge = "tls" })},
		{"acme.http", "0.0.0.0:80", with(good(ACME), func(c *Config) { c.ACME.HTTP = netip.AddrPort{} })},
		{"acme.dns.server", "192.0.2.53", byDNS(func(u *UpdateConfig) { u.Server = "ns.example.org" })},
		{"acme.dns.server", "192.0.2.53", byDNS(func(u *UpdateConfig) { u.Server = "" })},
		{"acme.dns.zone", "not in the zone", byDNS(func(u *UpdateConfig) { u.Zone = "ample.org" })},
		{"acme.dns.tsig.algorithm", "hmac-sha256", byDNS(func(u *UpdateConfig) { u.TSIG.Algorithm = "hmac-md5" })},
		{"acme.dns.tsig", "secret_file:", byDNS(func(u *UpdateConfig) { u.TSIG.Name = "hearth" })},
	} {
		err := tt.c.Validate()
		joined, _ := err.(interface{ Unwrap() []error })
		if joined == nil || len(joined.Unwrap()) != 1 {
			t.Errorf("%s: errors %v, want one", tt.path, err)
			continue
		}
		placed := joined.Unwrap()[0].(interface{ Path() string })
		if placed.Path() != tt.path || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("error at %s: %v; want one at %s that says %q", placed.Path(), err, tt.path, tt.says)
		}
	}
}
