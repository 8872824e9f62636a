package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// homeOfDNR has every encrypted transport, one on a port of its own.
const homeOfDNR = `
name: hearth.home.arpa
tls: {name: dns.family.example, addresses: [192.0.2.53, "2001:db8::53", 192.0.2.54]}
listen:
  - {addresses: ["0.0.0.0:853"], protocol: tls}
  - {addresses: ["0.0.0.0:853", "[::]:853"], protocol: quic}
  - {addresses: ["0.0.0.0:8443"], protocol: https, path: /family}
households:
  - id: h-1
    consent: {by: test, at: 2026-01-01}
    members: [{name: Kim, band: child}]
    devices: [{name: phone, id: k4t9w2mzr7qx5bvd, member: Kim}, {name: tv, addresses: [192.0.2.9], member: Kim}]
`

// decodedDNR is an instance as a client reads it.
type decodedDNR struct {
	priority  uint16
	name      string
	addresses []netip.Addr
	alpn      []string
	port      uint16
	path      string
}

func (d decodedDNR) String() string {
	return fmt.Sprint(d.priority, " ", d.name, " ", d.addresses, " ", d.alpn, " ", d.port, " ", d.path)
}

// cutter takes fields off the front of octets.
type cutter struct {
	b   []byte
	err error
}

func (c *cutter) take(n int) []byte {
	if n > len(c.b) {
		c.err = errors.New("cut short")
		n = len(c.b)
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cutter) number(octets int) int {
	n := 0
	for _, b := range c.take(octets) {
		n = n<<8 | int(b)
	}
	return n
}

// readInstance reads what stands behind the length of an instance (RFC 9463 sections 4.1 and 5.1): the lengths of the
// name and of the addresses have width octets each, an address has size.
func readInstance(b []byte, width, size int) (d decodedDNR, err error) {
	c := &cutter{b: b}
	d.priority = uint16(c.number(2)) //nolint:gosec // two octets
	name := &cutter{b: c.take(c.number(width))}
	for n := name.number(1); n > 0; n = name.number(1) {
		d.name += string(name.take(n)) + "."
	}
	if len(name.b) > 0 || name.err != nil {
		return d, errors.New("the name is not one name")
	}
	all := c.take(c.number(width))
	if len(all)%size != 0 {
		return d, errors.New("the addresses are not whole")
	}
	for one := range slices.Chunk(all, size) {
		a, _ := netip.AddrFromSlice(one)
		d.addresses = append(d.addresses, a)
	}
	last := -1
	for len(c.b) > 0 && c.err == nil {
		key := c.number(2)
		value := &cutter{b: c.take(c.number(2))}
		if key <= last {
			return d, errors.New("the parameters are out of order") // RFC 9460 section 2.2
		}
		switch last = key; key {
		case 1:
			for len(value.b) > 0 {
				d.alpn = append(d.alpn, string(value.take(value.number(1))))
			}
		case 3:
			d.port = uint16(value.number(2)) //nolint:gosec // two octets
		case 7:
			d.path = string(value.take(len(value.b)))
		default:
			return d, fmt.Errorf("parameter %d has no place here", key)
		}
		c.err = errors.Join(c.err, value.err)
	}
	return d, c.err
}

// readDHCP4 reads option 162.
func readDHCP4(b []byte) (all []string, err error) {
	for c := (&cutter{b: b}); len(c.b) > 0 && err == nil; err = errors.Join(err, c.err) {
		var d decodedDNR
		d, err = readInstance(c.take(c.number(2)), 1, 4)
		all = append(all, d.String())
	}
	return all, err
}

func dnrOf(t *testing.T, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(homeOfDNR), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, failed bytes.Buffer
	a := &app{out: &out, err: &failed}
	if code := a.run(t.Context(), append([]string{"dnr", "--config", file}, args...)); code != exitDone {
		t.Fatalf("%v: exit code %d: %s", args, code, failed.String())
	}
	return out.String()
}

func optionsOf(t *testing.T, args ...string) (v4, v6 []byte) {
	t.Helper()
	var r struct {
		Options map[string]string `json:"options"`
	}
	if err := json.Unmarshal([]byte(dnrOf(t, append(args, "--json")...)), &r); err != nil {
		t.Fatal(err)
	}
	for key, to := range map[string]*[]byte{"dhcpv4-162": &v4, "dhcpv6-144": &v6} {
		if _, err := fmt.Sscanf(r.Options[key], "%x", to); err != nil {
			t.Fatal(err)
		}
	}
	return v4, v6
}

// TestDNROptions reads the options as a client would.
func TestDNROptions(t *testing.T) {
	for _, c := range []struct {
		args []string
		v4   []string
		v6   string
	}{
		{nil,
			[]string{"1 dns.family.example. [192.0.2.53 192.0.2.54] [doq dot] 0 ", "2 dns.family.example. [192.0.2.53 192.0.2.54] [h2 h3] 8443 /family{?dns}"},
			"1 dns.family.example. [2001:db8::53] [doq dot] 0 "},
		{[]string{"--device", "h-1/phone", "--mac", "02:00:5e:10:00:20"},
			[]string{"1 k4t9w2mzr7qx5bvd.dns.family.example. [192.0.2.53 192.0.2.54] [doq dot] 0 ", "2 k4t9w2mzr7qx5bvd.dns.family.example. [192.0.2.53 192.0.2.54] [h2 h3] 8443 /family/k4t9w2mzr7qx5bvd{?dns}"},
			"1 k4t9w2mzr7qx5bvd.dns.family.example. [2001:db8::53] [doq dot] 0 "},
	} {
		v4, v6 := optionsOf(t, c.args...)
		if got, err := readDHCP4(v4); err != nil || !slices.Equal(got, c.v4) || len(v4) > 255 {
			t.Errorf("%v: DHCPv4: %q, %v; want %q", c.args, got, err, c.v4)
		}
		if got, err := readInstance(v6, 2, 16); err != nil || got.String() != c.v6 {
			t.Errorf("%v: DHCPv6: %q, %v; want %q", c.args, got, err, c.v6)
		}
	}
}

// TestDNRBounds: an option holds 255 octets; what does not fit is left out whole, and said.
func TestDNRBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("tls: {name: " + strings.Repeat("abcdefghi.", 8) + "example, addresses: [192.0.2.53]}\nlisten:\n")
	for port := 4440; port < 4445; port++ {
		fmt.Fprintf(&b, "  - {addresses: [\"0.0.0.0:%d\"], protocol: https}\n", port)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newDNR(&l.Config, "", nil, dnrPrograms)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readDHCP4(r.V4)
	if err != nil || len(got) == 0 || len(got) == 5 || len(r.V4) > 255 || !strings.Contains(strings.Join(r.Notes, " "), "255 octets") {
		t.Errorf("%d octets: %q, %v, %v", len(r.V4), got, r.Notes, err)
	}
}

func TestDNRRefuses(t *testing.T) {
	for _, c := range []struct {
		config string
		args   []string
		want   string
	}{
		{homeOfDNR, []string{"isc-dhcpd"}, "kea-dhcp4"},
		{homeOfDNR, []string{"--device", "phone"}, "--mac"},
		{homeOfDNR, []string{"--device", "phone", "--mac", "phone"}, "02:00:5e"},
		{homeOfDNR, []string{"--device", "fridge", "--mac", "02:00:5e:10:00:20"}, "household/device"},
		{homeOfDNR, []string{"--device", "tv", "--mac", "02:00:5e:10:00:20"}, "hearth enrol --new"},
		{"name: hearth.home.arpa\n", nil, "protocol: https"},
		{"listen: [{addresses: [\"0.0.0.0:853\"], protocol: tls}]\n", nil, "tls.addresses"},
		{"listen: [{addresses: [\"127.0.0.1:853\"], protocol: tls}]\n", nil, "tls.addresses"},
		{"listen: [{addresses: [\"192.168.1.2:853\"], protocol: tls}, {addresses: [\"192.168.1.3:443\"], protocol: https}]\n", nil, "different addresses"},
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, failed bytes.Buffer
		a := &app{out: &out, err: &failed}
		if code := a.run(t.Context(), append([]string{"dnr", "--config", file}, c.args...)); code == exitDone || !strings.Contains(failed.String(), c.want) || strings.Contains(failed.String(), "k4t9") {
			t.Errorf("%v: code %d, %q; want %q", c.args, code, failed.String(), c.want)
		}
	}
}

// TestDNRSnippetsAreRead has the programs themselves check what is printed for them.
func TestDNRSnippetsAreRead(t *testing.T) {
	device := []string{"--device", "phone", "--mac", "02:00:5e:10:00:20"}
	for program, c := range map[string]struct {
		args  []string
		frame string
	}{
		"dnsmasq":   {[]string{"--test", "-C"}, "port=0\ndhcp-range=192.0.2.0,static\n%s"},
		"kea-dhcp4": {[]string{"-t"}, `{"Dhcp4": {"interfaces-config": {"interfaces": []}, "lease-database": {"type": "memfile", "persist": false}, "subnet4": [{"subnet": "192.0.2.0/24", %s}]}}`},
		"kea-dhcp6": {[]string{"-t"}, `{"Dhcp6": {"interfaces-config": {"interfaces": []}, "lease-database": {"type": "memfile", "persist": false}, "subnet6": [{"subnet": "2001:db8::/64", %s}]}}`},
		"radvd":     {[]string{"--configtest", "-C"}, "interface lo { AdvSendAdvert on; IgnoreIfMissing on; %s\n};\n"},
	} {
		t.Run(program, func(t *testing.T) {
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skipf("%s is not installed: %v", program, err)
			}
			for _, args := range [][]string{nil, device} {
				file := filepath.Join(t.TempDir(), "snippet.conf")
				if err := os.WriteFile(file, fmt.Appendf(nil, c.frame, "\n"+dnrSnippet(dnrOf(t, append(args, program)...))+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(path, append(slices.Clone(c.args), file)...).CombinedOutput(); err != nil {
					text, _ := os.ReadFile(file)
					t.Errorf("%v: %v\n%s\n%s", args, err, out, text)
				}
			}
		})
	}
}

// dnrSnippet leaves out what is said to people above the snippet.
func dnrSnippet(printed string) string {
	var kept []string
	for line := range strings.Lines(printed) {
		if !strings.HasPrefix(line, "# ") {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(kept, "\n")
}

// hasOption162 gives the contents of option 162 in a DHCPv4 message (RFC 2131, RFC 2132).
func hasOption162(message []byte) []byte {
	const fixed = 240 // up to the magic cookie and with it
	if len(message) < fixed || binary.BigEndian.Uint32(message[236:]) != 0x63825363 {
		return nil
	}
	for b := message[fixed:]; len(b) > 1 && b[0] != 255; {
		if b[0] == 0 {
			b = b[1:]
			continue
		}
		end := min(2+int(b[1]), len(b))
		if b[0] == 162 {
			return b[2:end]
		}
		b = b[end:]
	}
	return nil
}
