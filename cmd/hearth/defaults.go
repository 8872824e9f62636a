package main

import (
	_ "embed"
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/forward"
)

// exampleFile is the household that serves when no file is given, so that
// the first start does its job. config.example.yaml holds the same one.
//
//go:embed example.yaml
var exampleFile []byte

// exampleName is how messages call the built-in household's file.
const exampleName = "(built-in example)"

// Default gives the configuration before any file is read: everything but
// households.
func Default() Config {
	return Config{
		Version: configVersion,
		Name:    "hearth.home.arpa",
		Log:     LogConfig{Level: "info", Format: "text"},
		Listen: []ListenConfig{{
			Addresses: []netip.AddrPort{loopback4(5300), loopback6(5300)},
			Protocol:  "dns",
		}},
		Landing: LandingConfig{
			IPv4: loopback4(0).Addr(),
			IPv6: netip.IPv6Loopback(),
			HTTP: []netip.AddrPort{loopback4(8080), loopback6(8080)},
			TTL:  10 * time.Second,
		},
		Resolve: ResolveConfig{Timeout: forward.DefaultTimeout, Attempts: forward.DefaultAttempts},
		Cache: CacheConfig{
			Size:           cache.DefaultMaxBytes,
			MaxTTL:         cache.DefaultMaxTTL,
			MaxNegativeTTL: cache.DefaultMaxNegativeTTL,
		},
		Lists:   source.Default(),
		Privacy: PrivacyConfig{AskPage: true},
		Metrics: MetricsConfig{Listen: loopback4(9353).String()},
	}
}

func loopback4(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

func loopback6(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Loopback(), port)
}
