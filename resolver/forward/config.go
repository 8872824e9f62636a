package forward

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Defaults of Config.
const (
	DefaultTimeout  = 5 * time.Second
	DefaultAttempts = 2
)

const (
	maxAttempts  = 3 // RFC 9520 section 3.1: a question at most three times to one server
	maxUpstreams = 16
)

// The strategies, as Config.Strategy names them.
const (
	Strict  = "strict"  // in the order written, the next one when one fails
	Fastest = "fastest" // the one that answered soonest of late, with a look at the others now and then
	Race    = "race"    // the two that answered soonest of late at once
	Hedge   = "hedge"   // as strict, with a second one asked when the first takes longer than 95 % of its replies
)

// Server is what is special about one upstream.
type Server struct {
	URL string `yaml:"url"` // as among the upstreams
	// Addresses are where a server with a name is, so that nobody need be asked.
	Addresses []netip.Addr `yaml:"addresses"`
	// Pins are SHA-256 hashes of public keys (SPKI, base64, RFC 7858 section 4.2), one of which
	// must be in the chain that it shows. With pins the chain need not lead to a known authority.
	Pins   []string `yaml:"pins"`
	CAFile string   `yaml:"ca_file"` // PEM; empty: the authorities of the system
	// Validates says that its AD bit is to be believed. That takes a channel which proves who
	// speaks, so tls, https, h3 and quic alone may have it.
	Validates bool `yaml:"validates"`
}

// Config is one set of upstreams.
type Config struct {
	// Upstreams are addresses: "1.1.1.1", "1.1.1.1:5353", "udp://1.1.1.1:53",
	// "tcp://[2620:fe::fe]:53", "fe80::1%eth0"; or addresses or names with a protocol that proves
	// who answers: "tls://dns.example", "https://dns.example/dns-query" (HTTP/2, or 1.1),
	// "h3://dns.example/dns-query" (HTTP/3), "quic://9.9.9.9:853". At least one, at most 16.
	Upstreams []string `yaml:"upstreams"`
	Strategy  string   `yaml:"strategy"` // how they are chosen; "": strict
	// Bootstrap are the resolvers that find the addresses of upstreams with names: addresses, as in
	// Upstreams, over UDP or TCP. None: those of ResolvConf less our own, whatever they are at the time.
	Bootstrap []string `yaml:"bootstrap"`
	// Servers tell more of some upstreams; one that is not among Upstreams says nothing here.
	// ValidateServers checks them.
	Servers []Server `yaml:"servers"`
	// ClientSubnet is told to every upstream as where the client is (RFC 7871), the same for all; the
	// zero Prefix: nothing is. What clients themselves send is never passed on.
	ClientSubnet netip.Prefix `yaml:"client_subnet"`
	// Timeout is the budget of a whole Exchange with all its tries; 0: 5 s;
	// 100 ms to 1 min.
	Timeout time.Duration `yaml:"timeout"`
	// Attempts is how often one upstream is asked the same question; 0: 2; at most 3.
	Attempts int `yaml:"attempts"`

	Own        []netip.AddrPort `yaml:"-"` // our listeners, which are refused as upstreams
	ResolvConf string           `yaml:"-"` // where the system names its resolvers; "": /etc/resolv.conf
	Loop       *Loop            `yaml:"-"` // which makes the exchanges over UDP; nil: one for this Forwarder alone
	Log        *slog.Logger     `yaml:"-"` // nil: nothing is logged
	Name       string           `yaml:"-"` // the zone these upstreams answer for, "" for all other names; a metric label
}

// Validate returns all errors of c but those of Servers, joined; each has a Path. It sends nothing.
func (c Config) Validate() error {
	_, err := c.endpoints()
	return err
}

// faults are the errors of a configuration, each at its path.
type faults []error

func (f *faults) refuse(path, format string, args ...any) {
	*f = append(*f, fieldError{path, fmt.Sprintf(format, args...)})
}

// endpoints checks c and returns its upstreams.
func (c Config) endpoints() ([]endpoint, error) {
	var errs faults
	switch n := len(c.Upstreams); {
	case n == 0:
		errs.refuse("upstreams", "there is none; write the addresses of one or more resolvers, for example 9.9.9.9")
	case n > maxUpstreams:
		errs.refuse("upstreams", "%d are too many; write at most %d", n, maxUpstreams)
	}
	if c.Timeout != 0 && (c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute) {
		errs.refuse("timeout", "write a duration from 100ms to 1m, or 0 for %s", DefaultTimeout)
	}
	if c.Attempts < 0 || c.Attempts > maxAttempts {
		errs.refuse("attempts", "write a number from 1 to %d, or 0 for %d", maxAttempts, DefaultAttempts)
	}
	switch c.Strategy {
	case "", Strict, Fastest, Race, Hedge:
	default:
		errs.refuse("strategy", "%q is none; write %s, %s, %s or %s", c.Strategy, Strict, Fastest, Race, Hedge)
	}
	if p := c.ClientSubnet; p.IsValid() {
		if err := checkSubnet(p); err != nil {
			errs.refuse("client_subnet", "%s", err)
		}
	}
	self := newSelf(c.Own, interfaceAddrs)
	all := errs.parse("upstreams", c.Upstreams, self)
	for i, e := range errs.parse("bootstrap", c.Bootstrap, self) {
		if e.encrypted() {
			errs.refuse(fmt.Sprintf("bootstrap[%d]", i), "%s is what others are found by, so it must be easy to reach; write the address of a resolver over UDP, for example 9.9.9.9", c.Bootstrap[i])
		}
	}
	for i, e := range all {
		if e.name == "" || len(c.server(e).Addresses) > 0 {
			continue
		}
		if _, err := c.bootstrap(); err != nil {
			errs.refuse(fmt.Sprintf("upstreams[%d]", i), "%s is a name, and nobody is there to ask for its address (%s); write its addresses in resolve.servers, or resolvers in resolve.bootstrap", e.name, err)
		}
	}
	return slices.DeleteFunc(all, func(e endpoint) bool { return e == endpoint{} }), errors.Join(errs...)
}

// parse reads a list of upstreams. What is refused is the zero endpoint.
func (f *faults) parse(field string, list []string, self *self) []endpoint {
	seen := make(map[endpoint]int, len(list))
	all := make([]endpoint, len(list))
	for i, text := range list {
		path := fmt.Sprintf("%s[%d]", field, i)
		e, err := parseEndpoint(text)
		if err != nil {
			f.refuse(path, "%s", err)
			continue
		}
		if e.name == "" && self.is(e.addr) {
			f.refuse(path, "%s is this server itself, so a question would come back for ever; write another resolver", text)
		}
		if first, twice := seen[e]; twice {
			f.refuse(path, "%s is %s[%d] again; remove one", text, field, first)
		}
		seen[e], all[i] = i, e
	}
	return all
}

// bootstrap returns whom to ask for the addresses of upstreams with names.
func (c Config) bootstrap() ([]string, error) {
	if len(c.Bootstrap) > 0 {
		return c.Bootstrap, nil
	}
	var own []netip.Addr
	for _, a := range c.Own {
		if a.Port() == dnsPort {
			own = append(own, a.Addr())
		}
	}
	return systemUpstreams(cmp.Or(c.ResolvConf, "/etc/resolv.conf"), own)
}

type fieldError struct{ path, text string }

func (e fieldError) Path() string  { return e.path }
func (e fieldError) Error() string { return e.text }

// server returns what is special about an upstream.
func (c Config) server(at endpoint) Server {
	for _, s := range c.Servers {
		if e, err := parseEndpoint(s.URL); err == nil && e == at {
			return s
		}
	}
	return Server{}
}
