//go:build browser

package chromium

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is how long a step may take: a loaded machine is slow, and a step that never comes to its end is a failure all
// the same. It bounds what hangs and measures nothing.
const patience = 3 * time.Minute

// Tab is the one window of a Chromium with a profile of its own, which is empty at first.
type Tab struct {
	*testing.T
	Clicks, Keys int // of a person who goes the same way
	Ctx          context.Context
}

// Program is the Chromium of this machine. It skips the test where there is none, which `make browser` counts: a test that
// opens one in its parts alone asks for it first.
func Program(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if file, err := exec.LookPath(name); err == nil {
			return file
		}
	}
	t.Skip("there is no Chromium here; `make browser` installs it")
	return ""
}

// Open starts a Chromium that looks names up by rules alone, such as "MAP *:80 127.0.0.1:8080" (Chromium's
// --host-resolver-rules).
func Open(t *testing.T, rules string, flags ...chromedp.ExecAllocatorOption) *Tab {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(Program(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", rules),
	}, flags...)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // it lives as long as the context of its first step
		t.Fatal(err)
	}
	return &Tab{T: t, Ctx: ctx}
}

// Do does steps one after the other.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fatalf("%v, at %s", err, b.where())
	}
}

// Go opens an address.
func (b *Tab) Go(url string) { b.Helper(); b.Do(chromedp.Navigate(url)) }

// Click clicks on what a CSS selector finds first.
func (b *Tab) Click(what string) { b.Helper(); b.Clicks++; b.Do(chromedp.Click(chromedp.CSS(what))) }

// Write types into a field, which is a click and as many keys.
func (b *Tab) Write(what, text string) {
	b.Helper()
	b.Clicks, b.Keys = b.Clicks+1, b.Keys+len(text)
	b.Do(chromedp.SendKeys(chromedp.CSS(what), text))
}

// Choose picks an entry of a list, which is two clicks.
func (b *Tab) Choose(what, value string) {
	b.Helper()
	b.Clicks += 2
	b.Do(chromedp.WaitVisible(chromedp.CSS(what)))
	if got := b.Eval(fmt.Sprintf(`document.querySelector(%[1]q).value=%[2]q,document.querySelector(%[1]q).value`, what, value)); got != value {
		b.Fatalf("%s has no %s", what, value)
	}
}

// Eval gives the value of an expression in the page as text. It works where the page itself may run no script.
func (b *Tab) Eval(expression string) string {
	b.Helper()
	got, err := b.try(expression)
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return got
}

func (b *Tab) try(expression string) (string, error) {
	ctx, cancel := context.WithTimeout(b.Ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[string]("String(("+expression+"))"))
}

// where is what a failure tells of the page.
func (b *Tab) where() string {
	ctx, cancel := context.WithTimeout(b.Ctx, 5*time.Second)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href+"\n"+document.body?.innerText`))
	if err != nil {
		return err.Error()
	}
	return got
}

// Until waits for something.
func (b *Tab) Until(what string, done func() bool) {
	b.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("the browser never came to the point that it %s: %s", what, b.where())
		}
	}
}

// Comes waits until an expression is true in whatever page the browser shows.
func (b *Tab) Comes(what, expression string) {
	b.Helper()
	b.Until(what, func() bool {
		got, err := b.try(`document.readyState=="complete"&&!!(` + expression + `)`)
		return err == nil && got == "true"
	})
}

// At waits until the browser shows the whole page of a path, with its query if it has one.
func (b *Tab) At(path string) {
	b.Helper()
	b.Until("is at "+path, func() bool {
		got, err := b.try(`document.readyState=="complete"?location.pathname+location.search:""`)
		return err == nil && got == path
	})
}

// Says waits until the page says something.
func (b *Tab) Says(text string) {
	b.Helper()
	b.Until(fmt.Sprintf("says %q", text), func() bool {
		got, err := b.try(`document.readyState=="complete"?document.body.innerText:""`)
		return err == nil && strings.Contains(got, text)
	})
}

// WithoutScript turns JavaScript off in every page, as some people do.
func (b *Tab) WithoutScript() {
	b.Helper()
	if _, err := chromedp.Call(b.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.Fatal(err)
	}
}

// Events begins to count the server-sent events that the page gets.
func (b *Tab) Events() func() int64 {
	b.Helper()
	var n atomic.Int64
	err := chromedp.Listen(b.Ctx, func(event any) {
		if _, ok := event.(*network.EventEventSourceMessageReceived); ok {
			n.Add(1)
		}
	})
	if err == nil {
		_, err = chromedp.Call(b.Ctx, network.Enable, network.EnableParams{})
	}
	if err != nil {
		b.Fatal(err)
	}
	return n.Load
}

// Size is a screen.
type Size struct {
	Name          string
	Width, Height int64
}

// Screens are those that pages are looked at on: the narrowest that WCAG 2.2 asks for (1.4.10), a phone, a computer.
func Screens() []Size {
	return []Size{{"narrow", 320, 568}, {"phone", 390, 844}, {"desktop", 1280, 800}}
}

// Screen makes the window as large as a screen, and light or dark.
func (b *Tab) Screen(s Size, light string) {
	b.Helper()
	b.Do(chromedp.EmulateViewport(s.Width, s.Height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}}}
	if _, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.Fatal(err)
	}
}

// Fits reports a page that is wider than its screen.
func (b *Tab) Fits(name string) {
	b.Helper()
	if wide := b.Eval(Wide); wide != "" {
		b.Errorf("%s: %s", name, wide)
	}
}

// Picture keeps a picture of the whole page in the folder that HEARTH_SHOTS names, if it names one.
func (b *Tab) Picture(name string) {
	b.Helper()
	folder := os.Getenv("HEARTH_SHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b.Ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil {
		b.Fatal(err)
	}
}
