package local

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// The files below are written after the formats' own documentation: hosts(5), dnsmasq's
// lease file, the CSV columns of Kea's memfile backend, and odhcpd's state file.
const (
	hosts = `127.0.0.1 localhost
::1 localhost ip6-localhost
192.168.7.9   nas nas.example.org  # the cupboard
2001:db8::9	nas
not-an-address other
`
	dnsmasq = `1764000000 aa:bb:cc:dd:ee:01 192.168.7.20 printer 01:aa:bb:cc:dd:ee:01
0 aa:bb:cc:dd:ee:02 192.168.7.21 tv *
1764000000 aa:bb:cc:dd:ee:03 192.168.7.22 * *
1764000000 aa:bb:cc:dd:ee:04 192.168.7.23 wpad *
1600000000 aa:bb:cc:dd:ee:05 192.168.7.24 gone *
duid 00:01:00:01
1764000000 12345 fd00::20 printer 00:01
`
	kea = `address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context
192.168.7.30,aa:bb:cc:dd:ee:06,,3600,1764000000,1,0,0,laptop.home.example,0,
192.168.7.31,aa:bb:cc:dd:ee:07,,3600,1764000000,1,0,0,declined,1,
192.168.7.32,aa:bb:cc:dd:ee:08,,3600,1764000000,1,0,0,old,0,
192.168.7.32,aa:bb:cc:dd:ee:08,,0,1764000000,1,0,0,old,0,
`
	odhcpd = `# br-lan aabbccddee09 ipv4 console 1764000000 18 32 192.168.7.40/32
# br-lan 000100012ab4 7 console 1764000000 b2 128 fd00::40/128 2001:db8::40/128
# br-lan 000100012ab5 8 - -1 b3 128 fd00::41/128
# br-lan aabbccddee0a ipv4 over 0 19 32 192.168.7.41/32
`
)

// at is before the leases run out that are not over.
var at = time.Unix(1763900000, 0)

func known(t *testing.T, cfg Config) *Names {
	t.Helper()
	n := New(nil)
	n.now = func() time.Time { return at }
	n.Configure(cfg)
	return n
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// told is what is known of a name, in words.
func told(t *testing.T, n *Names, name string) string {
	t.Helper()
	h := n.Find(parse(t, name))
	if h == nil {
		return ""
	}
	var words []string
	for _, a := range append(append([]netip.Addr{}, h.V4...), h.V6...) {
		words = append(words, a.String())
	}
	for _, name := range h.Names {
		words = append(words, name.String())
	}
	return strings.Join(words, " ")
}

func parse(t *testing.T, text string) blocklists.Name {
	t.Helper()
	name, err := blocklists.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNames(t *testing.T) {
	lan := []blocklists.Name{parse(t, "lan")}
	for _, tt := range []struct {
		file string
		cfg  Config
		want map[string]string
	}{
		{"hosts", Config{Hosts: []string{write(t, hosts)}, Zones: lan}, map[string]string{
			"nas": "192.168.7.9 2001:db8::9", "nas.lan": "192.168.7.9 2001:db8::9", "nas.example.org": "192.168.7.9",
			"9.7.168.192.in-addr.arpa": "nas.lan nas.example.org", "localhost": "", "other": "", "nas.example.org.lan": "",
			"9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": "nas.lan",
		}},
		{"dnsmasq", Config{Leases: []string{write(t, dnsmasq)}, Zones: lan}, map[string]string{
			"printer": "192.168.7.20 fd00::20", "printer.lan": "192.168.7.20 fd00::20", "tv.lan": "192.168.7.21",
			"wpad": "", "wpad.lan": "", "gone.lan": "", "20.7.168.192.in-addr.arpa": "printer.lan", "22.7.168.192.in-addr.arpa": "",
		}},
		{"Kea", Config{Leases: []string{write(t, kea)}}, map[string]string{
			"laptop": "192.168.7.30", "laptop.home.arpa": "192.168.7.30", "laptop.home.example": "", "declined": "", "old": "",
			"30.7.168.192.in-addr.arpa": "laptop.home.arpa",
		}},
		{"odhcpd", Config{Leases: []string{write(t, odhcpd)}, Zones: lan}, map[string]string{
			"console.lan": "192.168.7.40 fd00::40 2001:db8::40", "over.lan": "", "1.4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa": "",
		}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			n := known(t, tt.cfg)
			for name, want := range tt.want {
				if got := told(t, n, name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestNoLeaseTakesAName: a machine that calls itself as one in a hosts file does not get what is meant for that.
func TestNoLeaseTakesAName(t *testing.T) {
	n := known(t, Config{
		Hosts:  []string{write(t, "192.168.7.9 nas\n192.168.7.8 door.lan\n192.168.7.7 tree.lan\n")},
		Leases: []string{write(t, "0 aa:bb:cc:dd:ee:01 192.168.7.66 nas *\n0 aa:bb:cc:dd:ee:02 192.168.7.67 door *\n0 aa:bb:cc:dd:ee:03 192.168.7.68 tv *\n0 aa:bb:cc:dd:ee:04 192.168.7.7 tree *\n")},
		Zones:  []blocklists.Name{parse(t, "lan")},
	})
	for name, want := range map[string]string{
		"nas": "192.168.7.9", "nas.lan": "192.168.7.9", "door.lan": "192.168.7.8", "door": "", "tree": "192.168.7.7", "tv.lan": "192.168.7.68",
		"66.7.168.192.in-addr.arpa": "", "67.7.168.192.in-addr.arpa": "",
	} {
		if got := told(t, n, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestLeaseEnds: a name goes when its lease does, and a new one is found without a restart.
func TestLeaseEnds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "leases")
		lease := func(name string, left time.Duration) {
			text := fmt.Sprintf("%d aa:bb:cc:dd:ee:01 192.168.7.51 %s *\n", time.Now().Add(left).Unix(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		lease("tablet", time.Minute)
		n := New(nil)
		n.Configure(Config{Leases: []string{path}})
		go func() { _ = n.Run(t.Context()) }()
		if told(t, n, "tablet") == "" {
			t.Error("the lease is not found")
		}
		time.Sleep(time.Minute + 2*lookEvery)
		if got := told(t, n, "tablet"); got != "" {
			t.Errorf("after the lease: %s", got)
		}
		lease("other-tablet", time.Hour)
		time.Sleep(2 * lookEvery)
		if told(t, n, "other-tablet") == "" {
			t.Error("the new lease is not found")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * lookEvery)
		if told(t, n, "other-tablet") == "" {
			t.Error("a file that is gone took its names with it")
		}
	})
}

// TestNoLeaseFile: what is no lease file is refused, and what was known stays.
func TestNoLeaseFile(t *testing.T) {
	path := write(t, dnsmasq)
	n := known(t, Config{Leases: []string{path}})
	for _, text := range []string{"<html>\n<body>moved</body>\n", "a b c d e\n", strings.Repeat("x", 1<<20)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		n.Refresh()
		if told(t, n, "printer") == "" {
			t.Errorf("%.20q took the names away", text)
		}
	}
}

// TestTooManyNames: a file cannot take all memory.
func TestTooManyNames(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d h%d\n", i>>16, i>>8&255, i&255, i)
	}
	n := known(t, Config{Hosts: []string{write(t, text.String())}})
	if got := len(*n.table.Load()); got > maxNames {
		t.Errorf("%d names are kept, want at most %d", got, maxNames)
	}
}

// TestFindAllocatesNothing: it lies on the path of every answer.
func TestFindAllocatesNothing(t *testing.T) {
	n := known(t, Config{Hosts: []string{write(t, hosts)}})
	name, other := parse(t, "nas"), parse(t, "example.org")
	if got := testing.AllocsPerRun(100, func() { n.Find(name); n.Find(other) }); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

func FuzzReadLeases(f *testing.F) {
	for _, text := range []string{hosts, dnsmasq, kea, odhcpd} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = readHosts(b)
		all, err := readLeases(b)
		if err != nil && len(all) > 0 {
			t.Error("a refused file gave names")
		}
		for _, e := range all {
			if strings.ContainsRune(e.name, '.') || !e.addr.IsValid() {
				t.Errorf("lease %q of %s", e.name, e.addr)
			}
		}
	})
}

// TestLeasesTellWhom: who has an address, as each server writes it, also without a name; as soon as it is known.
func TestLeasesTellWhom(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"dnsmasq": {dnsmasq, `
192.168.7.20 aa:bb:cc:dd:ee:01 printer
192.168.7.21 aa:bb:cc:dd:ee:02 tv
192.168.7.22 aa:bb:cc:dd:ee:03 
192.168.7.23 aa:bb:cc:dd:ee:04 
fd00::20 12345 printer
`},
		"Kea": {kea, `
192.168.7.30 aa:bb:cc:dd:ee:06 laptop
`},
		"odhcpd": {odhcpd, `
192.168.7.40 aabbccddee09 console
fd00::40  console
2001:db8::40  console
fd00::41  
`},
	} {
		path := write(t, tt.text)
		n := known(t, Config{Leases: []string{path}})
		var got strings.Builder
		n.OnLeases(func(all []Lease) {
			got.Reset()
			for _, l := range all {
				fmt.Fprintf(&got, "\n%s %s %s", l.Addr, l.MAC, l.Name)
			}
		})
		if got.String()+"\n" != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got.String(), tt.want)
		}
		if err := os.WriteFile(path, []byte("0 aa:bb:cc:dd:ee:77 192.168.7.77 new *\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if n.Refresh(); got.String() != "\n192.168.7.77 aa:bb:cc:dd:ee:77 new" {
			t.Errorf("%s: after a change %s", name, got.String())
		}
	}
}
