package setup

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// Config says what to look at.
type Config struct {
	Name      string           // own name of the server, such as hearth.home.arpa
	Servers   []netip.AddrPort // where it is to answer, over IPv4 and IPv6
	Resolvers []Resolver       // that the network hands out
	Own       []netip.Addr     // addresses of this machine
}

// Resolver is somebody whom the devices of the network may ask.
type Resolver struct {
	At   netip.AddrPort
	From string // who says so, such as /etc/resolv.conf
	// Maybe: nobody has said that it is a resolver, so that it need not answer.
	Maybe bool
}

// State says how good a finding is. The set is closed.
type State string

// The states.
const (
	Good    State = "ok"
	Note    State = "note"    // it works, but not all is to be had
	Problem State = "problem" // devices are not filtered, or not as their owners think
)

// Finding is one thing that was found out.
type Finding struct {
	State  State    `json:"state"`
	About  string   `json:"about"` // an address, or what was looked for
	Text   string   `json:"text"`
	Change []string `json:"change,omitempty"` // lines that say what to change, some of them to copy
}

// Check looks at all of it, one after the other. It takes as long as what does not answer is waited for: some two
// seconds each.
func Check(ctx context.Context, cfg Config) []Finding {
	c := &check{Config: cfg, exchange: func(client *dns.Client, q *dns.Msg, at string) (*dns.Msg, error) {
		r, _, err := client.ExchangeContext(ctx, q, at)
		return r, err //nolint:wrapcheck // ask wraps it
	}}
	c.servers()
	for _, r := range cfg.Resolvers {
		c.resolver(r)
	}
	return c.found
}

// check collects findings.
type check struct {
	Config
	exchange func(client *dns.Client, q *dns.Msg, at string) (*dns.Msg, error)
	found    []Finding

	node    string       // of the server, "" as long as none has answered
	landing []netip.Addr // which it gave for its own page
}

func (c *check) say(state State, about, text string, change ...string) {
	c.found = append(c.found, Finding{state, about, text, change})
}

// servers asks the server itself, at each of its addresses.
func (c *check) servers() {
	var four, six bool
	for _, at := range c.Servers {
		var mute []string
		var seen netip.Addr
		for _, network := range []string{"udp", "tcp"} {
			me, err := c.whoami(at, network, nil)
			if err != nil || me.node == "" {
				mute = append(mute, network)
				continue
			}
			c.node, seen = me.node, me.client
		}
		switch about := "server " + at.String(); {
		case len(mute) == 2:
			c.say(Problem, about, "does not answer for "+c.Name+" over UDP or TCP",
				"Start the server, or write listen: with this address; or give the right one with --server, the right name with --name.")
		case len(mute) == 1:
			c.say(Problem, about, "does not answer over "+mute[0], "Open port 53 of the server for UDP and TCP alike in its firewall.")
		default:
			c.say(Good, about, "answers over UDP and TCP")
			c.masquerade(about, seen)
			four, six = four || at.Addr().Unmap().Is4(), six || !at.Addr().Unmap().Is4()
			if len(c.landing) == 0 {
				c.landing = c.page(at)
			}
		}
	}
	if c.node != "" && (!four || !six) {
		c.oneFamily(four)
	}
}

// masquerade says that somebody between here and the server hides addresses.
func (c *check) masquerade(about string, seen netip.Addr) {
	if seen.IsValid() && len(c.Own) > 0 && !slices.Contains(c.Own, seen) {
		c.say(Problem, about, "sees "+seen.String()+" in place of this machine's address: all devices on this side look like one",
			"Have the router between the two not masquerade what it forwards to the server, or put the server on this side.")
	}
}

// oneFamily says that the server answers over IPv4 or IPv6 alone.
func (c *check) oneFamily(four bool) {
	missing, example := "IPv4", "192.168.1.10:53"
	if four {
		missing, example = "IPv6", "[fd00::10]:53"
	}
	handed := slices.ContainsFunc(c.Resolvers, func(r Resolver) bool { return r.At.Addr().Unmap().Is4() != four })
	state := Note
	text := "the server was found at no " + missing + " address"
	if handed {
		state, text = Problem, text+", but the network hands out a resolver over "+missing+", which devices prefer or use at random"
	}
	c.say(state, missing, text, fmt.Sprintf("Give the server a fixed %s address, write it into listen: (%q), and have the router hand it out, or hand out no resolver over %s.", missing, example, missing))
}

// resolver looks at one that the network hands out.
func (c *check) resolver(r Resolver) {
	about := "resolver " + r.At.Addr().String() + " (" + r.From + ")"
	if slices.ContainsFunc(c.Servers, func(s netip.AddrPort) bool { return s.Addr().Unmap() == r.At.Addr().Unmap() }) {
		c.say(Good, about, "is the server: devices ask it directly, and are told apart by address or MAC")
		return
	}
	me, err := c.whoami(r.At, "udp", nil)
	switch {
	case err != nil && r.Maybe:
	case err != nil:
		c.say(Note, about, "does not answer: devices wait for it before they ask the next", c.handOut()...)
	case me.node == "":
		c.say(Problem, about, "answers for "+c.Name+" by itself, past the server: devices that ask it are not filtered", c.second()...)
	case c.node != "" && me.node != c.node:
		c.say(Note, about, "leads to another server, "+me.node)
	case slices.Contains(c.Own, me.client):
		c.say(Good, about, "leads to the server as if devices asked it directly")
		c.rebinding(r, about)
	default:
		c.forwarder(r, about, me)
		c.rebinding(r, about)
	}
}

// forwarder looks at a resolver that asks the server for others.
func (c *check) forwarder(r Resolver, about string, me self) {
	item := fmt.Sprintf("forwarders: [{address: %s, options: [mac]}]", me.client)
	switch me.told {
	case "", "untrusted":
		text := "forwards to the server, which does not know that: all devices behind it are taken for one, " + me.client.String() + ", and it keeps what one child was answered for another"
		change := []string{"Write into the household:", "  " + item, "and in place of the addresses of its devices their macs:."}
		if me.told == "" {
			change = append(change, addMAC()...)
		}
		c.say(Problem, about, text, change...)
	case "hidden":
		c.say(Note, about, "forwards to the server and hides its devices: all have one profile",
			append([]string{"To tell them apart write into the household:", "  " + item}, addMAC()...)...)
	case "nothing":
		c.say(Problem, about, "forwards to the server and should say for which device, but does not for this one: it has what all may",
			append([]string{"It may take the router 90 seconds to learn of a new address: look again."}, addMAC()...)...)
	case "unknown":
		c.say(Good, about, "forwards to the server and says for which device; this one is in no household's devices: it is a guest")
		if me.mac != "" {
			c.found[len(c.found)-1].Change = []string{"To enter it write into the household's devices:", fmt.Sprintf("  macs: [%q]", me.mac)}
		}
	case "device":
		c.say(Good, about, "forwards to the server and says for which device; this one is known")
	}
	c.forgery(r, about, me)
}

// forgery finds out whether devices can say themselves who they are.
func (c *check) forgery(r Resolver, about string, me self) {
	if me.mac == "" && !me.address.IsValid() {
		return
	}
	again, err := c.whoami(r.At, "udp", forged)
	if err != nil {
		return
	}
	if me.mac != "" && again.mac == forgedMAC {
		c.say(Problem, about, "passes on what devices say of their own MAC: a child can be anybody", "dnsmasq and Pi-hole, beside add-mac:", "  strip-mac")
	}
	if me.address.IsValid() && again.address == forgedAddr {
		c.say(Problem, about, "passes on what devices say of their own address: a child can be anybody", "dnsmasq and Pi-hole, beside add-subnet=32,128:", "  strip-subnet")
	}
}

// rebinding finds out whether the way drops the landing address.
func (c *check) rebinding(r Resolver, about string) {
	private := slices.ContainsFunc(c.landing, func(a netip.Addr) bool { return a.IsPrivate() || a.IsLinkLocalUnicast() })
	if !private {
		return
	}
	if slices.ContainsFunc(c.page(r.At), func(a netip.Addr) bool { return slices.Contains(c.landing, a) }) {
		c.say(Good, about, "lets the address of the landing page through")
		return
	}
	c.say(Problem, about, "drops the address of the landing page (rebind protection): blocked names have no address, and nobody sees why",
		"dnsmasq: remove stop-dns-rebind. OpenWrt:",
		"  uci set dhcp.@dnsmasq[0].rebind_protection='0'; uci commit dhcp; service dnsmasq restart",
		"The server itself drops private addresses of public names. A router that excepts single names only (FRITZ!Box) cannot be told: hand the server out by DHCP instead, or write block_mode: \"null\" into the profiles.")
}
