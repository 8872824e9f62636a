package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

const public = "dns.hearth-house.example"

// lines is a log that one goroutine writes and another reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// program starts a program for the time of the test, or skips the test where it is not installed.
func program(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s on this machine", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	var out lines
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, out.String())
		}
	})
}

// port gives a port of 127.0.0.1 that is free for TCP and UDP.
func port(t *testing.T) int {
	t.Helper()
	for range 20 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		n := l.Addr().(*net.TCPAddr).Port
		p, err := net.ListenPacket("udp", l.Addr().String())
		l.Close()
		if err == nil {
			p.Close()
			return n
		}
	}
	t.Fatal("no port is free")
	return 0
}

// authority starts pebble, which checks challenges for real: over HTTP at httpPort, over DNS at dnsserver. Its
// certificates live for so many seconds.
func authority(t *testing.T, httpPort, dnsPort, seconds int) ACMEConfig {
	t.Helper()
	dir := t.TempDir()
	own := issued(t, dir, "pebble", time.Now(), 9, "127.0.0.1")
	at, manage := port(t), port(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", at), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": own.CertFile, "privateKey": own.KeyFile, "httpPort": httpPort, "tlsPort": port(t), "certificateValidityPeriod": seconds,
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pebble.json"), config)
	program(t, []string{"PEBBLE_VA_SLEEPTIME=1"}, "pebble", "-config", filepath.Join(dir, "pebble.json"), "-dnsserver", fmt.Sprintf("127.0.0.1:%d", dnsPort))
	c := Default().ACME
	c.Directory, c.CAFile, c.Agree, c.Email = fmt.Sprintf("https://127.0.0.1:%d/dir", at), own.CertFile, true, "anna@hearth-house.example"
	eventually(t, "pebble answers", func() bool {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		r, err := client.Get(c.Directory)
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	})
	return c
}

// roots asks pebble for what its certificates are checked with.
func roots(t *testing.T, k *Keeper) *x509.CertPool {
	t.Helper()
	chain := shown(t, k, public)
	pool := x509.NewCertPool()
	pool.AddCert(chain[len(chain)-1]) // the intermediate: pebble makes a root of its own at each start
	return pool
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("a minute later it is still not so that %s", what)
}

// order makes a Keeper for the public name and runs it until the test ends or stop is called.
func order(t *testing.T, state string, c ACMEConfig) (k *Keeper, out *lines, stop func()) {
	t.Helper()
	out = new(lines)
	config := Config{Name: public, Source: ACME, ACME: c}
	if err := config.Validate(); err != nil && !strings.Contains(err.Error(), "public authority") {
		t.Fatal(err)
	}
	k, err := New(config, state, nil, slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = k.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return k, out, stop
}

// names starts a DNS server that gives every name the address 127.0.0.1, and gives its port.
func names(t *testing.T) int {
	t.Helper()
	n := port(t)
	at := fmt.Sprintf("127.0.0.1:%d", n)
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(m)
	})
	for _, network := range []string{"udp", "tcp"} {
		up := make(chan struct{})
		s := &dns.Server{Addr: at, Net: network, Handler: answer, NotifyStartedFunc: func() { close(up) }}
		go func() { _ = s.ListenAndServe() }()
		<-up
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return n
}

// TestACMEByHTTP: with the challenge over HTTP, for real, a certificate takes the place of the local one.
func TestACMEByHTTP(t *testing.T) {
	challenge := port(t)
	c := authority(t, challenge, names(t), 3600)
	c.HTTP = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(challenge))
	state := t.TempDir()
	k, out, stop := order(t, state, c)
	eventually(t, "the order is done", func() bool { return strings.Contains(out.String(), "got a certificate") && len(k.source.held()) > 0 })
	if _, err := shake(k, &tls.Config{RootCAs: roots(t, k), ServerName: public}); err != nil {
		t.Error(err)
	}
	if !k.Covers(public) || k.Covers("some-device."+public) || k.Authority() != nil {
		t.Error("a certificate for the name alone covers devices' names, or the local authority is offered")
	}
	g := gauges(t, k)
	if end := time.Unix(int64(g["hearth_certificate_expiry_timestamp_seconds acme"]), 0); time.Until(end) < 50*time.Minute || time.Until(end) > 2*time.Hour || g["hearth_certificate_last_renewal_success"] != 1 {
		t.Errorf("the metrics say %v", g)
	}
	if _, err := net.Dial("tcp", c.HTTP.String()); err == nil {
		t.Error("the port of the challenge is open without an order")
	}
	owned(t, state)
	first := shown(t, k, public)[0]
	stop()
	again, _, _ := order(t, state, c)
	if !shown(t, again, public)[0].Equal(first) {
		t.Error("a restart does not serve the certificate that there is")
	}
}

// owned holds that nobody else may read what is in the state folder.
func owned(t *testing.T, state string) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Join(state, "certificates"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %s", path, info.Mode())
		}
		return err
	})
}

// TestACMEFails: while the authority refuses, the local certificate serves, metric and log say so, and the port in the way is named.
func TestACMEFails(t *testing.T) {
	challenge := port(t)
	c := authority(t, challenge, names(t), 3600)
	blocked, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", challenge))
	if err != nil {
		t.Fatal(err)
	}
	stranger := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = stranger.Serve(blocked) }()
	t.Cleanup(func() { _ = stranger.Close() })
	c.HTTP = netip.MustParseAddrPort(blocked.Addr().String())
	state := t.TempDir()
	k, out, _ := order(t, state, c)
	eventually(t, "the order has failed", func() bool { return strings.Contains(out.String(), "got no certificate") })
	for _, want := range []string{"no certificate yet", "tls.acme.http that is free"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q: %s", want, out)
		}
	}
	chain := shown(t, k, public)
	if local, err := ReadAuthority(state, public); err != nil || !chain[len(chain)-1].Equal(local.Certificate) {
		t.Errorf("the local certificate does not stand in: %v", err)
	}
	if g := gauges(t, k); g["hearth_certificate_last_renewal_success"] != 0 || g["hearth_certificate_expiry_timestamp_seconds local"] == 0 {
		t.Errorf("the metrics say %v", g)
	}
	if k.Authority() != nil {
		t.Error("an authority that only stands in is offered to devices")
	}
}

// primary starts knotd with a zone that the key may change, and gives what the configuration says of it.
func primary(t *testing.T) (UpdateConfig, int) {
	t.Helper()
	dir, n := t.TempDir(), port(t)
	const secret = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiBoZWFydGggISE="
	write(t, dir+"/zone", []byte("$ORIGIN hearth-house.example.\n@ 3600 SOA ns hostmaster 1 3600 600 86400 60\n@ 3600 NS ns.hearth-house.invalid.\ndns 3600 A 127.0.0.1\n"))
	write(t, dir+"/knot.conf", fmt.Appendf(nil, `server:
    listen: 127.0.0.1@%d
    rundir: %s
database:
    storage: %s
log:
  - target: stderr
    any: info
key:
  - id: hearth
    algorithm: hmac-sha512
    secret: %s
acl:
  - id: challenges
    key: hearth
    action: update
zone:
  - domain: hearth-house.example
    file: %s/zone
    acl: challenges
`, n, dir, dir, secret, dir))
	program(t, nil, "knotd", "-c", dir+"/knot.conf")
	at := fmt.Sprintf("127.0.0.1:%d", n)
	eventually(t, "knotd answers", func() bool {
		m := new(dns.Msg)
		m.SetQuestion("hearth-house.example.", dns.TypeSOA)
		r, err := dns.Exchange(m, at)
		return err == nil && len(r.Answer) == 1
	})
	write(t, dir+"/secret", fmt.Appendf(nil, "key \"hearth\" {\n\talgorithm hmac-sha512;\n\tsecret \"%s\";\n};\n", secret))
	return UpdateConfig{Server: at, TSIG: TSIGConfig{Name: "hearth", Algorithm: "hmac-sha512", SecretFile: dir + "/secret"}}, n
}

// TestACMEByDNS: with the challenge by signed updates of a zone, for real, the names of devices are covered too,
// the records are taken away again, and what is due is renewed.
func TestACMEByDNS(t *testing.T) {
	updates, dnsPort := primary(t)
	c := authority(t, port(t), dnsPort, 12)
	c.Challenge, c.DNS = "dns", updates
	state := t.TempDir()
	k, out, stop := order(t, state, c)
	eventually(t, "both orders are done", func() bool { return len(k.source.held()) >= 2 && k.Covers("some-device."+public) && k.Covers(public) })
	for _, name := range []string{public, "some-device." + public} {
		if _, err := shake(k, &tls.Config{RootCAs: roots(t, k), ServerName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	first := shown(t, k, public)[0]
	time.Sleep(time.Until(first.NotBefore.Add(9 * time.Second))) // with a third of its life left
	if err := k.source.(*orders).cache.RenewManagedCertificates(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the certificate is renewed", func() bool { return !shown(t, k, public)[0].Equal(first) })
	if !strings.Contains(out.String(), "renewal=true") {
		t.Errorf("the log does not tell of the renewal: %s", out)
	}
	stop()
	time.Sleep(13 * time.Second) // all of it has run out
	again, _, _ := order(t, state, c)
	eventually(t, "what ran out while nothing served is renewed", func() bool {
		return shown(t, again, public)[0].NotAfter.After(time.Now()) && shown(t, again, "a-device."+public)[0].NotAfter.After(time.Now())
	})
	m := new(dns.Msg)
	m.SetQuestion("_acme-challenge."+public+".", dns.TypeTXT)
	eventually(t, "no record of a challenge is left", func() bool {
		r, err := dns.Exchange(m, updates.Server)
		return err == nil && len(r.Answer) == 0
	})
}

// TestUpdateIsRefused: a wrong key, and a zone of somebody else, are told apart from success with what to do.
func TestUpdateIsRefused(t *testing.T) {
	right, _ := primary(t)
	challenge := acme.Challenge{Identifier: acme.Identifier{Type: "dns", Value: public}, KeyAuthorization: "token.thumb"}
	present := func(c UpdateConfig) error {
		u, err := newUpdates(c)
		if err != nil {
			t.Fatal(err)
		}
		return u.Present(t.Context(), challenge)
	}
	if err := present(right); err != nil {
		t.Errorf("the right key: %v", err)
	}
	wrong := right
	wrong.TSIG.SecretFile = filepath.Join(t.TempDir(), "secret")
	write(t, wrong.TSIG.SecretFile, []byte("b3RoZXIgc2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiBoZWE=\n"))
	unsigned := right
	unsigned.TSIG.Name = ""
	elsewhere := right
	elsewhere.Zone = "other.example"
	for what, c := range map[string]UpdateConfig{"another secret": wrong, "no key": unsigned, "another zone": elsewhere} {
		if err := present(c); err == nil || !strings.Contains(err.Error(), "updating") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNothingIsOrderedWithoutConsent: neither the check of the configuration nor the program goes on.
func TestNothingIsOrderedWithoutConsent(t *testing.T) {
	asked := make(chan struct{}, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, conn)
			asked <- struct{}{}
		}
	}()
	c := Default()
	c.Name, c.Source, c.ACME.Directory = "dns.example.org", ACME, "https://"+l.Addr().String()+"/dir"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "agree: true") {
		t.Errorf("the configuration without consent: %v", err)
	}
	if _, err := New(c, t.TempDir(), nil, nil); err == nil {
		t.Error("a Keeper is made without consent")
	}
	select {
	case <-asked:
		t.Error("the authority was asked")
	default:
	}
}
