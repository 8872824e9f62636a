package api

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// counters are what the metrics are made of. No label has a name of anybody.
type counters struct {
	requests *prometheus.CounterVec
	refused  *prometheus.CounterVec
	repeated prometheus.Counter
}

func newCounters() counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	c := counters{
		requests: counter("hearth_api_requests_total", "Requests to the admin API, by operation and status; of a file that failed while it was sent cut.", "operation", "code"),
		refused:  counter("hearth_api_refused_total", "Requests to the admin API that came too fast, by why: rate of a token or household, or guess of a token.", "why"),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{Name: "hearth_api_repeated_total", Help: "POSTs that were sent again with their Idempotency-Key, and answered without being done again."}),
	}
	for _, why := range []string{"rate", "guess"} {
		c.refused.WithLabelValues(why)
	}
	return c
}

var (
	answersDesc = prometheus.NewDesc("hearth_api_answers_bytes", "Memory of answers that are kept for POSTs that are sent again.", nil, nil)
	limitDesc   = prometheus.NewDesc("hearth_api_answers_limit_bytes", "Most memory of answers that are kept.", nil, nil)
	rateDesc    = prometheus.NewDesc("hearth_api_rate_limit", "Most requests a second over time: of a token, of a household, of an operator's token, and wrong tokens of a network.", []string{"of"}, nil)
)

// Describe implements prometheus.Collector.
func (a *API) Describe(ch chan<- *prometheus.Desc) {
	a.counts.requests.Describe(ch)
	a.counts.refused.Describe(ch)
	a.counts.repeated.Describe(ch)
	ch <- answersDesc
	ch <- limitDesc
	ch <- rateDesc
}

// Collect implements prometheus.Collector.
func (a *API) Collect(ch chan<- prometheus.Metric) {
	a.counts.requests.Collect(ch)
	a.counts.refused.Collect(ch)
	a.counts.repeated.Collect(ch)
	ch <- prometheus.MustNewConstMetric(answersDesc, prometheus.GaugeValue, float64(a.repeats.held()))
	ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, maxAnswers)
	for of, limit := range map[string]float64{"token": tokenRate, "household": householdRate, "operator": operatorRate, "guess": guessRate} {
		ch <- prometheus.MustNewConstMetric(rateDesc, prometheus.GaugeValue, limit, of)
	}
}

// count counts what was asked, by route, and how it was answered.
func (a *API) count(ctx huma.Context, next func(huma.Context)) {
	code := "cut" // off, because a file failed while it was sent
	defer func() { a.counts.requests.WithLabelValues(ctx.Operation().OperationID, code).Inc() }()
	next(ctx)
	code = strconv.Itoa(cmp.Or(ctx.Status(), http.StatusOK)) // a file has none
}
