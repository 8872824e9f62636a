package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hearthdns/hearth/policy/parents"
)

// TestRefusedForms: a form that is refused says why in the language of the page, and keeps what was typed but PINs.
func TestRefusedForms(t *testing.T) {
	for _, language := range []string{"de", "ar"} {
		t.Run(language, func(t *testing.T) {
			h, desk := withDeskOf(t, houseOptions{language: language})
			if err := desk.SetPIN(t.Context(), parents.Who{Actor: machine, Member: "Tom"}, "8305"); err != nil {
				t.Fatal(err)
			}
			said := &wordings.In(language).Pages
			for _, c := range []struct {
				addr, path string
				form       url.Values
				want       []string
			}{
				{guest, devicePath, url.Values{"code": {"AAAA-AAAA"}}, []string{said.Device.Wrong, `value="AAAA-AAAA"`}},
				{tablet, whoPath, url.Values{"member": {"Tom"}, "pin": {"8306"}, "minutes": {"120"}}, []string{said.Who.Wrong, `<option value="Tom" selected>`, `<option value="120" selected>`}},
			} {
				w := h.submit(c.addr, c.path, ourPage, c.form)
				refusedWith(t, w, append(c.want, `role="alert"`)...)
				if strings.Contains(w.Body.String(), "8306") {
					t.Errorf("%s shows a PIN", c.path)
				}
			}
		})
	}
}

func refusedWith(t *testing.T, w *httptest.ResponseRecorder, want ...string) {
	t.Helper()
	if w.Code != http.StatusBadRequest {
		t.Errorf("answered with %d", w.Code)
	}
	for _, text := range want {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page lacks %q:\n%s", text, w.Body)
		}
	}
}
