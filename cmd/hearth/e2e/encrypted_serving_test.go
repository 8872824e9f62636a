package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dnstap/golang-dnstap"
	"github.com/miekg/dns"
	"google.golang.org/protobuf/proto"
)

// TestTapRead has Debian's fstrm_capture take what the server tells of queries, over each kind of
// socket, and reads of it what docs/operations.md says of each band and nothing else.
func TestTapRead(t *testing.T) {
	capture := program(t, "fstrm_capture")
	for kind, socket := range map[string]func(*testing.T) (string, []string){
		"unix": func(t *testing.T) (string, []string) {
			path := filepath.Join(t.TempDir(), "tap.sock")
			return path, []string{"-u", path}
		},
		"tcp": func(t *testing.T) (string, []string) {
			addr := freePort(t)
			return addr, []string{"-a", "127.0.0.1", "-p", portOf(addr)}
		},
	} {
		t.Run(kind, func(t *testing.T) {
			at, args := socket(t)
			s := newSecure(t, newUpstream(t), fmt.Sprintf("telemetry: {dnstap: {%s: %q}}", kind, at))
			file := filepath.Join(t.TempDir(), "tap.fstrm")
			said, stop := background(t, capture, append([]string{"-t", "protobuf:dnstap.Dnstap", "-w", file, "-dddd"}, args...)...)
			s.begin()
			for _, d := range devices {
				for _, w := range ways[2:] { // the encrypted ones
					for _, n := range names {
						if _, err := w.ask(s.client(w.name, d.id), question(n.name, dns.TypeA)); err != nil {
							t.Errorf("%s over %s: %v", n.name, w.name, err)
						}
					}
				}
			}
			s.signal(syscall.SIGTERM) // what waits for the receiver is told first
			err := <-s.exited
			s.exited <- err
			finished := func() bool { return strings.Contains(said.String(), "FINISH") }
			for range 200 {
				if !finished() {
					time.Sleep(50 * time.Millisecond)
				}
			}
			stop() // it writes its file when it ends
			told := frames(t, file)
			examine(t, told)
		})
	}
}

// frames are the messages of a frame stream file, as far as it is written.
func frames(t *testing.T, file string) []*dnstap.Message {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	r, err := dnstap.NewReader(f, nil)
	if err != nil {
		return nil
	}
	var all []*dnstap.Message
	for b := make([]byte, 65536); ; {
		n, err := r.ReadFrame(b)
		if err != nil {
			return all
		}
		var d dnstap.Dnstap
		must(t, proto.Unmarshal(b[:n], &d))
		all = append(all, d.Message)
	}
}

// examine holds what was told to the bands: of the child and the adult nothing, of the teenager
// what security blocked, once over each transport.
func examine(t *testing.T, told []*dnstap.Message) {
	t.Helper()
	protocols := make(map[dnstap.SocketProtocol]int)
	for _, m := range told {
		protocols[m.GetSocketProtocol()]++
		if len(m.QueryAddress) > 0 || m.QueryPort != nil || len(m.QueryMessage) > 0 || m.GetType() != dnstap.Message_CLIENT_RESPONSE {
			t.Errorf("told is %v", m)
		}
		var r dns.Msg
		if err := r.Unpack(m.ResponseMessage); err != nil || len(r.Question) != 1 || r.Question[0].Name != "virus.home-lists.example." {
			t.Errorf("a reply is told that no band lets be told: %v (%v)", r.Question, err)
		}
	}
	const doq = 7 // dnstap.proto
	want := map[dnstap.SocketProtocol]int{dnstap.SocketProtocol_DOT: 1, doq: 1, dnstap.SocketProtocol_DOH: len(ways[2:]) - 2}
	if fmt.Sprint(protocols) != fmt.Sprint(want) {
		t.Errorf("told are %v messages, by protocol, want %v", protocols, want)
	}
}

// authority signs certificates as somebody else's would be.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	a := &authority{key: key, cert: &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	must(t, err)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// issue writes a pair with a serial number.
func (a *authority) issue(t *testing.T, serial int64, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{ownName, "*." + ownName}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(12 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, a.key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// TestFilesReplaced: a renewed certificate is shown on all transports without a query lost; half of
// one changes nothing.
func TestFilesReplaced(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s := newSecure(t, newUpstream(t))
	cert, key := filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
	a.issue(t, 100, cert, key)
	s.write(strings.Replace(s.read(), "source: local", "source: files\n  files: [{cert_file: cert.pem, key_file: key.pem}]", 1))
	s.start()
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(a.pem)
	serial := func() int64 {
		conn, err := tls.Dial("tcp", s.tls, &tls.Config{RootCAs: s.roots, ServerName: kimID + "." + ownName})
		must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 100 {
		t.Fatalf("the first certificate is %d, want 100", got)
	}
	stop := s.load(t)
	must(t, os.WriteFile(cert, []byte("-----BEGIN CERTIFICATE-----\nhalf of it"), 0o600))
	s.eventually("says that the pair is of no use", func() bool { return s.metric("hearth_certificate_last_renewal_success", "0") })
	if got := serial(); got != 100 {
		t.Errorf("with half a pair the certificate is %d, want the last good one", got)
	}
	a.issue(t, 101, cert, key)
	s.eventually("shows the new certificate", func() bool { return serial() == 101 })
	stop()
}

// load asks over all encrypted transports until its end is called, which reports what was lost.
func (s *secure) load(t *testing.T) (end func()) {
	t.Helper()
	var done atomic.Bool
	var asked atomic.Int64
	var all sync.WaitGroup
	for _, w := range ways[2:] {
		all.Go(func() {
			for i := 0; !done.Load(); i++ {
				name := fmt.Sprintf("n%d.load.home-lists.example", i%50)
				r, err := w.ask(s.client(w.name, kimID), question(name, dns.TypeA))
				if err != nil || addresses(r) != theirs {
					t.Errorf("%s: %s is answered with %v (%v)", w.name, name, r, err)
				}
				asked.Add(1)
				time.Sleep(5 * time.Millisecond) // each is a new connection, and there are six of these
			}
		})
	}
	end = sync.OnceFunc(func() {
		done.Store(true)
		all.Wait()
		t.Logf("%d queries", asked.Load())
	})
	t.Cleanup(end) // before the server goes, if the test breaks off
	return end
}

// TestReloadUnderEncryptedLoad: no query over an encrypted transport is lost by a reload.
func TestReloadUnderEncryptedLoad(t *testing.T) {
	s := newSecure(t, newUpstream(t)).begin()
	stop := s.load(t)
	for range 5 {
		s.change("guest: preteen", "guest: teen")
		s.change("guest: teen", "guest: preteen")
	}
	stop()
}

// TestStopUnderLoad: a query that the server has taken is answered before it stops, over each
// encrypted transport.
func TestStopUnderLoad(t *testing.T) {
	u := newUpstream(t)
	s := newSecure(t, u).begin()
	u.delay.Store(int64(time.Second))
	before := u.asked.Load()
	var all sync.WaitGroup
	for i, w := range ways[1:] {
		all.Go(func() {
			name := fmt.Sprintf("late%d.home-lists.example", i)
			r, err := w.ask(s.client(w.name, ""), question(name, dns.TypeA))
			if err != nil || addresses(r) != theirs {
				t.Errorf("%s: the reply is %v (%v)", w.name, r, err)
			}
		})
	}
	s.eventually("has asked the upstream for all", func() bool { return u.asked.Load()-before >= int64(len(ways[1:])) })
	s.signal(syscall.SIGTERM)
	all.Wait()
	select {
	case err := <-s.exited:
		s.exited <- err
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the server does not stop")
	}
}

// TestNoClearHTTP: the port of HTTPS speaks no HTTP in clear, of either version.
func TestNoClearHTTP(t *testing.T) {
	s := newSecure(t, newUpstream(t)).begin()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	for _, through := range []http.RoundTripper{&http.Transport{}, &http.Transport{Protocols: protocols}} {
		r, err := http.NewRequest(http.MethodGet, "http://"+s.https+"/dns-query", nil) //nolint:noctx // a test
		must(t, err)
		if reply, err := through.RoundTrip(r); err == nil {
			_ = reply.Body.Close()
			if reply.StatusCode != http.StatusBadRequest {
				t.Errorf("in clear the reply is %s", reply.Status)
			}
		}
	}
}
