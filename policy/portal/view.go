package portal

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
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
	Trouble bool // Lead says why a form was not taken
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
	// picture is the sign as a PNG, drawn when it is first asked for.
	picture func() []byte
	csp     string
}

// live adds to the policy of every page what one may do that waits: run the one script, and ask us.
func (r *renderer) live() string {
	return r.csp + "; script-src " + Source([]byte(r.script)) + "; connect-src 'self'"
}

// app adds to it what one may load that can be installed.
const app = "; manifest-src 'self'"

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
	css = Style(css)
	return &renderer{
		page: page, picture: sync.OnceValue(func() []byte { return Icon(180) }),
		style:  template.CSS(css),   //nolint:gosec // embedded, and named by its hash in the policy
		script: template.JS(script), //nolint:gosec // the same
		csp: "default-src 'none'; style-src " + Source(css) +
			"; img-src data: 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
	}, nil
}

// harden sets the fields that every answer carries. The connection closes after each, so that a name that is allowed a minute
// later is not asked from this machine again.
func (r *renderer) harden(h http.Header) {
	Harden(h, r.csp)
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
	w.Header().Set("Vary", "Accept-Language, Sec-Fetch-Dest, Accept")
	Send(w, req, status, v.W.Language, v.Refresh, page.Bytes())
	return nil
}
