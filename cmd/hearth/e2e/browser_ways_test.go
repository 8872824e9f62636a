//go:build browser && linux

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestBrowserFindsWays is TestConsoleFindsWays with a real browser, in which JavaScript is off. A resolver that is kept in
// reserve is no case of it: it was not found with Chromium on Linux.
func TestBrowserFindsWays(t *testing.T) {
	if !athome(t, "chromium", "unshare", "dnsmasq") {
		return
	}
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0o600))
	kim, router := homeOf(os.Getenv(inside))
	stranger(t)
	dnsmasq(t, router, "--stop-dns-rebind")
	w := newWays(t, kim)
	for _, c := range []struct {
		what      string
		resolvers []string
		says      []string
		never     []string
	}{
		{"as it should be", []string{hearthAt}, []string{"IPv4 Yes"}, []string{"another DNS server too", "in place of your devices", "the router drops it"}},
		{"another resolver first", []string{awayAt, hearthAt}, []string{"IPv4 Not yet"}, []string{"IPv4 Yes"}},
		{"a router that hides its devices and has rebind protection", []string{router.address}, []string{"in place of your devices (" + router.address, "the router drops it"}, []string{"another DNS server too"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := window(t, c.resolvers...)
			b.WithoutScript()
			b.Go("https://" + w.console + "/signin")
			b.Write("[name=name]", "Anna")
			b.Write("[name=passphrase]", passphrase)
			b.Click("main form button")
			b.At("/")
			began := time.Now()
			b.Go("https://" + w.console + "/setup/done")
			b.Comes("tells what it found", `location.search.startsWith("?check=")`)
			for _, one := range c.says {
				b.Says(one)
			}
			text := b.Eval("document.body.innerText")
			t.Logf("known after %v", time.Since(began).Round(time.Second))
			for _, one := range c.never {
				if strings.Contains(text, one) {
					t.Errorf("it says %q:\n%s", one, text)
				}
			}
		})
	}
}
