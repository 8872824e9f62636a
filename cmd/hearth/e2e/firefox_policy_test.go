//go:build linux

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// rollout is what Mozilla sets for a country where Firefox uses DNS over HTTPS of itself, with the test's resolver in
// place of its partners'. A mode that somebody chose by hand would be another matter: Firefox asks no canary then.
const rollout = `user_pref("doh-rollout.home-region", "US");
user_pref("doh-rollout.us.enabled", true);
user_pref("doh-rollout.us.provider-list", "[{\"uri\":\"https://example.com/dns-query\",\"UIName\":\"away\",\"autoDefault\":true}]");
user_pref("browser.shell.checkDefaultBrowser", false);
`

// firefox has a page open in Firefox on a device for a while, and reports whether it uses DNS over HTTPS of itself.
func (d thing) firefox(t *testing.T, path, resolver string) bool {
	t.Helper()
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	must(t, os.Mkdir(profile, 0o700))
	must(t, os.WriteFile(filepath.Join(profile, "user.js"), []byte(rollout), 0o600))
	_, _ = d.run(t, resolver, []string{"HOME=" + home}, "timeout", "-k", "10", "20", path, "--headless", "--no-remote", "--profile", profile, "http://"+casino+"/")
	prefs, err := os.ReadFile(filepath.Join(profile, "prefs.js"))
	must(t, err)
	uses, keeps := strings.Contains(string(prefs), `"doh-rollout.mode", 2`), strings.Contains(string(prefs), `"doh-rollout.mode", 0`)
	if uses == keeps {
		t.Errorf("Firefox has not made up its mind:\n%s", prefs)
	}
	return uses
}

// TestFirefoxHeedsTheCanary lets Firefox use DNS over HTTPS of itself. Behind a resolver that does not say that the
// network filters it does so; behind Hearth it does not, neither the child's nor the adult's, whose safe search, which
// Firefox heeds too, is off.
func TestFirefoxHeedsTheCanary(t *testing.T) {
	path, err := exec.LookPath("firefox-esr")
	if err != nil {
		t.Skip("firefox-esr is not installed")
	}
	if !athome(t, "timeout") {
		return
	}
	h := newWeb(t)
	pc, err := net.ListenPacket("udp", awayAt+":53")
	if err != nil {
		t.Fatal(err)
	}
	plain := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		internet(m)
		_ = w.WriteMsg(m)
	})}
	go func() { _ = plain.ActivateAndServe() }()
	t.Cleanup(func() { _ = plain.Shutdown() })
	for _, d := range []thing{h.kim, h.alex} {
		if d.firefox(t, path, hearthAt) || h.away.visits(d) != 0 {
			t.Errorf("Firefox on %s goes round Hearth, with %d connections", d.address, h.away.visits(d))
		}
	}
	if !h.alex.firefox(t, path, awayAt) || h.away.visits(h.alex) == 0 {
		t.Error("this Firefox does not use DNS over HTTPS of itself, so that the test shows nothing")
	}
}
