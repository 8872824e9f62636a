package console

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/hearthdns/hearth/policy"
	spoken "github.com/hearthdns/hearth/policy/words"
)

// zones are the time zones of the countries that the form offers; who lives in another part of one writes it.
var zones = map[string]string{
	"AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CH": "Europe/Zurich", "CY": "Asia/Nicosia", "CZ": "Europe/Prague",
	"DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn", "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris",
	"GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb", "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IS": "Atlantic/Reykjavik",
	"IT": "Europe/Rome", "LI": "Europe/Vaduz", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MT": "Europe/Malta",
	"NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm",
	"SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "TR": "Europe/Istanbul", "UA": "Europe/Kyiv",
}

// option is one of a list to choose from.
type option struct {
	Value, Text string
	On          bool
}

// familyForm is the second step: where the family lives, and its children.
type familyForm struct {
	Countries, Languages []option
	Zone, Networks       string
	Children             []childRow
	Rows                 int
}

type childRow struct {
	N               int
	Name, Age, Born string
}

// Rows of children: most families need no more than the first ones.
const firstRows, maxRows = 3, 12

func (v *visit) familyForm() *page {
	country, tongue := v.form("country"), v.form("language")
	if v.r.PostForm == nil || !v.r.PostForm.Has("country") {
		country, tongue = v.likely()
	}
	f := familyForm{Zone: v.form("zone"), Networks: v.form("networks"), Countries: v.countries(country), Languages: v.languages(tongue)}
	if f.Networks == "" {
		f.Networks = strings.Join(v.networks(), " ")
	}
	f.Rows = v.rows()
	for n := range f.Rows {
		i := strconv.Itoa(n)
		f.Children = append(f.Children, childRow{n, v.form("name." + i), v.form("age." + i), v.form("born." + i)})
	}
	return v.blank(v.say("family.title"), "", f)
}

func (v *visit) rows() int {
	n, err := strconv.Atoi(v.form("rows"))
	if err != nil {
		return firstRows
	}
	if v.form("more") != "" {
		n += firstRows
	}
	return min(max(n, firstRows), maxRows)
}

// likely are country and language as the browser asks for pages.
func (v *visit) likely() (country, tongue string) {
	accept := v.r.Header.Get("Accept-Language")
	tags, _, _ := language.ParseAcceptLanguage(accept) // none of what is no such field
	for _, t := range tags {
		if region, sure := t.Region(); country == "" && sure == language.Exact && zones[region.String()] != "" {
			country = region.String()
		}
	}
	return country, spoken.Match("", accept)
}

// networks are those of the browser and of the machine itself, as far as they are a home's.
func (v *visit) networks() (list []string) {
	for _, a := range append([]netip.Addr{v.address()}, v.c.Servers()...) {
		if p, ok := around(a); ok && !slices.Contains(list, p.String()) {
			list = append(list, p.String())
		}
	}
	return list
}

// around is the network of a home in which an address is: with IPv4 a /24 of RFC 1918, with IPv6 a /64.
func around(a netip.Addr) (netip.Prefix, bool) {
	a = a.Unmap().WithZone("")
	bits := 64
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsLinkLocalUnicast():
		return netip.Prefix{}, false
	case a.IsLoopback():
		bits = a.BitLen()
	case a.Is4() && !a.IsPrivate():
		return netip.Prefix{}, false
	case a.Is4():
		bits = 24
	}
	p, err := a.Prefix(bits)
	return p, err == nil
}

// newHousehold reads the form.
func (v *visit) newHousehold() (h policy.HouseholdConfig, err error) {
	me := v.session.Who
	zone, err := v.zone()
	if err != nil {
		return h, err
	}
	h = policy.HouseholdConfig{
		ID: me.Household, Consent: policy.ConsentConfig{By: me.Name, At: policy.DateOf(v.c.Now())}, Timezone: zone,
		Language: v.form("language"), Country: v.form("country"), Members: []policy.MemberConfig{{Name: me.Name, Band: policy.Adult.String()}},
	}
	for _, text := range strings.Fields(strings.ReplaceAll(v.form("networks"), ",", " ")) {
		p, err := netip.ParsePrefix(text)
		if err != nil || !v.homely(p) {
			return h, v.wrong("networks", "family.no_network", "text", text)
		}
		h.Networks = append(h.Networks, p.Masked())
	}
	for n := range v.rows() {
		i := strconv.Itoa(n)
		if v.form("name."+i) == "" && v.form("age."+i) == "" && v.form("born."+i) == "" {
			continue
		}
		m, err := v.newMember("."+i, v.form("name."+i), v.form("age."+i), v.form("born."+i))
		if err != nil {
			return h, err
		}
		h.Members = append(h.Members, m)
	}
	return h, nil
}

// homely says whether a network may be a home's: nobody takes in those of others.
func (v *visit) homely(p netip.Prefix) bool {
	a := p.Addr().Unmap()
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return true
	}
	return a.Is6() && p.Bits() >= 48 && slices.ContainsFunc(append([]netip.Addr{v.address()}, v.c.Servers()...), p.Contains)
}

// newMember is a child by birth date, or by age; row is what the names of its fields end in.
func (v *visit) newMember(row, name, age, born string) (m policy.MemberConfig, err error) {
	m.Name = name
	if name == "" {
		return m, v.wrong("name"+row, "family.no_name")
	}
	if born != "" {
		if err := m.Born.UnmarshalText([]byte(born)); err != nil || m.Born.Year < 1900 || policy.DateOf(v.now()).Before(m.Born) {
			return m, v.wrong("born"+row, "family.no_born", "name", name)
		}
		return m, nil
	}
	years, err := strconv.Atoi(age)
	if err != nil || years < 0 || years > 120 {
		return m, v.wrong("age"+row, "family.no_age", "name", name)
	}
	band, _ := policy.BandAt(policy.Date{Year: 2000, Month: 1, Day: 1}, policy.Date{Year: 2000 + years, Month: 1, Day: 1})
	m.Band = band.String()
	return m, nil
}

// band is an age band in words.
func (v *visit) band(name string) string {
	b, _ := policy.ParseBand(name)
	return policy.Words(v.words().Language).Bands[b]
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
