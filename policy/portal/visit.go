package portal

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/words"
)

// visit is one person at one page: who, with which rules, in which words, at what time.
type visit struct {
	dir     *policy.Directory
	client  policy.Client
	machine policy.Client   // client without whoever has said that they use it
	profile *policy.Profile // nil for a client of no household without a guest profile
	addr    netip.Addr
	host    asked
	path    string
	words   *wording
	who     policy.Reader
	country string
	now     time.Time // in the household's zone
	unsure  bool      // it is told as a guest's, and more holds
}

func (p *Portal) visit(r *http.Request, host asked) *visit {
	v := &visit{dir: p.view(), addr: clientAddr(r), host: host, path: r.URL.Path, now: p.now()}
	if v.machine = p.identify(v.dir, v.addr); v.machine.Status == policy.Stranger && p.guest != "" {
		v.machine.Profile = v.dir.Profile(p.guest)
	}
	v.client = v.machine.Now(v.now)
	v.profile = v.client.Profile
	language := ""
	if home := v.client.Household; home != nil {
		language, v.country = home.Language, home.Country
		if home.Location != nil {
			v.now = v.now.In(home.Location)
		}
	}
	v.words = wordings.In(words.Match(language, r.Header.Get("Accept-Language")))
	v.who = policy.ReaderAdult
	if v.profile != nil {
		v.who = policy.ReaderOf(v.profile.Band())
	}
	return v
}

// asGuest is the visit as it may be told of: whoever only seems to be somebody's device is shown what holds for guests,
// and nothing of whose device it would be.
func (v *visit) asGuest() *visit {
	if !v.client.Assumed {
		return v
	}
	g, home := *v, v.client.Household
	g.client = policy.Client{Status: policy.Guest, Household: home, Profile: home.Guest}
	g.machine, g.profile, g.unsure = g.client, home.Guest, true
	return &g
}

// banner is a log that a parent asked for, as whom it is about sees it.
type banner struct {
	Lines []string
	Form  *form // to agree
}

// log says that a parent asked to read names of whoever reads the page, if one did: they see so from then on, and
// nobody else does.
func (v *visit) log() (banners []banner) {
	for _, l := range v.logs() {
		text := v.words.Label.LogBlocked
		if l.Full {
			text = v.words.Label.LogFull
		}
		banners = append(banners, banner{Lines: sentences(fill(text, map[string]string{"until": clockText(v.words, time.Unix(l.Until, 0), v.now)}))})
	}
	return banners
}

// logs are those of whoever reads the page.
func (v *visit) logs() []policy.Log {
	c := v.client
	if c.Member == nil || c.Status != policy.Known || c.Assumed {
		return nil
	}
	return slices.DeleteFunc(c.Household.Logs(v.now.Unix()), func(l policy.Log) bool { return l.Member != c.Member.Name })
}

// viewer is the key under which a device's last blocks are remembered: the known device, so that its IPv4 and IPv6
// addresses count as one, else the address. The household is part of both, so that a network that moves to another
// one takes nothing along.
func viewer(c policy.Client, addr netip.Addr) string {
	key := addr.Unmap().WithZone("").String()
	switch {
	case c.Household == nil:
		return key
	case c.Device != nil && !c.Assumed:
		return c.Household.ID + "/" + c.Device.Name
	}
	return c.Household.ID + "@" + key
}

// name is what the page calls the reader: the member's name where the device is theirs alone, else "this device".
func (v *visit) name() string {
	if v.client.Member != nil && v.client.Status == policy.Known {
		return v.client.Member.Name
	}
	return v.words.ThisDevice
}

// band is who the member is, in words, only where the device is theirs alone.
func (v *visit) band() string {
	if v.client.Member == nil || v.client.Status != policy.Known || v.profile == nil {
		return ""
	}
	return v.words.Bands[v.profile.Band()]
}

// soon is how far ahead a time of day needs no day beside it: a night.
const soon = 18 * time.Hour

// clockText is a moment as a person reads it in the household's zone: "07:00" within the next night,
// "Monday 07:00" within a week, else the date.
func clockText(w *wording, until, now time.Time) string {
	until = until.In(now.Location())
	switch ahead := until.Sub(now); {
	case ahead < soon:
		return until.Format("15:04")
	case ahead < 7*24*time.Hour:
		return w.Weekdays[until.Weekday()] + " " + until.Format("15:04")
	}
	return until.Format("2006-01-02 15:04")
}

// discreet tells whether a name of these categories must not be remembered or shown in a list.
func discreet(dir *policy.Directory, set blocklists.Categories) bool {
	t := dir.Index().Taxonomy()
	for c := range set.All() {
		if !listable(t.ID(c)) {
			return true
		}
	}
	return false
}

// advertises tells whether a name of these categories is one that no person asks for.
func advertises(dir *policy.Directory, set blocklists.Categories) bool {
	for c := range set.All() {
		if dir.Index().Taxonomy().Definition(c).Group == "ads" {
			return true
		}
	}
	return false
}

func listable(category string) bool {
	return category != selfHarm && !blocklists.IsLegal(category)
}

const selfHarm = "harm.selfharm"
