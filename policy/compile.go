package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// CompileConfig is what a Directory is made of.
type CompileConfig struct {
	Config Config
	Index  *blocklists.Index
	// Own is the resolver's own name. It and all beneath it are Fixed, except the
	// self-test names. Empty: none.
	Own   blocklists.Name
	Fixed []FixedName
	// Popular says that a popularity list is loaded into the Index.
	Popular bool
	// States is what people changed, by the id of the household. What of it makes no sense any more is
	// left out with a warning.
	States map[string]State
	// Usage is what was used of quotas; Directories that follow each other share it. nil: nothing yet.
	Usage *Usage
	// Now is the instant for which birth dates are turned into bands. It may be
	// zero where nobody's band depends on a birth date.
	Now time.Time
}

// FixedName is a name that the resolver answers itself.
type FixedName struct {
	Name    blocklists.Name
	Subtree bool // with all beneath
	// Except takes the name and all beneath out of a Fixed name above it: a zone
	// that the operator has answered elsewhere.
	Except bool
}

// Compile makes a Directory. The errors are those of Config.Validate, and those
// that only show with a date.
func Compile(c CompileConfig) (*Directory, error) {
	if c.Index == nil {
		return nil, errors.New("compiling the policy: there is no index")
	}
	if err := c.Config.Validate(c.Index.Taxonomy()); err != nil {
		return nil, err
	}
	if c.Usage == nil {
		c.Usage = NewUsage()
	}
	g, err := newGround(c)
	if err != nil {
		return nil, fmt.Errorf("compiling the policy: %w", err)
	}
	b, err := newCompiler(c, g)
	if err != nil {
		return nil, fmt.Errorf("compiling the policy: %w", err)
	}
	if err := b.run(); err != nil {
		return nil, err
	}
	return b.directory, nil
}

// compiler builds one Directory.
type compiler struct {
	config    CompileConfig
	ground    *ground
	presets   map[Band]*Preset
	bases     map[Band]*spec
	named     map[string]ProfileConfig
	parts     parts
	places    places
	routes    map[string]uint8 // of the sets of upstreams
	specs     []spec           // of the members of the present household
	directory *Directory
	problems  problems
}

// parts holds what profiles are made of, so that equal ones share them.
type parts struct {
	profiles  map[Profile]*Profile
	stances   map[traits]*stance
	rules     map[string]*ruleSet
	where     map[string]*addressSet
	times     map[timesKey]*plan
	plans     map[string]*plan
	calendars map[string]*calendar
	days      map[daysKey]*days
	schedules map[string]*schedule
	texts     map[tongue]*texts
	key       []byte
}

// tongue is in which words texts are.
type tongue struct {
	language string
	reader   Reader
}

func newCompiler(c CompileConfig, g *ground) (*compiler, error) {
	b := &compiler{
		config: c, ground: g,
		presets: map[Band]*Preset{}, bases: map[Band]*spec{NoBand: {traits: traits{name: "opted-out"}}},
		named: map[string]ProfileConfig{}, places: places{}, routes: map[string]uint8{},
		parts: parts{
			profiles: map[Profile]*Profile{}, stances: map[traits]*stance{}, rules: map[string]*ruleSet{}, where: map[string]*addressSet{},
			times: map[timesKey]*plan{}, plans: map[string]*plan{}, days: map[daysKey]*days{},
			calendars: map[string]*calendar{"": newCalendar(CalendarConfig{})}, schedules: map[string]*schedule{}, texts: map[tongue]*texts{},
		},
		directory: &Directory{
			index: c.Index, ground: g,
			profiles: map[string]*Profile{}, addresses: newAddresses(), ids: map[string]int32{},
		},
	}
	for _, band := range Bands() {
		p, err := LoadPreset(band)
		if err != nil {
			return nil, err
		}
		s, err := p.spec(g.taxonomy)
		if err != nil {
			return nil, err
		}
		b.presets[band], b.bases[band] = p, s
	}
	for _, p := range c.Config.Profiles {
		b.named[p.Name] = p
	}
	for i, set := range c.Config.UpstreamSets() {
		b.routes[upstreamSet(set)] = uint8(i) //nolint:gosec // at most maxUpstreamSets
	}
	return b, nil
}

func (b *compiler) run() error {
	b.standalone()
	b.makeRoom()
	for i := range b.config.Config.Households {
		b.household(i)
	}
	b.warnOfHelp()
	b.version()
	return b.problems.join()
}

// makeRoom for all at once: there may be a million clients.
func (b *compiler) makeRoom() {
	n := 1
	for i := range b.config.Config.Households {
		n += 1 + len(b.config.Config.Households[i].Devices)
	}
	b.directory.clients = make([]Client, 1, n)
	b.directory.households = make(map[string]*Household, len(b.config.Config.Households))
	b.directory.order = make([]*Household, 0, len(b.config.Config.Households))
}

// standalone compiles the presets and the profiles that have a band.
func (b *compiler) standalone() {
	for _, band := range Bands() {
		b.directory.profiles[band.String()] = b.alone(band.String())
	}
	for _, p := range b.config.Config.Profiles {
		if p.Band != "" {
			b.directory.profiles[p.Name] = b.alone(p.Name)
		}
	}
}

func (b *compiler) alone(profile string) *Profile {
	s := b.person(nil, "", profile, NoBand, MemberConfig{})
	return b.profile(&s)
}

// version hashes what decisions follow from, apart from the lists; a household at
// a time, for all of them as text are a lot of memory.
func (b *compiler) version() {
	c, d := &b.config.Config, b.directory
	sum := sha256.New()
	out := json.NewEncoder(sum)
	err := out.Encode(struct {
		Profiles   []ProfileConfig
		Categories []CategoryConfig
		Own        string
		Fixed      []FixedName
		Popular    bool
	}{c.Profiles, c.Categories, b.config.Own.String(), b.config.Fixed, b.config.Popular})
	var bands []byte
	for i, h := range d.order {
		bands = bands[:0]
		for _, m := range h.Members {
			bands = append(bands, byte(m.Band))
		}
		err = errors.Join(err, out.Encode(&c.Households[i]))
		_, _ = sum.Write(bands) // never fails
	}
	if err != nil {
		b.problems.addErr("", fmt.Errorf("hashing the policy: %w", err))
		return
	}
	d.hash = hex.EncodeToString(sum.Sum(nil)[:8])
	lists := d.index.ID()
	b.ground.versions = "-" + d.hash[:8] + "-" + lists[:min(8, len(lists))]
}
