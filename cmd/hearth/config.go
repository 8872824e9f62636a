package main

import (
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy"
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

	Log     LogConfig      `yaml:"log"`
	Listen  []ListenConfig `yaml:"listen"`
	Landing LandingConfig  `yaml:"landing"`
	Resolve ResolveConfig  `yaml:"resolve"`
	Cache   CacheConfig    `yaml:"cache"`

	Lists         source.Config            `yaml:"lists"`
	Categories    []policy.CategoryConfig  `yaml:"categories"`
	Profiles      []policy.ProfileConfig   `yaml:"profiles"`
	Households    []policy.HouseholdConfig `yaml:"households"`
	HouseholdsDir string                   `yaml:"households_dir"`

	Privacy PrivacyConfig `yaml:"privacy"`
	Metrics MetricsConfig `yaml:"metrics"`
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
	Protocol  string           `yaml:"protocol"` // dns (UDP and TCP), udp or tcp; "" is dns
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

// ResolveConfig is how allowed names are resolved.
type ResolveConfig struct {
	Upstreams []string      `yaml:"upstreams"` // none: those of /etc/resolv.conf less our own
	Timeout   time.Duration `yaml:"timeout"`   // of one question with all its tries
	Attempts  int           `yaml:"attempts"`  // how often one upstream is asked the same question
	Zones     []ZoneConfig  `yaml:"zones"`
	Local     LocalConfig   `yaml:"local"`
}

// ZoneConfig sends one zone and all beneath it to its own upstreams.
type ZoneConfig struct {
	Zone      string   `yaml:"zone"`
	Upstreams []string `yaml:"upstreams"`
}

// LocalConfig is the router's: its zones, asked from it, with private
// addresses in the answers.
type LocalConfig struct {
	Zones     []string `yaml:"zones"`
	Upstreams []string `yaml:"upstreams"`
}

// CacheConfig bounds the cache of answers.
type CacheConfig struct {
	Size           byteSize      `yaml:"size"`
	MaxTTL         time.Duration `yaml:"max_ttl"`
	MaxNegativeTTL time.Duration `yaml:"max_negative_ttl"`
}

// PrivacyConfig is what may be remembered of what people asked.
type PrivacyConfig struct {
	AskPage bool `yaml:"ask_page"`
}

// MetricsConfig is the operator's HTTP listener: /metrics, /healthz, /readyz.
type MetricsConfig struct {
	Listen string `yaml:"listen"` // address:port, "" turns it off
}
