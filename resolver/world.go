package resolver

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
)

// World is everything that a query is judged by. It is immutable and swapped as
// one, so a query never sees the index of one reload with the profiles of
// another: the profiles' masks are compiled against this very index.
type World struct {
	Index      *blocklists.Index
	Directory  *policy.Directory
	Upstreams  *Routes
	Landing    Landing
	Listeners  []Admission // by listener number
	Generation uint64

	spared  blocklists.Categories // see withholds
	lifting bool                  // a pattern can give a category that allows
	special specials

	activity bool // queries are told that may be remembered

	atlas   Atlas  // nil: nobody has rules of addresses
	edition uint32 // of it

	designated designated
	structured structured
	help       blocklists.Categories // see atHome
	groups     [blocklists.MaxCategories]uint8
}

// WorldConfig is what a World is made of. Directory must have been compiled
// against Index, with FixedNames(Own, Designated.Name, zones of Upstreams) as its fixed names.
type WorldConfig struct {
	Index      *blocklists.Index
	Directory  *policy.Directory
	Upstreams  *Routes
	Landing    Landing
	Listeners  []Admission
	Own        blocklists.Name
	Designated Designation
	InfoURL    string // page about this resolver, "" for none
	Structured Structured
	Atlas      Atlas // nil: nobody knows where addresses lie
	Activity   bool  // the Observer is told of queries that may be remembered
	Generation uint64
}

// Atlas says where addresses lie. It is asked when an answer is stored or read anew, from any goroutine.
type Atlas interface {
	Locate(netip.Addr) policy.Whereabouts
	Edition() uint32 // names what it says; never 0
}

// blank is an atlas for rules of networks alone.
type blank struct{}

func (blank) Locate(netip.Addr) policy.Whereabouts { return policy.Whereabouts{} }

func (blank) Edition() uint32 { return math.MaxUint32 }

// NewWorld checks that the parts fit each other and returns them as one.
func NewWorld(cfg WorldConfig) (*World, error) {
	if cfg.Directory.Index() != cfg.Index {
		return nil, fmt.Errorf("joining the world: the directory was compiled against another index")
	}
	help, err := cfg.Index.Taxonomy().Select("ok.help")
	if err != nil {
		return nil, fmt.Errorf("joining the world: %w", err)
	}
	designated, err := newDesignated(cfg.Designated, cfg.Own, cfg.InfoURL)
	if err != nil {
		return nil, err
	}
	w := &World{
		help:       help,
		Index:      cfg.Index,
		Directory:  cfg.Directory,
		Upstreams:  cfg.Upstreams,
		Landing:    cfg.Landing,
		Listeners:  cfg.Listeners,
		Generation: cfg.Generation,
		activity:   cfg.Activity,
		spared:     spared(cfg.Index.Taxonomy()),
		lifting:    cfg.Index.PatternCategories().Intersects(policy.Lifting(cfg.Index.Taxonomy())),
		special:    newSpecials(cfg.Index.Key(), cfg.Own, cfg.Designated.Name, cfg.Upstreams.Zones()),
		designated: designated,
		structured: newStructured(cfg.Structured),
		groups:     groupTable(cfg.Index.Taxonomy()),
	}
	if cfg.Directory.Locates() {
		if w.atlas = cfg.Atlas; w.atlas == nil {
			w.atlas = blank{}
		}
		w.edition = w.atlas.Edition()
	}
	return w, nil
}

// settled reports whether a decision stands whatever the patterns say of the name: one about a name of our own, or a
// block that none of them can lift. A name that no list knows may be on one by a pattern.
func (w *World) settled(d policy.Decision) bool {
	return d.Action == policy.Fixed || d.Blocks() && !w.lifting && d.Step != policy.StepUnknown
}

// Landing says which addresses a blocked name gets.
type Landing struct {
	V4, V6 netip.Addr // the zero Addr: none configured
	TTL    uint32     // seconds; the cap of every blocked answer

	// Here holds the local addresses on which the landing page is served on
	// port 80. Where no address is configured, a query that came in on one of
	// them is answered with it.
	Here map[netip.Addr]bool
}

// address returns the landing address of the family of qtype for a query that
// came in on local, or the zero Addr if there is none.
func (l *Landing) address(six bool, local netip.Addr) netip.Addr {
	want := l.V4
	if six {
		want = l.V6
	}
	if want.IsValid() {
		return want
	}
	local = local.Unmap()
	if local.Is4() != six && l.Here[local] {
		return local
	}
	return netip.Addr{}
}

// none reports whether no landing address of either family is to be had, so
// that a block must take the null form.
func (l *Landing) none(local netip.Addr) bool {
	return !l.address(false, local).IsValid() && !l.address(true, local).IsValid()
}

// spares reports whether the rebinding check lets a pass: the landing addresses,
// but not a loopback one, which no upstream has a reason to send.
func (l *Landing) spares(a netip.Addr) bool {
	return !a.IsLoopback() && (a == l.V4 || a == l.V6 || l.Here[a])
}
