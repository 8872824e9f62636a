package policy

import (
	"strconv"

	"github.com/hearthdns/hearth/blocklists"
)

// Profile is a compiled set of rules: masks over the Index's own categories,
// own rules and a schedule. Nothing in it changes but what the
// schedule remembers of the present hour; equal ones of a Directory are one,
// and unequal ones share the parts in which they are equal.
type Profile struct {
	*stance
	rules    *ruleSet
	learned  *ruleSet    // what a thing may ask for besides its categories, and may not; nil: nothing
	where    *addressSet // nil: none
	schedule *schedule   // nil: none
}

// stance is what a profile holds of categories, and what it is called.
type stance struct {
	ground   *ground
	name     string
	band     Band
	language string
	mode     BlockMode
	observe  bool
	route    uint8
	memory   Memory // of queries
	alarms   Memory // of blocks by security

	acts      blocklists.Categories // all that steps 1 to 10 look at
	alwaysOn  blocklists.Categories
	security  blocklists.Categories
	services  masks
	lifts     []lift
	cells     masks // step 10
	allowList bool
	listed    blocklists.Categories // what an allow-list lets through
	unknown   unknownRule
	newNames  cell
	texts     *texts

	safeSearch bool
	youtube    youtubeMode
}

// masks holds categories by what happens to them.
type masks struct{ block, warn, timed blocklists.Categories }

func (m *masks) all() blocklists.Categories { return m.block.Or(m.warn).Or(m.timed) }

// lift is what an allowed service takes off the names of that service: its own
// category, and its sister services that have no switch of their own.
type lift struct{ service, off blocklists.Categories }

func (m *masks) set(c blocklists.Category, to cell) {
	switch to {
	case cellBlock:
		m.block.Add(c)
	case cellWarn:
		m.warn.Add(c)
	case cellTimed:
		m.timed.Add(c)
	case cellTimedWarn:
		m.timed.Add(c)
		m.warn.Add(c)
	case cellAllow, cellNone:
	}
}

func newStance(g *ground, t *traits, words *texts) *stance {
	p := &stance{
		ground: g, name: t.name, band: t.band, language: t.language, mode: t.mode, observe: t.observe, route: t.route, memory: t.memory, alarms: t.alarms,
		alwaysOn: t.alwaysOn.Or(g.help), allowList: t.allowList, listed: t.listed, unknown: t.unknown,
		newNames: t.cells[g.newNames], texts: words, safeSearch: t.safeSearch, youtube: t.youtube,
	}
	if t.band == NoBand {
		p.alwaysOn = blocklists.Categories{}
	}
	for i, row := range g.taxonomy.All() {
		p.place(t, blocklists.Category(i), row) //nolint:gosec // a taxonomy has at most 256 rows
	}
	p.acts = g.illegal.Or(g.core).Or(p.alwaysOn).Or(p.security).Or(p.services.all()).Or(p.cells.all())
	return p
}

// place puts one category or service into the masks.
func (p *stance) place(s *traits, c blocklists.Category, row blocklists.Definition) {
	g := p.ground
	var bit blocklists.Categories
	bit.Add(c)
	set := s.cells[c]
	switch {
	case bit.Intersects(g.illegal) || bit.Intersects(g.ok):
	case c == g.newNames: // block and warn are step 12's
		if set == cellTimed || set == cellTimedWarn {
			p.cells.timed.Add(c)
		}
	case bit.Intersects(g.security):
		if set == cellBlock {
			p.security.Add(c)
		}
	case !row.Service:
		p.cells.set(c, set)
	case set == cellNone: // as its own category: TikTok is a social network
		p.cells.set(c, s.cells[g.shown[c]])
	case set == cellWarn || set == cellTimedWarn: // of a shared device, from the category of one
		p.cells.set(c, set)
	default:
		p.services.set(c, set)
		p.addLift(s, c, set)
	}
}

func (p *stance) addLift(s *traits, c blocklists.Category, set cell) {
	if set != cellAllow && set != cellTimed {
		return
	}
	var l lift
	l.service.Add(c)
	for i, row := range p.ground.taxonomy.All() {
		other := blocklists.Category(i) //nolint:gosec // as above
		sister := row.Service && p.ground.shown[other] == p.ground.shown[c] && s.cells[other] == cellNone
		if other == p.ground.shown[c] || sister {
			l.off.Add(other)
		}
	}
	p.lifts = append(p.lifts, l)
}

// Name is the profile's name: a configured one, or the band's.
func (p *Profile) Name() string { return p.name }

// Band is the age band that the profile is built on, NoBand for a household
// that has not opted in.
func (p *Profile) Band() Band { return p.band }

// Language is the household's, a BCP 47 tag; "" if it has chosen none.
func (p *Profile) Language() string { return p.language }

// Mode is how a block looks in DNS.
func (p *Profile) Mode() BlockMode { return p.mode }

// Route is the number of the set of upstreams that resolves for this profile, in
// Config.UpstreamSets. A shared device asks those of its strictest member.
func (p *Profile) Route() uint8 { return p.route }

// AllowsBeneath says that an own rule allows a name beneath the asked one, so
// that the asked one must not be said not to exist: RFC 8020 lets a cache deny
// everything beneath such a name.
func (p *Profile) AllowsBeneath(q *Question) bool {
	return q.Hashes.N > 0 && p.rules.allowsBeneath(q.Hashes.H[q.Hashes.N-1])
}

// Observe says that decisions are computed and counted, not applied.
func (p *Profile) Observe() bool { return p.observe }

// Managed says that a decision may change by the clock or by a parent's hand
// at any time, so that replies must be short-lived: everyone under 18, things,
// and who has a schedule.
func (p *Profile) Managed() bool {
	return p.band.Minor() || p.band == Things || p.schedule != nil
}

// The longest TTLs in seconds of replies that may be allowed no longer at any time.
const (
	managedTTL = 300
	timedTTL   = 60 // of what a homework window or a quota may switch off
)

// MaxTTL gives the longest TTL in seconds of an allowed reply and of one whose
// Decision is Timed; 0 is no limit. Decision.Until bounds it further.
func (p *Profile) MaxTTL() (allowed, timed uint32) {
	if !p.Managed() {
		return 0, 0
	}
	return managedTTL, timedTTL
}

// Text is the Extended DNS Error text of a block, in the household's language,
// in English if it has chosen none: no name, no person, no category for self-harm,
// and none at all where a child reads. It is "" where nothing is blocked, and for
// the law and for security, which look alike. 0 allocations.
func (p *Profile) Text(d Decision) string { return p.texts.short.of(p.ground, d) }

// Justification is Text with how to ask for the name, ready to stand within a JSON
// string; the household's language is that of TextLanguage. 0 allocations.
func (p *Profile) Justification(d Decision) string { return p.texts.said.of(p.ground, d) }

// TextLanguage is the language of Text and Justification, such as "en".
func (p *Profile) TextLanguage() string { return p.texts.language }

// AppendID appends the id of a decision: step, category, and the versions of
// policy and lists. It carries no name; a legal block looks like a security
// block, neither of them tells its category, nor does self-harm, nor anything
// that a child may read. 0 allocations.
func (p *Profile) AppendID(dst []byte, x Decision) []byte {
	step := x.Step
	if step == StepLaw {
		step = StepSecurity
	}
	dst = strconv.AppendUint(dst, uint64(step), 10)
	if x.HasCategory && step != StepSecurity && x.Category != p.ground.selfharm && ReaderOf(p.band) != ReaderChild {
		dst = append(dst, '.')
		dst = append(dst, p.ground.taxonomy.ID(x.Category)...)
	}
	return append(dst, p.ground.versions...)
}
