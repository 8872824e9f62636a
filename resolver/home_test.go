package resolver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/resolver/cache"
	"github.com/hearthdns/hearth/resolver/local"
	"github.com/miekg/dns"
)

// knowing gives the house a hosts file.
func (h *house) knowing(hosts string) {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(hosts), 0o600); err != nil {
		h.t.Fatal(err)
	}
	names := local.New(nil)
	names.Configure(local.Config{Hosts: []string{path}, Zones: []blocklists.Name{parse(h.t, "lan")}})
	h.r.cfg.Local = names
}

// TestNamesOfTheHome: what the home's files know is answered from them, and asked of nobody.
func TestNamesOfTheHome(t *testing.T) {
	u := records(t)
	h := newHouse(t, u)
	h.knowing("192.168.7.9 nas nas.example.org porn.example core.help.example help.example hearth.home.arpa use-application-dns.net\nfd00::9 nas\n")
	for _, tt := range []struct {
		from, name string
		qtype      uint16
		rcode      int
		want       string
	}{
		{kim, "nas", dns.TypeA, 0, "nas. A 192.168.7.9"},
		{kim, "NAS.lan", dns.TypeAAAA, 0, "NAS.lan. AAAA fd00::9"},
		{kim, "nas.lan", dns.TypeMX, 0, ""},
		{kim, "nas.lan", dns.TypeHTTPS, 0, ""},
		{kim, "nas.example.org", dns.TypeA, 0, "nas.example.org. A 192.168.7.9"},
		{kim, "9.7.168.192.in-addr.arpa", dns.TypePTR, 0, "9.7.168.192.in-addr.arpa. PTR nas.lan.\n9.7.168.192.in-addr.arpa. PTR nas.example.org."},
		{kim, "8.7.168.192.in-addr.arpa", dns.TypePTR, dns.RcodeNameError, ""},
		{kim, "porn.example", dns.TypeA, 0, "porn.example. A 10.0.0.1"},
		{pat, "porn.example", dns.TypeA, 0, "porn.example. A 192.168.7.9"},
		{kim, "hearth.home.arpa", dns.TypeA, 0, "hearth.home.arpa. A 10.0.0.1"},
		{kim, "use-application-dns.net", dns.TypeA, dns.RcodeNameError, ""},
		{"203.0.113.9", "nas.lan", dns.TypeA, dns.RcodeRefused, ""},
	} {
		m := h.ask(tt.from, tt.name, tt.qtype)
		if got := answers(m); m.Rcode != tt.rcode || got != tt.want && tt.qtype != dns.TypePTR {
			t.Errorf("%s %s from %s: %s %q, want %s %q", tt.name, dns.TypeToString[tt.qtype], tt.from, dns.RcodeToString[m.Rcode], got, dns.RcodeToString[tt.rcode], tt.want)
		}
		if tt.qtype == dns.TypePTR && tt.rcode == 0 && len(m.Answer) == 0 {
			t.Errorf("%s has no name", tt.name)
		}
		if tt.rcode == 0 && tt.want == "" && len(m.Ns) != 1 {
			t.Errorf("%s %s: no SOA with nothing", tt.name, dns.TypeToString[tt.qtype])
		}
	}
	if n := u.asked.Load(); n != 0 {
		t.Errorf("upstreams were asked %d times for names of the home", n)
	}
	for _, name := range []string{"help.example", "core.help.example"} {
		if got := answers(h.ask(kim, name, dns.TypeA)); got != "" {
			t.Errorf("%s was redirected to %s", name, got)
		}
	}
	if n := u.asked.Load(); n != 2 {
		t.Errorf("upstreams were asked %d times for two names of help", n)
	}
}

// TestMachinesAreNoTopLevelDomains: a machine that calls itself com takes nothing of that domain from who validates.
func TestMachinesAreNoTopLevelDomains(t *testing.T) {
	u := records(t, "com. 60 IN NS a.gtld-servers.net.", "com. 60 IN DS 1 13 2 00", "com. 60 IN SOA . . 1 1 1 1 1", "com. 60 IN DNSKEY 257 3 13 AAAA")
	h := newHouse(t, u)
	h.knowing("192.168.7.9 com\n")
	for _, qtype := range []uint16{dns.TypeNS, dns.TypeDS, dns.TypeSOA, dns.TypeDNSKEY} {
		if r := h.ask(kim, "com", qtype); len(r.Answer) != 1 {
			t.Errorf("com %s: %v", dns.TypeToString[qtype], r)
		}
	}
}

// TestSingleLabelsAreAskedAtHome: the router knows its machines by one word too; what top-level
// domains are made of is none of its business.
func TestSingleLabelsAreAskedAtHome(t *testing.T) {
	router, public := records(t, "printer. 60 IN A 192.168.1.10"), records(t)
	h := newHouse(t, public)
	w := newWorld(t, buildIndex(), public)
	zone := &View{ID: 2, Zones: []blocklists.Name{parse(t, "lan")}, Local: true, Upstream: router}
	routes, err := NewRoutes(w.Index.Key(), RoutesConfig{Profiles: []*View{{ID: 1, Upstream: public}}, Zones: []*View{zone}, Home: zone})
	if err != nil {
		t.Fatal(err)
	}
	w.Upstreams = routes
	h.r.Swap(w)
	if got := answers(h.ask(kim, "printer", dns.TypeA)); got != "printer. A 192.168.1.10" {
		t.Errorf("printer: %q, want what the router says", got)
	}
	h.ask(kim, "com", dns.TypeDS)
	if router.asked.Load() != 1 || public.asked.Load() != 1 {
		t.Errorf("the router was asked %d times and the public upstream %d, want 1 and 1", router.asked.Load(), public.asked.Load())
	}
}

// TestUpstreamsOfAProfile: each profile's names are resolved by its own upstreams, and
// what one of them said is not told to another profile.
func TestUpstreamsOfAProfile(t *testing.T) {
	const family = `
profiles:
  - {name: strict, band: preteen, upstreams: [192.0.2.53]}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.0.0.0/24]
    members: [{name: Kim, band: preteen, profile: strict}, {name: Pat, band: adult}]
    devices: [{name: kim, addresses: [10.0.0.2], member: Kim}, {name: pat, addresses: [10.0.0.4], member: Pat}]
`
	all, strict := records(t, "page.example. 60 IN A 198.51.100.1"), records(t, "page.example. 60 IN A 198.51.100.2")
	w := newWorldOf(t, family, buildIndex(), all)
	routes, err := NewRoutes(w.Index.Key(), RoutesConfig{Profiles: []*View{{ID: 1, Upstream: all}, {ID: 2, Upstream: strict}}})
	if err != nil {
		t.Fatal(err)
	}
	w.Upstreams = routes
	r, err := New(Config{World: w, Catalog: blocklists.NewCatalog(blocklists.CatalogConfig{}), Cache: cache.New(cache.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, r: r, clock: now, ctx: t.Context(), patience: 60e9}
	for range 2 { // asked, then from the cache
		for from, want := range map[string]string{kim: "198.51.100.2", pat: "198.51.100.1", guest: "198.51.100.1"} {
			if got := answers(h.ask(from, "page.example", dns.TypeA)); got != "page.example. A "+want {
				t.Errorf("from %s: %q, want %s", from, got, want)
			}
		}
	}
	if all.asked.Load() != 1 || strict.asked.Load() != 1 {
		t.Errorf("upstreams were asked %d and %d times, want once each", all.asked.Load(), strict.asked.Load())
	}
	sets := policy.Config{Profiles: []policy.ProfileConfig{{Name: "a"}, {Name: "b", Upstreams: []string{"192.0.2.1"}}, {Name: "c", Upstreams: []string{"192.0.2.1"}}}}.UpstreamSets()
	if len(sets) != 2 || sets[0] != nil {
		t.Errorf("sets %v, want those for all and one more", sets)
	}
}
