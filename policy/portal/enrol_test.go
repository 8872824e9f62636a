package portal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy"
)

const (
	tomID  = "ujzdegxdncf32epf3dhodzdoca"
	annaID = "is2jhtlgmxgedn73u55xtplpfa"
)

// tomAndAnna have ids; Leo's laptop has none.
func tomAndAnna(c *policy.Config) {
	for i, d := range c.Households[0].Devices {
		switch d.Name {
		case "tom-phone":
			c.Households[0].Devices[i].ID = tomID
		case "anna-phone":
			c.Households[0].Devices[i].ID = annaID
		}
	}
}

func reachable() *Enrolment {
	return &Enrolment{
		Name: "dns.example.org", Addresses: []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5")},
		TLS: 853, QUIC: 8853, HTTPS: 8443, Path: "/dns-query",
	}
}

func withAuthority(e *Enrolment) *Enrolment {
	e.Authority = &Authority{DER: []byte("not a real certificate & <no text>"), Fingerprint: "AB:" + strings.Repeat("CD:", 30) + "EF", Pin: "cGlu"}
	return e
}

func enrolHome(t testing.TB, language string, e *Enrolment) *home {
	t.Helper()
	h := newHome(t, houseOptions{language: language, config: tomAndAnna})
	h.enrolment = e
	return h
}

// TestEnrolPageInEveryLanguage: the page has what a device enters, and keeps the rules of all pages.
func TestEnrolPageInEveryLanguage(t *testing.T) {
	for _, language := range policy.Languages() {
		for what, e := range map[string]*Enrolment{
			"public": reachable(), "own authority": withAuthority(reachable()),
			"at home": {Name: own, TLS: 8853, HTTPS: 443, Path: "/dns-query"}, "without names": {Name: own, TLS: 853, HTTPS: 443, Path: "/q", Devices: func() bool { return false }},
		} {
			h := enrolHome(t, language, e)
			for _, from := range []string{mia, leo, tom, anna, guest, stranger} {
				w := h.getPath(from, "ask."+own, "/enrol")
				body := w.Body.String()
				if w.Code != http.StatusOK || len(body) > maxPage {
					t.Errorf("%s, %s, %s: status %d with %d octets, want 200 and at most %d", language, what, from, w.Code, len(body), maxPage)
				}
				checkPage(t, w.Header(), body)
				if text := readable(t, body); strings.ContainsAny(text, "{}") || strings.Contains(text, "<nil>") {
					t.Errorf("%s, %s: a place was left empty: %s", language, what, text)
				}
			}
			checkPage(t, h.get(tom, own).Header(), h.get(tom, own).Body.String())
			if body := h.get(tom, own).Body.String(); !strings.Contains(body, `href="http://ask.`+own+`/enrol"`) {
				t.Errorf("%s: the start page does not lead to the settings", language)
			}
		}
	}
}

// TestEnrolShowsOwnSettings: each device sees what is its own, and nobody the id of another.
func TestEnrolShowsOwnSettings(t *testing.T) {
	h := enrolHome(t, "en", withAuthority(reachable()))
	tests := []struct {
		name, from  string
		edit        func(*Enrolment)
		want, never []string
	}{
		{"a phone with a public certificate", tom, func(e *Enrolment) { e.Authority = nil },
			[]string{"Tom", "tom-phone", "Private DNS provider hostname", tomID + ".dns.example.org", "https://dns.example.org:8443/dns-query/" + tomID,
				"DNS over TLS: " + tomID + ".dns.example.org", "DNS over QUIC: " + tomID + ".dns.example.org:8853", "belong to this device alone"},
			[]string{"at home only", "trust its certificate", "Certificate Trust"}},
		{"an authority of its own", anna, nil, []string{"AB:CD:", "Get the certificate", "dns.example.org and for addresses", "so Android cannot be set to it", "Certificate Trust Settings"},
			[]string{"Private DNS provider hostname"}},
		{"a device without an id", leo, nil, []string{"has no id", "hearth enrol --new"}, []string{"dns.example.org", "AB:CD"}},
		{"a shared tablet", tablet, nil, []string{"has no id"}, nil},
		{"an unknown device", guest, nil, []string{"not known yet", guest}, []string{"dns.example.org"}},
		{"a client of no household", stranger, nil, []string{"not known yet", stranger}, []string{"dns.example.org"}},
		{"a certificate without names of devices", tom, func(e *Enrolment) { e.Authority, e.Devices = nil, func() bool { return false } },
			[]string{"lacks the name of this device", "/dns-query/" + tomID}, []string{tomID + ".dns.example.org"}},
		{"another port", tom, func(e *Enrolment) { e.Authority, e.TLS = nil, 8854 }, []string{"port 853", ":8854"}, []string{"Private DNS provider hostname"}},
		{"an address of the home", tom, func(e *Enrolment) { e.Addresses = []netip.Addr{netip.MustParseAddr("192.168.1.2")} }, []string{"at home only"}, nil},
		{"HTTPS alone", tom, func(e *Enrolment) { e.TLS, e.QUIC, e.HTTPS = 0, 0, 443 }, []string{"https://dns.example.org/dns-query/" + tomID}, []string{"DNS over TLS:", "QUIC"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := withAuthority(reachable())
			if tt.edit != nil {
				tt.edit(e)
			}
			h.enrolment = e
			raw := h.getPath(tt.from, "ask."+own, "/enrol").Body.String()
			body := readable(t, raw)
			for _, want := range tt.want {
				if !strings.Contains(body, want) {
					t.Errorf("the page does not say %q: %s", want, body)
				}
			}
			ids := map[string]string{tomID: tom, annaID: anna}
			for id, at := range ids {
				if at != tt.from {
					tt.never = append(tt.never, id)
				}
			}
			for _, never := range tt.never {
				if strings.Contains(raw, never) {
					t.Errorf("the page says %q", never)
				}
			}
		})
	}
	// Who says in a field that he is another is not believed.
	if body := h.getPath(guest, "ask."+own, "/enrol", "X-Forwarded-For: "+anna, "Forwarded: for="+anna).Body.String(); strings.Contains(body, annaID) {
		t.Error("a field of the request opens the settings of another device")
	}
	for _, host := range []string{own, "naked.example", "192.0.2.1", "ask." + own + ".evil.example"} {
		if body := h.getPath(anna, host, "/enrol").Body.String(); strings.Contains(body, annaID) {
			t.Errorf("%s shows an id", host)
		}
		if body := h.getPath(anna, host, "/enrol/hearth.mobileconfig").Body.String(); strings.Contains(body, annaID) {
			t.Errorf("%s gives a profile", host)
		}
	}
	h.enrolment = nil
	for _, path := range []string{"/enrol", "/enrol/ca.crt", "/enrol/hearth.mobileconfig"} {
		if w := h.getPath(anna, "ask."+own, path); w.Code != http.StatusNotFound {
			t.Errorf("%s without encrypted listeners has status %d", path, w.Code)
		}
	}
}

// TestEnrolPicture: the QR code on the page is read by rules of its own: finder patterns in three corners
// (ISO/IEC 18004, 6.3.3), and light around it.
func TestEnrolPicture(t *testing.T) {
	h := enrolHome(t, "en", reachable())
	body := h.getPath(tom, "ask."+own, "/enrol").Body.String()
	svg, ok := between(body, `<svg class="qr"`, `</svg>`)
	if !ok || !strings.Contains(svg, `aria-label="QR: `+tomID+`.dns.example.org"`) {
		t.Fatalf("there is no QR code with its text beside it")
	}
	picture := outline(tomID + ".dns.example.org")
	dark := map[image.Point]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(picture.Path, -1) {
		x, y, n := number(t, run[1]), number(t, run[2]), number(t, run[3])
		for i := range n {
			dark[image.Pt(x+i, y)] = true
		}
	}
	finder := []string{"1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"}
	for _, corner := range []image.Point{{4, 4}, {picture.Size - 11, 4}, {4, picture.Size - 11}} {
		for y, row := range finder {
			for x := range row {
				if got := dark[corner.Add(image.Pt(x, y))]; got != (row[x] == '1') {
					t.Fatalf("the square %d,%d of the corner at %s is dark: %t", x, y, corner, got)
				}
			}
		}
	}
	for i := range picture.Size {
		for _, edge := range []int{0, 1, 2, 3, picture.Size - 1, picture.Size - 4} {
			if dark[image.Pt(i, edge)] || dark[image.Pt(edge, i)] {
				t.Fatal("something dark is in the quiet zone")
			}
		}
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	var n int
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// plist reads a property list as Apple's tools do: dictionaries, arrays, strings, numbers and data.
func plist(t *testing.T, text []byte) any {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local != "plist" {
			return plistValue(t, d, start)
		}
	}
}

func plistValue(t *testing.T, d *xml.Decoder, start xml.StartElement) any {
	t.Helper()
	var text strings.Builder
	members, items, key := map[string]any{}, []any{}, ""
	for {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			value := plistValue(t, d, token)
			switch {
			case start.Name.Local == "array":
				items = append(items, value)
			case token.Name.Local == "key":
				key = value.(string)
			default:
				if _, twice := members[key]; twice || key == "" {
					t.Fatalf("the key %q stands twice or is empty", key)
				}
				members[key], key = value, ""
			}
		case xml.EndElement:
			switch start.Name.Local {
			case "dict":
				return members
			case "array":
				return items
			case "data":
				raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text.String()))
				if err != nil {
					t.Fatal(err)
				}
				return raw
			case "string", "key", "integer":
				return text.String()
			}
			t.Fatalf("a property list has no <%s>", start.Name.Local)
		}
	}
}

var uuidShape = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)

func profileOf(t *testing.T, h *home, from string) (map[string]any, []byte) {
	t.Helper()
	w := h.getPath(from, "ask."+own, "/enrol/hearth.mobileconfig", "Sec-Fetch-Dest: document")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-apple-aspen-config" {
		t.Fatalf("the profile has status %d and type %q", w.Code, w.Header().Get("Content-Type"))
	}
	checkFields(t, w.Header())
	return plist(t, w.Body.Bytes()).(map[string]any), w.Body.Bytes()
}

// TestAppleProfile holds the profile to Apple's documents of Device Management: TopLevel, DNSSettings, CertificateRoot.
func TestAppleProfile(t *testing.T) {
	h := enrolHome(t, "en", withAuthority(reachable()))
	whole, raw := profileOf(t, h, tom)
	if whole["PayloadType"] != "Configuration" || whole["PayloadVersion"] != "1" || whole["PayloadIdentifier"] != "org.example.dns.hearth" || whole["PayloadDisplayName"] == "" {
		t.Errorf("the profile begins with %v", whole)
	}
	parts := whole["PayloadContent"].([]any)
	if len(parts) != 2 {
		t.Fatalf("the profile has %d parts, want the settings and the authority", len(parts))
	}
	seen := map[any]bool{whole["PayloadUUID"]: true}
	for _, each := range parts {
		part := each.(map[string]any)
		id, _ := part["PayloadUUID"].(string)
		if !uuidShape.MatchString(id) || seen[id] || part["PayloadVersion"] != "1" || part["PayloadIdentifier"] == whole["PayloadIdentifier"] {
			t.Errorf("a part has the UUID %q and the identifier %q", id, part["PayloadIdentifier"])
		}
		seen[id] = true
	}
	settings, authority := parts[0].(map[string]any), parts[1].(map[string]any)
	dns := settings["DNSSettings"].(map[string]any)
	if settings["PayloadType"] != "com.apple.dnsSettings.managed" || dns["DNSProtocol"] != "HTTPS" || dns["ServerURL"] != "https://dns.example.org:8443/dns-query/"+tomID {
		t.Errorf("the settings are %v", settings)
	}
	if _, ok := dns["ServerName"]; ok {
		t.Error("ServerName stands there, which belongs to TLS alone")
	}
	if got := dns["ServerAddresses"].([]any); len(got) != 2 || got[0] != "203.0.113.5" || got[1] != "2001:db8::5" {
		t.Errorf("the addresses are %v", got)
	}
	if authority["PayloadType"] != "com.apple.security.root" || !bytes.Equal(authority["PayloadContent"].([]byte), h.enrolment.Authority.DER) {
		t.Errorf("the authority is %v", authority)
	}
	if strings.Contains(string(raw), annaID) {
		t.Error("the profile has the id of another device")
	}
	again, _ := profileOf(t, h, tom)
	others, _ := profileOf(t, h, anna)
	if again["PayloadUUID"] != whole["PayloadUUID"] || others["PayloadUUID"] == whole["PayloadUUID"] || others["PayloadIdentifier"] != whole["PayloadIdentifier"] {
		t.Error("the UUID changes by itself, or two devices share it")
	}
	if id := whole["PayloadUUID"].(string); strings.Contains(strings.ToLower(id), tomID[:8]) {
		t.Error("the UUID tells the id")
	}

	h.enrolment = &Enrolment{Name: "dns.example.org", TLS: 853}
	overTLS, _ := profileOf(t, h, tom)
	dns = overTLS["PayloadContent"].([]any)[0].(map[string]any)["DNSSettings"].(map[string]any)
	if len(dns) != 2 || dns["DNSProtocol"] != "TLS" || dns["ServerName"] != tomID+".dns.example.org" {
		t.Errorf("over TLS the settings are %v", dns)
	}
	for what, e := range map[string]*Enrolment{"another port of TLS": {Name: "dns.example.org", TLS: 8853}, "QUIC alone": {Name: "dns.example.org", QUIC: 853}} {
		h.enrolment = e
		if w := h.getPath(tom, "ask."+own, "/enrol/hearth.mobileconfig"); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, but no Apple system can be set to it", what, w.Code)
		}
		if strings.Contains(h.getPath(tom, "ask."+own, "/enrol").Body.String(), "mobileconfig") {
			t.Errorf("%s: the page offers a profile", what)
		}
	}
	h.enrolment = reachable()
	for _, from := range []string{leo, guest, stranger, tablet} {
		if w := h.getPath(from, "ask."+own, "/enrol/hearth.mobileconfig"); w.Code != http.StatusNotFound {
			t.Errorf("%s gets a profile: status %d", from, w.Code)
		}
	}
}

func TestEnrolAuthority(t *testing.T) {
	h := enrolHome(t, "en", withAuthority(reachable()))
	w := h.getPath(stranger, "ask."+own, "/enrol/ca.crt")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/x-x509-ca-cert" || !bytes.Equal(w.Body.Bytes(), h.enrolment.Authority.DER) {
		t.Errorf("the authority has status %d, type %q and %d octets", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
	checkFields(t, w.Header())
	h.enrolment.Authority = nil
	if w := h.getPath(anna, "ask."+own, "/enrol/ca.crt"); w.Code != http.StatusNotFound {
		t.Errorf("there is no authority, and the status is %d", w.Code)
	}
}

// TestSettings: a command gets what the page shows, and errors say what to do.
func TestSettings(t *testing.T) {
	h := enrolHome(t, "en", withAuthority(reachable()))
	s, err := h.Settings("family/tom-phone")
	if err != nil {
		t.Fatal(err)
	}
	if s.Device != "family/tom-phone" || s.HTTPS != "https://dns.example.org:8443/dns-query/"+tomID || s.TLS != tomID+".dns.example.org" ||
		s.QUIC != tomID+".dns.example.org:8853" || s.AndroidProblem != "authority" || s.Page != "http://ask."+own+"/enrol" ||
		!strings.HasPrefix(s.Authority, "-----BEGIN CERTIFICATE-----\n") || s.Fingerprint == "" || s.Pin != "cGlu" || s.HomeOnly {
		t.Errorf("the settings are %+v", s)
	}
	all, err := h.Settings("")
	if body := fmt.Sprintf("%+v", all); err != nil || strings.Contains(body, tomID) || all.HTTPS != "https://dns.example.org:8443/dns-query" {
		t.Errorf("what holds for all: %s, %v", body, err)
	}
	for device, want := range map[string]string{"leo-laptop": "hearth enrol --new", "nobody": "household/device"} {
		if _, err = h.Settings(device); !errors.As(err, new(*QueryError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", device, err)
		}
	}
	h.enrolment = nil
	if _, err = h.Settings(""); !errors.Is(err, ErrNotEncrypted) || !strings.Contains(err.Error(), "protocol: tls") {
		t.Errorf("without encrypted listeners: %v", err)
	}
}

// TestEnrolOfConsoleAlone: where the console alone has a certificate, everybody can get it at the ask page, and is shown
// nothing to enter; nobody is told of encrypted DNS.
func TestEnrolOfConsoleAlone(t *testing.T) {
	h := enrolHome(t, "en", withAuthority(&Enrolment{Name: "dns.example.org"}))
	for _, from := range []string{tom, guest, stranger} {
		w := h.getPath(from, "ask."+own, "/enrol")
		if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, "Get the certificate") || strings.Contains(page, "Android") || strings.Contains(page, tomID) {
			t.Errorf("%s: %d\n%s", from, w.Code, page)
		}
		checkPage(t, w.Header(), w.Body.String())
	}
	if page := h.get(tom, own).Body.String(); strings.Contains(page, "/enrol\"") {
		t.Errorf("the start page leads to settings that there are not:\n%s", page)
	}
	if got := h.enrolment.profile(tomID); got != nil {
		t.Errorf("a profile of nothing: %s", got)
	}
}
