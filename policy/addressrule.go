package policy

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// AddressRuleConfig denies every answer that leads to an address of one network,
// one country or one autonomous system. Exactly one of the three is written.
type AddressRuleConfig struct {
	Network netip.Prefix `yaml:"network"`
	Country string       `yaml:"country"` // ISO 3166-1, two capital letters, as the database of countries has it
	System  uint32       `yaml:"system"`  // number of an autonomous system, as the database of systems has it
	Action  string       `yaml:"action"`  // deny
}

// Whereabouts is what databases know of an address. The zero value: nothing.
type Whereabouts struct {
	Country Country
	System  uint32 // number of the autonomous system, 0 for none
}

// Country is an ISO 3166-1 code of two capital letters, the first one in the
// higher octet; 0 for none.
type Country uint16

// ParseCountry reads a code such as "DE".
func ParseCountry(text string) (Country, bool) {
	if len(text) != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z' {
		return 0, false
	}
	return Country(text[0])<<8 | Country(text[1]), true
}

// String gives the code, "" for none.
func (c Country) String() string {
	if c == 0 {
		return ""
	}
	return string([]byte{byte(c >> 8), byte(c)})
}

// addressRule is one rule; one of its fields is set.
type addressRule struct {
	network netip.Prefix
	country Country
	system  uint32
}

func (r addressRule) compare(o addressRule) int {
	return cmp.Or(r.network.Addr().Compare(o.network.Addr()), cmp.Compare(r.network.Bits(), o.network.Bits()),
		cmp.Compare(r.country, o.country), cmp.Compare(r.system, o.system))
}

// rule is what a Decision shows of it.
func (r addressRule) rule() Rule {
	switch {
	case r.country != 0:
		return Rule{Name: "country " + r.country.String(), Address: true}
	case r.system != 0:
		return Rule{Name: fmt.Sprintf("AS%d", r.system), Address: true}
	}
	return Rule{Name: r.network.String(), Address: true}
}

// sortAddressRules brings rules into one order and drops what stands twice, as
// sortRules does.
func sortAddressRules(rules []addressRule) []addressRule {
	slices.SortFunc(rules, addressRule.compare)
	return slices.Compact(rules)
}

// addAddressRules adds rules of the configuration, which Validate has judged.
func (s *spec) addAddressRules(rules []AddressRuleConfig) {
	for _, r := range rules {
		country, _ := ParseCountry(r.Country)
		made := addressRule{country: country, system: r.System}
		if r.Network.IsValid() {
			made.network = r.Network.Masked()
		}
		s.where = append(s.where, made)
	}
}

// addressRules interns: equal sets are one, and nobody's is nil.
func (b *compiler) addressRules(s *spec) *addressSet {
	if len(s.where) == 0 {
		return nil
	}
	key := b.parts.key[:0]
	for _, r := range s.where {
		bits := r.network.Addr().As16()
		key = append(append(key, bits[:]...), byte(r.network.Bits()), bit(r.network.Addr().Is4())) //nolint:gosec // -1 to 128
		key = binary.BigEndian.AppendUint16(key, uint16(r.country))
		key = binary.BigEndian.AppendUint32(key, r.system)
	}
	b.parts.key = key
	found, ok := b.parts.where[string(key)]
	if !ok {
		found = newAddressSet(s.where)
		b.parts.where[string(key)] = found
		b.directory.where = true
	}
	return found
}

// addressSet finds the rule that denies an address.
type addressSet struct {
	rules     []Rule // the first is nobody's
	networks  addresses
	countries table[number4]
	systems   table[number4]
}

func newAddressSet(rules []addressRule) *addressSet {
	s := &addressSet{rules: make([]Rule, 1, 1+len(rules)), networks: newAddresses()}
	for _, r := range rules {
		at := int32(len(s.rules)) //nolint:gosec // far fewer than 2^31 rules
		s.rules = append(s.rules, r.rule())
		switch {
		case r.country != 0:
			s.countries.put(number4(r.country), at, number4.hash)
		case r.system != 0:
			s.systems.put(number4(r.system), at, number4.hash)
		default:
			s.networks.addNetwork(r.network, at)
		}
	}
	return s
}

// AddressRules are the rules of addresses that hold for this profile.
func (p *Profile) AddressRules() []Rule {
	if p.where == nil {
		return nil
	}
	return p.where.rules[1:]
}

// denies gives the rule that denies an address, nil if none does: that of the
// longest network, else that of the country, else that of the system.
func (s *addressSet) denies(a netip.Addr, w Whereabouts) *Rule {
	if s == nil {
		return nil
	}
	at := s.networks.find(a)
	if at == 0 {
		at = s.countries.find(number4(w.Country), number4(w.Country).hash())
	}
	if at == 0 {
		at = s.systems.find(number4(w.System), number4(w.System).hash())
	}
	if at == 0 {
		return nil
	}
	return &s.rules[at]
}

// later says in an explanation why step 3 passes, and that it has not spoken yet:
// nobody is asked for an explanation, so it knows no address.
func (w *walk) later(why string) string {
	if w.trace == nil || w.p.where == nil {
		return why
	}
	const shown = 5
	var names []string
	for i, r := range w.p.AddressRules() {
		if i == shown {
			names = append(names, "...")
			break
		}
		names = append(names, r.Name)
	}
	return fmt.Sprintf("%s; once the answer is there its addresses are asked too, for rules of %s", why, strings.Join(names, ", "))
}

// addressMark tells an address in the list that DecideChain reads from a name, of
// which there stands how many hashes it has. Behind the mark stand the country and
// the system, and in the next two words the address.
const (
	addressMark  = 1 << 63
	addressWords = 3
)

// AppendAddress appends an address that an answer leads to to the list that
// DecideChain reads. IPv4 in IPv6 counts as IPv4; zones are left out.
func AppendAddress(dst []uint64, a netip.Addr, w Whereabouts) []uint64 {
	raw := a.As16()
	return append(dst, addressMark|uint64(w.Country)<<32|uint64(w.System),
		binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:]))
}

// readAddress undoes AppendAddress.
func readAddress(words []uint64) (netip.Addr, Whereabouts) {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], words[1])
	binary.BigEndian.PutUint64(raw[8:], words[2])
	return netip.AddrFrom16(raw), Whereabouts{Country: Country(words[0] >> 32), System: uint32(words[0])} //nolint:gosec // the mark and the other half are cut off
}

// addressRules checks the rules of a profile or a household.
func (v *validator) addressRules(path string, rules []AddressRuleConfig) {
	for i, r := range rules {
		at := v.item(path, i)
		given := 0
		for _, is := range []bool{r.Network != netip.Prefix{}, r.Country != "", r.System != 0} {
			if is {
				given++
			}
		}
		if given != 1 {
			v.add(at, "an address rule is of one network, one country or one autonomous system: write one of network: 203.0.113.0/24, country: AQ or system: 64500, and a rule for each")
			continue
		}
		if r.Action != "deny" {
			v.add(at+".action", "%q is no action here: write deny; a name that is to be reached all the same gets a rule of its own with allow", r.Action)
		}
		if _, ok := ParseCountry(r.Country); !ok && r.Country != "" {
			v.add(at+".country", "%q is no country code: write two capital letters such as AQ", r.Country)
		}
		if r.Network != (netip.Prefix{}) {
			v.addressNetwork(at+".network", r.Network)
		}
	}
}

func (v *validator) addressNetwork(path string, p netip.Prefix) {
	switch {
	case !p.IsValid():
		v.add(path, "no network: write one such as 203.0.113.0/24, or 203.0.113.7/32 for one address")
	case p.Bits() == 0:
		v.add(path, "%s is the whole internet: write a network, or a bedtime to switch all names off", p)
	case p.Addr().Is4In6():
		v.add(path, "%s: write the IPv4 network itself", p)
	case p != p.Masked():
		v.add(path, "%s names an address inside a network: write %s", p, p.Masked())
	}
}
