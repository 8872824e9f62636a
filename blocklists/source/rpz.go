package source

import (
	"bytes"

	"github.com/hearthdns/hearth/blocklists"
)

// zone reads a response policy zone from a master file (RFC 1035 section 5.1; draft-vixie-dnsop-dns-rpz), record by
// record. It is a line reader and no zone parser on purpose: a record that cannot be read must cost one line, where a
// zone parser (miekg/dns) ends at its first error. The name of the zone is that of $ORIGIN and SOA; where neither
// says one, names are taken as relative to an unknown zone.
type zone struct {
	*parser
	apex   []byte // name of the zone, lower case, without the dot at the end; empty: unknown
	origin []byte // of relative names, same form
	fixed  bool   // the SOA record was seen
	owner  []byte // text of the last record's owner, for lines that begin with white space
	last   []byte // trigger that the last record gave an entry for: more records of it add nothing
	record []byte // a record in parentheses as far as it was read
	depth  int    // open parentheses
}

// maxRecord bounds a record in parentheses, in bytes.
const maxRecord = 16 << 10

func (z *zone) line(line []byte) {
	if z.depth == 0 && !bytes.ContainsAny(line, `;()"`) {
		z.complete(line)
		return
	}
	if z.depth == 0 {
		z.record = z.record[:0]
	}
	z.scan(line)
	switch {
	case z.depth < 0 || len(z.record) > maxRecord:
		z.depth = 0
		z.reject(ReasonSyntax, line)
	case z.depth == 0:
		z.complete(z.record)
	}
}

// scan appends line to z.record without its comment, and counts parentheses outside of quotes.
func (z *zone) scan(line []byte) {
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && i+1 < len(line):
			z.record = append(z.record, c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';':
			z.record = append(z.record, ' ')
			return
		case c == '(':
			z.depth, c = z.depth+1, ' '
		case c == ')':
			z.depth, c = z.depth-1, ' '
		}
		z.record = append(z.record, c)
	}
	z.record = append(z.record, ' ')
}

// complete reads a whole record or directive.
func (z *zone) complete(line []byte) {
	z.fields = splitFields(z.fields[:0], line)
	if len(z.fields) == 0 {
		return
	}
	if z.fields[0][0] == '$' && !isSpace(line[0]) {
		z.directive(line)
		return
	}
	rest := z.fields
	if !isSpace(line[0]) {
		z.owner = append(z.owner[:0], z.fields[0]...)
		rest = rest[1:]
	}
	for n := 0; n < 2 && len(rest) > 0 && (isTTL(rest[0]) || isClass(rest[0])); n++ {
		rest = rest[1:]
	}
	if len(rest) < 2 || len(z.owner) == 0 {
		z.reject(ReasonSyntax, line)
		return
	}
	z.use(rest[0], rest[1], line)
}

// directive reads $ORIGIN and passes over $TTL. $INCLUDE would read another file and $GENERATE would multiply lines;
// both are rejected.
func (z *zone) directive(line []byte) {
	switch {
	case equalFold(z.fields[0], "$ttl"):
	case equalFold(z.fields[0], "$origin") && len(z.fields) > 1:
		z.origin = z.absolute(nil, z.fields[1])
		if !z.fixed && len(z.apex) == 0 {
			z.apex = z.origin
		}
	case equalFold(z.fields[0], "$include"), equalFold(z.fields[0], "$generate"):
		z.reject(ReasonAction, line)
	default:
		z.reject(ReasonSyntax, line)
	}
}

// use reads one record of z.owner.
func (z *zone) use(kind, data, line []byte) {
	if equalFold(kind, "soa") {
		if !z.fixed {
			z.apex, z.fixed = z.absolute(nil, z.owner), true
		}
		return
	}
	cname := equalFold(kind, "cname")
	if !cname && isZoneRecord(kind) {
		return
	}
	trigger, ok := z.trigger()
	if !ok || !cname && !isRecordType(kind) {
		z.reject(ReasonSyntax, line)
		return
	}
	if len(trigger) == 0 { // data of the zone's own name
		return
	}
	kindOf := triggerKind(trigger)
	if kindOf == triggerOther {
		z.reject(ReasonTrigger, line)
		return
	}
	do := actionBlock
	switch {
	case equalFold(kind, "dname"):
		do = actionOther
	case cname:
		do = redirect(trigger, data)
	}
	switch {
	case do == actionOther:
		z.reject(ReasonAction, line)
	case bytes.Equal(trigger, z.last):
	case kindOf == triggerAddress:
		z.network(trigger, line, do == actionPass)
	default:
		z.block(trigger, line, do == actionPass)
	}
}

// action is what a policy does.
type action uint8

const (
	actionBlock action = iota // NXDOMAIN, NODATA, local data
	actionPass                // PASSTHRU
	actionOther               // anything else
)

// redirect returns the action that a CNAME stands for.
func redirect(trigger, target []byte) action {
	bare := bytes.TrimSuffix(target, []byte("."))
	switch {
	case equalFold(bare, "rpz-passthru"), bytes.EqualFold(bare, trigger):
		return actionPass // the second is how passing through was written before rpz-passthru
	case len(bare) > 4 && equalFold(bare[:4], "rpz-") && bytes.IndexByte(bare, '.') < 0:
		return actionOther // rpz-drop, rpz-tcp-only and what may come
	}
	return actionBlock // "." NXDOMAIN, "*." NODATA, another name: local data
}

func (z *zone) block(trigger, line []byte, exception bool) {
	z.last = append(z.last[:0], trigger...)
	e := blocklists.Entry{Scope: blocklists.Exact, Exception: exception}
	name := trigger
	if below, ok := bytes.CutPrefix(trigger, []byte("*.")); ok {
		e.Scope, name = blocklists.Below, below
	}
	z.addAs(name, bytes.TrimSpace(line), e)
}

// network adds the addresses of an rpz-ip trigger.
func (z *zone) network(trigger, line []byte, exception bool) {
	z.last = append(z.last[:0], trigger...)
	line = bytes.TrimSpace(line)
	prefix, ok := triggerPrefix(string(trigger[:len(trigger)-len(".rpz-ip")]))
	switch {
	case !ok:
		z.reject(ReasonSyntax, line)
	case isBroadPrefix(prefix):
		z.reject(ReasonBroad, line)
	default:
		z.addPrefix(prefix, line, exception)
	}
}

// trigger returns the owner relative to the zone; ok is false where it is outside of it.
func (z *zone) trigger() (name []byte, ok bool) {
	if bytes.Equal(z.origin, z.apex) && !isAbsolute(z.owner) {
		if string(z.owner) == "@" {
			return nil, true
		}
		return z.owner, true
	}
	name = z.absolute(nil, z.owner)
	if len(z.apex) == 0 {
		return name, true
	}
	if bytes.Equal(name, z.apex) {
		return nil, true
	}
	rest, ok := bytes.CutSuffix(name, z.apex)
	if !ok || len(rest) < 2 || rest[len(rest)-1] != '.' || rest[len(rest)-2] == '\\' {
		return nil, false
	}
	return rest[:len(rest)-1], true
}

// absolute appends name in lower case, completed by the origin, without the dot at its end.
func (z *zone) absolute(dst, name []byte) []byte {
	switch {
	case string(name) == "@":
		return append(dst, z.origin...)
	case isAbsolute(name):
		return appendLower(dst, name[:len(name)-1])
	}
	dst = appendLower(dst, name)
	if len(z.origin) > 0 {
		dst = append(append(dst, '.'), z.origin...)
	}
	return dst
}

func isAbsolute(name []byte) bool {
	n := len(name)
	return n > 0 && name[n-1] == '.' && (n < 2 || name[n-2] != '\\')
}
