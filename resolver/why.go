package resolver

import (
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/wire"
)

// why answers TXT of NAME.why.<own name> with the reason of what happens to NAME for this very
// client: what its household's devices may know anyway. It tells no more than a block itself does: of the law
// and of security nothing, and a name that was withheld from the client stays so.
func (r *Resolver) why(s *Stroke, q *wire.Query, c Client, dst []byte) []byte {
	rc, zone := wire.NoError, suffix(q.Name(), s.depth)
	reply := wire.Start(dst[:0], q, rc)
	asked := append(slices.Clone(blocklists.Name(q.Name()[:len(q.Name())-len(zone)])), 0)
	switch home := s.who.Status == policy.Known || s.who.Status == policy.Guest; {
	case !home:
		rc = wire.NXDomain
		reply = wire.AppendSOA(wire.Start(dst[:0], q, rc), zone, ownTTL, ownTTL)
	case q.Type == wire.TypeTXT && len(asked) > 1:
		for _, line := range r.reasons(s, c, asked) {
			reply = wire.AppendTXT(reply, 0, []byte(line))
		}
	default:
		reply = wire.AppendSOA(reply, zone, ownTTL, ownTTL)
	}
	return r.sent(c, actionLocal, 0, rc, wire.Finish(reply, q, rc, nil))
}

// reasons is what may be told of a name, a line each. What its chain leads to is not looked at.
func (r *Resolver) reasons(s *Stroke, c Client, name blocklists.Name) []string {
	var hashes blocklists.Hashes
	q := s.world.Directory.AskFor(name, wire.TypeA, &hashes)
	d := s.who.Decide(&q, s.now)
	if r.Withheld(c.Addr, &q, d) {
		d = policy.Decision{Action: policy.Block, Step: policy.StepLaw, Applied: true, Silent: true}
	}
	if d.Silent {
		return []string{"action=" + policy.Block.String(), "step=" + policy.StepSecurity.String()}
	}
	p := s.who.Profile
	lines := []string{"action=" + d.Action.String(), "step=" + d.Step.String()}
	if !d.Applied {
		lines = append(lines, "applied=no")
	}
	if text := p.Text(d); text != "" {
		lines = append(lines, "reason="+text)
	}
	if until := d.Told(); until != 0 {
		lines = append(lines, "until="+time.Unix(until, 0).In(s.who.Household.Location).Format(time.RFC3339))
	}
	return append(lines, "id="+string(p.AppendID(nil, d)))
}
