package source

import (
	"bytes"
	"strings"

	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/blocklists"
)

// localZones reads the options of unbound by which it answers for itself: local-zone and local-data (unbound.conf(5)).
// A zone is its name and all beneath it, and the innermost one holds, as with entries.
type localZones struct {
	*parser
	zone []byte // the last blocking zone, lower case, without the dot at the end
	kind []byte // type of a zone, lower case
	last []byte // name of the last local-data that gave an entry: more data of it adds nothing
}

func (u *localZones) line(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return
	}
	key, rest, found := bytes.Cut(line, []byte(":"))
	if !found || !isOptionName(key) {
		u.reject(ReasonSyntax, line)
		return
	}
	values, ok := u.values(rest)
	switch {
	case !ok:
		u.reject(ReasonSyntax, line)
	case string(key) == "local-zone" && len(values) == 2:
		u.localZone(values[0], values[1], line)
	case string(key) == "local-data" && len(values) == 1:
		u.localData(values[0], line)
	case string(key) == "local-zone", string(key) == "local-data":
		u.reject(ReasonSyntax, line)
	case string(key) == "server" && len(values) == 0: // the clause that these options stand in
	default:
		u.reject(ReasonAction, line)
	}
}

// values splits what follows an option: words, or text in single or double quotes; "#" before a word begins a comment.
func (u *localZones) values(rest []byte) (values [][]byte, ok bool) {
	u.fields = u.fields[:0]
	for {
		rest = bytes.TrimLeft(rest, " \t\r\v\f")
		if len(rest) == 0 || rest[0] == '#' {
			return u.fields, true
		}
		end := bytes.IndexAny(rest, " \t\r\v\f")
		if quote := rest[0]; quote == '"' || quote == '\'' {
			rest = rest[1:]
			if end = bytes.IndexByte(rest, quote); end < 0 {
				return nil, false
			}
			u.fields = append(u.fields, rest[:end])
			rest = rest[end+1:]
			continue
		}
		if end < 0 {
			end = len(rest)
		}
		u.fields = append(u.fields, rest[:end])
		rest = rest[end:]
	}
}

// localZone reads a zone by its type: those that answer for everything in it block, those that let names be resolved
// make an exception, block_a blocks addresses of IPv4 only. What else a type may do is no matter of lists.
func (u *localZones) localZone(name, kind, line []byte) {
	u.kind = appendLower(u.kind[:0], kind)
	switch string(u.kind) {
	case "deny", "refuse", "static", "redirect", "inform_deny", "inform_redirect",
		"always_deny", "always_refuse", "always_nxdomain", "always_nodata", "always_null":
		u.zone = appendLower(u.zone[:0], bytes.TrimSuffix(name, []byte(".")))
		u.addAs(name, line, blocklists.Entry{Scope: blocklists.Subtree})
	case "transparent", "typetransparent", "inform", "always_transparent":
		u.addAs(name, line, blocklists.Entry{Scope: blocklists.Subtree, Exception: true})
	case "block_a":
		wire, why := u.norm.entry(name, u.opts.PublicSuffixes)
		if why != "" {
			u.reject(why, line)
			return
		}
		u.addPattern(blocklists.Pattern{Expr: nameExpression(wire, blocklists.Subtree), Types: []uint16{dns.TypeA}}, line, false)
	case "nodefault", "noview", "ipset":
		u.reject(ReasonAction, line)
	default:
		u.reject(ReasonSyntax, line)
	}
}

// localData reads a record. One in a blocking zone belongs to it; elsewhere an address that leads nowhere blocks its
// name, and any other record is another answer.
func (u *localZones) localData(record, line []byte) {
	u.fields = splitFields(u.fields[:0], record)
	if len(u.fields) < 3 {
		u.reject(ReasonSyntax, line)
		return
	}
	owner, rest := bytes.TrimSuffix(u.fields[0], []byte(".")), u.fields[1:]
	for n := 0; n < 2 && len(rest) > 0 && (isTTL(rest[0]) || isClass(rest[0])); n++ {
		rest = rest[1:]
	}
	switch {
	case len(rest) < 2:
		u.reject(ReasonSyntax, line)
	case u.belongs(owner), bytes.EqualFold(owner, u.last):
	case (equalFold(rest[0], "a") || equalFold(rest[0], "aaaa")) && isNullAddress(string(rest[1])):
		u.last = append(u.last[:0], owner...)
		u.addAs(owner, line, blocklists.Entry{Scope: blocklists.Exact})
	default:
		u.reject(ReasonAction, line)
	}
}

// belongs reports whether a name is in the last blocking zone.
func (u *localZones) belongs(owner []byte) bool {
	if len(u.zone) == 0 || len(owner) < len(u.zone) {
		return false
	}
	at := len(owner) - len(u.zone)
	return strings.EqualFold(string(owner[at:]), string(u.zone)) && (at == 0 || owner[at-1] == '.')
}

func isOptionName(key []byte) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && c != '-' && (c < '0' || c > '9') {
			return false
		}
	}
	return len(key) > 0
}
