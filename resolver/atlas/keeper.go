package atlas

import (
	"log/slog"
	"net/netip"
	"sync/atomic"

	"github.com/hearthdns/hearth/policy"
	"github.com/prometheus/client_golang/prometheus"
)

// Keeper keeps databases in step with their files. Follow must not be called from two goroutines at once.
type Keeper struct {
	log             *slog.Logger
	country, system kept
	current         *Atlas
	failed          atomic.Uint64
}

// kept is one database and how it stands with its file.
type kept struct {
	kind    kind
	seen    stamp                    // of what was read last, good or not
	good    atomic.Pointer[database] // the last good one; nil: none
	refused atomic.Bool              // what was read last is not good
}

// NewKeeper makes a Keeper without a database.
func NewKeeper(log *slog.Logger) *Keeper {
	k := &Keeper{log: log}
	k.country.kind, k.system.kind = countries, systems
	k.current = &Atlas{failed: &k.failed, edition: 1}
	return k
}

// Follow reads what has changed and gives the Atlas of the files as they are now: the same one as before if none has. A
// file that cannot be read is logged once, and the last good database of its kind serves on.
func (k *Keeper) Follow(c Config) *Atlas {
	k.follow(&k.country, c.Country)
	k.follow(&k.system, c.System)
	country, system := k.country.good.Load(), k.system.good.Load()
	if was := k.current; was.country != country || was.system != system {
		k.current = &Atlas{country, system, &k.failed, was.edition + 1}
	}
	return k.current
}

// Locate says where an address lies by the databases that serve. It may be called while Follow runs.
func (k *Keeper) Locate(addr netip.Addr) policy.Whereabouts {
	return (&Atlas{country: k.country.good.Load(), system: k.system.good.Load(), failed: &k.failed}).Locate(addr)
}

func (k *Keeper) follow(one *kept, path string) {
	d, s, err := read(one.kind, path, one.seen)
	if s == one.seen {
		return
	}
	one.seen = s
	one.refused.Store(err != nil)
	switch {
	case err != nil && one.good.Load() != nil:
		k.log.Error("a database of addresses is refused, the last good one serves on", "database", string(one.kind), "error", err)
	case err != nil:
		k.log.Error("a database of addresses is refused: rules that need it deny nothing", "database", string(one.kind), "error", err)
	default:
		one.good.Store(d)
	}
	if d != nil {
		k.log.Info("a database of addresses serves", "database", string(one.kind), "type", d.reader.Metadata.DatabaseType, "built", d.reader.Metadata.BuildTime())
	}
}

var (
	builtDesc   = prometheus.NewDesc("hearth_geo_built_timestamp_seconds", "When the database of addresses that serves was made; 0: none serves.", []string{"database"}, nil)
	bytesDesc   = prometheus.NewDesc("hearth_geo_bytes", "Memory that the database of addresses takes.", []string{"database"}, nil)
	refusedDesc = prometheus.NewDesc("hearth_geo_refused", "1 while the file of the database cannot be read, and the last good one or none serves.", []string{"database"}, nil)
	failedDesc  = prometheus.NewDesc("hearth_geo_failed_lookups_total", "Look-ups of addresses that ended with an error of a database.", nil, nil)
)

// Describe implements prometheus.Collector.
func (k *Keeper) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{builtDesc, bytesDesc, refusedDesc, failedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (k *Keeper) Collect(ch chan<- prometheus.Metric) {
	for _, one := range []*kept{&k.country, &k.system} {
		gauge := func(d *prometheus.Desc, value float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, string(one.kind))
		}
		built, size, refused := 0.0, 0.0, 0.0
		if d := one.good.Load(); d != nil {
			built, size = float64(d.reader.Metadata.BuildEpoch), float64(d.bytes)
		}
		if one.refused.Load() {
			refused = 1
		}
		gauge(builtDesc, built)
		gauge(bytesDesc, size)
		gauge(refusedDesc, refused)
	}
	ch <- prometheus.MustNewConstMetric(failedDesc, prometheus.CounterValue, float64(k.failed.Load()))
}
