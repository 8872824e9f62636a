// Package e2e runs the built program as a user would: its own process, real
// sockets on loopback, an upstream that the test owns.
package e2e

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var binary string

// built names the program to the runs of a test in other namespaces.
const built = "HEARTH_TEST_BINARY"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil { // they wait for others more than for a processor
		panic(err)
	}
	if binary = os.Getenv(built); binary != "" { // a test runs again in another namespace
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "hearth-e2e")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "hearth")
	build := exec.Command("go", "build", "-o", binary, "github.com/hearthdns/hearth/cmd/hearth")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building hearth: %v\n%s", err, out)
		os.Exit(1)
	}
	if err := os.Setenv(built, binary); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// upstream is a DNS server on loopback that answers every A question with
// 192.0.2.1, AAAA with 2001:db8::1, and may be told to behave badly.
type upstream struct {
	addr  string
	asked atomic.Int64
	delay atomic.Int64 // nanoseconds
	mu    sync.Mutex
	srv   *dns.Server
	reply atomic.Pointer[func(*dns.Msg)] // changes a reply, nil for none
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.start(t, "127.0.0.1:0")
	t.Cleanup(u.stop)
	return u
}

func (u *upstream) start(t *testing.T, addr string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.addr = pc.LocalAddr().String()
	u.srv = &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(u.handle)}
	go func() { _ = u.srv.ActivateAndServe() }()
}

// replies has every reply changed by change before it is sent.
func (u *upstream) replies(change func(*dns.Msg)) { u.reply.Store(&change) }

func (u *upstream) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.srv != nil {
		_ = u.srv.Shutdown()
		u.srv = nil
	}
}

func (u *upstream) handle(w dns.ResponseWriter, q *dns.Msg) {
	u.asked.Add(1)
	time.Sleep(time.Duration(u.delay.Load()))
	m := new(dns.Msg).SetReply(q)
	hdr := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: 300}
	switch q.Question[0].Qtype {
	case dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: hdr, A: net.IPv4(192, 0, 2, 1)}}
	case dns.TypeAAAA:
		m.Answer = []dns.RR{&dns.AAAA{Hdr: hdr, AAAA: net.ParseIP("2001:db8::1")}}
	}
	if change := u.reply.Load(); change != nil {
		(*change)(m)
	}
	_ = w.WriteMsg(m)
}

// server is one running hearth.
type server struct {
	t       *testing.T
	dir     string
	config  string
	dns     string
	http    string
	console string // of example
	metrics string
	env     []string // of its own
	log     *lockedBuffer
	cmd     *exec.Cmd
	exited  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// given are the ports handed out so far: the system may offer a closed one again.
var given sync.Map

// freePort returns a port that is free on 127.0.0.1 for UDP and TCP and that no
// other server of this run was given. It lies below those that the kernel gives by
// itself (32768 and above), so that nobody has it by the time a server starts.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(16000)))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		pc, err := net.ListenPacket("udp", addr)
		_ = l.Close()
		if err != nil {
			continue
		}
		_ = pc.Close()
		if _, taken := given.LoadOrStore(addr, true); !taken {
			return addr
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return ""
}

// example makes a server of config.example.yaml with ports of its own, listening
// on the wildcard of 127/8 by one address each, and u as its upstream.
func example(t *testing.T, u *upstream) *server {
	t.Helper()
	text, err := os.ReadFile("../../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, dir: t.TempDir(), dns: freePort(t), http: freePort(t), metrics: freePort(t), console: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	out := string(text)
	for old, next := range map[string]string{
		"127.0.0.1:5300": s.dns, "127.0.0.1:8080": s.http, "127.0.0.1:9353": s.metrics,
		"127.0.0.1:8444": s.console, "[::1]:8444": "[::1]:" + portOf(freePort(t)),
		"[::1]:5300": "[::1]:" + portOf(freePort(t)), "[::1]:8080": "[::1]:" + portOf(freePort(t)),
	} {
		if !strings.Contains(out, old) {
			t.Fatalf("config.example.yaml does not mention %s", old)
		}
		out = strings.ReplaceAll(out, old, next)
	}
	s.write(withUpstream(out, u.addr))
	return s
}

// withUpstream sets resolve.upstreams.
func withUpstream(text, addr string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "  upstreams:") {
			lines[i] = fmt.Sprintf("  upstreams: [%q]", addr)
			break
		}
	}
	return strings.Join(lines, "\n")
}

func portOf(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// write writes the configuration, with no console where it names none: all servers of this run would have the same.
func (s *server) write(text string) {
	s.t.Helper()
	if !strings.Contains("\n"+text, "\nconsole:") {
		text = strings.TrimSuffix(text, "\n") + "\nconsole: {listen: []}\n"
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) read() string {
	s.t.Helper()
	b, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func (s *server) state() string { return filepath.Join(s.dir, "state") }

func (s *server) environment() []string {
	return append(append(os.Environ(), s.env...), "HEARTH__STATE="+s.state(), "HEARTH__CONTROL="+filepath.Join(s.dir, "control.sock"), "HEARTH__LOG__LEVEL=info")
}

// start runs the server and waits until it answers.
func (s *server) start() *server {
	s.t.Helper()
	args := []string{"serve"}
	if s.config != "" { // else what is built in
		args = append(args, "--config", s.config)
	}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Env = s.environment()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.cmd.Wait() }()
	s.t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		select {
		case <-s.exited:
		case <-time.After(10 * time.Second):
		}
		if s.t.Failed() {
			s.t.Logf("the server said:\n%s", s.log)
		}
	})
	s.eventually("answers /readyz with 200", func() bool { return s.status("http://"+s.metrics+"/readyz") == 200 })
	return s
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits for a condition; the bound only ends a hopeless wait.
func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-s.exited:
			s.exited <- err
			s.t.Fatalf("waiting until the server %s: it ended: %v\n%s", what, err, s.log)
		default:
		}
		if ok() {
			return
		}
	}
	s.t.Fatalf("the server never came to the point that it %s\n%s", what, s.log)
}

func (s *server) status(url string) int {
	resp, err := http.Get(url) //nolint:noctx // a test
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func (s *server) scrape() string {
	s.t.Helper()
	resp, err := http.Get("http://" + s.metrics + "/metrics") //nolint:noctx // a test
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// metric reports whether the scrape has a line that starts with prefix and ends
// with value.
func (s *server) metric(prefix, value string) bool {
	for line := range strings.Lines(s.scrape()) {
		if strings.HasPrefix(line, prefix) && strings.HasSuffix(strings.TrimSpace(line), " "+value) {
			return true
		}
	}
	return false
}

// ask sends one question from the given source address and returns the reply.
func (s *server) ask(network, from, name string, qtype uint16) *dns.Msg {
	s.t.Helper()
	r, err := s.try(network, from, name, qtype)
	if err != nil {
		s.t.Fatalf("asking for %s %s from %s over %s: %v", name, dns.TypeToString[qtype], from, network, err)
	}
	return r
}

func (s *server) try(network, from, name string, qtype uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	q.SetEdns0(1232, false)
	c := dns.Client{Net: network, Timeout: 8 * time.Second, Dialer: dialer(network, from)}
	r, _, err := c.Exchange(q, s.dns)
	return r, err
}

func dialer(network, from string) *net.Dialer {
	ip := netip.MustParseAddr(from).AsSlice()
	d := &net.Dialer{Timeout: 8 * time.Second}
	if network == "udp" {
		d.LocalAddr = &net.UDPAddr{IP: ip}
	} else {
		d.LocalAddr = &net.TCPAddr{IP: ip}
	}
	return d
}

// page fetches a landing page as a device does.
func (s *server) page(from, host string) (int, string) {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer("tcp", from).DialContext(ctx, "tcp", s.http)
	}}}
	req, _ := http.NewRequest(http.MethodGet, "http://"+s.http+"/", nil) //nolint:noctx // a test
	req.Host = host
	req.Header.Set("Accept", "text/html")
	resp, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// command prepares a command of the program in this server's surroundings.
func (s *server) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = s.environment()
	return cmd
}

// hearth runs a command of the program and returns its output and exit code.
func (s *server) hearth(args ...string) (string, int) {
	s.t.Helper()
	cmd := s.command(args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// ede returns the Extended DNS Error of a reply, or nil.
func ede(m *dns.Msg) *dns.EDNS0_EDE {
	if o := m.IsEdns0(); o != nil {
		for _, opt := range o.Option {
			if e, ok := opt.(*dns.EDNS0_EDE); ok {
				return e
			}
		}
	}
	return nil
}

// addresses returns the A and AAAA answers as text.
func addresses(m *dns.Msg) string {
	var out []string
	for _, rr := range m.Answer {
		switch a := rr.(type) {
		case *dns.A:
			out = append(out, a.A.String())
		case *dns.AAAA:
			out = append(out, a.AAAA.String())
		}
	}
	return strings.Join(out, " ")
}
