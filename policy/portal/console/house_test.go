package console_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/notify"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/policytest"
	"github.com/hearthdns/hearth/policy/portal/console"
)

const passphrase = "purple kettle sings at dawn"

// family is a household of the store: Mia is 8, Tom 14, Anna grown up. It is Wednesday, 18 November 2026, 18:00 in Berlin.
const family = `
id: one
consent: {by: Anna, at: 2026-01-01}
timezone: Europe/Berlin
country: DE
language: en
networks: [10.0.0.0/24]
members:
  - name: Mia
    band: child
    schedule: {bedtime: {school: "20:00-07:00", free: "21:00-07:00"}, homework: "15:00-17:00"}
    services: [{id: netflix, action: allow}]
    quotas: [{of: total, minutes: 120}, {of: fun.games, minutes: 40}]
  - {name: Tom, band: teen}
  - {name: Anna, band: adult}
devices:
  - {name: mia-tablet, member: Mia, addresses: [10.0.0.2]}
  - {name: tom-phone, member: Tom, addresses: [10.0.0.3]}
  - {name: television, profile: things, addresses: [10.0.0.4]}
`

// another is a household of somebody else.
const another = `
id: two
consent: {by: Bert, at: 2026-01-01}
timezone: Europe/Berlin
networks: [10.0.1.0/24]
members:
  - {name: Zoe, band: child}
  - {name: Bert, band: adult}
devices: [{name: zoe-tablet, member: Zoe, addresses: [10.0.1.2]}]
`

var index = sync.OnceValue(func() *blocklists.Index {
	return policytest.Index(map[string][]string{"adult.porn": {"naked.example"}, "money.gambling": {"casino.example"}, "social.networks": {"social.example"}})
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// house is a house with the console over TLS.
type house struct {
	*policytest.House
	t        *testing.T
	book     *account.Book
	messages *notify.Post
	asked    string // id of the request that fill makes
	kept     *kept
	net      *network
	srv      *httptest.Server
}

// open starts one; of households of the store, and what YAML says.
func open(t testing.TB, written string, households ...string) *house {
	t.Helper()
	return openWith(t, func(*account.Config) {}, written, households...)
}

// openWith is open with other accounts.
func openWith(t testing.TB, change func(*account.Config), written string, households ...string) *house {
	t.Helper()
	h := &house{kept: &kept{days: map[string][]policy.ActivityDay{}}, net: &network{}}
	h.kept.house = h
	h.t, _ = t.(*testing.T)
	h.House = policytest.Open(t, index(), "2026-11-18 18:00", policytest.Read(t, written), func(c *parents.Config) {
		c.Adult = func(ctx context.Context, household, name string) (bool, error) {
			if h.book == nil { // nobody has an account yet
				return false, nil
			}
			return h.book.Has(ctx, household, name, account.Parent, account.Carer)
		}
		c.Forget = func(ctx context.Context, household, person string, adult bool) (map[string]int, error) {
			roles := []account.Role{account.Child}
			if adult {
				roles = nil
			}
			if n, err := h.book.Erase(ctx, household, person, roles...); err != nil || n > 0 {
				return map[string]int{"account": n}, err
			}
			return nil, nil //nolint:nilnil // nothing was kept
		}
	})
	h.Seen = []parents.Seen{{Address: netip.MustParseAddr("10.0.0.77"), Name: "<b>printer</b>"}}
	for _, text := range households {
		if _, err := h.Adopt(t.Context(), policytest.Machine(""), text); err != nil {
			t.Fatal(err)
		}
	}
	h.srv = httptest.NewUnstartedServer(nil)
	h.srv.StartTLS()
	t.Cleanup(h.srv.Close)
	at := must(url.Parse(h.srv.URL))
	books := account.Config{Log: h.Bolt, Now: h.Clock, Name: "localhost", Origins: []string{"https://localhost:" + at.Port()}}
	change(&books)
	h.book = must(account.Open(books))
	h.messages = must(notify.New(notify.Config{
		Settings: notify.Settings{Private: true, Mail: notify.MailSettings{Server: "127.0.0.1:1", TLS: "none", From: "hearth@home.example"}, Ntfy: notify.NtfySettings{Server: "http://127.0.0.1:1"}},
		State:    t.TempDir(), Log: h.Bolt, Words: func(notify.Draft) notify.Text { return notify.Text{Title: "a test"} }, Now: h.Clock,
	}))
	made := must(console.New(console.Config{
		Post: h.messages, Lists: register{h}, Book: h.book, Desk: h.Desk, Directory: h.Live, Activity: h.kept, Network: h.net, Now: h.Clock,
		Servers: func() []netip.Addr {
			return []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::2")}
		}, Ask: "http://ask.hearth.home.arpa",
	}))
	h.srv.Config.Handler = made
	return h
}

// ask has the device of an address ask for a name that is blocked on it, and gives the id of the request.
func (h *house) ask(addr, name, word string) string {
	h.t.Helper()
	c, w := h.Wish(addr, name)
	w.Word = word
	return must(h.Request(h.t.Context(), c, w)).ID
}

// request gives a request as it is.
func (h *house) request(id string) parents.Request {
	h.t.Helper()
	return must(h.ShowRequest(h.t.Context(), policytest.Machine("one"), id))
}

// kept is what is remembered.
type kept struct {
	*house
	days    map[string][]policy.ActivityDay
	seen    []policy.Sighting
	notices []policy.NoticeReport
}

func (k *kept) Show(_ context.Context, of, day string) (policy.ActivityReport, error) {
	r := policy.ActivityReport{}
	for _, d := range k.days[of] {
		if day == "" || d.Day == day {
			r.Days = append(r.Days, d)
		}
	}
	return r, nil
}

func (k *kept) Erase(_ context.Context, of string, _ bool) (policy.ActivityErased, error) {
	household, person, _ := strings.Cut(of, "/")
	days := len(k.days[of])
	delete(k.days, of)
	h, _ := k.Live().Household(household)
	return policy.ActivityErased{Household: household, Person: person, Gone: !h.Has(person), Partitions: days}, nil
}

func (k *kept) Devices(_ context.Context, of string) ([]policy.Sighting, error) {
	if of != "one" {
		return nil, nil
	}
	return k.seen, nil
}

func (k *kept) Notices(_ context.Context, of string, _ bool) ([]policy.NoticeReport, error) {
	if of != "one" {
		return nil, nil
	}
	return k.notices, nil
}

type network struct {
	mu    sync.Mutex
	paths console.Paths
	probe console.Probe // what the token "shown" has shown
}

func (n *network) Paths(netip.Addr) console.Paths {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.paths
}

func (n *network) Probe(_ netip.Addr, token string) (p console.Probe) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if token == "shown" {
		p = n.probe
	}
	p.Next, p.Pictures = "next", []string{"https://next-0.check.hearth.home.arpa:8444/dot"}
	return p
}

func (n *network) Findings(anew bool) (found []console.Finding, looking bool) {
	return []console.Finding{{State: "problem", About: "192.168.1.1", Text: "A second resolver answers without rules.", Change: []string{"leave the second DNS server empty"}}}, anew
}

// person is somebody with a browser.
type person struct {
	*house
	http *http.Client
}

func (h *house) somebody() *person {
	c := h.srv.Client()
	jar := must(cookiejar.New(nil))
	return &person{h, &http.Client{Transport: speaking{c.Transport, "en"}, Jar: jar, Timeout: 30 * time.Second}}
}

// signedIn is somebody with an account of a role.
func (h *house) signedIn(household string, role account.Role, name string) *person {
	h.t.Helper()
	o := account.Offer{Household: household, Role: role, Name: name}
	if role == account.Carer {
		o.Until = h.Clock().AddDate(0, 0, 14)
	}
	i, err := h.book.Invite(h.t.Context(), account.Machine(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	p := h.somebody()
	p.post("/join", url.Values{"code": {i.Code}, "name": {name}, "passphrase": {passphrase}}).is(http.StatusOK)
	return p
}

// answer is what came back, at the end of all redirects.
type answer struct {
	t      *testing.T
	path   string
	status int
	head   http.Header
	text   string
}

func (p *person) get(path string) *answer {
	p.t.Helper()
	return p.read(p.http.Get(p.srv.URL + path))
}

func (p *person) post(path string, form url.Values) *answer {
	p.t.Helper()
	return p.read(p.http.PostForm(p.srv.URL+path, form))
}

func (p *person) read(r *http.Response, err error) *answer {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return &answer{p.t, r.Request.URL.Path, r.StatusCode, r.Header, string(text)}
}

func (a *answer) is(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s is answered with %d, want %d:\n%s", a.path, a.status, status, plain(a.text))
	}
	return a
}

func (a *answer) at(path string) *answer {
	a.t.Helper()
	if a.path != path {
		a.t.Fatalf("the browser is at %s, want %s:\n%s", a.path, path, plain(a.text))
	}
	return a
}

func (a *answer) says(parts ...string) *answer {
	a.t.Helper()
	for _, part := range parts {
		if !strings.Contains(a.text, part) {
			a.t.Fatalf("%s does not say %q:\n%s", a.path, part, plain(a.text))
		}
	}
	return a
}

func (a *answer) lacks(parts ...string) *answer {
	a.t.Helper()
	for _, part := range parts {
		if strings.Contains(a.text, part) {
			a.t.Fatalf("%s says %q", a.path, part)
		}
	}
	return a
}

// field gives the value of a hidden field.
func (a *answer) field(name string) string {
	a.t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.text)
	if found == nil {
		a.t.Fatalf("%s has no field %s", a.path, name)
	}
	return found[1]
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

func plain(text string) string { return tags.ReplaceAllString(text, " ") }
