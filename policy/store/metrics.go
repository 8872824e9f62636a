package store

import (
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
)

var (
	descUp       = prometheus.NewDesc("hearth_store_up", "1 where the state can be read and written, 0 where the last snapshot serves.", nil, nil)
	descRevision = prometheus.NewDesc("hearth_store_revision", "Revision of the state.", nil, nil)
	descEntries  = prometheus.NewDesc("hearth_store_entries", "Values held, without activity.", nil, nil)
	descBytes    = prometheus.NewDesc("hearth_store_bytes", "Size of the file.", nil, nil)
	descUsed     = prometheus.NewDesc("hearth_store_used_bytes", "What of it holds something.", nil, nil)
	descWatchers = prometheus.NewDesc("hearth_store_watchers", "Parts of the program that follow the state now.", nil, nil)
	descFailed   = prometheus.NewDesc("hearth_store_write_errors_total", "Writes that failed, but for those that expected another revision.", nil, nil)
	descSnapshot = prometheus.NewDesc("hearth_store_snapshot_errors_total", "Snapshots that could not be written.", nil, nil)
	descDropped  = prometheus.NewDesc("hearth_store_records_dropped_total", "Records of activity that found their day full.", nil, nil)
	descLimit    = prometheus.NewDesc("hearth_store_limit", "Limits in force: counts, and sizes in bytes.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	return map[string]float64{
		"value": MaxValue, "batch": MaxBatch, "entries": MaxEntries, "share": MaxShare, "deletions": MaxGone,
		"file": maxFile, "journal": maxJournal, "records": MaxRecords, "record": MaxNote, "kept_beside": keptBeside,
	}
}

// Describe implements prometheus.Collector.
func (b *Bolt) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(b, ch) }

// Collect implements prometheus.Collector.
func (b *Bolt) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, v uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	up := 0.0
	revision, entries := b.frozen.Revision, uint64(len(b.frozen.Entries))
	var used int64
	if b.db.Load() != nil && b.view(func(tx *bbolt.Tx) error {
		l, err := openLedger(tx)
		revision, entries, used = l.revision, l.state.Sequence(), b.used(tx)
		return err
	}) == nil {
		up = 1
	}
	gauge(descUp, up)
	gauge(descRevision, float64(revision))
	gauge(descEntries, float64(entries))
	gauge(descUsed, float64(used))
	gauge(descBytes, float64(sizeOf(b.path)))
	gauge(descWatchers, float64(b.watchers.Load()))
	for name, v := range limits() {
		gauge(descLimit, v, name)
	}
	total(descFailed, b.writeErrors.Load())
	total(descSnapshot, b.snapshotErrors.Load())
	total(descDropped, b.dropped.Load())
}

// sizeOf is the size of a file, 0 where there is none.
func sizeOf(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}
