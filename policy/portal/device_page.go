package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// Where ask.<name> lets a device that is not known enrol itself, and people say who uses a shared one. All forms work
// without a script; the desk bounds the tries.
const (
	devicePath = "/device"
	whoPath    = "/who"
)

// maxForm bounds what a form sends, in octets.
const maxForm = 4 << 10

// form is a form of a page.
type form struct {
	Action string
	Fields []field
	Button string
	Note   string // what whoever presses the button must know first
	Quiet  bool   // it is not what the page is for
}

// field is one field of a form: of text, or with Options one of those.
type field struct {
	Name, Label, Value string // with Options the one that is chosen
	Secret             bool   // digits, not shown
	Long               bool   // a few words, or none
	Plain              bool   // of any case, such as the name of a site
	Options            []option
}

type option struct{ Value, Text string }

// refill puts back what was typed, or chosen, into a form that was refused; digits that are not shown stay out.
func (f *form) refill(typed url.Values) {
	for i := range f.Fields {
		if one := &f.Fields[i]; one.Label != "" && !one.Secret {
			one.Value = typed.Get(one.Name)
		}
	}
}

// submitted answers a form of ours, and says whether the request was one.
func (p *Portal) submitted(w http.ResponseWriter, r *http.Request, host asked) bool {
	answer := p.answers(r.URL.Path)
	if r.Method != http.MethodPost || answer == nil || !slices.Equal(host.name, p.ask) {
		return false
	}
	// A page of another site must not fill a form in for whoever reads it.
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return true
	}
	v := p.visit(r, host)
	status, page := answer(v, r)
	if page.Goto != "" {
		w.Header().Set("Location", page.Goto)
		w.WriteHeader(status)
		return true
	}
	if status >= http.StatusBadRequest && page.Form != nil {
		page.Form.refill(r.PostForm)
	}
	page.addLog(v)
	if err := p.render.write(w, r, status, page); err != nil {
		p.log.Warn("page of a form", "error", err)
	}
	return true
}

// answers gives what takes the form that a path is for, nil for none.
func (p *Portal) answers(path string) func(*visit, *http.Request) (int, *view) {
	if answer := map[string]func(*visit, *http.Request) (int, *view){mistakePath: p.appeal, badPath: p.report}[path]; answer != nil {
		return answer
	}
	if p.desk == nil {
		return nil
	}
	return map[string]func(*visit, *http.Request) (int, *view){
		devicePath: p.redeem, whoPath: p.use, continuePath: p.pass, mePath: p.agree, requestPath: p.asks, withdrawPath: p.withdraw,
	}[path]
}

// forms are the pages of the forms.
func (p *Portal) forms(v *visit, r *http.Request) (int, *view) {
	switch r.URL.Path {
	case whoPath:
		return p.who(v)
	case continuePath:
		return p.warned(v, r.URL.Query().Get("name"))
	}
	return p.addition(v, r.URL.Query().Get("code"))
}

// addition offers a device that is not known to enrol itself.
func (p *Portal) addition(v *visit, code string) (int, *view) {
	said := &v.words.Pages.Device
	switch {
	case v.client.Status == policy.Known:
		page := base(v, day, said.Title, fillAll(said.Known, map[string]string{"device": p.called(v)}))
		page.Links = p.ownLinks(v)
		return http.StatusOK, page
	case v.client.Status != policy.Guest:
		return http.StatusForbidden, p.hello(v)
	}
	page := base(v, day, said.Title, said.Lead)
	page.Form = &form{Action: devicePath, Button: said.Button, Fields: []field{{Name: "code", Label: said.Code, Value: short(code)}}}
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// short keeps what a link says from filling a page.
func short(code string) string {
	const most = 16
	if len(code) > most {
		return ""
	}
	return code
}

// called is the name of the device that asks.
func (p *Portal) called(v *visit) string {
	if v.client.Device == nil {
		return v.words.ThisDevice
	}
	return v.client.Device.Name
}

// redeem enrols the device that asks with the code that was typed.
func (p *Portal) redeem(v *visit, r *http.Request) (int, *view) {
	said := &v.words.Pages.Device
	device, err := p.desk.Redeem(r.Context(), r.PostForm.Get("code"), v.addr)
	if err != nil {
		status, page := p.addition(v, "")
		if e := asParents(err); e == nil {
			return http.StatusInternalServerError, trouble(page, said.Trouble)
		} else if status == http.StatusOK {
			status = StatusOf(e)
		}
		return status, trouble(page, choice(err, said.Wrong, said.Wait))
	}
	page := base(v, day, said.Title, fillAll(said.Done, map[string]string{"device": device.Name}))
	if len(device.Members) > 0 {
		page.Facts = []fact{{Label: v.words.Label.For, Value: strings.Join(device.Members, ", "), Note: device.Name}}
	}
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// trouble puts a word about what went wrong before everything else of a page.
func trouble(page *view, text string) *view {
	page.Lead, page.Trouble = []string{text}, true
	return page
}

// choice picks the words for a try that did not succeed.
func choice(err error, wrong, wait string) string {
	if e := asParents(err); e != nil && e.Reason == parents.Wait {
		return wait
	}
	return wrong
}

// who lets people say that they use a shared device.
func (p *Portal) who(v *visit) (int, *view) {
	said := &v.words.Pages.Who
	users := p.users(v)
	page := base(v, day, said.Title, said.Lead)
	page.Links = p.ownLinks(v)
	if len(users) == 0 {
		page.Lead = said.Without
		return http.StatusOK, page
	}
	if v.client.Member != nil {
		page.Facts = []fact{{Label: v.words.Label.For, Value: v.client.Member.Name}}
		page.Form = &form{Action: whoPath, Button: said.Leave, Fields: []field{{Name: "leave", Value: "yes"}}}
		return http.StatusOK, page
	}
	names := field{Name: "member", Label: said.Name}
	for _, name := range users {
		names.Options = append(names.Options, option{name, name})
	}
	long := field{Name: "minutes", Label: said.For}
	for _, n := range []int{30, 60, 120} {
		long.Options = append(long.Options, option{strconv.Itoa(n), said.Minutes.For(n)})
	}
	page.Form = &form{Action: whoPath, Button: said.Button, Fields: []field{names, {Name: "pin", Label: said.PIN, Secret: true}, long}}
	return http.StatusOK, page
}

// users are the people who may say that they use the device that asks.
func (p *Portal) users(v *visit) []string {
	if p.desk == nil || v.client.Status != policy.Known || v.client.Device == nil {
		return nil
	}
	return p.desk.Users(v.client.Household.ID, v.client.Device.Name)
}

// use has somebody use the device that asks, or leave it.
func (p *Portal) use(v *visit, r *http.Request) (int, *view) {
	said := &v.words.Pages.Who
	if len(p.users(v)) == 0 {
		return p.who(v)
	}
	household, device := v.client.Household.ID, v.client.Device.Name
	get := r.PostForm.Get
	if get("leave") != "" {
		err := p.desk.Leave(r.Context(), household, device)
		v = p.visit(r, v.host)
		status, page := p.who(v)
		if err != nil && asParents(err) == nil {
			return http.StatusInternalServerError, trouble(page, said.Trouble)
		}
		return status, page
	}
	minutes, _ := strconv.Atoi(get("minutes")) // what is no number is none of those that may be
	act, err := p.desk.Use(r.Context(), household, device, get("member"), get("pin"), minutes)
	if err != nil {
		_, page := p.who(v)
		if e := asParents(err); e != nil {
			return StatusOf(e), trouble(page, choice(err, said.Wrong, said.Wait))
		}
		return http.StatusInternalServerError, trouble(page, said.Trouble)
	}
	page := base(v, day, said.Title, fillAll(said.Done, map[string]string{"name": act.Member, "until": clockText(v.words, act.Until, v.now.Truncate(time.Second))}))
	page.Links = p.ownLinks(v)
	return http.StatusOK, page
}

// deskLinks lead to the forms that are for whoever reads the page.
func (p *Portal) deskLinks(v *visit) []link {
	switch {
	case p.desk == nil:
	case v.client.Status == policy.Guest:
		return []link{{p.askURL(v, devicePath), v.words.Pages.Device.Link}}
	case len(p.users(v)) > 0:
		return []link{{p.askURL(v, whoPath), v.words.Pages.Who.Link}}
	}
	return nil
}

// InvitationURL is where a device of the home redeems a code.
func (p *Portal) InvitationURL(code string) string {
	port := ""
	if p.port != "" && p.port != "80" {
		port = ":" + p.port
	}
	return "http://ask." + strings.TrimSuffix(p.own.String(), ".") + port + devicePath + "?code=" + code
}
