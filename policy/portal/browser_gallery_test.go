//go:build browser

package portal

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/portal/chromium"
	"github.com/hearthdns/hearth/policy/words"
)

// serves answers for every name over plain HTTP, and gives the rules by which a Chromium finds it.
func serves(t *testing.T, pages http.Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadTimeout: ReadHeaderTimeout, WriteTimeout: WriteTimeout, Handler: pages}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return fmt.Sprintf("MAP *:80 127.0.0.1:%d, MAP * ^NOTFOUND", ln.Addr().(*net.TCPAddr).Port)
}

// from are the pages of a home as a device at an address sees them.
func from(h *home, addr string) http.Handler {
	pages := h.Landing()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = addr + ":40000"
		pages.ServeHTTP(w, r)
	})
}

// replay sends an answer that was made before.
func replay(w http.ResponseWriter, made *httptest.ResponseRecorder) {
	for name, values := range made.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(made.Code)
	_, _ = w.Write(made.Body.Bytes())
}

// wall shows one sheet of a gallery after the other to a browser.
type wall struct {
	*chromium.Tab
	mu   sync.Mutex
	made *httptest.ResponseRecorder
}

func hang(t *testing.T) *wall {
	t.Helper()
	w := &wall{}
	w.Tab = chromium.Open(t, serves(t, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if r.Header.Get("Sec-Fetch-Dest") != "document" && strings.Contains(r.Header.Get("Accept"), "event-stream") || !strings.Contains(r.Header.Get("Accept"), "text/html") {
			out.WriteHeader(http.StatusNoContent) // an event stream that ends for good, a manifest, an icon
			return
		}
		replay(out, w.made)
	})))
	return w
}

func (w *wall) see(s sheet, made *httptest.ResponseRecorder) {
	w.Helper()
	made.Header().Del("Refresh") // it is looked at in peace
	w.mu.Lock()
	w.made = made
	w.mu.Unlock()
	w.Go("http://" + askHost + "/") // of one site, for another would begin another process
}

// TestBrowserPages has axe-core look at every page in every language. In English and in one language from right to left it
// does so closely; in the others once, because they differ in words alone. With HEARTH_SHOTS
// it takes a picture of each of the former into that folder; HEARTH_LANGUAGES names those languages that are to be looked
// at alone:
//
//	HEARTH_SHOTS=/tmp/shots HEARTH_LANGUAGES=en go test -tags browser -run TestBrowserPages ./policy/portal
func TestBrowserPages(t *testing.T) {
	t.Parallel()
	chromium.Program(t)
	axe, languages := chromium.Axe(t), words.Languages()
	if only := os.Getenv("HEARTH_LANGUAGES"); only != "" {
		languages = strings.Split(only, ",")
	}
	turned := slices.IndexFunc(languages, func(l string) bool { return words.Direction(l) == "rtl" })
	for i := range walls {
		t.Run(fmt.Sprintf("wall %d of %d", i+1, walls), func(t *testing.T) {
			t.Parallel()
			w := hang(t)
			axe.Into(w.Tab)
			for n, language := range languages {
				if start := time.Now(); n%walls == i {
					g := newGallery(t) // what happens once was shown to the language before
					w.look(axe, g, language, language == "en" || n == turned)
					t.Logf("%s: %d pages, %.1f s", language, len(g.sheets), time.Since(start).Seconds())
				}
			}
		})
	}
}

// walls are how many browsers share the languages.
const walls = 2

// look looks at every page on the narrowest screen; closely means on a wide one too, at the colours in dark, and at each as
// it comes over the network.
func (w *wall) look(axe *chromium.Judge, g *gallery, language string, closely bool) {
	w.Helper()
	var all []chromium.Text
	var made []*httptest.ResponseRecorder // at once: while a browser looks, what holds for a while ends
	for i, s := range g.sheets {
		made = append(made, s.show(language))
		all = append(all, chromium.Text{Name: s.name + " in " + language, HTML: made[i].Body.String()})
	}
	screens := chromium.Screens()
	w.see(g.sheets[0], made[0])
	w.Screen(screens[0], "light")
	axe.Texts(w.Tab, all, chromium.Everything, chromium.Wide, small)
	if !closely {
		return
	}
	w.Screen(screens[0], "dark")
	axe.Texts(w.Tab, all, chromium.Colours)
	w.Screen(screens[len(screens)-1], "light")
	axe.Texts(w.Tab, all, chromium.Everything, chromium.Wide, small)
	for i, s := range g.sheets {
		if language != "en" && os.Getenv("HEARTH_SHOTS") == "" {
			return // in another language another page would be no other
		}
		w.see(s, made[i])
		if broken := w.Eval(`broken.join("\n")`); broken != "" {
			w.Errorf("%s in %s: its own policy forbids\n%s", s.name, language, broken)
		}
		w.pictures(s.file() + "-" + language)
	}
}

// pictures takes one of a page on each screen, in each light, for whoever wants to look at them.
func (w *wall) pictures(name string) {
	w.Helper()
	if os.Getenv("HEARTH_SHOTS") == "" {
		return
	}
	for _, size := range chromium.Screens() {
		for _, light := range []string{"light", "dark"} {
			w.Screen(size, light)
			w.Picture(strings.Join([]string{name, size.Name, light}, "-"))
		}
	}
}

// small is an expression that tells what a finger misses: everything to press, but for a link within a sentence, is at least
// 44 CSS pixels high (WCAG 2.2, 2.5.5, which is more than its level AA asks).
const small = `[...document.querySelectorAll("a,button,input:not([type=hidden]),select,textarea,summary")]
.filter(e=>e.getClientRects().length&&e.getBoundingClientRect().height<44&&!(getComputedStyle(e).display=="inline"&&e.parentElement.textContent.trim()!=e.textContent.trim()))
.map(e=>"too small to press: "+e.outerHTML.slice(0,120)+" "+e.getBoundingClientRect().height).join("\n")`

// file is the name of a sheet as one of a file.
func (s sheet) file() string {
	return strings.NewReplacer(",", "", ":", "", " ", "-").Replace(s.name)
}
