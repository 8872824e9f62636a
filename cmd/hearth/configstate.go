package main

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// configState is what monitoring sees of the configuration: which one
// serves, and whether the last try to load another succeeded.
type configState struct {
	live atomic.Pointer[loadedState]
}

type loadedState struct {
	hash string // of the configuration that serves
	at   time.Time

	refused string // why the last load failed; "" if it did not
}

// serving notes that the configuration of this hash serves now.
func (s *configState) serving(hash string, at time.Time) {
	s.live.Store(&loadedState{hash: hash, at: at})
}

// refused notes that a load failed and the last good one serves on.
func (s *configState) refused(why error) {
	if old := s.live.Load(); old != nil {
		s.live.Store(&loadedState{hash: old.hash, at: old.at, refused: why.Error()})
	}
}

// Describe implements prometheus.Collector.
func (s *configState) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect implements prometheus.Collector.
func (s *configState) Collect(ch chan<- prometheus.Metric) {
	state := s.live.Load()
	if state == nil {
		return
	}
	success := 0.0
	if state.refused == "" {
		success = 1
	}
	ch <- gauge("hearth_config_last_reload_success", "1 if the last load of the configuration succeeded, 0 if it was refused and the last good one serves on.", success)
	ch <- gauge("hearth_config_last_reload_success_timestamp_seconds", "When the serving configuration was loaded, in seconds since 1970.", float64(state.at.Unix()))
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("hearth_config_info", "Always 1; the label is the hash of the serving configuration.", []string{"hash"}, nil),
		prometheus.GaugeValue, 1, state.hash)
	b := thisBuild()
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("hearth_build_info", "Always 1; the labels say which program runs.", []string{"version", "revision", "go"}, nil),
		prometheus.GaugeValue, 1, b.Version, b.Revision, b.Go)
}

func gauge(name, help string, value float64) prometheus.Metric {
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, nil, nil), prometheus.GaugeValue, value)
}
