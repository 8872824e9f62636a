package certificate

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxName leaves room for the id of a device, with its dot, before the name.
const maxName = 253 - 64

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// private are the last labels under which no public authority vouches for anything.
var private = []string{"arpa", "internal", "invalid", "lan", "local", "localhost", "test"}

// fieldError is an error of the value at a path of the configuration.
type fieldError struct{ path, text string }

func (e fieldError) Path() string  { return e.path }
func (e fieldError) Error() string { return e.text }

// report collects what is wrong.
type report []error

func (r *report) add(path, format string, args ...any) {
	*r = append(*r, fieldError{path, fmt.Sprintf(format, args...)})
}

// Validate returns all errors of c, joined; each has a Path. It opens no file and asks nobody.
func (c Config) Validate() error {
	var r report
	if c.Name != "" && !usable(canonical(c.Name)) {
		r.add("name", "%q is not a host name of at most %d characters; write one such as dns.example.org", c.Name, maxName)
	}
	for i, a := range c.Addresses {
		if a.IsUnspecified() || a.IsMulticast() || !a.IsValid() {
			r.add("addresses["+strconv.Itoa(i)+"]", "%s is not the address of one machine; write one by which devices reach this server, such as 192.168.1.2", a)
		}
	}
	switch c.Source {
	case Local, Files:
	case ACME:
		c.ACME.validate(&r, canonical(c.Name))
	default:
		r.add("source", "%q is not known; write local, files or acme", c.Source)
	}
	c.validateFiles(&r)
	return errors.Join(r...)
}

func (c Config) validateFiles(r *report) {
	switch {
	case c.Source == Files && len(c.Files) == 0:
		r.add("files", "no certificate is named; write [{cert_file: fullchain.pem, key_file: privkey.pem}]")
	case c.Source != Files && len(c.Files) > 0:
		r.add("files", "these certificates are not used with source: %s; write source: files, or remove them", c.Source)
	}
	for i, p := range c.Files {
		path := "files[" + strconv.Itoa(i) + "]"
		if p.CertFile == "" {
			r.add(path+".cert_file", "the certificate is missing; write the file with the whole chain (PEM)")
		}
		if p.KeyFile == "" {
			r.add(path+".key_file", "the private key is missing; write the file that holds it (PEM)")
		}
	}
}

func (c ACMEConfig) validate(r *report, name string) {
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "":
		r.add("name", "an authority vouches for a name that is yours; write it, such as dns.example.org")
	case last == name || slices.Contains(private, last):
		r.add("name", "no public authority vouches for %q; write a name of a public domain that is yours, or source: local", name)
	}
	if u, err := url.Parse(c.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		r.add("acme.directory", "%q is not an https address; write %s or that of another authority", c.Directory, DefaultDirectory)
	}
	if c.Email != "" && !strings.Contains(c.Email, "@") {
		r.add("acme.email", `%q is not a mail address; write one, or "" for none`, c.Email)
	}
	if !c.Agree {
		r.add("acme.agree", "nothing is ordered before you accept the terms of the authority; read them at its web site and write agree: true")
	}
	switch c.Challenge {
	case "http":
		if !c.HTTP.IsValid() || c.HTTP.Port() == 0 {
			r.add("acme.http", "an address with a port is needed; write 0.0.0.0:80")
		}
	case "dns":
		c.DNS.validate(r, name)
	default:
		r.add("acme.challenge", "%q is not known; write http or dns", c.Challenge)
	}
}

func (c UpdateConfig) validate(r *report, name string) {
	if _, err := c.primary(); err != nil {
		r.add("acme.dns.server", "%q is not an address; write that of the zone's primary, such as 192.0.2.53 or 192.0.2.53:5353", c.Server)
	}
	if zone := canonical(c.Zone); zone != "" && name != zone && !strings.HasSuffix(name, "."+zone) {
		r.add("acme.dns.zone", `%q is not in the zone %q; write the zone that holds it, or "" to have it found`, name, zone)
	}
	if _, ok := algorithms[c.TSIG.Algorithm]; !ok {
		r.add("acme.dns.tsig.algorithm", "%q is not known; write hmac-sha256, hmac-sha384 or hmac-sha512", c.TSIG.Algorithm)
	}
	if (c.TSIG.Name == "") != (c.TSIG.SecretFile == "") {
		r.add("acme.dns.tsig", "a key has a name and a secret; write both name: and secret_file:, or neither")
	}
}

// primary gives the address of the server, with port 53 where none is written.
func (c UpdateConfig) primary() (string, error) {
	if at, err := netip.ParseAddrPort(c.Server); err == nil {
		return at.String(), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(c.Server, "[]"))
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(addr.String(), "53"), nil
}

// canonical is a name in small letters without a dot at its end.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func usable(name string) bool { return len(name) <= maxName && hostName.MatchString(name) }
