package main

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/portal/console"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
)

// ProviderConfig is where people of an Internet provider sign in (account.Provider).
type ProviderConfig struct {
	Issuer     string               `yaml:"issuer"` // "": there is none
	ClientID   string               `yaml:"client_id"`
	SecretFile string               `yaml:"secret_file"`
	Scopes     []string             `yaml:"scopes"`
	Household  string               `yaml:"household"`
	Role       string               `yaml:"role"`
	Roles      []ProviderRoleConfig `yaml:"roles"`
}

// ProviderRoleConfig says what a text of the claim of roles makes of somebody.
type ProviderRoleConfig struct {
	Claim string `yaml:"claim"`
	Role  string `yaml:"role"`
}

// consoleName is the name of the console: its own, or that of the encrypted listeners.
func (c *Config) consoleName() string {
	return strings.ToLower(strings.TrimSuffix(cmp.Or(c.Console.Name, c.serverName()), "."))
}

// origins are where browsers find the console by its name, the usual port first; none where nothing listens.
func (c *Config) origins() (all []string) {
	for _, port := range c.consolePorts() {
		if at := originOf(c.consoleName(), port); !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	return all
}

// consolePorts are the ports of the console, that of HTTPS first.
func (c *Config) consolePorts() (all []uint16) {
	for _, at := range c.Console.Listen {
		all = append(all, at.Port())
	}
	slices.SortStableFunc(all, func(a, b uint16) int { return cmp.Compare(usual(a), usual(b)) })
	return all
}

func usual(port uint16) int {
	if port == 443 {
		return 0
	}
	return 1
}

// originOf writes a host and a port as browsers do.
func originOf(host string, port uint16) string {
	at := url.URL{Scheme: "https", Host: host}
	if port != 443 {
		at.Host = net.JoinHostPort(host, strconv.Itoa(int(port)))
	} else if strings.Contains(host, ":") {
		at.Host = "[" + host + "]"
	}
	return at.String()
}

// consoleOrigin is where parents reach the console, "" where nothing listens.
func (c *Config) consoleOrigin() string {
	if all := c.origins(); len(all) > 0 {
		return all[0]
	}
	return ""
}

// consoleOfPages is where the pages lead parents to the console: "" where it listens on this machine alone, unless the pages
// do so too.
func (c *Config) consoleOfPages() string {
	alone := func(at []netip.AddrPort) bool {
		return !slices.ContainsFunc(at, func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() })
	}
	if alone(c.Console.Listen) && !alone(c.Landing.HTTP) {
		return ""
	}
	return c.consoleOrigin()
}

// consoleAddresses are the origins by which it is opened before anything asks Hearth for a name: an address that others reach
// too, if there is one, and the name. None where nothing listens. own are the addresses of this machine.
func (c *Config) consoleAddresses(own []netip.Addr) (all []string, others bool) {
	if len(c.Console.Listen) == 0 {
		return nil, false
	}
	at, _ := reachable(c.Console.Listen)
	for _, to := range c.spread(c.Console.Listen, own) {
		if !to.Addr().IsLoopback() {
			at, others = to, true
			break
		}
	}
	return []string{originOf(at.Addr().String(), at.Port()), c.consoleOrigin()}, others
}

// spread writes out at which addresses listeners are found: for one on all addresses those of this machine, or the one in
// the home that landing names where it is among them, since a machine may have others for itself.
func (c *Config) spread(listen []netip.AddrPort, own []netip.Addr) (all []netip.AddrPort) {
	for _, at := range listen {
		if !at.Addr().IsUnspecified() {
			all = append(all, at)
			continue
		}
		home := c.Landing.IPv6
		if at.Addr().Is4() {
			home = c.Landing.IPv4
		}
		for _, a := range own {
			if a.Is4() != at.Addr().Is4() || a.IsLoopback() || a.IsLinkLocalUnicast() || slices.Contains(own, home) && !home.IsLoopback() && a != home {
				continue
			}
			all = append(all, netip.AddrPortFrom(a, at.Port()))
		}
	}
	return all
}

// validateConsolePlace judges the name of the console and its provider.
func (c *Config) validateConsolePlace(r *report) {
	r.networks("console.allow", c.Console.Allow)
	c.validateConsolePorts(r)
	if c.Console.Name != "" {
		c.validateConsoleName(r)
	}
	p := c.Console.Provider
	if p.Issuer == "" {
		if p.ClientID+p.SecretFile+p.Household+p.Role != "" || len(p.Scopes)+len(p.Roles) > 0 {
			r.add("console.provider.issuer", "the provider has settings and no address; write issuer: https://login.provider.example, or leave console.provider out")
		}
		return
	}
	if len(c.Console.Listen) == 0 {
		r.add("console.listen", "people come back from the provider to the console, and nothing listens; write listen: with an address, such as [\"0.0.0.0:8444\"]")
	}
	for i, role := range p.Roles {
		r.word(fmt.Sprintf("console.provider.roles[%d].role", i), role.Role, string(account.Parent), string(account.Child), string(account.Operator))
	}
	for _, problem := range joined(c.provider("secret").Validate()) {
		key, text, _ := strings.Cut(problem.Error(), ": ")
		if key == "redirect" { // it is made of the console's own name
			continue
		}
		r.add("console.provider."+key, "%s", text)
	}
}

// joined takes errors apart.
func joined(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // it was joined, not wrapped
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// validateConsolePorts refuses an address that another listener has.
func (c *Config) validateConsolePorts(r *report) {
	taken := map[string][]netip.AddrPort{"landing.http": c.Landing.HTTP}
	if at, err := netip.ParseAddrPort(c.Metrics.Listen); err == nil {
		taken["metrics.listen"] = []netip.AddrPort{at}
	}
	for i, l := range c.Listen {
		if slices.Contains(l.ports(), "tcp") {
			taken["listen["+strconv.Itoa(i)+"]"] = l.Addresses
		}
	}
	for i, at := range c.Console.Listen {
		for _, key := range slices.Sorted(maps.Keys(taken)) {
			if at.Port() != 0 && slices.ContainsFunc(taken[key], func(o netip.AddrPort) bool { return clash(at, o) }) {
				r.add("console.listen["+strconv.Itoa(i)+"]", "%s is already used by %s; write another port, or console: {listen: []}", at, key)
			}
		}
	}
}

// clash says whether two listeners cannot be open at once.
func clash(a, b netip.AddrPort) bool {
	x, y := a.Addr().Unmap(), b.Addr().Unmap()
	return a.Port() == b.Port() && x.Is4() == y.Is4() && (x == y || x.IsUnspecified() || y.IsUnspecified())
}

// validateConsoleName refuses a name that the certificate will not have.
func (c *Config) validateConsoleName(r *report) {
	name, server := c.consoleName(), c.serverName()
	label, beneath := strings.CutSuffix(name, "."+server)
	beneath = beneath && label != "" && !strings.Contains(label, ".")
	only := c.TLS.Source == certificate.ACME && c.TLS.ACME.Challenge == "http"
	switch {
	case name == server || c.TLS.Source == certificate.Files:
	case only:
		r.add("console.name", "the certificate of tls.acme has the name %s alone; leave console.name out, or write challenge: dns", server)
	case !beneath:
		r.add("console.name", "%q is not in the certificate; write %s, or one label before it such as console.%s", name, server, server)
	}
}

// provider is where people sign in elsewhere; nil: nowhere.
func (c *Config) provider(secret string) *account.Provider {
	p := c.Console.Provider
	if p.Issuer == "" {
		return nil
	}
	roles := make(map[string]account.Role, len(p.Roles))
	for _, role := range p.Roles {
		roles[role.Claim] = account.Role(role.Role)
	}
	return &account.Provider{
		Issuer: p.Issuer, ClientID: p.ClientID, Secret: secret, Redirect: c.consoleOrigin() + console.ReturnPath,
		Scopes: p.Scopes, Household: p.Household, Role: p.Role, Roles: roles,
	}
}

// openProvider is the same with its secret.
func (c *Config) openProvider() (*account.Provider, error) {
	file := c.Console.Provider.SecretFile
	if file == "" {
		return c.provider(""), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading console.provider.secret_file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return nil, fmt.Errorf("console.provider.secret_file: %s must have one line: write the secret alone into it", file)
	}
	return c.provider(secret), nil
}

// homely says whether an address is one that only a home has: loopback, link-local or private (RFC 1918, RFC 4193). It is
// the rule of the listeners for queries.
func homely(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsPrivate() }
