package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestBehindDnsmasq asks through a real dnsmasq as the home's router, from two devices behind it, with its cache as
// it comes. The name blocked.example is blocked for the child alone.
func TestBehindDnsmasq(t *testing.T) {
	t.Parallel()
	if os.Getenv(role) == "" {
		for _, program := range []string{"dnsmasq", "unshare", "sysctl"} {
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("%s is not installed: %v", program, err)
			}
		}
		inNamespaces(t, "TestBehindDnsmasq")
		return
	}
	h := newRoutedServer(t)
	t.Run("each device has its own profile", h.eachItsOwn)
	t.Run("one profile for all", h.oneForAll)
	t.Run("what dnsmasq does not tell", h.notTold)
	t.Run("a device that says to be another", h.forged)
	t.Run("an address that changes", h.changes)
	t.Run("rebind protection", h.rebinding)
	t.Run("direct", h.direct)
	t.Run("check-network", h.checked)
	if found := h.up.devices(); len(found) > 0 {
		t.Errorf("the upstream was told of devices, in options %d", found)
	}
}

// rounds of alternating queries: enough for a cache to give one's answer to the other.
const turns = 30

// alternate has both devices ask the router for one name after the other, and at once, over UDP and TCP, and says
// what the answers of each to the blocked name were.
func (h *routedServer) alternate(t *testing.T, routers ...string) (childs, mothers map[string]int) {
	t.Helper()
	childs, mothers = map[string]int{}, map[string]int{}
	note := func(into map[string]int, from space, to, network string, mu *sync.Mutex) {
		from.in(t, func() {
			c := dns.Client{Timeout: 3 * time.Second, Net: network}
			r, _, err := c.Exchange(new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA), net.JoinHostPort(to, "53"))
			said := fmt.Sprint(err)
			if err == nil {
				said = addresses(r)
			}
			mu.Lock()
			into[said]++
			mu.Unlock()
		})
	}
	var mu sync.Mutex
	for i := range turns {
		network := "udp"
		if i%5 == 4 {
			network = "tcp"
		}
		for _, to := range routers {
			note(mothers, h.mother, to, network, &mu)
			note(childs, h.child, to, network, &mu)
			var both sync.WaitGroup
			both.Go(func() { note(childs, h.child, to, network, &mu) })
			both.Go(func() { note(mothers, h.mother, to, network, &mu) })
			both.Wait()
		}
	}
	return childs, mothers
}

// only says whether all answers were one.
func only(got map[string]int, want string) bool { return len(got) == 1 && got[want] > 0 }

const both = "{address: " + routerWAN + ", options: "

func (h *routedServer) eachItsOwn(t *testing.T) {
	for _, c := range []struct {
		what, options string
		dnsmasq       []string
	}{
		{"add-mac", "[mac]", []string{"--add-mac", "--strip-mac"}},
		{"add-mac without strip-mac", "[mac]", []string{"--add-mac"}},
		{"add-mac=text", "[mac]", []string{"--add-mac=text", "--strip-mac"}},
		{"add-mac=base64", "[mac]", []string{"--add-mac=base64", "--strip-mac"}},
		{"add-mac twice", "[mac]", []string{"--add-mac", "--add-mac=text", "--strip-mac"}},
		{"add-subnet", "[subnet]", []string{"--add-subnet=32,128", "--strip-subnet"}},
		{"both", "[mac, subnet]", []string{"--add-mac", "--strip-mac", "--add-subnet=32,128", "--strip-subnet"}},
		{"umbrella", "[subnet]", []string{"--umbrella"}},
		{"add-mac and a long cache", "[mac]", []string{"--add-mac", "--strip-mac", "--min-cache-ttl=300", "--cache-size=10000"}},
		{"add-mac and stale answers", "[mac]", []string{"--add-mac", "--strip-mac", "--use-stale-cache"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.forwarders(t, both+c.options+"}")
			h.dnsmasq(t, c.dnsmasq...)
			childs, mothers := h.alternate(t, routerLAN, "fd77::1")
			if !only(childs, landingPage) || !only(mothers, site) {
				t.Errorf("the child was answered %v, want the landing page alone; its mother %v, want the site alone", childs, mothers)
			}
		})
	}
}

func (h *routedServer) oneForAll(t *testing.T) {
	for _, c := range []struct {
		what, forwarder string
		dnsmasq         []string
		want            string
	}{
		{"a router that hides its devices, the guests' profile", "{address: " + routerWAN + "}", nil, site},
		{"a router that hides its devices, a profile", "{address: " + routerWAN + ", profile: kids}", nil, landingPage},
		{"its MACs are not believed", "{address: " + routerWAN + ", profile: kids}", []string{"--add-mac"}, landingPage},
		{"add-cpe-id", both + "[token]}", []string{"--add-cpe-id=mias-room"}, landingPage},
		{"umbrella with a device id", both + "[token]}", []string{"--umbrella=deviceid:0123456789abcdef,orgid:7,assetid:9"}, landingPage},
		{"a token that nobody entered", both + "[token]}", []string{"--add-cpe-id=attic"}, site},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.forwarders(t, c.forwarder)
			h.dnsmasq(t, c.dnsmasq...)
			childs, mothers := h.alternate(t, routerLAN)
			if !only(childs, c.want) || !only(mothers, c.want) {
				t.Errorf("the child was answered %v, its mother %v; want %s alone", childs, mothers, c.want)
			}
		})
	}
}

// notTold: a query without a MAC gets what all are allowed, so that nobody gets more from a router's cache either.
func (h *routedServer) notTold(t *testing.T) {
	for _, c := range []struct {
		what, forwarder string
		dnsmasq         []string
		leaks           bool
	}{
		{"a router that tells nothing", both + "[mac]}", nil, false},
		{"a constant subnet, by which dnsmasq keeps answers in spite of MACs", both + "[mac]}", []string{"--add-mac", "--add-subnet"}, false},
		{"the router's own queries", both + "[mac]}", []string{"--add-mac"}, false},
		{"the router's own queries, kept for long", both + "[mac]}", []string{"--add-mac", "--min-cache-ttl=300"}, false},
		{"the router's own queries, kept when stale", both + "[mac]}", []string{"--add-mac", "--use-stale-cache"}, false},
		{"of which check-config warns", both + "[mac], profile: adult}", []string{"--add-mac", "--min-cache-ttl=300"}, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.forwarders(t, c.forwarder)
			h.dnsmasq(t, c.dnsmasq...)
			h.ask(t, h.router, routerLAN, question("blocked.example.", dns.TypeA)) // the router's own, without a MAC
			childs, _ := h.alternate(t, routerLAN)
			if leaks := childs[site] > 0; leaks != c.leaks {
				t.Errorf("the child was answered %v", childs)
			}
			if out, _ := h.hearth("check-config", h.config); strings.Contains(out, "forwarders[0].profile") != c.leaks {
				t.Errorf("check-config said: %s", out)
			}
		})
	}
}

// forged: the child's own options do not get through a router that strips them, nor anything but what it is
// trusted with.
func (h *routedServer) forged(t *testing.T) {
	claims := map[string]dns.EDNS0{
		"a MAC":            &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("\x02\x00\x5e\x10\x00\x0a")},
		"a MAC in text":    &dns.EDNS0_LOCAL{Code: 65073, Data: []byte(motherMAC)},
		"a token":          &dns.EDNS0_LOCAL{Code: 65074, Data: []byte("desk")},
		"an address":       &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: net.ParseIP(annasIP)},
		"Umbrella's":       &dns.EDNS0_LOCAL{Code: 20292, Data: []byte("ODNS\x01\x00\x00\x10\xc0\xa8\x4d\x1e")},
		"a broken MAC":     &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("?")},
		"a broken text":    &dns.EDNS0_LOCAL{Code: 65073, Data: []byte("?")},
		"an empty subnet":  &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, Address: net.IPv4zero},
		"one more of ours": &dns.EDNS0_EDE{InfoCode: 15},
	}
	for _, c := range []struct {
		what, forwarder, to string
		dnsmasq             []string
	}{
		{"through add-mac and strip-mac", both + "[mac]}", routerLAN, []string{"--add-mac", "--strip-mac"}},
		{"through add-subnet and strip-subnet", both + "[subnet]}", routerLAN, []string{"--add-subnet=32,128", "--strip-subnet"}},
		{"through a router that hides its devices", "{address: " + routerWAN + ", profile: kids}", routerLAN, nil},
		{"direct", both + "[mac, token, subnet]}", serverWAN, nil},
	} {
		h.forwarders(t, c.forwarder)
		t.Run(c.what, func(t *testing.T) {
			h.dnsmasq(t, c.dnsmasq...)
			for what, option := range claims {
				q := new(dns.Msg).SetQuestion("blocked.example.", dns.TypeA)
				q.SetEdns0(1232, false).IsEdns0().Option = []dns.EDNS0{option}
				for range 3 {
					if r := h.ask(t, h.child, c.to, q); r == nil || addresses(r) != landingPage {
						t.Errorf("with %s: %v", what, r)
					}
				}
			}
		})
	}
}

// changes: the child's device takes new addresses in the middle of a stream of queries. dnsmasq does not know its
// MAC at once.
func (h *routedServer) changes(t *testing.T) {
	for round, c := range []struct {
		what, options string
		dnsmasq       []string
		leaks         bool
	}{
		{"told by MAC", "[mac]", []string{"--add-mac", "--strip-mac"}, false},
		{"told by MAC, and dnsmasq keeps answers", "[mac]", []string{"--add-mac", "--strip-mac", "--min-cache-ttl=60"}, false},
		{"told by MAC and address", "[mac, subnet]", []string{"--add-mac", "--strip-mac", "--add-subnet=32,128", "--strip-subnet"}, false},
		{"of which check-config warns", "[mac], profile: adult", []string{"--add-mac", "--strip-mac"}, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.forwarders(t, both+c.options+"}")
			h.dnsmasq(t, c.dnsmasq...)
			t.Cleanup(func() { h.move(t, miasIP, "fd77::20") })
			blocked, open, silent, leaks := 0, 0, 0, 0
			for i := range 40 {
				h.move(t, fmt.Sprintf("192.168.77.%d", 60+45*round+i), fmt.Sprintf("fd77::%x", 0x100*(round+1)+i)) // that no kernel knows
				for _, to := range []string{routerLAN, "fd77::1", routerLAN} {
					switch r := h.ask(t, h.child, to, question("blocked.example.", dns.TypeA)); {
					case r == nil:
						silent++
					case addresses(r) == site:
						leaks++
					default:
						blocked++
					}
					if r := h.ask(t, h.child, to, question("open.example.", dns.TypeA)); r != nil && addresses(r) == site {
						open++
					}
				}
				h.ask(t, h.mother, routerLAN, question("blocked.example.", dns.TypeA))
			}
			if blocked+leaks == 0 || open == 0 || (leaks > 0) != c.leaks {
				t.Errorf("%d blocked, %d leaked, %d open, %d silent", blocked, leaks, open, silent)
			}
			t.Logf("%d blocked, %d leaked, %d open, %d silent; %s", blocked, leaks, open, silent, lineOf(h.scrape(), `hearth_forwarded_total{told="nothing"}`))
		})
	}
}

// move gives the child's device other addresses. It knows the router's MAC, so that it says nothing to it before
// its first query.
func (h *routedServer) move(t *testing.T, four, six string) {
	t.Helper()
	h.child.run(t, "sh", "-c", "ip addr add "+four+"/24 dev lan0; ip addr add "+six+"/64 dev lan0 nodad; "+
		"for a in $(ip -o addr show dev lan0 scope global | awk '{print $4}'); do case $a in "+four+"/*|"+six+"/*) ;; *) ip addr del $a dev lan0;; esac; done; "+
		"ip route replace default via "+routerLAN+"; for r in "+routerLAN+" fd77::1; do ip neigh replace $r lladdr "+routerMAC+" nud permanent dev lan0; done")
}

// rebinding: a router that drops private addresses takes the landing page away, and never lets the site through.
func (h *routedServer) rebinding(t *testing.T) {
	h.forwarders(t, both+"[mac]}")
	h.dnsmasq(t, "--add-mac", "--strip-mac", "--stop-dns-rebind")
	childs, mothers := h.alternate(t, routerLAN)
	if !only(childs, "") || !only(mothers, site) {
		t.Errorf("the child was answered %v, want no address; its mother %v", childs, mothers)
	}
}

// direct: the devices ask the server themselves, and are known by their addresses.
func (h *routedServer) direct(t *testing.T) {
	childs, mothers := h.alternate(t, serverWAN)
	if !only(childs, landingPage) || !only(mothers, site) {
		t.Errorf("the child was answered %v, its mother %v", childs, mothers)
	}
}

// checked: hearth check-network on the child's device finds what is wrong on the way, and says the lines that help.
func (h *routedServer) checked(t *testing.T) {
	const known = "ok       resolver " + routerLAN + " (--router): forwards to the server and says for which device; this one is known"
	for _, c := range []struct {
		what, forwarders string
		dnsmasq          []string
		want             []string
		ok               bool
	}{
		{
			"as it should be", "    forwarders: [" + both + "[mac]}]\n", []string{"--add-mac", "--strip-mac"},
			[]string{"ok       server " + serverWAN + ":53: answers over UDP and TCP", known, "lets the address of the landing page through"}, true,
		},
		{"without strip-mac", "    forwarders: [" + both + "[mac]}]\n", []string{"--add-mac"}, []string{known, "what devices say of their own MAC", "\n           strip-mac\n"}, false},
		{
			"without strip-subnet", "    forwarders: [" + both + "[subnet]}]\n", []string{"--add-subnet=32,128"},
			[]string{known, "what devices say of their own address", "\n           strip-subnet\n"}, false,
		},
		{
			"a forwarder that the server does not know", "", []string{"--add-mac", "--strip-mac"},
			[]string{"which does not know that", "forwarders: [{address: " + routerWAN + ", options: [mac]}]"}, false,
		},
		{"a forwarder that hides its devices", "    forwarders: [{address: " + routerWAN + "}]\n", nil, []string{"hides its devices", "\n           add-mac\n"}, true},
		{"a forwarder that says nothing", "    forwarders: [" + both + "[mac]}]\n", nil, []string{"does not for this one", "\n           add-mac\n"}, false},
		{
			"rebind protection", "    forwarders: [" + both + "[mac]}]\n", []string{"--add-mac", "--strip-mac", "--stop-dns-rebind"},
			[]string{known, "drops the address of the landing page", "rebind_protection='0'"}, false,
		},
		{
			"a second resolver", "", []string{"--local=/hearth.home.arpa/"},
			[]string{"by itself, past the server", "\n           server=" + serverWAN + "\n", "dhcp-option=option:dns-server," + serverWAN + "\n"}, false,
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			h.configure(t, h.text(c.forwarders))
			h.dnsmasq(t, c.dnsmasq...)
			cmd := exec.Command("nsenter", "-t", string(h.child), "-n", binary, "check-network", "--config", h.config, "--server", serverWAN, "--router", routerLAN)
			cmd.Env = h.environment()
			out, err := cmd.CombinedOutput()
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is missing", want)
				}
			}
			if (err == nil) != c.ok || t.Failed() {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}
