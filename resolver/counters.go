package resolver

import (
	"sync/atomic"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/prometheus/client_golang/prometheus"
)

// action is what became of a query, as the metrics tell it.
type action uint8

const (
	actionAllowed action = iota
	actionBlocked
	actionLocal   // answered by ourselves: special names, our own, ANY
	actionRefused // nobody's client, or nothing that we do
	actionFailed  // the upstreams failed
	actions
)

var actionNames = [actions]string{"allowed", "blocked", "local", "refused", "failed"}

// groups are the category groups of the taxonomy as metrics spell them; 0 is
// "none". A group says less than a category, and nothing about a person.
var groups = [...]string{
	"none", "sex", "violence", "selfharm", "drugs", "money", "piracy", "social", "video", "games", "bypass", "security", "ads", "time", "rule", "other",
}

const (
	groupSecurity = 11
	groupTime     = 13
	groupRule     = 14
	groupOther    = 15
)

const (
	rcodes  = 8 // 0..5 as they are, 6 for the rest
	shards  = 8 // enough for the readers of one machine not to share a line often
	perRow  = int(actions) * len(groups) * rcodes
	perCell = int(transports) * perRow
)

var rcodeNames = [rcodes]string{"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "other", "other"}

// counters counts queries by Client.Worker and sums when scraped, so that counting is
// one uncontended addition.
type counters struct {
	cells     [shards][perCell]atomic.Uint64
	dropped   prometheus.Counter
	loops     prometheus.Counter
	rebinding prometheus.Counter
	panics    prometheus.Counter
	seconds   prometheus.Histogram

	strangeIDs prometheus.Counter
}

func (k *counters) prepare() {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	k.dropped = counter("hearth_events_dropped_total", "Queries that the ask page and activity did not hear of because too many came at once.")
	k.loops = counter("hearth_loops_total", "Queries refused because an upstream asked back what it was being asked.")
	k.rebinding = counter("hearth_rebinding_total", "Upstream answers that lost addresses no public name may have.")
	k.strangeIDs = counter("hearth_unknown_identity_total", "Queries with a device id that no device has; the address decided.")
	k.panics = counter("hearth_resolve_panics_total", "Queries answered with SERVFAIL because resolving them panicked.")
	k.seconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "hearth_resolve_seconds",
		Help:    "Time of queries that the cache or the policy could not answer at once.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	})
}

func (k *counters) count(c Client, a action, group uint8, rc wire.Rcode) {
	code := min(int(rc), 6)
	cell := int(c.Transport)*perRow + (int(a)*len(groups)+int(group))*rcodes + code
	k.cells[c.Worker&(shards-1)][cell].Add(1)
}

// groupOf returns the group under which a block is counted. The abuse list is
// counted as security: nothing may tell the two apart.
func groupOf(s *Stroke) uint8 {
	switch d := &s.decision; {
	case d.Silent:
		return groupSecurity
	case d.HasCategory:
		return s.world.groups[d.Category]
	case d.Step == policy.StepBedtime || d.Step == policy.StepHomework:
		return groupTime
	case d.Rule != nil:
		return groupRule
	}
	return groupOther
}

// groupTable maps the taxonomy's categories to groups.
func groupTable(t *blocklists.Taxonomy) (out [blocklists.MaxCategories]uint8) {
	for i, d := range t.All() {
		out[i] = groupOther
		for g, name := range groups {
			if name == d.Group {
				out[i] = uint8(g) //nolint:gosec // sixteen groups
			}
		}
	}
	return out
}

var queriesDesc = prometheus.NewDesc("hearth_queries_total",
	"Queries answered, by transport, what became of them, category group of a block, and RCODE.",
	[]string{"transport", "action", "group", "rcode"}, nil)

var limitDesc = prometheus.NewDesc("hearth_resolver_limit",
	"Limits of the data path.", []string{"limit"}, nil)

var (
	indexNamesDesc    = prometheus.NewDesc("hearth_index_names", "Names in the index that serves.", nil, nil)
	indexBytesDesc    = prometheus.NewDesc("hearth_index_bytes", "Memory of the index that serves, in bytes.", nil, nil)
	indexInfoDesc     = prometheus.NewDesc("hearth_index_info", "1, labelled with the checksum of the index that serves.", []string{"index"}, nil)
	patternsDesc      = prometheus.NewDesc("hearth_index_patterns", "Patterns in the index that serves: expressions that names are run through on a miss.", nil, nil)
	patternsLimitDesc = prometheus.NewDesc("hearth_index_patterns_limit", "Patterns that an index can hold at most.", nil, nil)
	prefixesDesc      = prometheus.NewDesc("hearth_index_prefixes", "Networks in the index that serves, which answers are looked up in.", nil, nil)
	prefixesLimitDesc = prometheus.NewDesc("hearth_index_prefixes_limit", "Networks that an index can hold at most.", nil, nil)
	popularDesc       = prometheus.NewDesc("hearth_policy_popular", "1 if a popularity list is loaded; 0: profiles that block unpopular names allow them.", nil, nil)
)

// Describe implements prometheus.Collector.
func (r *Resolver) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, ch) }

// Collect implements prometheus.Collector.
func (r *Resolver) Collect(ch chan<- prometheus.Metric) {
	r.collectWorld(ch)
	r.collectLaw(ch)
	r.hearsay.collect(ch)
	for t := range transports {
		for cell := range perRow {
			r.collectCell(ch, t, cell)
		}
	}
	for _, c := range []prometheus.Collector{r.counts.dropped, r.counts.loops, r.counts.rebinding, r.counts.panics, r.counts.strangeIDs, r.counts.seconds, &r.flights, r.ahead.begun, r.ahead.dropped} {
		c.Collect(ch)
	}
	for name, v := range map[string]float64{"events": ringEvents * shards, "chain": maxChain, "records": maxRecords,
		"prefetches": maxRenewals, "prefetch_backlog": renewBacklog, "legal_names": findNames, "legal_seconds": findTime, "legal_clients": findClients} {
		ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, v, name)
	}
}

// collectWorld tells what serves at this moment.
func (r *Resolver) collectWorld(ch chan<- prometheus.Metric) {
	w := r.world.Load()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(indexNamesDesc, float64(w.Index.Names()))
	gauge(indexBytesDesc, float64(w.Index.Bytes()))
	gauge(indexInfoDesc, 1, w.Index.ID())
	gauge(patternsDesc, float64(w.Index.Patterns()))
	gauge(patternsLimitDesc, blocklists.MaxPatterns)
	gauge(prefixesDesc, float64(w.Index.Prefixes()))
	gauge(prefixesLimitDesc, blocklists.MaxPrefixes)
	popular := 0.0
	if w.Directory.Popular() {
		popular = 1
	}
	gauge(popularDesc, popular)
}

func (r *Resolver) collectCell(ch chan<- prometheus.Metric, t Transport, cell int) {
	var n uint64
	for s := range r.counts.cells {
		n += r.counts.cells[s][int(t)*perRow+cell].Load()
	}
	if n == 0 || cell%rcodes == 7 {
		return
	}
	a, g := cell/rcodes/len(groups), cell/rcodes%len(groups)
	ch <- prometheus.MustNewConstMetric(queriesDesc, prometheus.CounterValue, float64(n),
		t.String(), actionNames[a], groups[g], rcodeNames[cell%rcodes])
}
