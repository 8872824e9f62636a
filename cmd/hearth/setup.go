package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/resolver/setup"
	"github.com/spf13/cobra"
)

// networkCheck is what check-network found.
type networkCheck struct {
	Name     string          `json:"name"`
	OK       bool            `json:"ok"` // there is no problem
	Findings []setup.Finding `json:"findings"`
}

// networkFlags are what a person knows better than this machine.
type networkFlags struct {
	servers, routers []string
	name             string
}

func (a *app) networkCommand() *cobra.Command {
	var f networkFlags
	cmd := &cobra.Command{
		Use:   "check-network",
		Short: "Check over which way the devices of the home ask the server",
		Long: `Check over which way the devices of the home ask the server, as seen from this
machine: whether the server answers over IPv4 and IPv6, whether the network
hands out a second resolver that filters nothing, whether a home router
forwards, tells its devices apart and believes what they say of themselves, and
whether it drops the address of the landing page. It says what to change.

Run it on the server, and on a device of the home: what is handed out differs.
On a device name the server with --server. It asks a few harmless questions,
and changes nothing.`,
		Example: `  hearth check-network --config /etc/hearth/config.yaml
  hearth check-network --server 192.168.1.10 --server fd00::10 --router 192.168.1.1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.checkNetwork(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.servers, "server", nil, "`ADDRESS` of the server, with a port if that is not 53; may stand several times (default: those of the configuration)")
	flags.StringArrayVar(&f.routers, "router", nil, "`ADDRESS` of a resolver to look at; may stand several times (default: those of /etc/resolv.conf, and the gateways)")
	flags.StringVar(&f.name, "name", "", "own `NAME` of the server (default: that of the configuration)")
	return cmd
}

func (a *app) checkNetwork(ctx context.Context, f networkFlags) error {
	cfg, err := a.network(f)
	if err != nil {
		return err
	}
	r := networkCheck{Name: cfg.Name, Findings: setup.Check(ctx, cfg)}
	if len(f.servers) == 0 {
		r.Findings = append(outOfReach(cfg.Servers), r.Findings...)
	}
	r.OK = !slices.ContainsFunc(r.Findings, func(f setup.Finding) bool { return f.State == setup.Problem })
	a.print(r, r.describe)
	if !r.OK {
		return errReported
	}
	return nil
}

// network puts together what to look at.
func (a *app) network(f networkFlags) (cfg setup.Config, err error) {
	l, err := a.load()
	if err != nil {
		return cfg, err
	}
	if cfg.Name = l.Config.Name; f.name != "" {
		cfg.Name = strings.TrimSuffix(f.name, ".")
	}
	cfg.Own = ownAddresses()
	if cfg.Servers, err = readAddresses("--server", f.servers); err != nil {
		return cfg, err
	}
	if len(f.servers) == 0 {
		cfg.Servers = l.Config.servesPlainly(cfg.Own)
	}
	routers, err := readAddresses("--router", f.routers)
	if err != nil {
		return cfg, err
	}
	for _, r := range routers {
		cfg.Resolvers = append(cfg.Resolvers, setup.Resolver{At: r, From: "--router"})
	}
	if len(routers) == 0 {
		cfg.Resolvers, err = handedOut()
	}
	return cfg, err
}

// outOfReach says why no other device can ask a server that answers at these addresses.
func outOfReach(servers []netip.AddrPort) []setup.Finding {
	const open = `Write into the configuration listen: [{addresses: ["0.0.0.0:53", "[::]:53"]}].`
	text := "nobody but this machine can ask the server"
	for _, at := range servers {
		switch {
		case at.Addr().IsLoopback():
		case at.Port() == 53:
			return nil
		default:
			text = "the server answers at port " + strconv.Itoa(int(at.Port())) + ", and devices ask port 53 alone"
		}
	}
	if len(servers) == 0 {
		return nil // it may be asked over encrypted listeners
	}
	return []setup.Finding{{State: setup.Problem, About: "listen", Text: text, Change: []string{open}}}
}

// readAddresses reads addresses with or without a port.
func readAddresses(flag string, texts []string) (all []netip.AddrPort, err error) {
	for _, text := range texts {
		at, err := netip.ParseAddrPort(text)
		if err != nil {
			addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
			if err != nil {
				return nil, usageError{fmt.Errorf("%s: %q is no address: write one such as 192.168.1.1, fd00::1 or 192.168.1.1:53", flag, text)}
			}
			at = netip.AddrPortFrom(addr, 53)
		}
		all = append(all, at)
	}
	return all, nil
}

// servesPlainly lists where the configuration has the server answer without encryption; for a listener on all
// addresses those of this machine.
func (c *Config) servesPlainly(own []netip.Addr) (all []netip.AddrPort) {
	for _, l := range c.Listen {
		if l.Protocol != "" && l.Protocol != "dns" {
			continue
		}
		all = append(all, c.spread(l.Addresses, own)...)
	}
	return all
}

// ownAddresses are those of this machine.
func ownAddresses() (all []netip.Addr) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, entry := range list {
		if p, err := netip.ParsePrefix(entry.String()); err == nil {
			all = append(all, p.Addr().Unmap())
		}
	}
	return all
}

// handedOut lists the resolvers that this machine was given, and its gateways, which may be some too.
func handedOut() (all []setup.Resolver, err error) {
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		found, err := setup.ReadResolvers(path)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	for _, g := range gateways() {
		all = append(all, setup.Resolver{At: netip.AddrPortFrom(g, 53), From: "gateway", Maybe: true})
	}
	seen := map[netip.AddrPort]bool{}
	return slices.DeleteFunc(all, func(r setup.Resolver) bool {
		twice := seen[r.At]
		seen[r.At] = true
		return twice
	}), nil
}

// gateways are the routers of the default routes, where the kernel tells of them as Linux does.
func gateways() (all []netip.Addr) {
	for path, read := range map[string]func([]string) (netip.Addr, bool){"/proc/net/route": gateway4, "/proc/net/ipv6_route": gateway6} {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if a, ok := read(strings.Fields(lines.Text())); ok {
				all = append(all, a)
			}
		}
		_ = f.Close()
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// gateway4 reads a line "iface destination gateway …", numbers in hexadecimal as they lie in the memory of the machine.
func gateway4(f []string) (a netip.Addr, ok bool) {
	if len(f) < 3 || f[1] != "00000000" || f[2] == "00000000" {
		return a, false
	}
	b, err := hex.DecodeString(f[2])
	if err != nil || len(b) != 4 {
		return a, false
	}
	var addr [4]byte
	binary.NativeEndian.PutUint32(addr[:], binary.BigEndian.Uint32(b))
	return netip.AddrFrom4(addr), true
}

// gateway6 reads a line "destination length source length gateway … iface".
func gateway6(f []string) (a netip.Addr, ok bool) {
	if len(f) < 10 || strings.Trim(f[0]+f[1], "0") != "" || strings.Trim(f[4], "0") == "" {
		return a, false
	}
	b, err := hex.DecodeString(f[4])
	if err != nil || len(b) != 16 {
		return a, false
	}
	a = netip.AddrFrom16([16]byte(b))
	if a.IsLinkLocalUnicast() {
		a = a.WithZone(f[9])
	}
	return a, true
}

// describe says it to a person.
func (r networkCheck) describe(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-8s %s: %s\n", f.State, f.About, f.Text)
		for _, line := range f.Change {
			fmt.Fprintf(w, "         %s\n", line)
		}
	}
	switch {
	case len(r.Findings) == 0:
		fmt.Fprintln(w, "nothing to look at: give --server and --router")
	case r.OK:
		fmt.Fprintln(w, "no problem was found")
	default:
		problems := 0
		for _, f := range r.Findings {
			if f.State == setup.Problem {
				problems++
			}
		}
		fmt.Fprintf(w, "%s; docs/router.md says more\n", count(problems, "problem"))
	}
}
