package portal

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// chainFor is how long a block that was decided over a name's chain speaks for the name: as long as browsers keep
// an address.
const chainFor = time.Minute

// Landing is the server at the landing address, for plain HTTP: the page of a blocked name, the pages beneath the
// own name, nothing at all for what is not a page. It reads the client's address, the Host field and a few
// fields that tell what the browser waits for.
func (p *Portal) Landing() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.render.harden(w.Header())
		host := parseHost(r.Host)
		if p.submitted(w, r, host) {
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if p.download(w, r, host) || p.installed(w, r, host) || p.listens(w, r, host) {
			return
		}
		switch {
		case probed(host.text, r.URL.Path):
			w.WriteHeader(http.StatusNotFound)
			return
		case !wantsPage(r):
			w.WriteHeader(http.StatusNoContent)
			return
		}
		v := p.visit(r, host)
		status, page := p.choose(v, r)
		page.addLog(v)
		p.addLists(r.Context(), page)
		if err := p.render.write(w, r, status, page); err != nil {
			p.log.Warn("landing page", slog.Any("error", err))
		}
	})
}

// choose picks the page.
func (p *Portal) choose(v *visit, r *http.Request) (int, *view) {
	path := r.URL.Path
	switch {
	case v.host.name == nil:
		return http.StatusOK, p.hello(v)
	case slices.Equal(v.host.name, p.own):
		return p.whole(path, v, p.home)
	case slices.Equal(v.host.name, p.ask) && path == mePath:
		return p.me(v, r)
	case slices.Equal(v.host.name, p.ask) && path == enrolPath:
		return p.enrol(v)
	case slices.Equal(v.host.name, p.ask) && p.desk != nil && (path == devicePath || path == whoPath || path == continuePath):
		return p.forms(v, r)
	case slices.Equal(v.host.name, p.ask):
		return p.asked(v, r)
	case v.profile == nil:
		return http.StatusOK, p.hello(v)
	}
	return p.judge(v)
}

// asked is a page of ask.<name> about what is asked for, or the list of what was blocked.
func (p *Portal) asked(v *visit, r *http.Request) (int, *view) {
	path, name := r.URL.Path, r.URL.Query().Get("name")
	number, outcome := strings.CutPrefix(path, outcomePath+"/")
	id, _, request := requestOf(path)
	switch {
	case p.desk != nil && path == requestPath:
		return p.wishing(v, name)
	case p.desk != nil && request:
		return p.request(v, id)
	case path == mistakePath:
		return p.mistaken(v, name)
	case path == badPath:
		return p.bad(v, name)
	case p.tickets != nil && outcome:
		return p.outcome(v, number)
	}
	return p.whole(path, v, p.lastBlocks)
}

// whole answers for a host of ours, which has the one page.
func (p *Portal) whole(path string, v *visit, page func(*visit) *view) (int, *view) {
	if path == "/" || path == "" {
		return http.StatusOK, page(v)
	}
	return http.StatusNotFound, p.missing(v)
}

// judge asks the policy about the name, exactly as the resolver does.
func (p *Portal) judge(v *visit) (int, *view) {
	var hashes blocklists.Hashes
	q, d := p.ruling(v, &hashes)
	if d.Blocks() {
		page := p.blocked(v, v.cause(q.Match.Categories, d))
		if page.Facts != nil { // neither the law's page nor that of help
			page.GoOn = p.goOn(v, v.host.text, d)
			page.addButtons(v, p.buttons(v, v.host.text))
		}
		return http.StatusForbidden, page
	}
	if p.beneath(v.host.name) {
		if c, ok := q.Match.Categories.First(); ok {
			return http.StatusOK, p.allowed(v, c)
		}
		return http.StatusNotFound, p.missing(v)
	}
	return http.StatusOK, p.neutral(v)
}

// beneath tells whether the name lies under the own one.
func (p *Portal) beneath(name blocklists.Name) bool {
	at := len(name) - len(p.own)
	if at <= 0 || !slices.Equal(name[at:], p.own) {
		return false
	}
	for i := 0; i <= at; i += int(name[i]) + 1 { // at a boundary of labels
		if i == at {
			return true
		}
	}
	return false
}
