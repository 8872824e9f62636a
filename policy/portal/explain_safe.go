package portal

import (
	"fmt"

	"github.com/hearthdns/hearth/policy"
)

// safe gives the host as which a name answers with safe search, "" for none, and puts what the lists and people say of
// that host into the decision.
func (e *Explanation) safe(dir *policy.Directory, c *policy.Client, q *policy.Question, t *policy.Trace) string {
	becomes := c.Profile.Transform(q)
	if becomes == nil || t.Blocks() || t.Action == policy.Fixed {
		return ""
	}
	host, was := becomes.Target.String(), t.Decision
	t.Decision, _ = dir.Safe(c, q, was, e.At)
	if t.Action != was.Action || t.Step != was.Step {
		detail := "safe search makes it " + host + ", which this is about"
		t.Steps = append(t.Steps, policy.TraceStep{Step: t.Step, Verdict: t.Action.String(), Detail: detail})
	}
	return host
}

// safely says in words what a client gets of a name that answers as another host.
func safely(name, host, qtype string) string {
	switch qtype {
	case "A", "AAAA", "CNAME":
		return fmt.Sprintf("safe search: %s answers as %s", name, host)
	case "NS", "SOA", "DS", "DNSKEY", "MX", "TXT", "ANY":
		return "what the upstream says" // of the zone, never an address
	}
	return fmt.Sprintf("NODATA: safe search has %s answer as %s, and a record of type %s could lead past it", name, host, qtype)
}
