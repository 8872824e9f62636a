package policy

import "strings"

// HostLabel is the name of a machine as Facts have it: the first label, in lower case; "" for a name that says
// nothing, is longer than a label (RFC 1035) or has signs that no host name has.
func HostLabel(name string) string {
	name, _, _ = strings.Cut(name, ".")
	name = strings.ToLower(name)
	if len(name) > 63 || strings.Trim(name, hostSigns) != "" || name == "localhost" {
		return ""
	}
	return name
}

const hostSigns = "abcdefghijklmnopqrstuvwxyz0123456789-_"

// namePattern is a name with at most one "*", which stands for any signs. The zero pattern is none.
type namePattern struct {
	before, after string
	open          bool // there is a "*"
}

// parseNamePattern reads a pattern; false if it is none.
func parseNamePattern(text string) (namePattern, bool) {
	before, after, open := strings.Cut(strings.ToLower(text), "*")
	good := text != "*" && len(text) <= 63 && strings.Trim(before+after, hostSigns) == ""
	return namePattern{before, after, open}, good
}

func (p namePattern) matches(name string) bool {
	if !p.open {
		return name == p.before
	}
	return len(name) >= len(p.before)+len(p.after) && strings.HasPrefix(name, p.before) && strings.HasSuffix(name, p.after)
}
