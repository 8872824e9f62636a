package forward

import (
	"context"

	"github.com/quic-go/quic-go/http3"
)

// serverStreams is how many streams a server over HTTP/3 opens at most: control, and two of QPACK
// (RFC 9114 section 6.2), and as many that mean nothing.
const serverStreams = 6

// openHTTP3 returns how connections over HTTP/3 are opened.
func openHTTP3(at place, e endpoint, id *identity, note *counters) func(context.Context) (connection, error) {
	cfg, transport := id.config(http3.NextProtoH3), quicConfig()
	transport.MaxIncomingUniStreams = serverStreams
	to := e.resource()
	t := &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxHeader}
	return func(ctx context.Context) (connection, error) {
		conn, err := shakeHandsOverQUIC(ctx, at, cfg, transport, note)
		if err != nil {
			return nil, err
		}
		speaker := t.NewClientConn(conn)
		return &web{speaker.RoundTrip, to, note, conn.Context().Done(), func() {
			_ = speaker.CloseWithError(0x100, "") // H3_NO_ERROR (RFC 9114 section 8.1)
		}}, nil
	}
}
