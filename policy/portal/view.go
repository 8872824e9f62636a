package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/hearthdns/hearth/blocklists/help"
	"github.com/hearthdns/hearth/policy"
)

//go:embed pages
var pageFiles embed.FS

// tone is the colour and the picture of a page.
type tone string

const (
	day   tone = ""      // rules
	night tone = "night" // bed time
	care  tone = "care"  // help first
	safe  tone = "safe"  // security
	plain tone = "plain" // neutral
)

// view is everything that stands on one page. The template escapes every string.
type view struct {
	W       *wording
	Style   template.CSS
	Script  template.JS
	Tone    tone
	Scene   string // "desk" puts a book into the picture
	Reader  string
	Title   string
	Lead    []string
	Help    *helpBox
	Notice  []string
	Log     []banner // that a parent asked to read names: on every page of that person
	Soon    []string // what stops within ten minutes
	Refresh int      // after how many seconds the page is to be read again; 0: never
	Me      *mePage
	Facts   []fact
	Ask     *askList
	Form    *form
	Guides  []guide
	Next    []string
	GoOn    *goOn
	Explain string   // the name to explain, for grown-ups
	Listed  string   // the category by which it is blocked, for them
	Buttons []button // of the page of a block
	Said    []saying
	Look    *link  // the same page again
	Live    string // where the page hears of a change of State
	State   string
	Left    int    // seconds until the device has forgotten the old answer
	Before  string // what stands around them
	After   string
	Poll    int    // after how many seconds the page is read again without a script; 0: never
	App     bool   // the page can be installed
	Goto    string // where a form leads, in the place of a page
	Tries   []link
	Places  []link
	Reports []help.Row
	English *text // the English safety text, beneath one that nobody has reviewed
	ID      string
	Links   []link
}

// addLog puts the banner on a page that does not have it yet.
func (page *view) addLog(v *visit) {
	if page.Log == nil {
		page.Log = v.log()
	}
}

type fact struct {
	Label, Value, Note string
	Code               bool
}

type link struct{ URL, Text string }

type helpBox struct {
	First           bool // before everything else
	Title           string
	Lines           []call
	Trusted, Danger string
	Emergency       template.URL // where Danger says whom to call
}

type call struct {
	Name, Number, Note string
	URL                template.URL // tel: and digits of the embedded table, which html/template does not know as harmless
}

type askList struct {
	Wishes      []wishRow
	WishTitle   string
	Rows, Ads   []askRow
	AdsTitle    string
	Empty, Hint string
}

type askRow struct {
	Name, Why, Ago string
	GoOn           *goOn
	Buttons        []button
}

// addButtons puts the three buttons on a page. What one says to do next in general is not said twice, and that somebody can
// ask and say that it is a mistake only where they can.
func (page *view) addButtons(v *visit, all []button) {
	page.Buttons = all
	asks := slices.ContainsFunc(all, func(b button) bool { return b.Main })
	if said := v.who == policy.ReaderChild && asks || v.who == policy.ReaderTeen && len(all) < 3; said {
		general := v.words.Page(v.who, policy.ReasonCategory).Next
		page.Next = slices.DeleteFunc(page.Next, func(text string) bool { return text == general })
	}
}

// renderer makes pages of views.
type renderer struct {
	page   *template.Template
	style  template.CSS
	script template.JS // of pages that wait for something
	icon   []byte
	// picture is the icon as a PNG, drawn when it is first asked for.
	picture func() []byte
	csp     string
}

// live adds to the policy of every page what one may do that waits: run the one script, and ask us.
func (r *renderer) live() string {
	return r.csp + "; script-src '" + sum([]byte(r.script)) + "'; connect-src 'self'"
}

// app adds to it what one may load that can be installed.
const app = "; manifest-src 'self'"

func sum(file []byte) string {
	sum := sha256.Sum256(file)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func newRenderer() (*renderer, error) {
	page, err := template.ParseFS(pageFiles, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page templates: %w", err)
	}
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("reading the style of the pages: %w", err)
	}
	script, err := pageFiles.ReadFile("pages/live.js")
	if err != nil {
		return nil, fmt.Errorf("reading the script of the pages: %w", err)
	}
	icon, err := pageFiles.ReadFile("pages/icon.svg")
	if err != nil {
		return nil, fmt.Errorf("reading the icon of the pages: %w", err)
	}
	return &renderer{
		page: page, icon: icon, picture: sync.OnceValue(func() []byte { return Icon(180) }),
		style:  template.CSS(css),   //nolint:gosec // embedded, and named by its hash in the policy
		script: template.JS(script), //nolint:gosec // the same
		csp: "default-src 'none'; style-src '" + sum(css) +
			"'; img-src data: 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}, nil
}

// harden sets the fields that every answer carries. The connection closes after each answer, so that a name
// that is allowed a minute later is not asked from this machine again.
func (r *renderer) harden(h http.Header) {
	h.Set("Content-Security-Policy", r.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide from us that our own forms are ours
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")
}

// write renders the page. Nothing is sent before all of it stands.
func (r *renderer) write(w http.ResponseWriter, req *http.Request, status int, v *view) error {
	v.Style = r.style
	if v.Live != "" || v.Left > 0 {
		v.Script = r.script
		w.Header().Set("Content-Security-Policy", r.live())
	}
	if v.App {
		w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+app)
	}
	var page bytes.Buffer
	if err := r.page.ExecuteTemplate(&page, "page.html", v); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return fmt.Errorf("rendering a page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.W.Language)
	h.Set("Vary", "Accept-Language, Sec-Fetch-Dest, Accept")
	if v.Refresh > 0 {
		h.Set("Refresh", strconv.Itoa(v.Refresh))
	}
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	if req.Method == http.MethodHead {
		return nil
	}
	if _, err := page.WriteTo(w); err != nil {
		return fmt.Errorf("sending a page: %w", err)
	}
	return nil
}
