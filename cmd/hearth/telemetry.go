package main

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/querylog"
	"github.com/hearthdns/hearth/resolver/wire"
)

// telemetry is who is told of queries. Both are nil where they are off.
type telemetry struct {
	tap    *querylog.Tap
	tracer *querylog.Tracer
}

// newTelemetry makes what the configuration turns on.
func newTelemetry(c TelemetryConfig, log *slog.Logger) (t telemetry, err error) {
	identity, version := nodeName(), thisBuild().Version
	if to := c.DNSTap; to.Unix != "" || to.TCP.IsValid() {
		cfg := querylog.Config{Network: "unix", Address: to.Unix, Identity: identity, Version: version, Log: log}
		if to.TCP.IsValid() {
			cfg.Network, cfg.Address = "tcp", to.TCP.String()
		}
		if t.tap, err = querylog.New(cfg); err != nil {
			return t, err
		}
	}
	if to := c.Traces; to.Endpoint != "" {
		t.tracer, err = querylog.NewTracer(context.Background(), querylog.TracerConfig{Endpoint: to.Endpoint, Identity: identity, Version: version, Log: log})
	}
	return t, err
}

// start runs what is on.
func (t telemetry) start(run func(func(context.Context) error)) {
	if t.tap != nil {
		run(t.tap.Run)
	}
	if t.tracer != nil {
		run(t.tracer.Run)
	}
}

// slow gives what the resolver tells of slow resolutions, nil where nobody wants to know.
func (t telemetry) slow() func(resolver.Slow) {
	if t.tracer == nil {
		return nil
	}
	return func(s resolver.Slow) {
		t.tracer.Observe(querylog.Resolution{
			Began: s.Began, Asked: s.Asked, Ended: s.Ended, Type: s.Type, Transport: s.Transport.String(),
			Rcode: s.Rcode.String(), Failed: s.Rcode == wire.ServFail, Zone: s.Zone,
		})
	}
}

// validate judges the section telemetry.
func (c TelemetryConfig) validate(r *report) {
	if c.DNSTap.Unix != "" && c.DNSTap.TCP.IsValid() {
		r.add("telemetry.dnstap", "there are two receivers; write unix or tcp")
	}
	if c.Traces.Endpoint != "" {
		u, err := url.Parse(c.Traces.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			r.add("telemetry.traces.endpoint", "%q is not the address of a collector; write one such as http://127.0.0.1:4318", c.Traces.Endpoint)
		}
	}
	r.between("telemetry.traces.slow", c.Traces.Slow, time.Millisecond, time.Minute)
}
