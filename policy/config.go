package policy

import (
	"net/netip"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Config is the part of the configuration that says who may see what. Names
// that people choose (profiles, members, devices) are values, never keys.
type Config struct {
	Profiles   []ProfileConfig   `yaml:"profiles"`
	Households []HouseholdConfig `yaml:"households"`
	Categories []CategoryConfig  `yaml:"categories"`
}

// ProfileConfig is a named set of changes to an age band. The bands' names are
// reserved: "teen" is always the preset.
type ProfileConfig struct {
	Name string `yaml:"name"`
	// Band is the preset to start from. Empty: the band of the member who uses
	// the profile; such a profile cannot be a device's, a guest's or a listener's.
	Band string `yaml:"band"`
	// BlockMode is how a block looks in DNS: landing (default), nxdomain, null
	// or refused.
	BlockMode  string           `yaml:"block_mode"`
	Categories []CategoryChange `yaml:"categories"`
	Services   []ServiceChange  `yaml:"services"`
	Rules      []RuleConfig     `yaml:"rules"`
	// Addresses deny answers by where their addresses lie.
	Addresses []AddressRuleConfig `yaml:"addresses"`
	// Unknown is what happens to names on no list: allow, block, or popular
	// (block outside the popularity list, while one is loaded). Empty: as the band.
	Unknown string `yaml:"unknown"`
	// SafeSearch makes search engines answer with safe results alone: on or off. Empty: as the band.
	SafeSearch string `yaml:"safe_search"`
	// YouTube is its restricted mode: strict, moderate or off; blocked is the switch of the service. Empty: as the band.
	YouTube string `yaml:"youtube"`
	// OtherSearch is what happens to engines that cannot be held to safe search: block or allow. Empty: as the band.
	OtherSearch string `yaml:"other_search"`
	// AlwaysOn are services (or social.chat) that work even at bedtime: the
	// family's messenger.
	AlwaysOn []string `yaml:"always_on"`
	// Observe computes and counts decisions without applying them. The law, the
	// resolver's own names and security stay in force.
	Observe  bool           `yaml:"observe"`
	Schedule ScheduleConfig `yaml:"schedule"`
	// Standing is time that members with this profile may take themselves.
	Standing []StandingConfig `yaml:"standing"`
	// Quotas are minutes a day of a category, a service or all together.
	Quotas []QuotaConfig `yaml:"quotas"`
	// Upstreams are who resolves for this profile, in place of those for all. Empty: those for all.
	Upstreams []string `yaml:"upstreams"`
}

// CategoryChange changes one category, or all beneath "adult" or "adult.*".
// Later changes win over earlier ones.
type CategoryChange struct {
	ID     string `yaml:"id"`
	Action string `yaml:"action"` // allow, block, warn or timed
}

// ServiceChange switches one service. Allow and timed lift the service's own
// category for its names, nothing else.
type ServiceChange struct {
	ID     string `yaml:"id"`     // "service.tiktok", or "tiktok"
	Action string `yaml:"action"` // allow, block or timed
}

// RuleConfig is a parents' own rule. The most specific name wins, deny wins a
// tie; scope does not make a rule more specific.
type RuleConfig struct {
	Name   string `yaml:"name"`
	Action string `yaml:"action"` // allow or deny
	Scope  string `yaml:"scope"`  // subdomains (default: the name and all beneath) or exact
	// Profile and Member narrow a household's rule; empty: everyone in the
	// household, its guests too. Not for the rules of a profile.
	Profile string `yaml:"profile"`
	Member  string `yaml:"member"`
}

// ScheduleConfig says when names are off. Nothing is off unless it is written
// here: the bands' times are proposals, taken over with `preset: true`.
type ScheduleConfig struct {
	// Preset takes over the band's proposed bedtime and homework time; the keys
	// beside it replace single parts, "off" switches one off.
	Preset  bool         `yaml:"preset"`
	Bedtime NightsConfig `yaml:"bedtime"`
	// Homework is "15:00-17:30" on school days: categories and services marked timed are off.
	Homework string         `yaml:"homework"`
	Windows  []WindowConfig `yaml:"windows"`
}

// NightsConfig holds bedtime, "21:00-06:30" each: all names are off. School
// nights are the evenings before school days, Sunday to Thursday where there is no calendar; the others
// are free. A bedtime that begins before noon belongs to the evening before.
type NightsConfig struct {
	School string `yaml:"school"`
	Free   string `yaml:"free"`
}

// WindowConfig is one weekly window. It begins on each of its days; where To is
// not after From it ends on the next day.
type WindowConfig struct {
	Days []string `yaml:"days"` // mon tue wed thu fri sat sun, or: all
	From string   `yaml:"from"` // HH:MM
	To   string   `yaml:"to"`   // HH:MM, 24:00 for the end of the day
	Kind string   `yaml:"kind"` // bedtime (all names off) or homework (timed ones off)
}

// HouseholdConfig is a family: its networks, people, devices and rules.
type HouseholdConfig struct {
	ID     string `yaml:"id"` // opaque, [a-z0-9-]{1,64}
	Tenant string `yaml:"tenant"`
	// Enabled false means: opted out. Such a household is never filtered; only
	// legal lists apply to it, and nothing is kept. Absent means true.
	Enabled *bool `yaml:"enabled"`
	// Consent says who opted in, and when. An enabled household must have it.
	Consent  ConsentConfig  `yaml:"consent"`
	Timezone string         `yaml:"timezone"` // IANA; needed once there is a schedule
	Language string         `yaml:"language"` // BCP 47; empty: pages as the browser asks, other texts in English
	Country  string         `yaml:"country"`  // ISO 3166-1, two letters
	Networks []netip.Prefix `yaml:"networks"`
	Members  []MemberConfig `yaml:"members"`
	Devices  []DeviceConfig `yaml:"devices"`
	Rules    []RuleConfig   `yaml:"rules"`
	// Forwarders are who asks for devices behind them.
	Forwarders []ForwarderConfig `yaml:"forwarders"`
	// Recognise gives profiles to devices that are not known; the first rule that fits holds.
	Recognise []RecogniseConfig `yaml:"recognise"`
	// Addresses hold for everyone in the household, its guests too.
	Addresses []AddressRuleConfig `yaml:"addresses"`
	// Guest is the profile of devices that are not known yet. Empty: the
	// strictest block-list preset among the members, at most the preteen's.
	Guest string `yaml:"guest"`
	// Schedule holds for the members under 18 whose profile has none of its own.
	Schedule ScheduleConfig `yaml:"schedule"`
	// Calendar says which days are school days, for all schedules and quotas of the household.
	Calendar   CalendarConfig    `yaml:"calendar"`
	Exceptions []ExceptionConfig `yaml:"exceptions"`
	Observe    bool              `yaml:"observe"`
	// Answers says how many parents have to grant a request of a child: "one", or "two". Empty: one.
	Answers string `yaml:"answers"`
	// Support says what support sees by the id of a decision: "reason", or "names" for the site, the member and the device
	// as well. Empty: reason.
	Support string `yaml:"support"`
}

// ConsentConfig is the record that somebody opted in.
type ConsentConfig struct {
	By string `yaml:"by"`
	At Date   `yaml:"at"`
}

// MemberConfig is a person. With a birth date alone the band moves on the
// birthday; a written band wins over the birth date and moves when it is
// edited. A profile with a band of its own wins over both.
type MemberConfig struct {
	Name    string `yaml:"name"`
	Born    Date   `yaml:"born"` // YYYY-MM-DD
	Band    string `yaml:"band"`
	Profile string `yaml:"profile"`
	// Schedule, Services and Quotas are this person's own: what a parent changes for one child. A schedule takes the
	// place of the profile's, each service and each quota that of the profile's for the same.
	Schedule ScheduleConfig  `yaml:"schedule"`
	Services []ServiceChange `yaml:"services"`
	Quotas   []QuotaConfig   `yaml:"quotas"`
}

// DeviceConfig is a device known by its addresses, its MACs, its id or its name. It has one member, or
// several (then the strictest of their profiles holds, cell by cell), or a
// profile of its own, which wins.
type DeviceConfig struct {
	Name string `yaml:"name"`
	// ID is the device's secret name in encrypted DNS: 16 to 63 of a-z, 0-9 and "-". Who
	// knows it is taken for the device, wherever it is.
	ID        string       `yaml:"id"`
	Addresses []netip.Addr `yaml:"addresses"`
	MACs      []MAC        `yaml:"macs"`
	// Hostnames are what the device calls itself. Anything may call itself so: by its name alone it gets what
	// both it and a guest are allowed.
	Hostnames []string `yaml:"hostnames"`
	Tokens    []string `yaml:"tokens"` // by which trusted forwarders tell of it
	Member    string   `yaml:"member"`
	Members   []string `yaml:"members"`
	Profile   string   `yaml:"profile"`
	// Use is school or work: its VPN names are allowed, and nobody is told of them. Empty: neither.
	Use string `yaml:"use"`
}

// CategoryConfig is an operator's own category. It is allowed in every band
// until a profile changes it.
type CategoryConfig struct {
	ID    string `yaml:"id"`
	Group string `yaml:"group"` // one of the twelve groups parents see
	Title string `yaml:"title"` // shown to people
}

// UpstreamSets lists the sets of upstreams that profiles have of their own, each once, in the
// order of the profiles. The first is nil: those for all. Profile.Route numbers them.
func (c Config) UpstreamSets() [][]string {
	sets, seen := [][]string{nil}, map[string]bool{"": true}
	for _, p := range c.Profiles {
		if id := upstreamSet(p.Upstreams); !seen[id] {
			seen[id] = true
			sets = append(sets, p.Upstreams)
		}
	}
	return sets
}

// upstreamSet tells sets of upstreams apart; their order counts.
func upstreamSet(urls []string) string { return strings.Join(urls, " ") }

// maxUpstreamSets bounds the sets of upstreams, each of which has a cache and sockets of its own.
const maxUpstreamSets = 64

// Definitions gives the operator's own categories for blocklists.NewTaxonomy.
func (c Config) Definitions() []blocklists.Definition {
	own := make([]blocklists.Definition, 0, len(c.Categories))
	for _, k := range c.Categories {
		own = append(own, blocklists.Definition{ID: k.ID, Group: k.Group})
	}
	return own
}
