package transfer

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// server is a name server of others, run by the test on loopback.
type server struct {
	t    *testing.T
	addr netip.AddrPort
	zone string // its master file as it was at the start
}

// servers are those that policies come from in the field. The strings are port, port of NOTIFY, folder, secret.
var servers = map[string]struct{ binary, config string }{
	"bind9": {"/usr/sbin/named", `
options {
	directory "%[3]s"; pid-file none; session-keyfile "%[3]s/session.key"; managed-keys-directory "%[3]s";
	listen-on port %[1]s { 127.0.0.1; }; listen-on-v6 { none; };
	recursion no; dnssec-validation no; notify explicit; notify-delay 0; check-names primary ignore;
};
controls { };
key feed-key { algorithm hmac-sha256; secret "%[4]s"; };
zone "policy.test" {
	type primary; file "%[3]s/policy.zone";
	allow-transfer { key feed-key; }; allow-update { key feed-key; };
	also-notify { 127.0.0.1 port %[2]s key feed-key; };
};
`},
	"knot": {"/usr/sbin/knotd", `
server:
    listen: 127.0.0.1@%[1]s
    rundir: "%[3]s"
database:
    storage: "%[3]s"
log:
  - target: stderr
    any: info
key:
  - id: feed-key
    algorithm: hmac-sha256
    secret: %[4]s
remote:
  - id: hearth
    address: 127.0.0.1@%[2]s
    key: feed-key
acl:
  - id: hearth
    key: feed-key
    action: [transfer, update]
zone:
  - domain: policy.test
    storage: "%[3]s"
    file: policy.zone
    notify: hearth
    acl: hearth
`},
}

// start runs a server with a policy zone of n names, and tells notify of its changes.
func start(t *testing.T, kind string, n int, notify string) *server {
	t.Helper()
	binary := servers[kind].binary
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("%s is not installed: apt-get install bind9 knot", binary)
	}
	dir := t.TempDir()
	_, to, _ := net.SplitHostPort(notify)
	addr := netip.MustParseAddrPort(freeAddress(t))
	s := &server{t: t, addr: addr, zone: filepath.Join(dir, "start.zone")}
	var b strings.Builder
	b.WriteString("$TTL 60\n@ SOA ns.test. m.test. 7 300 60 86400 60\n@ NS ns.test.\n")
	for i := range n {
		fmt.Fprintf(&b, "start%d.example CNAME .\n*.start%d.example CNAME .\n", i, i)
	}
	text := b.String() + "local.example A 192.0.2.1\nlocal.example TXT \"a;b\" \"c\"\nrpz.example CNAME rpz-passthru.\n32.1.2.0.192.rpz-ip CNAME .\n"
	config := fmt.Sprintf(servers[kind].config, fmt.Sprint(addr.Port()), to, dir, testSecret)
	for name, content := range map[string]string{"start.zone": text, "policy.zone": "$ORIGIN policy.test.\n" + text, "server.conf": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-c", filepath.Join(dir, "server.conf")}
	if kind == "bind9" {
		args = append(args, "-g")
	}
	var log bytes.Buffer
	run := exec.Command(binary, args...)
	run.Stderr, run.Stdout, run.WaitDelay = &log, &log, 5*time.Second
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", kind, log.String())
		}
	})
	s.eventually("answers", func() bool {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion(zoneName, dns.TypeSOA), addr.String())
		return err == nil && len(m.Answer) == 1
	})
	return s
}

// freeAddress is a port of loopback that is free for TCP, and most likely for UDP.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("it never %s", what)
		}
	}
}

// change sends a dynamic update (RFC 2136), signed.
func (s *server) change(remove, insert []dns.RR) {
	s.t.Helper()
	m := new(dns.Msg).SetUpdate(zoneName)
	m.Remove(remove)
	m.Insert(insert)
	m.SetTsig("feed-key.", dns.HmacSHA256, 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", Timeout: 10 * time.Second, TsigSecret: map[string]string{"feed-key.": testSecret}}
	r, _, err := c.Exchange(m, s.addr.String())
	if err != nil || r.Rcode != dns.RcodeSuccess {
		s.t.Fatalf("update: %v, %v", r, err)
	}
}

// client transfers from s.
func (s *server) client(key *Key) *Client {
	return &Client{Zone: zoneName, Primaries: []netip.AddrPort{s.addr}, Key: key, MaxBytes: 16 << 20, MaxText: 64 << 20, Timeout: 30 * time.Second}
}

// bring updates from the kept file into a new one.
func (s *server) bring(c *Client, kept string) (Result, string) {
	s.t.Helper()
	to, err := os.CreateTemp(s.t.TempDir(), "zone")
	if err != nil {
		s.t.Fatal(err)
	}
	defer to.Close()
	r, err := c.Update(context.Background(), kept, to)
	if err != nil {
		s.t.Fatal(err)
	}
	return r, to.Name()
}

// inFile are the records of a master file, as keys.
func inFile(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []string
	parser := dns.NewZoneParser(f, zoneName, path)
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		line, err := lineOf(rr)
		if err != nil {
			t.Fatal(err)
		}
		key, _ := keyOf(line)
		all = append(all, key)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// withoutSOA leaves the record out that differs by the serial.
func withoutSOA(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return strings.Contains(key, "\tSOA\t") })
}

// TestServersWhole: an AXFR gives the records of the zone file.
func TestServersWhole(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			s := start(t, kind, 3000, "127.0.0.1:9")
			r, path := s.bring(s.client(testKey(t)), "")
			got := keys(t, path)
			if r.Type != "AXFR" || r.SOA != (SOA{7, 300 * time.Second, time.Minute, 24 * time.Hour}) || len(got) < 6000 {
				t.Errorf("%+v, %d records", r, len(got))
			}
			if !slices.Equal(got, inFile(t, s.zone)) {
				t.Error("the zone differs from its file")
			}
			if r, _ := s.bring(s.client(testKey(t)), path); r.Type != "" {
				t.Errorf("nothing changed: %+v", r)
			}
		})
	}
}

// TestServersIncrements: after each of many random changes the increment gives what a whole transfer gives, and what
// the changes say.
func TestServersIncrements(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			s := start(t, kind, 200, "127.0.0.1:9")
			_, kept := s.bring(s.client(testKey(t)), "")
			model := make(map[string]bool)
			for _, key := range inFile(t, s.zone) {
				model[key] = true
			}
			random := rand.New(rand.NewPCG(4, 1))
			for range 25 {
				for range 1 + random.IntN(4) {
					s.change(s.randomChange(random, model))
				}
				r, path := s.bring(s.client(testKey(t)), kept)
				if r.Type != "IXFR" {
					t.Fatalf("%+v; want an increment", r)
				}
				whole, wholePath := s.bring(s.client(testKey(t)), "")
				got := keys(t, path)
				if whole.SOA != r.SOA || !slices.Equal(got, keys(t, wholePath)) {
					t.Fatalf("serial %d by increments is not %d as a whole", r.SOA.Serial, whole.SOA.Serial)
				}
				if want := withoutSOA(slices.Sorted(maps.Keys(model))); !slices.Equal(withoutSOA(got), want) {
					t.Fatalf("%d records, want %d", len(got), len(want))
				}
				kept = path
			}
		})
	}
}

// randomChange makes up to 40 records come and go, and notes that in the model.
func (s *server) randomChange(random *rand.Rand, model map[string]bool) (remove, insert []dns.RR) {
	done := make(map[string]bool)
	for range 1 + random.IntN(40) {
		owner := fmt.Sprintf("Name%d.example.%s", random.IntN(60), zoneName)
		text := fmt.Sprintf("%s 60 IN TXT \"%d\"", owner, random.IntN(3))
		if n := random.IntN(60); n < 30 {
			text = fmt.Sprintf("*.wild%d.example.%s 60 IN CNAME .", n, zoneName)
		}
		rr := record(s.t, text)
		line, err := lineOf(rr)
		if err != nil {
			s.t.Fatal(err)
		}
		key, _ := keyOf(line)
		if done[key] {
			continue
		}
		done[key] = true
		if model[key] {
			delete(model, key)
			remove = append(remove, rr)
		} else {
			model[key] = true
			insert = append(insert, rr)
		}
	}
	return remove, insert
}

// TestServersRefuse: what an operator reads who has the wrong key.
func TestServersRefuse(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			s := start(t, kind, 1, "127.0.0.1:9")
			other, err := ParseKey("feed-key", "", "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyMTI=")
			if err != nil {
				t.Fatal(err)
			}
			unknown, err := ParseKey("no-such-key", "", testSecret)
			if err != nil {
				t.Fatal(err)
			}
			for why, key := range map[string]*Key{"BADSIG": other, "BADKEY": unknown, "the primary answered": nil} {
				to, err := os.CreateTemp(t.TempDir(), "zone")
				if err != nil {
					t.Fatal(err)
				}
				_, err = s.client(key).Update(context.Background(), "", to)
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("error %v; want one of %q", err, why)
				}
				_ = to.Close()
			}
		})
	}
}

// TestServersNotify: a change is heard of, signed; how long that takes stands in the log.
func TestServersNotify(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			address := freeAddress(t)
			heard := make(chan string, 100)
			l := listen(t, map[string]Peer{"policy.test": {Primaries: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Key: testKey(t)}},
				address, func(zone string) { heard <- zone })
			s := start(t, kind, 1, address)
			for empty := false; !empty; { // of the start
				select {
				case <-heard:
				case <-time.After(time.Second):
					empty = true
				}
			}
			from := time.Now()
			s.change(nil, []dns.RR{record(t, blocked("news.example"))})
			select {
			case zone := <-heard:
				t.Logf("%s: %s after the change %s is heard of", kind, time.Since(from).Round(time.Millisecond), zone)
			case <-time.After(30 * time.Second):
				t.Error("no NOTIFY came")
			}
			if l.Count(Accepted) == 0 || l.Count(BadSignature)+l.Count(Stranger) > 0 {
				t.Errorf("accepted %d, bad signature %d, stranger %d", l.Count(Accepted), l.Count(BadSignature), l.Count(Stranger))
			}
		})
	}
}
