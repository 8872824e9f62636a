//go:build browser

package console_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/console"
)

// tab is a window of a real browser.
type tab struct {
	*testing.T
	ctx    context.Context
	origin string
	clicks int
	keys   int
}

func chromium(t *testing.T, h *house) *tab {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("there is no chromium here")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.IgnoreCertErrors,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("host-resolver-rules", "MAP * 127.0.0.1"))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	return &tab{T: t, ctx: ctx, origin: "https://localhost:" + must(url.Parse(h.srv.URL)).Port()}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

func (b *tab) open(path string) { b.Helper(); b.do(chromedp.Navigate(b.origin + path)) }

func (b *tab) click(what string) { b.Helper(); b.clicks++; b.do(chromedp.Click(what)) }

// write types into a field, which is a click and as many keys.
func (b *tab) write(what, text string) {
	b.Helper()
	b.clicks, b.keys = b.clicks+1, b.keys+len(text)
	b.do(chromedp.SendKeys(what, text))
}

func (b *tab) choose(what, value string) {
	b.Helper()
	b.clicks += 2
	b.eval(fmt.Sprintf(`document.querySelector(%q).value=%q`, what, value))
}

func (b *tab) eval(text string) string {
	b.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+text+")"))
	if err != nil {
		b.Fatal(err)
	}
	return got
}

// at waits until the browser is at a path.
func (b *tab) at(path string) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.readyState=='complete'?location.pathname:''"))
		if err == nil && got == path {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("the browser is at %q (%v), want %s: %s", got, err, path, b.eval("document.body?.innerText"))
		}
	}
}

// TestBrowserSetUp walks from nothing to a protected device with a real browser whose JavaScript is off, and tells clicks
// and seconds.
func TestBrowserSetUp(t *testing.T) {
	h := open(t, "")
	code := must(h.book.Setup(t.Context()))
	b := chromium(t, h)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/")
	b.at("/setup")
	start := time.Now()
	b.write("[name=code]", code.Code)
	b.write("[name=name]", "Anna")
	b.write("[name=passphrase]", passphrase)
	b.click("main form button")
	b.at("/setup/family")
	b.choose("[name=country]", "DE")
	b.write("[name='name.0']", "Mia")
	b.write("[name='age.0']", "8")
	b.write("[name='name.1']", "Tom")
	b.write("[name='age.1']", "14")
	b.click("main form>button:last-of-type")
	b.at("/setup/times")
	b.click("[name=take][value=Mia]")
	b.click("main form>button")
	b.at("/setup/done")
	h.net.mu.Lock()
	h.net.paths = console.Paths{IPv4: h.clock()}
	h.net.mu.Unlock()
	b.click(".card a[href='/setup/done']")
	b.at("/setup/done")
	if text := b.eval("document.body?.innerText"); !strings.Contains(text, "Yes, it asks Hearth") {
		t.Errorf("the check does not say that the device is protected: %s", text)
	}
	t.Logf("from nothing to a protected device: %d clicks, %d keys, %.1f seconds of the browser", b.clicks, b.keys, time.Since(start).Seconds())
	if b.clicks > 20 {
		t.Errorf("it takes %d clicks, more than 20", b.clicks)
	}
}

// TestBrowserPasskey adds a passkey with the browser's own authenticator, signs out, and in with it.
func TestBrowserPasskey(t *testing.T) {
	h := open(t, "", family)
	b := chromium(t, h)
	b.signIn(h)
	if _, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
		IsUserVerified: true, AutomaticPresenceSimulation: true,
	}
	if _, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options}); err != nil {
		t.Fatal(err)
	}
	b.open("/account")
	b.click("[data-passkey=add]")
	b.says("The passkey is added")
	b.click("form[action='/signout'] button")
	b.at("/signin")
	b.click("[data-passkey=get]")
	b.at("/")
}

// says waits for a text.
func (b *tab) says(text string) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(b.eval("document.body?.innerText"), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("the page never says %q: %s", text, b.eval("document.body?.innerText"))
		}
	}
}

// signIn signs Anna in.
func (b *tab) signIn(h *house) {
	b.Helper()
	i := must(h.book.Invite(b.Context(), account.Machine(), account.Offer{Household: "one", Role: account.Parent, Name: "Anna"}))
	b.open("/join")
	b.do(chromedp.SendKeys("[name=code]", i.Code), chromedp.Submit("main form"))
	b.says("You are invited")
	b.do(chromedp.SendKeys("[name=passphrase]", passphrase), chromedp.Submit("main form"))
	b.at("/")
}

// TestBrowserPages has axe-core look at every page, in light and dark, as on a phone and on a computer; with HEARTH_SHOTS
// it takes a picture of each into that folder:
//
//	HEARTH_SHOTS=/tmp/shots go test -tags browser -run TestBrowserPages ./policy/portal/console
func TestBrowserPages(t *testing.T) {
	axe := axeCore(t)
	h := open(t, "", family)
	h.fill()
	machine := parents.Who{Household: "one", Member: "Tom", Actor: parents.Actor{Role: parents.Machine}, By: "Anna"}
	if _, err := h.desk.Pause(t.Context(), machine, parents.Span{For: "1h"}); err != nil {
		t.Fatal(err)
	}
	b := chromium(t, h)
	fresh := open(t, "")
	b.origin = "https://localhost:" + must(url.Parse(fresh.srv.URL)).Port()
	b.look(axe, "setup", "/setup")
	code := must(fresh.book.Setup(t.Context()))
	b.open("/setup")
	b.do(chromedp.SendKeys("[name=code]", code.Code), chromedp.SendKeys("[name=name]", "Anna"), chromedp.SendKeys("[name=passphrase]", passphrase), chromedp.Submit("main form"))
	b.at("/setup/family")
	b.look(axe, "setup-family", "/setup/family")
	b.choose("[name=country]", "DE")
	b.do(chromedp.SendKeys("[name='name.0']", "Mia"), chromedp.SendKeys("[name='age.0']", "8"), chromedp.SendKeys("[name='name.1']", "Tom"), chromedp.SendKeys("[name='age.1']", "14"))
	b.do(chromedp.Click("main form>button:last-of-type"))
	b.at("/setup/times")
	b.look(axe, "setup-times", "/setup/times")
	b.look(axe, "setup-done", "/setup/done")
	fresh.net.mu.Lock()
	fresh.net.paths = console.Paths{IPv4: h.clock()}
	fresh.net.mu.Unlock()
	b.look(axe, "setup-protected", "/setup/done")
	b.origin = "https://localhost:" + must(url.Parse(h.srv.URL)).Port()
	b.signIn(h)
	for name, path := range map[string]string{
		"today": "/", "child": "/child/Mia", "child-paused": "/child/Tom", "week": "/child/Mia/week", "limits": "/child/Mia/limits", "devices": "/devices", "device": "/device/mia-tablet",
		"thing": "/device/television", "activity": "/activity", "activity-day": "/activity?of=Mia&day=2026-11-18", "changes": "/changes", "household": "/household", "people": "/people", "account": "/account", "missing": "/nothing",
	} {
		b.look(axe, name, path)
	}
	b.open("/devices")
	b.do(chromedp.Submit("form[action='/devices']"))
	b.says("Code for")
	b.look(axe, "devices-code", "")
	b.open("/account")
	b.do(chromedp.Click("form[action='/signout'] button"))
	b.at("/signin")
	b.look(axe, "signin", "/signin")
	b.look(axe, "join", "/join")
}

// look has axe-core look at a page; path "" is the page that is open.
func (b *tab) look(axe, name, path string) {
	b.Helper()
	if path != "" {
		b.open(path)
	}
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"narrow", 320, 568}, {"phone", 360, 740}, {"desktop", 1280, 800}} {
		for _, light := range []string{"light", "dark"} {
			b.do(chromedp.EmulateViewport(size.width, size.height))
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}}}); err != nil {
				b.Fatal(err)
			}
			if wide := b.eval("document.documentElement.scrollWidth"); wide != fmt.Sprint(size.width) {
				b.Errorf("%s: the page is %s pixels wide on a screen of %d", name, wide, size.width)
			}
			if folder := os.Getenv("HEARTH_SHOTS"); folder != "" {
				png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				if err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, name+"-"+size.name+"-"+light+".png"), png, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			if axe != "" {
				b.judge(axe, name+" "+size.name+" "+light)
			}
		}
	}
}

// judge runs axe-core. The page's own policy allows it no script, so the debugger brings it in.
func (b *tab) judge(axe, name string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[json.RawMessage](axe+";null")); err != nil {
		b.Fatal(err)
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		`axe.run(document,{runOnly:["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r=>r.passes.length<5?"only "+r.passes.length+" rules were tried":r.violations.map(v=>v.id+": "+v.nodes.map(n=>n.html.slice(0,160)+" "+(n.any[0]||{}).message).join(" | ")).join("\n"))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	if found != "" {
		b.Errorf("%s: axe-core finds\n%s", name, found)
	}
}

// axeVersion is the axe-core that judges: newer ones judge otherwise.
const axeVersion = "4.14.1"

// axeCore gives the script, from the cache of this machine or from npm's registry; "" where neither has it.
func axeCore(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "hearth-axe")
	file := filepath.Join(folder, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		_ = os.MkdirAll(folder, 0o755)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		get := exec.CommandContext(ctx, "npm", "pack", "--silent", "axe-core@"+axeVersion)
		get.Dir = folder
		if out, err := get.CombinedOutput(); err != nil {
			t.Logf("axe-core is not to be had, so it does not judge: %v %s", err, out)
			return ""
		}
	}
	f := must(os.Open(file))
	defer f.Close()
	for r := tar.NewReader(must(gzip.NewReader(f))); ; {
		head, err := r.Next()
		if err != nil {
			t.Fatalf("%s has no axe.min.js: %v", file, err)
		}
		if head.Name == "package/axe.min.js" {
			return string(must(io.ReadAll(r)))
		}
	}
}
