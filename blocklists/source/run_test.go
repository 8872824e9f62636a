package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// answers is a list server without a network: one answer a request.
type answers struct {
	lists []string // "" = the connection breaks
	times []time.Time
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.times = append(a.times, time.Now())
	list := a.lists[min(len(a.times), len(a.lists))-1]
	if list == "" {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: 200, Request: r, Header: http.Header{}, ContentLength: -1,
		Body: io.NopCloser(strings.NewReader(list))}, nil
}

// TestRun: a list is asked for when it is due, not all at the same second, and changed is called only for news.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &answers{lists: []string{numbered(10), numbered(10), numbered(11)}}
		l := open(t, LibraryConfig{Client: &http.Client{Transport: server}, Lists: Config{Sources: []Source{
			{Name: "l", URL: "https://lists.example/", Format: Domains, Categories: []string{"piracy"}, Refresh: 10 * time.Hour}}}})
		ctx, cancel := context.WithCancel(t.Context())
		var changed []time.Duration
		start := time.Now()
		ended := make(chan error)
		go func() { ended <- l.Run(ctx, func() { changed = append(changed, time.Since(start)) }) }()

		time.Sleep(34 * time.Hour) // at most 11 hours between two questions
		synctest.Wait()
		if len(changed) != 2 || changed[0] != 0 || changed[1] < 20*time.Hour || changed[1] > 22*time.Hour {
			t.Errorf("changed at %v, want at once and between 20 and 22 hours", changed)
		}
		if n := len(server.times); n != 4 {
			t.Errorf("%d questions, want 4", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestRunTriesAgain: after a failure it is asked again within minutes, not after a day.
func TestRunTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &answers{lists: []string{"", "", numbered(10)}} // two attempts fail
		l := open(t, LibraryConfig{Client: &http.Client{Transport: server}, Lists: Config{Sources: []Source{
			{Name: "l", URL: "https://lists.example/", Format: Domains, Categories: []string{"piracy"}}}}})
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan time.Time, 1)
		start := time.Now()
		ended := make(chan error)
		go func() { ended <- l.Run(ctx, func() { news <- time.Now() }) }()
		if after := (<-news).Sub(start); after < 10*time.Minute || after > 11*time.Minute {
			t.Errorf("news after %s, want 10 to 11 minutes", after)
		}
		cancel()
		<-ended
	})
}

func TestMetrics(t *testing.T) {
	l, server, now := fetched(t, nil)
	server.set(text("# moved\n"))
	wantResult(t, l, Refused, 100, "no name")
	server.set(text(numbered(100) + "192.0.2.1\n192.0.2.2\nbad-.example\n"))
	wantResult(t, l, Updated, 100, "")
	now.now = now.now.Add(90 * time.Second)

	want := []string{
		`hearth_list_age_seconds{../../list} 90`,
		`hearth_list_held{../../list} 0`,
		`hearth_list_limit{growth_percent} 100`,
		`hearth_list_limit{popular_top} 10000`,
		`hearth_list_limit{shrink_percent} 20`,
		`hearth_list_limit{stale_after_refreshes} 3`,
		`hearth_list_max_bytes{} 65536`,
		`hearth_list_max_inflated_bytes{} 262144`,
		`hearth_list_names{../../list} 100`,
		`hearth_list_notify_total{accepted} 0`,
		`hearth_list_notify_total{bad_signature} 0`,
		`hearth_list_notify_total{dropped} 0`,
		`hearth_list_notify_total{malformed} 0`,
		`hearth_list_notify_total{other_zone} 0`,
		`hearth_list_notify_total{stranger} 0`,
		`hearth_list_rejected{../../list bad-label} 1`,
		`hearth_list_rejected{../../list ip} 2`,
		`hearth_list_stale{../../list} 0`,
		`hearth_list_timeout_seconds{} 300`,
		`hearth_list_update_failures_total{../../list} 1`,
	}
	if diff := cmp.Diff(want, gather(t, l)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// gather returns the metrics of a collector but those of the starter lists, as name{label values} value.
func gather(t *testing.T, c prometheus.Collector) []string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if text := strings.Join(labels, " "); !strings.HasPrefix(text, starterPrefix) {
				all = append(all, fmt.Sprintf("%s{%s} %v", family.GetName(), text, value))
			}
		}
	}
	return all
}
