package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
)

//go:embed pages
var pageFiles embed.FS

// layout is what every page has; the other files of the folder are what stands in it.
const layout = "layout.html"

// renderer makes pages.
type renderer struct {
	pages   map[string]*template.Template
	style   template.CSS
	scripts map[string]template.JS
	csp     string
}

func newRenderer() (*renderer, error) {
	base, err := template.New(layout).Funcs(tools).ParseFS(pageFiles, "pages/"+layout, "pages/parts.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page templates: %w", err)
	}
	r := &renderer{pages: map[string]*template.Template{}}
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		own, err := template.Must(base.Clone()).ParseFS(pageFiles, name)
		if err != nil {
			return nil, fmt.Errorf("reading the page template %s: %w", name, err)
		}
		r.pages[strings.TrimSuffix(path.Base(name), ".html")] = own
	}
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return nil, fmt.Errorf("reading the style of the pages: %w", err)
	}
	css = portal.Style(css)
	r.style, r.scripts = template.CSS(css), map[string]template.JS{} //nolint:gosec // embedded, and named by its hash in the policy
	var hashes string
	for _, name := range []string{"passkey", "push"} {
		js, err := pageFiles.ReadFile("pages/" + name + ".js")
		if err != nil {
			return nil, fmt.Errorf("reading a script of the pages: %w", err)
		}
		r.scripts[name] = template.JS(js) //nolint:gosec // embedded, and named by its hash in the policy
		hashes += " " + portal.Source(js)
	}
	r.csp = "default-src 'none'; style-src " + portal.Source(css) + "; script-src" + hashes + "; connect-src 'self'; img-src 'self'; " +
		"worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	return r, nil
}

// tools are what templates can do beside showing.
var tools = template.FuncMap{
	"inc":  func(n int) int { return n + 1 },
	"path": segment,
	"args": func(key string, value span, p *page) spanParts { return spanParts{key, value, p} },
}

// spanParts is a beginning and an end to be edited.
type spanParts struct {
	Key   string
	Value span
	Page  *page
}

// harden sets the fields that every answer carries.
func (r *renderer) harden(h http.Header) {
	portal.Harden(h, r.csp, "publickey-credentials-create=(self)", "publickey-credentials-get=(self)")
}

// page is what a template gets.
type page struct {
	W         *phrases
	Style     template.CSS
	Script    template.JS // "": the page has none
	Title     string
	Place     string // in the navigation
	Nav       []tab
	Own       string // the page of a child that is signed in, which no other is for
	Me        string // who is signed in
	Done      string // what was done
	Wrong     string // what was wrong with what was sent
	File      string // where the household is written, if that is not here
	Authority bool   // the certificate of who signed the console's is to be had
	Parts     any
}

// tab is a way to another page.
type tab struct{ URL, Text, Icon, Place string }

// Say gives a text of the catalogue.
func (p *page) Say(key string, pairs ...any) string { return p.W.Say(key, pairs...) }

// blank is a page with what every page has.
func (v *visit) blank(title, place string, parts any) *page {
	p := &page{W: v.words(), Style: v.c.render.style, Title: title, Place: place, Me: v.session.Who.Name, Authority: v.c.Authority, Parts: parts}
	if key := v.r.URL.Query().Get("done"); key != "" && v.words().Has("done."+key) {
		p.Done = v.say("done." + key)
	}
	role := v.actor().Role
	if role == parents.Child {
		p.Own = v.c.Ask + mePath
	}
	if v.session.ID == "" || strings.HasPrefix(v.r.URL.Path, "/setup") {
		return p
	}
	if role != parents.Child {
		p.Nav = []tab{{"/", v.say("nav.today"), "home", "today"}, {"/devices", v.say("nav.devices"), "device", "devices"}}
	}
	if role >= parents.Parent {
		p.Nav = append(p.Nav, tab{"/activity", v.say("nav.activity"), "chart", "activity"}, tab{"/household", v.say("nav.household"), "people", "household"})
	}
	p.Nav = append(p.Nav, tab{"/account", v.say("nav.account"), "key", "account"})
	return p
}

// show sends a page.
func (v *visit) show(name string, p *page) error { return v.send(http.StatusOK, name, p) }

// send renders a page. Nothing is sent before all of it stands.
func (v *visit) send(status int, name string, p *page) error {
	text, err := v.rendered(name, p)
	if err == nil {
		v.write(status, p, text)
	}
	return err
}

func (v *visit) rendered(name string, p *page) ([]byte, error) {
	var text bytes.Buffer
	if err := v.c.render.pages[name].ExecuteTemplate(&text, layout, p); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return text.Bytes(), nil
}

func (v *visit) write(status int, p *page, text []byte) {
	portal.Send(v.w, v.r, status, p.W.Language, 0, text)
}

// problem is the page of what did not work.
func (v *visit) problem(status int, text string) error {
	p := v.blank(v.say("problem.title"), "", nil)
	p.Wrong = text
	return v.send(status, "problem", p)
}

// again shows a page once more, with what was wrong with a form of it and with what was typed there. Where somebody else
// was faster, the form is as they left it: who sends it again sees what they overwrite.
func (v *visit) again(name string, p *page, err error) error {
	told := v.told(err)
	p.Wrong = told.text
	text, err := v.rendered(name, p)
	if err != nil {
		return err
	}
	if v.r.Method == http.MethodPost && told.status != http.StatusConflict {
		if text, err = refill(text, v.r.URL.Path, v.r.PostForm, told.fields); err != nil {
			return err
		}
	}
	v.write(told.status, p, text)
	return nil
}

// files are what pages and browsers fetch beside the pages, with their media types. The worker shows messages.
var files = map[string]string{"manifest.webmanifest": "application/manifest+json", "worker.js": "text/javascript"}

// file serves one of them.
func file(name, kind string) http.HandlerFunc {
	text, _ := pageFiles.ReadFile("pages/" + name) // it is part of the program
	return fixed(kind, func() []byte { return text })
}

// fixed serves what stays the same.
func fixed(kind string, file func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Length", strconv.Itoa(len(file())))
		h.Set("Cache-Control", "max-age=86400")
		_, _ = w.Write(file())
	}
}
