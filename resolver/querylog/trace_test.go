package querylog

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestTracer: a collector gets a resolution as a span with the asking in it, and nothing but
// what Resolution has.
func TestTracer(t *testing.T) {
	got := make(chan []*spans.Span, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &m) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		got <- m.ResourceSpans[0].ScopeSpans[0].Spans
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	x, err := NewTracer(ctx, TracerConfig{Endpoint: server.URL, Identity: "home", Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- x.Run(ctx) }()
	began := time.Unix(1700000000, 0)
	x.Observe(Resolution{Began: began, Asked: began.Add(time.Millisecond), Ended: began.Add(2 * time.Second), Type: 28, Transport: "tls", Rcode: "SERVFAIL", Failed: true})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var all []*spans.Span
	select {
	case all = <-got:
	case <-time.After(10 * time.Second):
		t.Fatal("the collector was told nothing")
	}
	if len(all) != 2 {
		t.Fatalf("%d spans, want the resolution and the asking", len(all))
	}
	ask, whole := all[0], all[1]
	if string(ask.ParentSpanId) != string(whole.SpanId) || whole.Name != "resolve" || ask.Name != "ask upstreams" {
		t.Errorf("spans %s and %s", ask, whole)
	}
	if whole.StartTimeUnixNano != 1700000000e9 || whole.EndTimeUnixNano != 1700000002e9 || ask.StartTimeUnixNano != 1700000000001e6 {
		t.Errorf("times of %s and %s", ask, whole)
	}
	if whole.Status.Code != spans.Status_STATUS_CODE_ERROR || len(whole.Attributes) != 4 {
		t.Errorf("%s, want a failure with 4 attributes", whole)
	}
}

// TestNoCollector: its absence stops nothing.
func TestNoCollector(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x, err := NewTracer(ctx, TracerConfig{Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 * spansWaiting {
		x.Observe(Resolution{Began: time.Now(), Ended: time.Now()})
	}
	cancel()
	if err := x.Run(ctx); err != nil {
		t.Error(err)
	}
}
