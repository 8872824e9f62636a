package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rsc.io/qr"

	"github.com/hearthdns/hearth/policy"
)

// Where ask.<name> tells a device its own settings.
const (
	enrolPath   = "/enrol"
	profilePath = "/enrol/hearth.mobileconfig"
	caPath      = "/enrol/ca.crt"
)

// guide is one step on the page of settings.
type guide struct {
	Title   string
	Text    []string
	Code    []string // what to enter, one a line
	Picture *picture
	Link    *link
}

// picture is a QR code (ISO/IEC 18004) as an outline of its dark squares.
type picture struct {
	Label string
	Size  int // squares a side, with the quiet zone
	Path  string
}

// enrol is ask.<name>/enrol: what the device that asks is set to. It shows the id of that device and of no other.
func (p *Portal) enrol(v *visit) (int, *view) {
	said := &v.words.Pages.Enrol
	page := base(v, day, said.Title, nil)
	page.Links = []link{{p.url(v, ""), v.words.Label.Start}}
	switch device := asking(v); {
	case p.enrolment == nil:
		return http.StatusNotFound, p.missing(v)
	case !p.enrolment.encrypted(): // the console alone has a certificate
		page.Title = said.Authority
		page.Guides = p.trust(v, p.enrolment.Name)
	case device == nil:
		page.Lead = []string{v.words.Unknown, fill(v.words.Label.UnknownHelp, map[string]string{"address": v.addr.String()})}
	case device.ID == "":
		page.Lead = said.Without
	default:
		page.Lead = []string{said.Lead}
		page.Notice = []string{said.Secret}
		if p.enrolment.homeOnly() {
			page.Notice = append(page.Notice, said.HomeOnly)
		}
		page.Facts = []fact{{Label: v.words.Label.For, Value: v.name(), Note: device.Name}}
		page.Guides = p.guides(v, p.enrolment.settings(device.ID))
	}
	return http.StatusOK, page
}

// asking is the device that asks, nil for one that is not known.
func asking(v *visit) *policy.Device {
	if v.client.Status != policy.Known {
		return nil
	}
	return v.client.Device
}

// trust is the step by which a device comes to trust this server; none where others vouch for it.
func (p *Portal) trust(v *visit, name string) []guide {
	a, said := p.enrolment.Authority, &v.words.Pages.Enrol
	if a == nil {
		return nil
	}
	return []guide{{
		Title: said.Authority, Text: fillAll(said.AuthorityText, map[string]string{"name": name}),
		Code: []string{a.Fingerprint}, Link: &link{p.askURL(v, caPath), said.AuthorityLink},
	}}
}

func (p *Portal) guides(v *visit, s Settings) []guide {
	said := &v.words.Pages.Enrol
	all := p.trust(v, s.Name)
	android := guide{Title: said.Android, Text: []string{said.AndroidText}, Code: []string{s.Android}}
	if s.Android == "" {
		problem := map[string]string{androidAuthority: said.AndroidAuthority, androidPort: said.AndroidPort, androidNames: said.AndroidNames}
		android.Text, android.Code = []string{problem[s.AndroidProblem]}, nil
	} else {
		android.Picture = outline(s.Android)
	}
	all = append(all, android)
	if p.enrolment.profile("x") != nil {
		apple := guide{Title: said.Apple, Text: []string{said.AppleText}, Link: &link{p.askURL(v, profilePath), said.AppleLink}}
		if p.enrolment.Authority != nil {
			apple.Text = append(apple.Text, said.AppleTrust)
		}
		all = append(all, apple)
	}
	if s.HTTPS != "" {
		web := guide{Title: said.Web, Text: []string{said.WebText}, Code: []string{s.HTTPS}}
		if s.Android == "" {
			web.Picture = outline(s.HTTPS)
		}
		all = append(all, web)
	}
	other := guide{Title: said.Other}
	for _, server := range []struct{ what, where string }{{"DNS over TLS", s.TLS}, {"DNS over QUIC", s.QUIC}} {
		if server.where != "" {
			other.Code = append(other.Code, server.what+": "+server.where)
		}
	}
	if len(other.Code) > 0 {
		all = append(all, other)
	}
	return all
}

// quiet is how many light squares stand around a QR code.
const quiet = 4

// outline draws text as a QR code; nil for what does not fit into one.
func outline(text string) *picture {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	return &picture{Label: text, Size: code.Size + 2*quiet, Path: path.String()}
}

// download answers for the two files beside the page, and says whether it did. A profile is for the device that
// asks, as the page is; the authority is no secret, because every handshake shows it.
func (p *Portal) download(w http.ResponseWriter, r *http.Request, host asked) bool {
	if p.enrolment == nil || !slices.Equal(host.name, p.ask) {
		return false
	}
	switch r.URL.Path {
	case caPath:
		if p.enrolment.Authority == nil {
			return false
		}
		w.Header().Set("Content-Disposition", `attachment; filename="hearth-ca.crt"`)
		send(w, "application/x-x509-ca-cert", p.enrolment.Authority.DER)
		return true
	case profilePath:
		v := p.visit(r, host)
		device := asking(v)
		if device == nil || device.ID == "" {
			return false
		}
		file := p.enrolment.profile(device.ID)
		if file == nil {
			return false
		}
		send(w, "application/x-apple-aspen-config", file)
		return true
	}
	return false
}

func send(w http.ResponseWriter, kind string, file []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	_, _ = w.Write(file)
}
