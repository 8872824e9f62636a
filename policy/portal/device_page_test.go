package portal

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
)

// withDesk is a home with a desk at which parents change what holds.
func withDesk(t *testing.T) (*home, *parents.Desk) {
	t.Helper()
	return withDeskOf(t, houseOptions{language: "en"})
}

func withDeskOf(t *testing.T, o houseOptions) (*home, *parents.Desk) {
	t.Helper()
	h := newHome(t, o)
	h.desk = h.Desk
	return h, h.Desk
}

// submit sends a form as a browser of the device does; from is the page that it stood on.
func (h *home) submit(addr, path, from string, values url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://ask."+own+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", from)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(addr), 40000).String()
	w := httptest.NewRecorder()
	h.Landing().ServeHTTP(w, r)
	return w
}

const ourPage = "http://ask." + own

// TestEnrolPage: a device that is not known enrols itself with a code, without a script, and no other site can do it.
func TestEnrolPage(t *testing.T) {
	h, desk := withDesk(t)
	code, err := desk.Invite(t.Context(), parents.Who{Actor: machine}, parents.Assignment{Members: []string{"Tom"}}, "tom-laptop")
	if err != nil {
		t.Fatal(err)
	}
	page := h.getPath(guest, "ask."+own, devicePath+"?code="+code.Code).Body.String()
	for _, want := range []string{`<form class="card" method="post" action="/device">`, `value="` + code.Code + `"`, "Add this device"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<script") {
		t.Error("the page needs a script")
	}
	if start := h.get(guest, own).Body.String(); !strings.Contains(start, "http://ask."+own+"/device") {
		t.Error("the start page does not offer it to a device that is not known")
	}
	typed := url.Values{"code": {strings.ToLower(code.Code)}}
	if w := h.submit(guest, devicePath, "http://evil.example", typed); w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := h.submit(guest, devicePath, ourPage, url.Values{"code": {"AAAA-AAAA"}}); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "This code is not good") {
		t.Errorf("a wrong code: %d", w.Code)
	}
	if w := h.submit(stranger, devicePath, ourPage, typed); w.Code != http.StatusForbidden {
		t.Errorf("from no household's network: %d", w.Code)
	}
	if w := h.submit(guest, devicePath, ourPage, typed); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "as tom-laptop") {
		t.Errorf("the right code: %d\n%s", w.Code, w.Body)
	}
	if body := h.getPath(guest, "ask."+own, devicePath).Body.String(); !strings.Contains(body, "known already, as tom-laptop") {
		t.Error("the device is not known after it")
	}
	for range 20 {
		h.submit("10.0.0.78", devicePath, ourPage, url.Values{"code": {"AAAA-AAAA"}})
	}
	if w := h.submit("10.0.0.78", devicePath, ourPage, typed); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "Too many wrong codes") {
		t.Errorf("after many wrong codes: %d", w.Code)
	}
}

// TestWhoPage: on a shared device people say by PIN who they are, and that they are done; elsewhere nobody has to.
func TestWhoPage(t *testing.T) {
	h, desk := withDesk(t)
	if body := h.getPath(tablet, "ask."+own, whoPath).Body.String(); strings.Contains(body, "<form") {
		t.Error("a form where nobody has a PIN")
	}
	if err := desk.SetPIN(t.Context(), parents.Who{Actor: machine, Member: "Tom"}, "8305"); err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{tablet: true, tom: false, guest: false, stranger: false} {
		if got := strings.Contains(h.getPath(addr, "ask."+own, whoPath).Body.String(), "<form"); got != want {
			t.Errorf("%s sees a form: %v", addr, got)
		}
	}
	body := h.getPath(tablet, "ask."+own, whoPath).Body.String()
	if !strings.Contains(body, `<option value="Tom">`) || strings.Contains(body, "Mia") || !strings.Contains(body, `type="password" inputmode="numeric"`) {
		t.Errorf("the form:\n%s", body)
	}
	ask := url.Values{"member": {"Tom"}, "pin": {"8306"}, "minutes": {"30"}}
	if w := h.submit(tablet, whoPath, ourPage, ask); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "do not fit") || strings.Contains(w.Body.String(), "8306") {
		t.Errorf("a wrong PIN: %d", w.Code)
	}
	ask.Set("pin", "8305")
	if w := h.submit(tom, whoPath, ourPage, ask); strings.Contains(w.Body.String(), "the rules of Tom") {
		t.Error("used on a device that is not shared")
	}
	if w := h.submit(tablet, whoPath, ourPage, ask); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "the rules of Tom hold here") {
		t.Errorf("the right PIN: %d\n%s", w.Code, w.Body)
	}
	if body = h.getPath(tablet, "ask."+own, whoPath).Body.String(); !strings.Contains(body, "I am done") || !strings.Contains(body, "<bdi>Tom</bdi>") {
		t.Error("the page does not say who uses it")
	}
	if w := h.submit(tablet, whoPath, ourPage, url.Values{"leave": {"yes"}}); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "That is me") {
		t.Errorf("left: %d", w.Code)
	}
	if w := h.submit(tablet, "/", ourPage, ask); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("a form to another page: %d", w.Code)
	}
}

// TestLogBanner: whoever has a log that a parent asked for sees so on every page from then on, before it begins too, and
// nobody else sees it.
func TestLogBanner(t *testing.T) {
	h, desk := withDesk(t)
	for name, full := range map[string]bool{"Mia": true, "Tom": false} {
		if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: name}, parents.Diary{Full: full, For: "3d"}); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(addr, want string) {
		t.Helper()
		for _, at := range [][2]string{{"ask." + own, "/"}, {"naked.example", "/"}, {"harm.example", "/"}, {own, "/"}, {"ask." + own, whoPath}} {
			body := h.getPath(addr, at[0], at[1]).Body.String()
			if got := strings.Contains(body, "A parent has asked to read"); got != (want != "") || !strings.Contains(body, want) {
				t.Errorf("%s at %s%s: a banner is %v, want %q", addr, at[0], at[1], got, want)
			}
		}
	}
	shows(mia, "the names of all sites that you open")
	shows(tom, "the names of sites that are blocked for you")
	for _, addr := range []string{leo, anna, tablet, guest, stranger} {
		shows(addr, "")
	}
	if _, err := desk.Diary(t.Context(), parents.Who{Actor: machine, Member: "Mia"}, parents.Diary{Off: true}); err != nil {
		t.Fatal(err)
	}
	shows(mia, "")
}
