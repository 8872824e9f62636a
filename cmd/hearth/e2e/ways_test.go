//go:build linux

package e2e

import (
	"context"
	"fmt"
	"html"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestConsoleFindsWays: the last page of the set-up finds out which way a device asks, with a browser that runs no script: it
// loads the page, its pictures, and the page that Refresh names. The devices are namespaces with resolvers of their own, and
// the router is a real dnsmasq.
func TestConsoleFindsWays(t *testing.T) {
	t.Parallel()
	if !athome(t, "dnsmasq", "curl", "sysctl") {
		return
	}
	kim, router := homeOf(os.Getenv(inside))
	_, err := output(t, nil, "sysctl", "-w", "net.ipv4.ip_forward=1")
	must(t, err)
	stranger(t)
	w := newWays(t, kim)

	t.Run("as it should be", func(t *testing.T) {
		w.finds(t, hearthAt, []string{"<b>IPv4</b> Yes, it asks Hearth."}, []string{"another DNS server", "in place of your devices", "drops it"})
	})
	t.Run("another resolver in reserve", func(t *testing.T) {
		w.finds(t, hearthAt+"\nnameserver "+awayAt, []string{"asks another DNS server too", "Take it out of the router or the device"}, []string{"in place of your devices", "drops it"})
	})
	t.Run("another resolver first", func(t *testing.T) {
		w.finds(t, awayAt+"\nnameserver "+hearthAt, []string{"<b>IPv4</b> Not yet"}, []string{"<b>IPv4</b> Yes"})
	})
	t.Run("a router that hides its devices", func(t *testing.T) {
		dnsmasq(t, router)
		w.finds(t, router.address, []string{
			"Your router asks Hearth in place of your devices (" + router.address + ")", "all devices behind it are taken for one",
			"forwarders: [{address: " + router.address + ", options: [mac]}]", "add-mac", "strip-mac",
		}, []string{"another DNS server", "router drops it"})
	})
	t.Run("a router with rebind protection", func(t *testing.T) {
		dnsmasq(t, router, "--stop-dns-rebind")
		w.finds(t, router.address, []string{"its address does not arrive here: the router drops it", "drops the address of the landing page", "rebind_protection"}, []string{"another DNS server"})
	})
}

// deviceWays is Hearth for a parent at Kim's device.
type deviceWays struct {
	*server
	device thing
	cookie string
}

func newWays(t *testing.T, device thing) *deviceWays {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), dns: hearthAt + ":53", http: hearthAt + ":80", console: hearthAt + ":8444", metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	s.write(fmt.Sprintf(`version: 1
listen: [{addresses: [%q]}]
landing: {ipv4: %s, http: [%q]}
console: {listen: ["0.0.0.0:8444"]}
resolve: {upstreams: [%q]}
metrics: {listen: %q}
households:
  - id: home
    consent: {by: parents, at: 2026-01-01}
    networks: [10.91.0.0/16, 127.0.0.0/8]
    members: [{name: Kim, band: child}]
`, s.dns, hearthAt, s.http, newUpstream(t).addr, s.metrics))
	s.start()
	out := s.must("account", "setup")
	if !strings.Contains(out, "https://"+s.console+"/setup") || strings.Contains(out, "127.0.0.1") {
		t.Errorf("the set-up is told at\n%s", out)
	}
	b := s.browser(hearthAt)
	b.does("/setup", url.Values{"code": {setupCode.FindString(out)}, "name": {"Anna"}, "passphrase": {passphrase}}).is(303, "/setup/done")
	at, err := url.Parse(b.base)
	must(t, err)
	var cookies []string
	for _, c := range b.http.Jar.Cookies(at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return &deviceWays{s, device, strings.Join(cookies, "; ")}
}

var (
	refreshTo = regexp.MustCompile(`(?i)\nrefresh: (\d+); url=(\S+)`)
	pictures  = regexp.MustCompile(`<img src="([^"]+)"`)
)

// opens shows a page on the device, with what its resolver gives for the pictures, and says where Refresh leads.
func (w *deviceWays) opens(t *testing.T, resolver, path string) (text, next string) {
	t.Helper()
	text, err := w.device.run(t, resolver, nil, "curl", "-ski", "-m", "20", "-H", "Cookie: "+w.cookie, "https://"+w.console+path)
	must(t, err)
	if m := refreshTo.FindStringSubmatch(text); m != nil {
		next = m[2]
	}
	args := []string{"-c", `for u; do curl -sk -m 30 -o /dev/null "$u" & done; wait`, "sh"}
	for _, m := range pictures.FindAllStringSubmatch(text, -1) {
		args = append(args, m[1])
	}
	_, err = w.device.run(t, resolver, nil, "sh", args...)
	must(t, err)
	return html.UnescapeString(text), next
}

// finds wants texts on the page, and never others, once the browser has followed Refresh until all is known.
func (w *deviceWays) finds(t *testing.T, resolver string, want, never []string) {
	t.Helper()
	_, next := w.opens(t, resolver, "/setup/done")
	text, missing := "", want
	for range 6 {
		if next == "" {
			break
		}
		time.Sleep(11 * time.Second) // a browser waits for 15
		text, next = w.opens(t, resolver, next)
		for _, n := range never {
			if strings.Contains(text, n) {
				t.Fatalf("it says %q:\n%s", n, text)
			}
		}
		missing = nil
		for _, one := range want {
			if !strings.Contains(text, one) {
				missing = append(missing, one)
			}
		}
		if len(missing) == 0 {
			break
		}
	}
	if len(missing) > 0 {
		t.Fatalf("nothing says %q:\n%s", missing, text)
	}
	if strings.Contains(text, "127.0.0.1") {
		t.Errorf("it names an address that nobody else reaches:\n%s", text)
	}
}

// stranger is a resolver that knows nothing of Hearth.
func stranger(t *testing.T) {
	t.Helper()
	pc, err := net.ListenPacket("udp", awayAt+":53")
	must(t, err)
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError)) })}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
}

// dnsmasq is the router that a device asks.
func dnsmasq(t *testing.T, at thing, options ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, "ip", append([]string{ //nolint:gosec // the test's own words
		"netns", "exec", at.namespace, "dnsmasq", "-k", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=" + filepath.Join(t.TempDir(), "pid"),
		"--listen-address=" + at.address, "--bind-interfaces", "--server=" + hearthAt,
	}, options...)...)
	must(t, cmd.Start())
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
}
