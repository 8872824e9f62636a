package source

import (
	"fmt"
	"strings"
)

// guards checks how far a new version of a list may go. 0 means the default.
func (v *validation) guards(g Guards) {
	for _, limit := range []struct {
		key   string
		value int
		most  int
		what  string
	}{
		{"shrink", g.Shrink, 100, "percent of its names that a list may lose at once"},
		{"growth", g.Growth, 10_000, "percent that a list may gain at once"},
		{"popular_top", g.PopularTop, 1_000_000, "how many of the most popular names no list may newly hit"},
		{"stale_after", g.StaleAfter, 100, "refresh times without a confirmed copy"},
	} {
		if limit.value < 0 || limit.value > limit.most {
			v.fail("guards."+limit.key, "%d is out of range: write 1 to %d, %s", limit.value, limit.most, limit.what)
		}
	}
}

// access checks what a source is asked with.
func (v *validation) access(path string, s Source) {
	v.signed(path, s)
	v.except(path, s)
	for _, file := range []struct{ key, value string }{
		{"token_file", s.TokenFile}, {"cert_file", s.CertFile}, {"key_file", s.KeyFile}, {"ca_file", s.CAFile},
	} {
		switch {
		case file.value == "":
		case s.URL == "":
			v.fail(path+"."+file.key, "only a list with a url is asked with it: leave it out; a zone has tsig")
		case !strings.HasPrefix(strings.ToLower(s.URL), "https://"):
			v.fail(path+"."+file.key, "over http anybody on the way could read or change what is sent: write an https url")
		}
	}
	switch {
	case s.CertFile != "" && s.KeyFile == "":
		v.fail(path+".key_file", "the certificate has no key: write the file of its private key")
	case s.CertFile == "" && s.KeyFile != "":
		v.fail(path+".cert_file", "the key has no certificate: write the file of the client certificate")
	}
	if s.Private && s.Path != "" {
		v.fail(path+".private", "a path has no server: leave it out")
	}
	if len(s.Attributes) > 0 && s.Format != V2fly {
		v.fail(path+".attributes", "only a list of format v2fly has attributes: leave them out, or write format: v2fly")
	}
	for i, a := range s.Attributes {
		if name := strings.TrimPrefix(strings.TrimPrefix(a, "-"), "@"); name == "" || strings.ContainsAny(name, " @") || strings.HasPrefix(name, "-") {
			v.fail(fmt.Sprintf("%s.attributes[%d]", path, i), "%q is no attribute: write its name, such as ads, or -ads for lines without it", a)
		}
	}
}
