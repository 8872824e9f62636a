package listen

import (
	"github.com/hearthdns/hearth/resolver/wire"
)

// published is a limit as hearth_listen_limit tells it.
type published struct {
	name  string
	value float64
}

// limits lists every limit in force; docs/operations.md has the reason of each.
func (s *Server) limits() []published {
	l := s.cfg.Limits
	return []published{
		{"in_flight", float64(l.InFlight)},
		{"in_flight_unproved", float64(l.forged())},
		{"in_flight_per_client", float64(l.PerClient)},
		{"in_flight_per_proved_client", float64(l.perProved())},
		{"udp_late_seconds", l.Late.Seconds()},
		{"udp_sockets", float64(s.cfg.Sockets)},
		{"udp_reply_bytes", wire.MaxUDP},
		{"drain_seconds", s.cfg.Drain.Seconds()},

		{"tcp_connections", float64(l.TCP.Connections)},
		{"tcp_connections_per_client", float64(l.TCP.PerClient)},
		{"tcp_in_flight_per_connection", float64(l.TCP.InFlight)},
		{"tcp_reads_per_query", float64(l.TCP.Reads)},
		{"tcp_idle_seconds", l.TCP.Idle.Seconds()},
		{"tcp_busy_idle_seconds", l.TCP.BusyIdle.Seconds()},
		{"tcp_frame_seconds", l.TCP.Frame.Seconds()},
		{"tcp_write_seconds", l.TCP.Write.Seconds()},
		{"tcp_resolve_seconds", l.TCP.Resolve.Seconds()},

		{"https_connections", float64(l.HTTPS.Connections)},
		{"https_connections_per_client", float64(l.HTTPS.PerClient)},
		{"https_streams_per_connection", float64(l.HTTPS.Streams)},
		{"https_header_bytes", float64(l.HTTPS.Header)},
		{"https_body_bytes", float64(l.HTTPS.Body)},

		{"quic_connections", float64(l.QUIC.Connections)},
		{"quic_connections_per_client", float64(l.QUIC.PerClient)},
		{"quic_streams_per_connection", float64(l.QUIC.Streams)},
		{"quic_stream_seconds", l.QUIC.Stream.Seconds()},
		{"quic_idle_seconds", l.QUIC.Idle.Seconds()},
		{"quic_retry_above_percent", float64(l.QUIC.RetryAbove)},

		{"handshakes_per_second", float64(l.Handshakes.PerSecond)},
		{"handshakes_per_client_per_second", float64(l.Handshakes.PerClient)},

		{"rate_queries_per_second", float64(l.Rate.Queries)},
		{"rate_prefix_queries_per_second", float64(l.Rate.Prefix)},
		{"rate_replies_per_second", float64(l.Rate.Replies)},
		{"rate_slip", float64(l.Rate.Slip)},
		{"rate_exempt_networks", float64(len(l.Rate.Exempt))},
		{"rate_table_bytes", sketchBytes},
	}
}
