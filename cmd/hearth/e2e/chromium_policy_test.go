//go:build linux

package e2e

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// overHTTPS answers as a resolver that is not Hearth (RFC 8484).
func (h *web) overHTTPS(w http.ResponseWriter, r *http.Request) {
	packet, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	if r.Method == http.MethodPost {
		packet, err = io.ReadAll(io.LimitReader(r.Body, 65536))
	}
	q := new(dns.Msg)
	if err != nil || q.Unpack(packet) != nil || len(q.Question) != 1 {
		http.Error(w, "no question", http.StatusBadRequest)
		return
	}
	h.past.Store(strings.ToLower(q.Question[0].Name), true)
	m := new(dns.Msg).SetReply(q)
	internet(m)
	packed, _ := m.Pack()
	w.Header().Set("Content-Type", "application/dns-message")
	_, _ = w.Write(packed)
}

// chromium opens a page on a device and gives what is in the window. Chromium asks by itself, as the system is set, and
// changes to DNS over HTTPS where it knows of it ("automatic", as it is installed).
func (d thing) chromium(t *testing.T, resolver, url string) string {
	t.Helper()
	profile := t.TempDir()
	must(t, os.WriteFile(filepath.Join(profile, "Local State"), []byte(`{"dns_over_https":{"mode":"automatic"}}`), 0o600))
	out, err := d.run(t, resolver, []string{"HOME=" + profile}, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
		"--user-data-dir="+profile, "--enable-features=AsyncDns", "--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--dump-dom", url)
	if err != nil {
		t.Errorf("chromium %s: %v", url, err)
	}
	return out
}

// TestChromiumIsHeld opens pages in Chromium as a child and as an adult. The adult's pages show that what the child
// is kept from works: the engine is there, by its service binding and Encrypted Client Hello, and so is the casino.
func TestChromiumIsHeld(t *testing.T) {
	t.Parallel()
	if !athome(t, "chromium") {
		return
	}
	h := newWeb(t)
	for _, tt := range []struct{ url, kims, alexs string }{
		{"http://www.google.com/", "safe at www.google.com<", "unsafe at www.google.com in secret"},
		{"https://www.google.com/search?q=x", "safe at www.google.com<", "unsafe at www.google.com in secret"},
		{"https://www.youtube.com/", "safe at www.youtube.com<", "unsafe at www.youtube.com in secret"},
		{"http://" + casino + "/", "blocked", "casino at " + casino},
		{"https://" + casino + "/", "", "casino at " + casino},
	} {
		if page := h.kim.chromium(t, hearthAt, tt.url); !strings.Contains(page, tt.kims) || strings.Contains(page, tt.alexs) {
			t.Errorf("the child opens %s and sees\n%.600s", tt.url, page)
		}
		if page := h.alex.chromium(t, hearthAt, tt.url); !strings.Contains(page, tt.alexs) {
			t.Errorf("the adult opens %s and sees\n%.600s", tt.url, page)
		}
	}
	if h.unsafe.visits(h.kim) != 0 || h.casino.visits(h.kim) != 0 || h.unsafe.visits(h.alex) == 0 {
		t.Errorf("connections to the engine as it is: %v, to the casino: %v", h.unsafe.came, h.casino.came)
	}
	if _, asked := h.asked.Load("www.google.com. HTTPS"); !asked {
		t.Error("this Chromium does not ask for service bindings")
	}
}

// TestChromiumStaysWithHearth gives Chromium the address of a resolver that it knows to speak HTTPS too, as where a
// router leads all questions to Hearth. It looks for that resolver at dns.google, which is blocked for the child; the
// adult's goes there, and past Hearth from then on.
func TestChromiumStaysWithHearth(t *testing.T) {
	t.Parallel()
	if !athome(t, "chromium") {
		return
	}
	h := newWeb(t)
	url := "http://" + slow + "/?to=https://www.google.com/"
	page := h.alex.chromium(t, googleAt, url)
	if _, past := h.past.Load("www.google.com."); !past || !strings.Contains(page, "unsafe at") {
		t.Errorf("the adult's Chromium does not change to its own resolver (connections %v), so that the test shows nothing:\n%.600s", h.away.came, page)
	}
	if page := h.kim.chromium(t, googleAt, url); !strings.Contains(page, "safe at www.google.com<") {
		t.Errorf("the child sees\n%.600s", page)
	}
	if page := h.kim.chromium(t, googleAt, "http://"+slow+"/?to=http://"+casino+"/"); !strings.Contains(page, "blocked") {
		t.Errorf("the child sees\n%.600s", page)
	}
	if h.away.visits(h.kim) != 0 || h.unsafe.visits(h.kim) != 0 {
		t.Errorf("connections to the other resolver: %v, to the engine as it is: %v", h.away.came, h.unsafe.came)
	}
}

// TestPhonesAskAtOnce sends A, AAAA and HTTPS in one go, as iPhones do, and compares the replies: the alias for both
// addresses, and nothing for the service binding. None leads to the engine as it is.
func TestPhonesAskAtOnce(t *testing.T) {
	t.Parallel()
	if !athome(t) {
		return
	}
	h := newWeb(t)
	for _, from := range []string{"127.0.0.2", "127.0.0.4", "127.0.0.2"} { // resolved, and from the cache
		for name, target := range map[string]string{"www.google.com.": "forcesafesearch.google.com.", "www.youtube.com.": "restrict.youtube.com."} {
			got := atOnce(t, from, h.dns, name)
			if from == "127.0.0.4" {
				if !strings.Contains(got[dns.TypeHTTPS].String(), "ech=") || !strings.Contains(got[dns.TypeA].String(), unsafeHost) {
					t.Errorf("the adult does not get the engine as it is: %v", got)
				}
				continue
			}
			for qtype, m := range got {
				packed, _ := m.Pack()
				if bytes.Contains(packed, net.ParseIP(unsafeHost).To4()) || bytes.Contains(packed, hello().Config) || m.Rcode != dns.RcodeSuccess {
					t.Errorf("%s %s:\n%v", name, dns.TypeToString[qtype], m)
				}
				if qtype == dns.TypeHTTPS {
					if len(m.Answer) != 0 || len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA {
						t.Errorf("%s has a service binding:\n%v", name, m)
					}
					continue
				}
				if len(m.Answer) == 0 || !strings.HasSuffix(m.Answer[0].String(), "\tCNAME\t"+target) {
					t.Errorf("%s %s is no alias of %s:\n%v", name, dns.TypeToString[qtype], target, m)
				}
			}
			if addresses(got[dns.TypeA]) != safeHost {
				t.Errorf("%s:\n%v", name, got[dns.TypeA])
			}
		}
	}
}

// atOnce asks for A, AAAA and HTTPS before it reads any reply.
func atOnce(t *testing.T, from, server, name string) map[uint16]*dns.Msg {
	t.Helper()
	conn, err := dialer("udp", from).DialContext(t.Context(), "udp", server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	types := []uint16{dns.TypeHTTPS, dns.TypeA, dns.TypeAAAA}
	for _, qtype := range types {
		q, _ := question(name, qtype).Pack()
		if _, err := conn.Write(q); err != nil {
			t.Fatal(err)
		}
	}
	got := map[uint16]*dns.Msg{}
	must(t, conn.SetReadDeadline(time.Now().Add(8*time.Second)))
	for range types {
		b := make([]byte, 1500)
		n, err := conn.Read(b)
		m := new(dns.Msg)
		if err != nil || m.Unpack(b[:n]) != nil || len(m.Question) != 1 {
			t.Fatalf("%s: %v %v", name, err, m)
		}
		got[m.Question[0].Qtype] = m
	}
	return got
}

// TestSystemsAskWhetherWeFilter asks with dig on both devices for the names by which Firefox, Apple's devices and
// Chrome ask whether the network filters. All of them exist on the internet; the makers ask for NXDOMAIN or no address.
func TestSystemsAskWhetherWeFilter(t *testing.T) {
	t.Parallel()
	if !athome(t, "dig") {
		return
	}
	h := newWeb(t)
	for _, d := range []thing{h.kim, h.alex} {
		for _, name := range []string{"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com", "mask-canary.icloud.com", "dns-tunnel-check.googlezip.net"} {
			for _, qtype := range []string{"A", "AAAA", "HTTPS"} {
				if out, err := d.run(t, hearthAt, nil, "dig", "+tries=1", name, qtype); err != nil || !strings.Contains(out, "NXDOMAIN") || !strings.Contains(out, "ANSWER: 0") {
					t.Errorf("%s %s on %s: %v\n%s", name, qtype, d.address, err, out)
				}
				if _, asked := h.asked.Load(name + ". " + qtype); asked {
					t.Errorf("the upstream was asked for %s %s", name, qtype)
				}
			}
		}
		// RFC 9462: of resolvers over encrypted transports, here there is none.
		out, err := d.run(t, hearthAt, nil, "dig", "+tries=1", "_dns.resolver.arpa", "SVCB")
		if err != nil || !strings.Contains(out, "ANSWER: 0") || !strings.Contains(out, "SOA") {
			t.Errorf("_dns.resolver.arpa on %s: %v\n%s", d.address, err, out)
		}
	}
	h.asked.Range(func(question, _ any) bool {
		if strings.Contains(question.(string), "resolver.arpa") {
			t.Errorf("the upstream was asked for %s", question)
		}
		return true
	})
}
