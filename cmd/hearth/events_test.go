package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/events"
	"github.com/hearthdns/hearth/policy/presence"
)

// TestEventsHaveAddresses: an event tells the addresses of devices however they are known, by MAC or by the name that
// they give themselves.
func TestEventsHaveAddresses(t *testing.T) {
	s, err := policy.ParseScenario([]byte(`A family.
-- config.yaml --
today: 2000-01-01
households:
  - id: h-home
    consent: {by: Anna, at: 2000-01-01}
    timezone: UTC
    networks: [192.168.1.0/24]
    members: [{name: Kim, band: child}]
    devices:
      - {name: tablet, member: Kim, macs: ["a4:cf:12:00:00:01"]}
      - {name: phone, member: Kim, hostnames: [kims-phone]}
-- expect --
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Prepare(t.Context(), policy.CompileConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c.States = map[string]policy.State{"h-home": {Pauses: []policy.Pause{{}}}}
	dir, err := policy.Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 16)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got <- string(text)
	}))
	defer server.Close()
	machines := func() []presence.Machine {
		return []presence.Machine{
			{Addr: netip.MustParseAddr("192.168.1.20"), MAC: policy.MAC{0xa4, 0xcf, 0x12, 0, 0, 1}},
			{Addr: netip.MustParseAddr("192.168.1.21"), Name: "kims-phone"},
			{Addr: netip.MustParseAddr("192.168.1.22"), Name: "somebodys-phone"},
		}
	}
	w, err := newEvents(events.Receivers{Webhook: server.URL}, func() *policy.Directory { return dir }, machines, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	for _, want := range []string{`"reset"`, `"device":"tablet","member":"Kim","addresses":["192.168.1.20"]`, `"device":"phone","member":"Kim","addresses":["192.168.1.21"]`} {
		if e := <-got; !strings.Contains(e, want) {
			t.Errorf("told %s, want %s", e, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
