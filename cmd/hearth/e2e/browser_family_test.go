//go:build browser && linux

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/miekg/dns"

	"github.com/hearthdns/hearth/policy/portal/chromium"
)

// window opens a Chromium with a profile of its own, which finds names as the system of the home does: by Hearth, or by the
// resolvers that are given.
func window(t *testing.T, resolvers ...string) *chromium.Tab {
	t.Helper()
	if resolvers == nil {
		resolvers = []string{"127.0.0.1"}
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+strings.Join(resolvers, "\nnameserver ")+"\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "nsswitch.conf"), []byte("hosts: files dns\n"), 0o600))
	own := fmt.Sprintf(`for f in resolv.conf nsswitch.conf; do mount --bind "%s/$f" "/etc/$f" || exit; done; exec chromium "$@"`, dir)
	script := filepath.Join(dir, "chromium")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nexec unshare --mount sh -c '"+own+"' chromium \"$@\"\n"), 0o700)) //nolint:gosec // it is run
	return chromium.Open(t, "", chromedp.ExecPath(script), chromedp.IgnoreCertErrors, chromedp.Flag("enable-features", "AsyncDns"))
}

// TestBrowserFamily is what a family does, with the program as it is built and a browser for each of them: the parent sets
// Hearth up from nothing, and a time in the child's week; the child meets a block, asks, and waits; the parent says yes. It
// tells what both have to click, after what time the first question is protected, and how long after the parent's tap a
// fresh DNS query and the child's browser have the site.
func TestBrowserFamily(t *testing.T) {
	if !athome(t, "chromium", "unshare") {
		return
	}
	// Chromium ends what it does when an address comes, as the link-local ones do some seconds after a link.
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0o600))
	newHost(t, casinoHost, roulette)
	u := newUpstream(t)
	u.replies(internet)
	s := &server{t: t, dir: t.TempDir(), dns: "127.0.0.1:53", http: "127.0.0.1:80", console: "127.0.0.1:8444", metrics: freePort(t), log: &lockedBuffer{}}
	s.config = filepath.Join(s.dir, "hearth.yaml")
	must(t, os.WriteFile(filepath.Join(s.dir, "list.txt"), []byte(casino+"\n"), 0o600))
	s.write(fmt.Sprintf("version: 1\nlisten: [{addresses: [%q]}]\nlanding: {ipv4: 127.0.0.1, http: [%q]}\nconsole: {listen: [%q]}\nresolve: {upstreams: [%q]}\nmetrics: {listen: %q}\n"+
		"lists: {sources: [{name: casinos, path: list.txt, format: domains, categories: [money.gambling]}]}\n", s.dns, s.http, s.console, u.addr, s.metrics))
	s.start()

	parent := window(t)
	code := setupCode.FindString(s.must("account", "setup"))
	began := time.Now()
	parent.Go("https://" + s.console + "/")
	parent.At("/setup")
	parent.Write("[name=code]", code)
	parent.Write("[name=name]", "Anna")
	parent.Write("[name=passphrase]", passphrase)
	parent.Click("main form button")
	parent.At("/setup/family")
	parent.Choose("[name=country]", "DE")
	parent.Write("[name='name.0']", "Mia")
	parent.Write("[name='age.0']", "8")
	parent.Click("main form>button:last-of-type")
	parent.At("/setup/times")
	parent.Click("main form>button")
	parent.At("/setup/done")
	s.eventually("protects", func() bool { return addresses(s.ask("udp", "127.0.0.1", casino, dns.TypeA)) == "127.0.0.1" })
	t.Logf("from nothing to the first protected query: %d clicks, %d keys, %.1f seconds", parent.Clicks, parent.Keys, time.Since(began).Seconds())

	parent.Clicks = 0
	parent.Go("https://" + s.console + "/child/Mia/week")
	parent.Click(".days label:nth-child(3)")
	parent.Choose("[name='from.0']", "02:30")
	parent.Choose("[name='to.0']", "02:31")
	parent.Click("main form:last-of-type>button")
	parent.Says("The times are saved")
	if text := parent.Eval("document.querySelector('main').textContent"); !strings.Contains(text, "Wednesday: off from 02:30 to 02:31") {
		t.Errorf("the week does not show what was drawn: %s", text)
	}
	t.Logf("a time in the week: %d clicks", parent.Clicks)

	parent.Go("https://" + s.console + "/devices")
	parent.Choose("[name=for]", "member/Mia")
	parent.Write("[name=name]", "mia-tablet")
	parent.Do(chromedp.Submit(chromedp.CSS("form[action='/devices']")))
	parent.Says("Code for")
	child := window(t)
	child.Go("http://ask.hearth.home.arpa/device")
	child.Write("[name=code]", parent.Eval(`document.querySelector(".huge").innerText`))
	child.Click("form button")
	child.Says("mia-tablet")

	child.Clicks, child.Keys = 0, 0
	child.Go("http://" + casino + "/")
	child.Says("This page is not for now.")
	child.Click(".three a.main")
	child.Says("A word to it")
	child.Write("textarea", "please")
	child.Click("form button")
	child.Says("Your question is on its way.")
	t.Logf("the child asks with %d clicks and %d keys", child.Clicks, child.Keys)

	parent.Go("https://" + s.console + "/")
	parent.Says(casino)
	answered := make(chan time.Time, 1)
	go func() {
		for ; t.Context().Err() == nil; time.Sleep(10 * time.Millisecond) {
			if m, err := s.try("udp", "127.0.0.1", casino, dns.TypeA); err == nil && addresses(m) == casinoHost {
				answered <- time.Now()
				return
			}
		}
	}()
	tapped := time.Now()
	parent.Click("form[action='/answer'] button[value='30m']")
	select {
	case at := <-answered:
		t.Logf("a fresh DNS query has the site %s after the parent's tap", at.Sub(tapped).Round(time.Millisecond))
	case <-time.After(time.Minute):
		t.Fatal("the name is still blocked after the answer")
	}
	child.Comes("shows the site", `location.hostname=="`+casino+`"&&document.title.includes("casino at")`)
	t.Logf("the child's Chromium shows the site %s after it", time.Since(tapped).Round(time.Millisecond))
	if status := s.status("http://" + s.metrics + "/readyz"); status != http.StatusOK {
		t.Errorf("the server is not well: %d", status)
	}
}
