package querylog

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Bounds of what waits for a collector: spans beyond are dropped by the exporter.
const (
	spansWaiting  = 512
	exportTimeout = 5 * time.Second
)

// TracerConfig says where the collector is, as OTLP over HTTP.
type TracerConfig struct {
	Endpoint string // URL, such as http://127.0.0.1:4318
	Identity string // of this server
	Version  string
	Log      *slog.Logger // nil: nothing is logged
}

// Resolution is a slow one. It has no name and nobody who asked.
type Resolution struct {
	Began, Ended time.Time
	Asked        time.Time // when the upstream was; the zero Time: it was not
	Type         uint16    // of record
	Transport    string
	Rcode        string
	Failed       bool
	Zone         string // of the upstreams, "" for those of all names
}

// Tracer sends slow resolutions to an OpenTelemetry collector.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// NewTracer returns a Tracer. A collector that is not there is tried again with each batch.
func NewTracer(ctx context.Context, cfg TracerConfig) (*Tracer, error) {
	at, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("preparing traces: %w", err)
	}
	if strings.Trim(at.Path, "/") == "" {
		at.Path = "/v1/traces" // as OTLP has it by default
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(at.String()), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, fmt.Errorf("preparing traces: %w", err)
	}
	if cfg.Log != nil {
		// The library has one place for its failures, which happen in the background.
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { cfg.Log.Debug("sending traces", "error", err) }))
	}
	p := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter, sdk.WithMaxQueueSize(spansWaiting), sdk.WithExportTimeout(exportTimeout)),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "hearth"), attribute.String("service.version", cfg.Version), attribute.String("service.instance.id", cfg.Identity))),
	)
	return &Tracer{p, p.Tracer("hearth/resolver")}, nil
}

// Observe takes a resolution. It does not wait.
func (t *Tracer) Observe(r Resolution) {
	ctx, span := t.tracer.Start(context.Background(), "resolve", trace.WithTimestamp(r.Began), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.Int("dns.question.type", int(r.Type)), attribute.String("network.transport", r.Transport),
		attribute.String("dns.response.code", r.Rcode), attribute.String("dns.zone", r.Zone)))
	if !r.Asked.IsZero() {
		_, ask := t.tracer.Start(ctx, "ask upstreams", trace.WithTimestamp(r.Asked), trace.WithSpanKind(trace.SpanKindClient))
		ask.End(trace.WithTimestamp(r.Ended))
	}
	if r.Failed {
		span.SetStatus(codes.Error, r.Rcode)
	}
	span.End(trace.WithTimestamp(r.Ended))
}

// Run sends traces until ctx ends, and then what is left.
func (t *Tracer) Run(ctx context.Context) error {
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTimeout)
	defer cancel()
	_ = t.provider.Shutdown(last) // a collector that is gone is no reason not to end
	return nil
}
