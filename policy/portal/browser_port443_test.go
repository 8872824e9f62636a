//go:build browser

package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/hearthdns/hearth/policy/portal/chromium"
)

// The measurement behind docs/decisions/0004-port-443.md: what should stand on port 443 of the
// landing address, so that a browser that was sent there by a blocked HTTPS name fails soonest and
// cleanest. Run it with a Chromium in the path:
//
//	go test -tags browser -run TestPort443 -v ./policy/portal
//
// It uses loopback only: every name is mapped to 127.0.0.1 by the browser's own resolver rules.

const (
	alertHandshakeFailure = 40  // RFC 8446 6.2
	alertAccessDenied     = 49  // RFC 8446 6.2
	alertUnrecognizedName = 112 // RFC 8446 6.2, RFC 6066 3
)

// ending is one way to end a connection that a TLS client has opened.
type ending struct {
	name  string
	close func(c *net.TCPConn)
}

func endings() []ending {
	alert := func(code byte) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			readHello(c)
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, code})
			_ = c.CloseWrite()
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}
	return []ending{
		{"refuse (nothing listens)", nil},
		{"reset at once", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }},
		{"reset after the ClientHello", func(c *net.TCPConn) { readHello(c); _ = c.SetLinger(0); _ = c.Close() }},
		{"alert unrecognized_name", alert(alertUnrecognizedName)},
		{"alert access_denied", alert(alertAccessDenied)},
		{"alert handshake_failure", alert(alertHandshakeFailure)},
		{"close (FIN) after the ClientHello", func(c *net.TCPConn) { readHello(c); _ = c.Close() }},
	}
}

// readHello reads one TLS record, so that a close does not turn into a reset for unread bytes.
func readHello(c *net.TCPConn) {
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	var head [5]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, c, int64(head[3])<<8|int64(head[4]))
}

// port is a loopback port; where the ending is nil nothing listens on it.
func port(t *testing.T, e ending, accepted *atomic.Int64) int {
	t.Helper()
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	number := ln.Addr().(*net.TCPAddr).Port
	if e.close == nil {
		_ = ln.Close()
		return number
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.AcceptTCP()
			if err != nil {
				return
			}
			accepted.Add(1)
			go e.close(c)
		}
	}()
	return number
}

// site is what answers on port 80: any name gets a page that asks one image and one script of a
// blocked HTTPS name where the path says so, and a plain page where it does not.
func site(t *testing.T, hits *atomic.Int64) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		w.Header().Set("Content-Type", "text/html")
		if n, ok := strings.CutPrefix(r.URL.Path, "/with-blocked/"); ok {
			fmt.Fprintf(w, `<!doctype html><title>site</title><img src="https://img%[1]s.blocked.example/a.png">`+
				`<script src="https://js%[1]s.blocked.example/a.js"></script>`, n)
			return
		}
		fmt.Fprint(w, `<!doctype html><title>landing</title><p>landing`)
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().(*net.TCPAddr).Port
}

// browser starts one Chromium with an empty profile whose every name is loopback.
func browser(t *testing.T, p80, p443 int, flags ...chromedp.ExecAllocatorOption) (context.Context, string) {
	t.Helper()
	netlog := filepath.Join(t.TempDir(), "netlog.json")
	b := chromium.Open(t, fmt.Sprintf("MAP *:80 127.0.0.1:%d, MAP *:443 127.0.0.1:%d, MAP * 127.0.0.1", p80, p443), append(flags, chromedp.Flag("log-net-log", netlog))...)
	if _, err := chromedp.Call(b.Ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b.Ctx, netlog
}

// navigate opens the address and tells how long the browser took to commit a page or its error page.
func navigate(ctx context.Context, url string) (time.Duration, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	start := time.Now()
	res, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: url, TransitionType: page.TransitionTypeTyped})
	return time.Since(start), res.ErrorText, err
}

// failures collects when each sub-resource was asked for and when it failed, by the browser's clock.
type failures struct {
	mu    sync.Mutex
	asked map[network.RequestID]float64 // seconds of the browser's clock
	urls  map[network.RequestID]string
	took  []time.Duration
	texts map[string]bool
}

func (f *failures) listen(ctx context.Context) error {
	f.asked, f.urls, f.texts = map[network.RequestID]float64{}, map[network.RequestID]string{}, map[string]bool{}
	return chromedp.Listen(ctx, f.see)
}

func (f *failures) see(event any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		f.asked[e.RequestID] = float64(e.Timestamp)
		f.urls[e.RequestID] = e.Request.URL
	case *network.EventLoadingFailed:
		if !strings.HasPrefix(f.urls[e.RequestID], "https://") || e.Type == network.ResourceTypeDocument {
			return
		}
		f.took = append(f.took, time.Duration((float64(e.Timestamp)-f.asked[e.RequestID])*float64(time.Second)))
		f.texts[e.ErrorText] = true
	}
}

// attempts counts the TCP connections that the browser began towards the port, from its net log.
func attempts(t *testing.T, file string, port int) int {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimRight(string(raw), "\n, ")
	if !json.Valid([]byte(text)) { // the browser was ended before it closed the log
		text += "]}"
	}
	var log struct {
		Constants struct {
			LogEventTypes map[string]int `json:"logEventTypes"`
		} `json:"constants"`
		Events []struct {
			Type   int `json:"type"`
			Phase  int `json:"phase"`
			Params struct {
				Address string `json:"address"`
			} `json:"params"`
		} `json:"events"`
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Logf("reading the net log: %v", err)
		return -1
	}
	kind, n := log.Constants.LogEventTypes["TCP_CONNECT_ATTEMPT"], 0
	for _, e := range log.Events {
		if e.Type == kind && e.Phase == 1 && e.Params.Address == "127.0.0.1:"+strconv.Itoa(port) {
			n++
		}
	}
	return n
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

func spread(d []time.Duration) string {
	if len(d) == 0 {
		return "none"
	}
	m := median(d)
	return fmt.Sprintf("%.1f (%.1f to %.1f)", ms(m), ms(d[0]), ms(d[len(d)-1]))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func TestPort443(t *testing.T) {
	for _, e := range endings() {
		t.Run(e.name, func(t *testing.T) {
			measureNavigations(t, e)
			measureSubresources(t, e)
		})
	}
}

// runs is how many names each ending is measured with; the first one only warms the browser up.
const runs = 41

func measureNavigations(t *testing.T, e ending) {
	t.Helper()
	var accepted, hits atomic.Int64
	p443, p80 := port(t, e, &accepted), site(t, &hits)
	ctx, netlog := browser(t, p80, p443)
	var took []time.Duration
	texts := map[string]bool{}
	for i := range runs {
		d, text, err := navigate(ctx, fmt.Sprintf("https://n%d.blocked.example/", i))
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			took = append(took, d)
		}
		texts[text] = true
	}
	time.Sleep(3 * time.Second) // a late reload of the error page would show here
	shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string](
		`(document.querySelector("#main-message h1")||document.body).innerText`))
	_ = chromedp.Cancel(ctx)
	t.Logf("navigation: ms %s, %v, connections each %.1f, page: %s",
		spread(took), keys(texts), float64(attempts(t, netlog, p443))/runs, shown)
}

func measureSubresources(t *testing.T, e ending) {
	t.Helper()
	var accepted, hits atomic.Int64
	p443, p80 := port(t, e, &accepted), site(t, &hits)
	ctx, netlog := browser(t, p80, p443)
	var sub failures
	if err := sub.listen(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range runs {
		if _, _, err := navigate(ctx, fmt.Sprintf("http://127.0.0.1:%d/with-blocked/%d", p80, i)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond)
	}
	_ = chromedp.Cancel(ctx)
	sub.mu.Lock()
	defer sub.mu.Unlock()
	t.Logf("sub-resource: ms %s, %v, connections each %.1f",
		spread(sub.took), keys(sub.texts), float64(attempts(t, netlog, p443))/float64(max(1, len(sub.took))))
}

// TestFallback measures how soon the page of port 80 stands in the window when a plain name is
// opened and the browser tries HTTPS first.
func TestFallback(t *testing.T) {
	modes := []struct {
		name  string
		flags []chromedp.ExecAllocatorOption
	}{
		{"as installed", nil},
		{"HTTPS upgrades", []chromedp.ExecAllocatorOption{chromedp.Flag("enable-features", "HttpsUpgrades")}},
		{"HTTPS-first balanced", []chromedp.ExecAllocatorOption{chromedp.Flag("enable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,HttpsFirstBalancedMode")}},
	}
	for _, mode := range modes {
		for _, e := range endings() {
			t.Run(mode.name+"/"+e.name, func(t *testing.T) {
				var accepted, hits atomic.Int64
				p443, p80 := port(t, e, &accepted), site(t, &hits)
				ctx, netlog := browser(t, p80, p443, mode.flags...)
				var seen failures
				if err := seen.listen(ctx); err != nil {
					t.Fatal(err)
				}
				var took []time.Duration
				titles := map[string]bool{}
				for i := range 7 {
					d, text, err := navigate(ctx, fmt.Sprintf("http://plain%d.example.org/", i))
					if err != nil {
						t.Fatal(err)
					}
					title, _ := chromedp.Run(ctx, chromedp.Title())
					titles[title+text] = true
					if i > 0 {
						took = append(took, d)
					}
				}
				upgraded := documents(&seen)
				_ = chromedp.Cancel(ctx)
				t.Logf("ms until a page stands %s, shows %v, connections to 443 %d, port 80 asked %d times, documents asked: %v",
					spread(took), keys(titles), attempts(t, netlog, p443), hits.Load(), upgraded)
			})
		}
	}
}

// documents lists the addresses the browser asked for, in order of their text.
func documents(f *failures) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]bool{}
	for _, u := range f.urls {
		out[u] = true
	}
	return keys(out)
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
