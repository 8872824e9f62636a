package policy

import (
	"fmt"

	"github.com/hearthdns/hearth/blocklists"
)

// warnOfHelp says where a parents' deny meets help: emergency help is never
// cut off, other help only by a deny of exactly its name, which is worth a word.
func (b *compiler) warnOfHelp() {
	for i, p := range b.config.Config.Profiles {
		b.warnOfRules(fmt.Sprintf("profiles[%d].rules", i), p.Rules)
	}
	for i, h := range b.config.Config.Households {
		if len(h.Rules) > 0 {
			b.warnOfRules(fmt.Sprintf("households[%d].rules", i), h.Rules)
		}
	}
}

func (b *compiler) warnOfRules(path string, rules []RuleConfig) {
	var h blocklists.Hashes
	for i, r := range rules {
		text, err := parseRuleName(r.Name)
		if err != nil || r.Action != "deny" {
			continue
		}
		name, err := blocklists.ParseName(text)
		if err != nil {
			continue
		}
		b.ground.key.Hash(name, &h)
		at := fmt.Sprintf("%s[%d].name", path, i)
		switch m := b.directory.index.Match(&h); {
		case m.Categories.Intersects(b.ground.core):
			b.warn(at, "%s is emergency help for children: it stays reachable, this rule has no effect on it", text)
		case m.Categories.Intersects(b.ground.help):
			b.warn(at, "%s is a help site: this rule takes it away from a child who may need it", text)
		case b.ground.isFixed(&h):
			b.warn(at, "%s is a name that the resolver answers itself: this rule has no effect on it", text)
		}
	}
}

func (b *compiler) warn(path, format string, args ...any) {
	b.directory.warnings = append(b.directory.warnings, Warning{path, fmt.Sprintf(format, args...)})
}
