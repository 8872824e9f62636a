package resolver

import (
	"log/slog"
	"sync/atomic"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/prometheus/client_golang/prometheus"
)

// hearing is what came of what a query says of the device it is forwarded for, as the metrics tell it.
type hearing uint8

const (
	heardDirectly hearing = iota // it is no forwarder's
	heardHidden                  // its forwarder hides its devices
	heardNothing                 // its forwarder tells devices apart, but not this time
	heardUnknown
	heardDevice
	hearings
)

var hearingNames = [hearings]string{heardHidden: "hidden", heardNothing: "nothing", heardUnknown: "unknown", heardDevice: "device"}

// hear goes on from a forwarder to the device for which it asks. What anybody else says of a device is not
// believed: else every child could be every grown-up.
func (s *Stroke) hear(q *wire.Query) {
	q.Told(&s.told)
	s.heard, s.forged = heardDirectly, false
	f := s.who.Forwarder
	if f == nil {
		s.forged = s.told.MAC != [6]byte{} || len(s.told.Token) > 0
		return
	}
	told := policy.Told{MAC: s.told.MAC, Token: s.told.Token, Addr: s.told.Addr, Vague: s.told.Vague}
	var telling policy.Telling
	switch s.who, telling = s.world.Directory.IdentifyTold(f, &told); {
	case !f.TellsApart():
		s.heard = heardHidden
	case telling == policy.ToldDevice:
		s.heard = heardDevice
	case telling == policy.ToldUnknown:
		s.heard = heardUnknown
	default:
		s.heard = heardNothing
	}
}

// relayed reports whether the reply goes through somebody who asks for several devices, and must keep none of
// it: the next device may get another one. A TTL of 0 says so (RFC 1035 section 3.2.1).
func (s *Stroke) relayed() bool { return s.heard > heardHidden }

// hearsay counts queries of forwarders, and what is said of devices without being believed.
type hearsay struct {
	forwarded [hearings]prometheus.Counter
	forged    prometheus.Counter
	broken    prometheus.Counter

	unknown atomic.Bool // somebody tells of devices who is no forwarder
	warned  bool        // of that; only Run looks at it
}

func (h *hearsay) prepare() {
	forwarded := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hearth_forwarded_total", Help: "Queries of forwarders, by what they told of the device that asks.",
	}, []string{"told"})
	for i, name := range hearingNames {
		if name != "" {
			h.forwarded[i] = forwarded.WithLabelValues(name)
		}
	}
	ignored := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hearth_device_options_ignored_total", Help: "Queries that say of a device what is not believed, by why.",
	}, []string{"why"})
	h.forged, h.broken = ignored.WithLabelValues("untrusted"), ignored.WithLabelValues("broken")
}

// count counts one query.
func (h *hearsay) count(s *Stroke) {
	if s.heard != heardDirectly {
		h.forwarded[s.heard].Inc()
	}
	if s.forged {
		h.forged.Inc()
		h.unknown.Store(true)
	}
	if s.told.Broken {
		h.broken.Inc()
	}
}

// warn says once that somebody tells of devices who is not believed: mostly a home router that nobody entered, which
// is then taken for one device.
func (h *hearsay) warn(log *slog.Logger) {
	if h.warned || !h.unknown.Load() {
		return
	}
	h.warned = true
	log.Warn("a client that is no forwarder tells for which device it asks, and is not believed; if it is the home's router, write households[].forwarders; hearth check-network says what is missing")
}

// collect gives all of it to a scrape.
func (h *hearsay) collect(ch chan<- prometheus.Metric) {
	for _, c := range h.forwarded {
		if c != nil {
			c.Collect(ch)
		}
	}
	h.forged.Collect(ch)
	h.broken.Collect(ch)
}
