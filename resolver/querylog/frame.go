package querylog

import (
	"fmt"
	"strings"
	"time"

	"github.com/dnstap/golang-dnstap"
	"google.golang.org/protobuf/proto"
)

// frame packs a message as dnstap wants it (dnstap.proto).
func (t *Tap) frame(k *kept) ([]byte, error) {
	kind, what, protocol := dnstap.Dnstap_MESSAGE, dnstap.Message_CLIENT_RESPONSE, k.Protocol
	family := dnstap.SocketFamily_INET
	if k.Six {
		family = dnstap.SocketFamily_INET6
	}
	m := &dnstap.Message{Type: &what, SocketFamily: &family, SocketProtocol: &protocol}
	m.QueryTimeSec, m.QueryTimeNsec = moment(k.Asked)
	m.ResponseTimeSec, m.ResponseTimeNsec = moment(k.Answered)
	if len(k.reply) > 0 {
		m.ResponseMessage = k.reply
	}
	frame, err := proto.Marshal(&dnstap.Dnstap{
		Type: &kind, Identity: []byte(t.cfg.Identity), Version: []byte(t.cfg.Version), Extra: []byte(strings.TrimSpace(k.Action + " " + k.Category)), Message: m,
	})
	if err != nil {
		return nil, fmt.Errorf("packing a dnstap message: %w", err)
	}
	return frame, nil
}

// moment is a time as seconds and nanoseconds.
func moment(t time.Time) (*uint64, *uint32) {
	seconds, nanoseconds := uint64(t.Unix()), uint32(t.Nanosecond()) //nolint:gosec // after 1970, below a second
	return &seconds, &nanoseconds
}
