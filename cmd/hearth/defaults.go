package main

import (
	_ "embed"
	"net/netip"
	"time"

	"github.com/hearthdns/hearth/blocklists/source"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/tickets"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/forward"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
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
		TLS:    certificate.Default(),
		Limits: listen.DefaultLimits(),
		Landing: LandingConfig{
			IPv4: loopback4(0).Addr(),
			IPv6: netip.IPv6Loopback(),
			HTTP: []netip.AddrPort{loopback4(8080), loopback6(8080)},
			TTL:  10 * time.Second,
		},
		Console: ConsoleConfig{Listen: []netip.AddrPort{loopback4(8444), loopback6(8444)}},
		Answers: AnswersConfig{Structured: StructuredConfig{Enabled: true, Legacy: true}},
		Resolve: ResolveConfig{
			Strategy: forward.Strict, Timeout: forward.DefaultTimeout, Attempts: forward.DefaultAttempts,
			Local: LocalConfig{Reverse: true},
		},
		Cache: CacheConfig{
			Size:           cache.DefaultMaxBytes,
			MaxTTL:         cache.DefaultMaxTTL,
			MaxNegativeTTL: cache.DefaultMaxNegativeTTL,
			MaxFailureTTL:  cache.DefaultMaxFailureTTL,
			Stale:          StaleConfig{For: 24 * time.Hour, After: cache.DefaultStaleAfter, TTL: cache.DefaultStaleTTL},
			Prefetch:       4,
		},
		Lists:     source.Default(),
		Presence:  PresenceConfig{Neighbours: true},
		Reports:   tickets.Default(),
		Privacy:   PrivacyConfig{AskPage: true, Activity: true},
		Notify:    notify.Default(),
		Metrics:   MetricsConfig{Listen: loopback4(9353).String()},
		Telemetry: TelemetryConfig{Traces: TracesConfig{Slow: 500 * time.Millisecond}},
	}
}

func loopback4(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}

func loopback6(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv6Loopback(), port)
}
