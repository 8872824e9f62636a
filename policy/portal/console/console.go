package console

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

// ReturnPath is where a provider sends people back to.
const ReturnPath = "/signin/provider/back"

// maxForm bounds what a form sends, in octets: the longest has a schedule of a week.
const maxForm = 64 << 10

// Activity is what is remembered of people, as far as their privacy tier lets it be kept. of is HOUSEHOLD,
// HOUSEHOLD/MEMBER or HOUSEHOLD/DEVICE.
type Activity interface {
	// Show tells it, of one day as YYYY-MM-DD or with "" of all days.
	Show(ctx context.Context, of, day string) (policy.ActivityReport, error)
	// Erase forgets it, also of a name that its household no longer has; all is for a household that is gone.
	Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error)
	ActivitySigns
}

// ActivitySigns is what was found in it.
type ActivitySigns interface {
	Devices(ctx context.Context, of string) ([]policy.Sighting, error)
	Notices(ctx context.Context, of string, child bool) ([]policy.NoticeReport, error)
}

// Network tells which way the questions of a browser's machine come. It never waits long.
type Network interface {
	// Paths tells of the machine that has an address: when it last asked Hearth, over each family.
	Paths(addr netip.Addr) Paths
	// Findings is what the last check of this network found, such as a second resolver; looking says that one is under way.
	// anew wants one that began lately.
	Findings(anew bool) (found []Finding, looking bool)
	// Probe is what the page of a token has shown of the machine that has an address, with the pictures of the next page. A
	// token that is not known has shown nothing.
	Probe(addr netip.Addr, token string) Probe
}

// Probe is what was seen when a browser looked for pictures at names that only Hearth knows.
type Probe struct {
	Unasked bool       // Hearth was asked for none of them
	Second  bool       // somebody else is asked too
	Dropped bool       // what Hearth answered does not arrive: somebody drops its address
	Via     netip.Addr // who asks in place of the machine; the zero Addr: nobody
	Told    bool       // that one says for which machine it asks

	Next     string   // token of the next page
	Pictures []string // whole addresses of its pictures, all of them of one domain
}

// Paths says when a machine last asked Hearth; zero: not that Hearth knows.
type Paths struct{ IPv4, IPv6 time.Time }

// Finding is one of them; resolver/setup finds them.
type Finding struct {
	State  string // ok, note or problem
	About  string
	Text   string
	Change []string // what to change, a line each
}

// Config is what a Console stands on.
type Config struct {
	Book      *account.Book
	Desk      *parents.Desk
	Directory func() *policy.Directory
	Activity  Activity // nil: nothing is remembered
	Network   Network  // nil: nothing is known of it
	Lists     Lists    // nil: nobody tells of them
	// Post brings messages to people; nil: there are none.
	Post *notify.Post
	// Servers are where Hearth answers others at this moment, for the guide to the router; none: there is no such guide.
	Servers func() []netip.Addr
	// Authority says that /hearth-ca.crt is served beside the console: what a browser needs to trust it.
	Authority bool
	// Ask is where children see what was blocked: "http://ask.hearth.home.arpa".
	Ask string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets what went wrong inside; nil discards. It never gets a name of a person or a site.
	Log *slog.Logger
}

// Console makes the pages. It is safe for concurrent use.
type Console struct {
	Config
	render *renderer
	serve  http.Handler
}

// New returns a Console.
func New(c Config) (*Console, error) {
	if c.Book == nil || c.Desk == nil || c.Directory == nil {
		return nil, errors.New("a console needs a Book, a Desk and a Directory")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Servers == nil {
		c.Servers = func() []netip.Addr { return nil }
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	r, err := newRenderer()
	if err != nil {
		return nil, err
	}
	made := &Console{Config: c, render: r}
	made.serve = made.routes()
	return made, nil
}

// ServeHTTP answers a request that came over HTTPS.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.render.harden(w.Header())
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	c.serve.ServeHTTP(w, r)
}

// handler makes one page, or does what a form asks.
type handler func(v *visit) error

// routes are all pages. Those of open need nobody to be signed in; nearly all others need a grown-up.
func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	for g, routes := range map[guest]map[string]handler{anybody: c.open(), somebody: c.own(), grownUp: c.family()} {
		for pattern, h := range routes {
			mux.Handle(pattern, c.page(h, g))
		}
	}
	for name, kind := range files {
		mux.HandleFunc("GET /"+name, file(name, kind))
	}
	mux.Handle("GET /icon.svg", fixed("image/svg+xml", portal.Drawing))
	for _, size := range []int{180, 512} { // drawn when they are first asked for
		mux.Handle("GET /icon-"+text(size)+".png", fixed("image/png", sync.OnceValue(func() []byte { return portal.Icon(size) })))
	}
	mux.Handle("/", c.page(func(v *visit) error { return v.missing() }, anybody))
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(c.page(func(v *visit) error {
		return v.problem(http.StatusForbidden, v.say("problem.foreign"))
	}, anybody))
	return guard.Handler(mux)
}

// open are the pages of who is not signed in.
func (c *Console) open() map[string]handler {
	return map[string]handler{
		"GET /signin":          c.signInPage,
		"POST /signin":         c.signIn,
		"POST /signin/begin":   c.beginSignIn,
		"POST /signin/passkey": c.passkeySignIn,
		"GET /signin/provider": c.toProvider,
		"GET " + ReturnPath:    c.fromProvider,
		"POST /signout":        c.signOut,
		"GET /join":            c.joinPage,
		"POST /join":           c.join,
		"GET /setup":           c.setupPage,
		"POST /setup":          c.setup,
	}
}

// own are the pages about one's own account.
func (c *Console) own() map[string]handler {
	return map[string]handler{
		"GET /account":                c.accountPage,
		"POST /account/passphrase":    c.setPassphrase,
		"POST /account/begin":         c.beginPasskey,
		"POST /account/passkey":       c.addPasskey,
		"POST /account/passkey/end":   c.removePasskey,
		"POST /account/session/end":   c.endSession,
		"POST /account/session/other": c.endOthers,
	}
}

// family are the pages about a household.
func (c *Console) family() map[string]handler {
	return map[string]handler{
		"GET /{$}":                   c.today,
		"GET /requests":              c.requestsPage,
		"GET /requests/{id}":         c.requestPage,
		"POST /answer":               c.answer,
		"POST /in":                   c.choose,
		"GET /setup/family":          c.familyPage,
		"POST /setup/family":         c.found,
		"GET /setup/times":           c.timesPage,
		"POST /setup/times":          c.takeTimes,
		"GET /setup/done":            c.donePage,
		"GET /child/{name}":          c.childPage,
		"POST /child/{name}/{act}":   c.childAct,
		"POST /house/{act}":          c.houseAct,
		"GET /child/{name}/week":     c.weekPage,
		"POST /child/{name}/week":    c.week,
		"GET /child/{name}/limits":   c.limitsPage,
		"POST /child/{name}/limits":  c.limits,
		"GET /devices":               c.devicesPage,
		"POST /devices":              c.enrol,
		"GET /device/{name}":         c.devicePage,
		"POST /device/{name}/{act}":  c.deviceAct,
		"GET /activity":              c.activityPage,
		"GET /changes":               c.changesPage,
		"GET /household":             c.householdPage,
		"POST /household":            c.household,
		"GET /people":                c.peoplePage,
		"GET /lists":                 c.listsPage,
		"GET /settings":              c.settingsPage,
		"POST /settings":             c.settings,
		"GET /member/{name}/erase":   c.leavePage,
		"POST /member/{name}/erase":  c.leave,
		"POST /people":               c.invite,
		"POST /people/{id}/remove":   c.removePerson,
		"POST /people/{id}/withdraw": c.withdraw,
		"GET /channels":              c.channelsPage,
		"POST /channels":             c.addChannel,
		"POST /channels/push":        c.addPush,
		"POST /channels/names":       c.channelNames,
		"POST /channels/{id}/{act}":  c.channelAct,
	}
}
