package resolver

import (
	"fmt"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// whoami answers TXT of whoami.<own name> with who we take this client for: the
// node, the version, whether its household and device are known, its band and
// the transport. It is said to that client only and names no person.
func (r *Resolver) whoami(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	rc := wire.NoError
	reply := wire.Start(dst[:0], q, rc)
	switch apex := s.depth == s.hashes.N; {
	case apex && q.Type == wire.TypeTXT:
		for _, line := range r.identity(s, c) {
			reply = wire.AppendTXT(reply, 0, []byte(line))
		}
	case apex:
		reply = wire.AppendSOA(reply, suffix(q.Name(), s.depth), ownTTL, ownTTL)
	default:
		rc = wire.NXDomain
		reply = wire.AppendSOA(wire.Start(dst[:0], q, rc), suffix(q.Name(), s.depth), ownTTL, ownTTL)
	}
	return r.sent(c, actionLocal, 0, rc, wire.Finish(reply, q, rc, nil))
}

func (r *Resolver) identity(s *Stroke, c Client) []string {
	household, device := "unknown", "unknown"
	if s.who.Status != policy.Stranger {
		household = "known"
	}
	if s.who.Status == policy.Known {
		device = "known"
	}
	return append([]string{
		"node=" + r.cfg.Node,
		"version=" + r.cfg.Version,
		"household=" + household,
		"device=" + device,
		fmt.Sprintf("band=%s", s.who.Profile.Band()),
		"transport=" + c.Transport.String(),
	}, s.path(c)...)
}

// path says to the client over which way it comes to us: its address as we see it, or its forwarder's, and what of
// the device arrived with the query. A token is not shown: it may be one that the operator keeps to themselves.
func (s *Stroke) path(c Client) []string {
	said := []string{"client=" + c.Addr.String()}
	if s.heard == heardDirectly {
		if s.forged {
			said = append(said, "told=untrusted")
		}
		return said
	}
	said = append(said, "told="+hearingNames[s.heard])
	if s.told.MAC != [6]byte{} {
		said = append(said, "mac="+policy.MAC(s.told.MAC).String())
	}
	if len(s.told.Token) > 0 {
		said = append(said, "token=yes")
	}
	if s.told.Addr.IsValid() {
		said = append(said, "address="+s.told.Addr.String())
	}
	return said
}
