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

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
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
			shoot(t, h, s.from, s.host+"/", filepath.Join(folder, s.name))
		})
	}
}

// TestScreenshotsOfMe takes a picture of the page of a person, of a full one and of a shared device, and of the forms.
func TestScreenshotsOfMe(t *testing.T) {
	folder := os.Getenv("HEARTH_SHOTS")
	if folder == "" {
		t.Skip("HEARTH_SHOTS names no folder")
	}
	h, desk, kept := withDiary(t)
	h.dir = directory(t, houseOptions{language: "en", country: "AT", config: func(c *policy.Config) {
		c.Profiles[1].Quotas = []policy.QuotaConfig{{Of: "fun.games", Minutes: new(40)}, {Of: "fun.video", Minutes: new(10)}, {Of: "total", Minutes: new(150)}}
	}})
	for i := range 8 {
		day := policy.ActivityDay{Day: h.now.AddDate(0, 0, i-7).Format(time.DateOnly), Sums: []policy.ActivitySum{{Verdict: "allowed", Count: uint64(800 + 73*i)}, {Verdict: "blocked", Count: uint64(12 + 5*i)}}}
		kept.days["family/Leo"] = append(kept.days["family/Leo"], day)
	}
	for _, ask := range []parents.Ask{{Kind: policy.GrantName, Value: "chess.example", Span: parents.Span{For: "1h"}}, {Kind: policy.GrantBonus, Value: "fun.games", Minutes: 20}} {
		if _, err := desk.Grant(t.Context(), parents.Who{Actor: machine, Member: "Leo"}, ask); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []string{"Leo", "Lea"} {
		if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: who, By: "Anna"}, parents.Diary{Full: true, For: "3d"}); err != nil {
			t.Fatal(err)
		}
	}
	h.block(t, leo, "forum.example", h.now)
	for _, s := range []struct{ name, from, at, path, host string }{
		{"me-preteen", leo, noon, mePath, "ask." + own}, {"me-child-soon", mia, "2026-11-18 14:53", mePath, "ask." + own}, {"me-child-night", mia, evening, mePath, "ask." + own},
		{"me-shared", tablet, noon, mePath, "ask." + own}, {"me-guest", guest, noon, mePath, "ask." + own}, {"me-adult", anna, noon, mePath, "ask." + own},
		{"me-log", lea, noon, mePath, "ask." + own}, {"me-day", tom, noon, mePath + "?day=2026-11-17", "ask." + own},
		{"continue-landing", leo, noon, "/", "forum.example"}, {"continue-form", leo, noon, continuePath + "?name=forum.example", "ask." + own}, {"continue-ask", leo, noon, "/", "ask." + own},
	} {
		t.Run(s.name, func(t *testing.T) { shoot(t, h.at(t, s.at), s.from, s.host+s.path, filepath.Join(folder, s.name)) })
	}
	kept.notices = []policy.Notice{{Kind: policy.NoticeBypass, Member: "Leo", Device: "leo-laptop", At: h.now.Unix()}, {Kind: policy.NoticeSelfHarm, Member: "Leo", At: h.now.Unix()}}
	t.Run("me-notices", func(t *testing.T) {
		shoot(t, h.at(t, noon), leo, "ask."+own+mePath, filepath.Join(folder, "me-notices"))
	})
}

func shoot(t *testing.T, h *home, from, at, file string) {
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
			shot(ctx, t, "http://"+at, light, size.width, size.height, file+"-"+size.name+"-"+light+".png")
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
