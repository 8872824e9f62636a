//go:build browser

package portal

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestScreenshots takes a picture of each page in each size and light into the folder HEARTH_SHOTS:
//
//	HEARTH_SHOTS=/tmp/shots go test -tags browser -run TestScreenshots ./policy/portal
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("HEARTH_SHOTS")
	if folder == "" {
		t.Skip("HEARTH_SHOTS names no folder")
	}
	shots := []struct{ name, language, country, from, host, at string }{
		{"child-content", "en", "AT", mia, "naked.example", noon},
		{"child-bedtime", "de", "AT", mia, "naked.example", evening},
		{"child-homework", "en", "DE", mia, "games.example", lessons},
		{"child-security", "en", "FR", mia, "phish.example", noon},
		{"child-selfharm", "en", "AT", mia, "harm.example", noon},
		{"teen-content", "en", "FR", tom, "naked.example", noon},
		{"teen-bedtime", "fr", "FR", tom, "social.example", evening},
		{"teen-security", "de", "AT", tom, "virus.example", noon},
		{"teen-selfharm", "de", "CH", tom, "harm.example", noon},
		{"teen-illegal", "it", "IT", tom, "forbidden.example", noon},
		{"teen-rule", "es", "ES", tom, "denied.example", noon},
		{"adult-rule", "en", "IE", anna, "denied.example", noon},
		{"adult-security", "en", "IE", anna, "phish.example", noon},
		{"guest-content", "en", "DE", guest, "naked.example", noon},
		{"shared-content", "it", "IT", tablet, "casino.example", noon},
		{"neutral", "en", "", anna, "naked.example", noon},
		{"allowed", "en", "", anna, "test-adult.porn." + own, noon},
		{"home-adult", "en", "", anna, own, noon},
		{"home-child", "en", "", mia, own, noon},
		{"ask-teen", "en", "", tom, "ask." + own, noon},
		{"ask-empty", "de", "", anna, "ask." + own, noon},
		{"stranger", "en", "", stranger, "naked.example", noon},
	}
	for _, s := range shots {
		t.Run(s.name, func(t *testing.T) {
			h := newHome(t, houseOptions{language: s.language, country: s.country}).at(t, s.at)
			for i, name := range []string{"ads.example", "naked.example", "casino.example", "denied.example"} {
				h.block(t, tom, name, h.now.Add(-time.Duration(8-2*i)*time.Minute))
			}
			shoot(t, h, s.from, s.host, filepath.Join(folder, s.name))
		})
	}
}

func shoot(t *testing.T, h *home, from, host, file string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = from + ":40000"
		h.Landing().ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ctx, _ := browser(t, ln.Addr().(*net.TCPAddr).Port, 1)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"phone", 360, 740}, {"desktop", 1280, 800}, {"narrow", 320, 568}} {
		for _, light := range []string{"light", "dark"} {
			if size.name == "narrow" && light == "dark" {
				continue
			}
			shot(ctx, t, "http://"+host+"/", light, size.width, size.height, file+"-"+size.name+"-"+light+".png")
		}
	}
}

func shot(ctx context.Context, t *testing.T, url, light string, width, height int64, file string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: light}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	if err != nil || wide > width {
		t.Errorf("%s: the page is %d pixels wide on a screen of %d (%v)", file, wide, width, err)
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
}
