package policy

import (
	"fmt"
	"strings"
	"time"
)

// profile interns: equal specs are one Profile, and equal parts one part.
func (b *compiler) profile(s *spec) *Profile {
	p := Profile{stance: b.stance(&s.traits), rules: b.rules(s.name, s.rules), learned: b.learned(s), where: b.addressRules(s), schedule: b.schedule(s)}
	found, ok := b.parts.profiles[p]
	if !ok {
		found = new(Profile)
		*found = p
		b.parts.profiles[p] = found
	}
	return found
}

func (b *compiler) stance(t *traits) *stance {
	found, ok := b.parts.stances[*t]
	if !ok {
		found = newStance(b.ground, t, b.textsFor(t.language, ReaderOf(t.band)))
		b.parts.stances[*t] = found
	}
	return found
}

func (b *compiler) rules(profile string, rules []ownRule) *ruleSet {
	key := b.parts.key[:0]
	for _, r := range rules {
		key = append(key, r.name...)
		key = append(key, ' ', bit(r.allow)|bit(r.exact)<<1)
	}
	b.parts.key = key
	if found, ok := b.parts.rules[string(key)]; ok {
		return found
	}
	made, err := newRuleSet(rules, b.ground.key)
	if err != nil {
		b.problems.addErr("", fmt.Errorf("compiling profile %s: %w", profile, err))
	}
	b.parts.rules[string(key)] = made
	return made
}

// textsFor makes the texts of a language and a reader once.
func (b *compiler) textsFor(language string, r Reader) *texts {
	key := tongue{language, r}
	if t, ok := b.parts.texts[key]; ok {
		return t
	}
	t := newTexts(b.ground, Words(language), r, b.config.Config.Categories)
	b.parts.texts[key] = t
	return t
}

// places reads each time zone once: a file of the system, and kilobytes in memory.
type places map[string]*time.Location

// find gives the zone of a name, and the error of every look-up that fails.
func (p places) find(name string) (*time.Location, error) {
	if loc, ok := p[name]; ok {
		return loc, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the zone
	}
	p[strings.Clone(name)] = loc
	return loc, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
