package e2e

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/listen"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
	"github.com/hearthdns/hearth/resolver/wire"
	"github.com/miekg/dns"
)

// The scenario files of the policy are asked over every transport: what a family's rules say
// does not depend on how a device asks.

// stage is a resolver with every listener, at a time and with an upstream that the test sets.
type stage struct {
	servers map[string]string // address by transport
	roots   *x509.CertPool

	directory *policy.Directory

	mu    sync.Mutex
	now   time.Time
	chain []string // what the asked name leads to
	asked int      // questions to the upstream
}

const (
	stageName = "dns.hearth.example"
	allowed   = "198.51.100.7" // what the upstream says
	landingAt = "192.0.2.80"
)

// Exchange implements resolver.Exchanger: the chain of the row, and an address at its end.
func (s *stage) Exchange(q wire.Question, done func([]byte, error)) {
	s.mu.Lock()
	s.asked++
	chain := s.chain
	s.mu.Unlock()
	name, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		done(nil, err)
		return
	}
	m := new(dns.Msg).SetQuestion(name, q.Type)
	m.Response = true
	owner := name
	for _, next := range chain {
		m.Answer = append(m.Answer, record(fmt.Sprintf("%s 0 IN CNAME %s", owner, dns.Fqdn(next))))
		owner = dns.Fqdn(next)
	}
	m.Answer = append(m.Answer, record(fmt.Sprintf("%s 0 IN A %s", owner, allowed)))
	done(m.Pack())
}

func record(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}

func (s *stage) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// set readies the stage for a row and gives how often the upstream was asked.
func (s *stage) set(now time.Time, chain []string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.chain = now, chain
	return s.asked
}

// joint is the handler that joins listeners and resolver.
type joint struct{ to *resolver.Resolver }

func (j joint) Answer(r *listen.Request) bool {
	s := new(resolver.Stroke)
	reply, done := j.to.Answer(s, &r.Query, who(r), r.Buf())
	r.Reply, r.Scratch = reply, s
	return done
}

func (j joint) Resolve(ctx context.Context, r *listen.Request, until time.Time) {
	j.to.Resolve(ctx, r.Scratch.(*resolver.Stroke), until, func(reply []byte) {
		r.Reply, r.Scratch = reply, nil
		r.Done()
	})
}

func who(r *listen.Request) resolver.Client {
	return resolver.Client{
		Addr: r.Client.Addr.Addr().Unmap(), Local: r.Client.Local.Addr().Unmap(), Listener: r.Client.Listener, Worker: r.Worker,
		Transport: resolver.Transport(r.Client.Transport), Identity: r.Client.Identity,
	}
}

// build serves a scenario's policy over every transport.
func build(t *testing.T, c policy.CompileConfig) *stage {
	t.Helper()
	s := &stage{servers: make(map[string]string), roots: x509.NewCertPool(), now: time.Now()}
	own, zone := name(t, "hearth.home.arpa"), name(t, "test")
	if len(c.Own) > 0 {
		own = c.Own
	}
	view := &resolver.View{ID: 1, Upstream: s}
	routes, err := resolver.NewRoutes(c.Index.Key(), resolver.RoutesConfig{
		Profiles: []*resolver.View{view},
		// The names of scenarios are in the zone test, which nobody is asked about otherwise.
		Zones: []*resolver.View{{ID: 2, Zones: []blocklists.Name{zone}, Upstream: s}},
	})
	must(t, err)
	c.Own, c.Fixed = own, resolver.FixedNames(own, nil, routes.Zones())
	d, err := policy.Compile(c)
	must(t, err)
	s.directory = d
	w, err := resolver.NewWorld(resolver.WorldConfig{
		Index: c.Index, Directory: d, Upstreams: routes, Own: own, Generation: 1,
		Landing:   resolver.Landing{V4: netip.MustParseAddr(landingAt), TTL: 10},
		Listeners: make([]resolver.Admission, 4),
	})
	must(t, err)
	r, err := resolver.New(resolver.Config{World: w, Catalog: blocklists.NewCatalog(blocklists.CatalogConfig{}), Cache: cache.New(cache.Config{}), Now: s.clock})
	must(t, err)
	s.serve(t, r)
	return s
}

// serve opens the listeners. Whoever asks from here may speak for others.
func (s *stage) serve(t *testing.T, r *resolver.Resolver) {
	t.Helper()
	local := netip.MustParseAddrPort("127.0.0.1:0")
	keeper, err := certificate.New(certificate.Config{Name: stageName, Source: certificate.Local}, t.TempDir(), []netip.Addr{local.Addr()}, nil)
	must(t, err)
	s.roots.AddCert(keeper.Authority().Certificate)
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	server, err := listen.New(listen.Config{
		Handler: joint{r}, TLS: keeper.TLS(), Limits: listen.Limits{ // everybody asks from one address
			TCP: listen.TCPLimits{PerClient: 256}, HTTPS: listen.HTTPSLimits{PerClient: 256}, QUIC: listen.QUICLimits{Connections: 1000, PerClient: 1000},
			Handshakes: listen.HandshakeLimits{PerSecond: 1e6, PerClient: 1e6},
		},
		Listeners: []listen.Listener{
			{Addr: local, Proxies: trusted},
			{Addr: local, Protocols: []listen.Transport{listen.TLS}, Name: stageName, Proxies: trusted},
			{Addr: local, Protocols: []listen.Transport{listen.HTTPS}, Name: stageName, Path: "/dns-query", Proxies: trusted},
			{Addr: local, Protocols: []listen.Transport{listen.QUIC}, Name: stageName},
		},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	addrs := server.Addrs() // plain UDP and TCP, TLS, HTTPS on both, QUIC
	s.servers["udp"], s.servers["tcp"], s.servers["tls"] = addrs[0].String(), addrs[1].String(), addrs[2].String()
	s.servers["https"], s.servers["quic"] = addrs[3].String(), addrs[len(addrs)-1].String()
}

func name(t *testing.T, text string) blocklists.Name {
	t.Helper()
	n, err := blocklists.ParseName(text)
	must(t, err)
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// person is how a row's client is told over the wire.
type person struct {
	addr netip.Addr
	id   string
}

// cast gives everybody in the rows an address, and a device's id where encrypted DNS may carry one.
func cast(t *testing.T, c *policy.Config, rows []policy.Expectation) map[string]person {
	t.Helper()
	people := make(map[string]person)
	for i, row := range rows {
		if _, known := people[row.Client]; known {
			continue
		}
		p := person{addr: netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), id: secret()}
		switch first, rest, _ := strings.Cut(row.Client, " "); {
		case first == "profile":
			c.Households = append(c.Households, policy.HouseholdConfig{
				ID: fmt.Sprintf("h-stage-%d", i), Consent: policy.ConsentConfig{By: "test", At: policy.DateOf(time.Now())},
				Devices: []policy.DeviceConfig{{Name: "stage", ID: p.id, Addresses: []netip.Addr{p.addr}, Profile: rest}},
			})
		case strings.HasPrefix(row.Client, "id:") || strings.Contains(row.Client, " id:"):
			before, id, _ := strings.Cut(row.Client, "id:")
			p.id, p.addr = id, netip.AddrFrom4([4]byte{203, 0, 113, 200})
			if a, err := netip.ParseAddr(strings.TrimSpace(before)); err == nil {
				p.addr = a
			}
		default:
			if a, err := netip.ParseAddr(row.Client); err == nil {
				p.addr, p.id = a, ""
				break
			}
			p.joins(t, c, row.Client)
		}
		people[row.Client] = p
	}
	return people
}

// secret is an id that nobody would take for made up by hand.
func secret() string {
	for {
		if id := strings.ToLower(rand.Text()); policy.CheckDeviceID(id) == nil {
			return id
		}
	}
}

// joins gives a member a device, or a device an id and an address.
func (p *person) joins(t *testing.T, c *policy.Config, client string) {
	t.Helper()
	household, one, ok := strings.Cut(client, "/")
	if !ok {
		household, one = "", client
	}
	for i := range c.Households {
		h := &c.Households[i]
		if household != "" && h.ID != household {
			continue
		}
		if slices.ContainsFunc(h.Members, func(m policy.MemberConfig) bool { return m.Name == one }) {
			h.Devices = append(h.Devices, policy.DeviceConfig{Name: "stage " + p.id, ID: p.id, Addresses: []netip.Addr{p.addr}, Member: one})
			return
		}
		for j := range h.Devices {
			if d := &h.Devices[j]; d.Name == one {
				if d.ID == "" {
					d.ID = p.id
				}
				p.id = d.ID
				d.Addresses = append(d.Addresses, p.addr)
				return
			}
		}
	}
	t.Fatalf("nobody is %q", client)
}

// untold are rows that no query can tell: where the answer's addresses lie, and what the machine says of itself on its network. Package
// resolver and the namespaces see to those.
func untold(e policy.Expectation) bool {
	for _, part := range strings.Split(e.Name, "->")[1:] {
		if _, err := netip.ParseAddr(strings.Fields(part + " -")[0]); err == nil {
			return true
		}
	}
	return strings.Contains(e.Client, "mac:") || strings.Contains(e.Client, "name:") || strings.Contains(e.Client, "token:")
}

func TestScenariosOverEveryTransport(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../policy/testdata/*.txtar")
	must(t, err)
	if len(files) < 50 {
		t.Fatalf("%d scenario files, want those of the policy", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			must(t, err)
			scenario, err := policy.ParseScenario(text)
			must(t, err)
			c, err := scenario.Prepare(t.Context(), policy.CompileConfig{Now: time.Now()})
			must(t, err)
			if c.Fixed != nil {
				t.Skip("it has fixed names of its own, which no resolver has")
			}
			if slices.ContainsFunc(c.Config.Profiles, func(p policy.ProfileConfig) bool { return len(p.Quotas) > 0 }) {
				t.Skip("it has quotas, whose minutes asking would use up")
			}
			if c.Index == nil {
				t.Fatal("it has no lists")
			}
			if scenario.Expect = slices.DeleteFunc(scenario.Expect, untold); len(scenario.Expect) == 0 {
				t.Skip("no query can tell any of its rows")
			}
			today := c.Now
			people := cast(t, &c.Config, scenario.Expect)
			s := build(t, c)
			for _, w := range ways {
				for _, row := range scenario.Expect {
					p := people[row.Client]
					_, known := s.directory.IdentifyDevice(p.id)
					if !w.carries && strings.Contains(row.Client, "id:") || !w.proxied && !known {
						continue // this transport cannot tell who asks
					}
					c := client{to: s.servers[strings.Fields(w.name)[0]], roots: s.roots, name: stageName}
					if w.proxied {
						c.as = p.addr
					}
					if w.carries {
						c.id = p.id
					}
					s.row(t, w.name, row, today, p, func(q *dns.Msg) (*dns.Msg, error) { return w.ask(c, q) })
				}
			}
		})
	}
}

// row asks one row and compares what a client sees with what the row wants.
func (s *stage) row(t *testing.T, way string, row policy.Expectation, today time.Time, p person, ask func(*dns.Msg) (*dns.Msg, error)) {
	t.Helper()
	loc := s.placeOf(p)
	at, err := policy.ParseAt(row.At, time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, loc), loc)
	must(t, err)
	links := strings.Split(row.Name, "->")
	for i := range links {
		links[i] = name(t, strings.TrimSpace(links[i])).String()
	}
	before := s.set(at, links[1:])
	q := new(dns.Msg).SetQuestion(dns.Fqdn(links[0]), dns.TypeA)
	q.SetEdns0(1232, false)
	m, err := ask(q)
	if err != nil {
		t.Errorf("%s: %s for %s at %s: %v", way, row.Name, row.Client, row.At, err)
		return
	}
	got, want := s.seen(m, before), visible(row.Want)
	if strings.HasSuffix(links[0], "home.arpa") && want == "the upstream's answer" {
		want = "an answer of the resolver's own" // nobody is asked about names of the home
	}
	if got != want {
		t.Errorf("%s: expect:%d: %s for %s at %s: the client sees %q, want %q (%s)\n%s", way, row.Line, row.Name, row.Client, row.At, got, want, row.Want, m)
	}
}

// placeOf is where the clock of somebody's household hangs.
func (s *stage) placeOf(p person) *time.Location {
	c, ok := s.directory.IdentifyDevice(p.id)
	if !ok {
		c = s.directory.Identify(p.addr)
	}
	if c.Household == nil {
		return time.UTC
	}
	return c.Household.Location
}

// visible is what a client sees of what a row wants.
func visible(want string) string {
	switch strings.Fields(want)[0] {
	case "observed", "allow":
		return "the upstream's answer"
	case "fixed":
		return "an answer of the resolver's own"
	case "stranger":
		return "refused"
	}
	return "blocked"
}

// seen says in the same words what a reply is.
func (s *stage) seen(m *dns.Msg, asked int) string {
	var code uint16
	if e := ede(m); e != nil {
		code = e.InfoCode
	}
	address := ""
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			address = a.A.String()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case m.Rcode == dns.RcodeRefused && code == dns.ExtendedErrorCodeProhibited:
		return "refused"
	case code >= dns.ExtendedErrorCodeBlocked && code <= dns.ExtendedErrorCodeFiltered && address != allowed:
		return "blocked"
	case m.Rcode == dns.RcodeSuccess && address == allowed:
		return "the upstream's answer"
	case s.asked == asked && code == 0:
		return "an answer of the resolver's own"
	}
	return m.String()
}
