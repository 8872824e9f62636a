package main

import (
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/events"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
)

// configVersion is the version of the configuration format that this program
// reads. A file of a newer one is refused: guessing at a policy is worse than
// keeping the last one.
const configVersion = 1

// Config is the parsed configuration file, key for key. It is not what runs:
// compose.go makes the live values of each package from it.
type Config struct {
	Version int    `yaml:"version"`
	Name    string `yaml:"name"`
	State   string `yaml:"state"`
	Control string `yaml:"control"`

	Log     LogConfig          `yaml:"log"`
	Listen  []ListenConfig     `yaml:"listen"`
	TLS     certificate.Config `yaml:"tls"`
	Limits  listen.Limits      `yaml:"limits"`
	Landing LandingConfig      `yaml:"landing"`
	Console ConsoleConfig      `yaml:"console"`
	Answers AnswersConfig      `yaml:"answers"`
	Resolve ResolveConfig      `yaml:"resolve"`
	Cache   CacheConfig        `yaml:"cache"`
	Geo     GeoConfig          `yaml:"geo"`

	Lists         source.Config            `yaml:"lists"`
	Categories    []policy.CategoryConfig  `yaml:"categories"`
	Profiles      []policy.ProfileConfig   `yaml:"profiles"`
	Households    []policy.HouseholdConfig `yaml:"households"`
	HouseholdsDir string                   `yaml:"households_dir"`
	Presence      PresenceConfig           `yaml:"presence"`

	Privacy   PrivacyConfig    `yaml:"privacy"`
	Events    events.Receivers `yaml:"events"`
	Notify    notify.Settings  `yaml:"notify"`
	Reports   tickets.Settings `yaml:"reports"`
	Metrics   MetricsConfig    `yaml:"metrics"`
	Telemetry TelemetryConfig  `yaml:"telemetry"`
}

// people is the part of the configuration that policy owns.
func (c *Config) people() policy.Config {
	return policy.Config{Profiles: c.Profiles, Households: c.Households, Categories: c.Categories}
}

// LogConfig says what the program reports about itself. Queries are never
// logged.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}

// ListenConfig is one listener: a set of addresses with one protocol and one
// rule of who may ask there.
type ListenConfig struct {
	Addresses []netip.AddrPort `yaml:"addresses"`
	Protocol  string           `yaml:"protocol"` // dns (UDP and TCP), udp, tcp, tls, quic or https; "" is dns
	Path      string           `yaml:"path"`     // of https; "" is /dns-query
	Proxies   []netip.Prefix   `yaml:"proxies"`  // whose PROXY header and X-Forwarded-For are believed
	Allow     []netip.Prefix   `yaml:"allow"`
	Guest     string           `yaml:"guest"`
}

// LandingConfig is where blocked names lead.
type LandingConfig struct {
	IPv4 netip.Addr       `yaml:"ipv4"`
	IPv6 netip.Addr       `yaml:"ipv6"`
	HTTP []netip.AddrPort `yaml:"http"`
	TTL  time.Duration    `yaml:"ttl"` // whole seconds, at most five minutes
}

// AnswersConfig is what answers tell beside their records.
type AnswersConfig struct {
	Structured StructuredConfig `yaml:"structured"`
	InfoURL    string           `yaml:"info_url"` // https:// page about this resolver, for RESINFO; "" is none
}

// StructuredConfig is the structured reason that clients which understand it get
// instead of the landing address (draft-ietf-dnsop-structured-dns-error).
type StructuredConfig struct {
	Enabled      bool     `yaml:"enabled"`
	Option       uint16   `yaml:"option"` // EDNS option by which clients ask; 0: none
	Legacy       bool     `yaml:"legacy"` // clients may ask by an empty EDE of code 0, as older drafts say
	Contact      []string `yaml:"contact"`
	Organization string   `yaml:"organization"`
}

// ResolveConfig is how allowed names are resolved.
type ResolveConfig struct {
	Upstreams    []string         `yaml:"upstreams"` // none: those of /etc/resolv.conf less our own
	Strategy     string           `yaml:"strategy"`  // strict, fastest, race or hedge
	Timeout      time.Duration    `yaml:"timeout"`   // of one question with all its tries
	Attempts     int              `yaml:"attempts"`  // how often one upstream is asked the same question
	Bootstrap    []string         `yaml:"bootstrap"` // resolvers that find the addresses of named upstreams
	Servers      []forward.Server `yaml:"servers"`   // what is special about single upstreams
	ClientSubnet netip.Prefix     `yaml:"client_subnet"`
	DNS64        DNS64Config      `yaml:"dns64"`
	Zones        []ZoneConfig     `yaml:"zones"`
	Local        LocalConfig      `yaml:"local"`
}

// DNS64Config makes IPv6 addresses for names that have none (RFC 6147).
type DNS64Config struct {
	Prefix netip.Prefix `yaml:"prefix"` // the zero Prefix: off
}

// ZoneConfig sends one zone and all beneath it to its own upstreams.
type ZoneConfig struct {
	Zone      string   `yaml:"zone"`
	Upstreams []string `yaml:"upstreams"`
}

// LocalConfig is where the names of the home's own machines come from: the router,
// asked for its zones, with private addresses in the answers; hosts files; and the
// lease files of a DHCP server.
type LocalConfig struct {
	Zones     []string `yaml:"zones"`
	Upstreams []string `yaml:"upstreams"`
	Reverse   bool     `yaml:"reverse"` // ask the upstreams for the names of private addresses too
	Hosts     []string `yaml:"hosts"`
	Leases    []string `yaml:"leases"`
}

// CacheConfig bounds the cache of answers.
type CacheConfig struct {
	Size           byteSize      `yaml:"size"`
	MinTTL         time.Duration `yaml:"min_ttl"`
	MaxTTL         time.Duration `yaml:"max_ttl"`
	MaxNegativeTTL time.Duration `yaml:"max_negative_ttl"`
	MaxFailureTTL  time.Duration `yaml:"max_failure_ttl"`
	Stale          StaleConfig   `yaml:"stale"`
	Prefetch       int           `yaml:"prefetch"` // look-ups in a lifetime that make a name popular; 0: off
	Snapshot       bool          `yaml:"snapshot"` // keep answers on disk for the next start
}

// StaleConfig serves answers that have run out while no upstream answers (RFC 8767).
type StaleConfig struct {
	For   time.Duration `yaml:"for"`   // after they ran out; 0: never
	After time.Duration `yaml:"after"` // how long a client waits for a fresh one first
	TTL   time.Duration `yaml:"ttl"`   // that they are given
}

// TelemetryConfig is what leaves this machine about queries, all of it off by default.
type TelemetryConfig struct {
	DNSTap DNSTapConfig `yaml:"dnstap"`
	Traces TracesConfig `yaml:"traces"`
}

// DNSTapConfig sends messages to a dnstap receiver as frame streams.
type DNSTapConfig struct {
	Unix string         `yaml:"unix"` // path of the receiver's socket
	TCP  netip.AddrPort `yaml:"tcp"`
}

// TracesConfig sends OpenTelemetry traces of slow resolutions.
type TracesConfig struct {
	Endpoint string        `yaml:"endpoint"` // URL of an OTLP/HTTP collector; "" is off
	Slow     time.Duration `yaml:"slow"`
}

// PrivacyConfig is what may be remembered of what people asked.
type PrivacyConfig struct {
	AskPage  bool `yaml:"ask_page"`
	Activity bool `yaml:"activity"`
}

// MetricsConfig is the operator's HTTP listener: /metrics, /healthz, /readyz.
type MetricsConfig struct {
	Listen string `yaml:"listen"` // address:port, "" turns it off
}
