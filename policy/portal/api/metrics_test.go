package api_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metric reads the metrics of a name with these values of labels, as their sum.
func (h *house) metric(of prometheus.Collector, name string, values ...string) (sum float64) {
	h.t.Helper()
	registry := prometheus.NewPedanticRegistry()
	h.ok(registry.Register(of))
	for _, f := range must(registry.Gather()) {
		for _, m := range f.GetMetric() {
			fits := f.GetName() == name
			for i, v := range values {
				fits = fits && m.GetLabel()[i].GetValue() == v
			}
			if fits {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// TestFailedFilesAreCounted: a file that fails before its first octet is counted as its problem, one that fails later as
// cut off, and none of them as done.
func TestFailedFilesAreCounted(t *testing.T) {
	h := open(t)
	h.controls.broken = errors.New("the disk is gone")
	if w := h.ask(http.MethodGet, "/v1/export", ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an export that fails: %d %s", w.Code, w.Body)
	}
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler { //nolint:errorlint // it is what net/http compares with
				t.Error("half a backup is not cut off")
			}
		}()
		h.ask(http.MethodGet, "/v1/backup", "")
	}()
	for _, c := range []struct {
		operation, code string
		want            float64
	}{{"getExport", "200", 0}, {"getExport", "422", 1}, {"getBackup", "200", 0}, {"getBackup", "cut", 1}} {
		if n := h.metric(h.API, "hearth_api_requests_total", c.code, c.operation); n != c.want {
			t.Errorf("%s with %s was counted %v times, want %v", c.operation, c.code, n, c.want)
		}
	}
}
