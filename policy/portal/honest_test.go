package portal

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyPagesGetAPage(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	const firefox = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	tests := []struct {
		name   string
		fields []string
		status int
	}{
		{"a document", []string{"Sec-Fetch-Dest: document"}, http.StatusForbidden},
		{"a document of a browser that does not say so over plain HTTP", []string{firefox}, http.StatusForbidden},
		{"curl", []string{"Accept: */*", "User-Agent: curl/8.14.1"}, http.StatusForbidden},
		{"a client that says nothing", []string{"Accept: ", "User-Agent: "}, http.StatusForbidden},
		{"an image", []string{"Sec-Fetch-Dest: image"}, http.StatusNoContent},
		{"a script", []string{"Sec-Fetch-Dest: script", "Accept: */*"}, http.StatusNoContent},
		{"a frame", []string{"Sec-Fetch-Dest: iframe"}, http.StatusNoContent},
		{"a background request", []string{"Sec-Fetch-Dest: empty"}, http.StatusNoContent},
		{"an image over plain HTTP", []string{"Accept: image/avif,image/webp,image/*,*/*;q=0.8", firefox}, http.StatusNoContent},
		{"a style sheet over plain HTTP", []string{"Accept: text/css,*/*;q=0.1", firefox}, http.StatusNoContent},
		{"a script over plain HTTP", []string{"Accept: */*", firefox, "Referer: http://page.example/"}, http.StatusNoContent},
		{"a background request over plain HTTP", []string{"Accept: */*", "Origin: http://page.example"}, http.StatusNoContent},
		{"a program's data", []string{"Accept: application/json"}, http.StatusNoContent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := h.get(tom, "naked.example", tt.fields...)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if tt.status == http.StatusNoContent && w.Body.Len() > 0 {
				t.Errorf("the answer is not empty: %q", w.Body)
			}
			checkFields(t, w.Header())
		})
	}
}

func TestThisHostIsNotThem(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	for _, tt := range []struct{ host, path string }{
		{"naked.example", "/generate_204"}, {"connectivitycheck.example", "/"}, {"captive.apple.com", "/"},
		{"naked.example", "/hotspot-detect.html"}, {"www.msftconnecttest.com", "/redirect"}, {"naked.example", "/ncsi.txt"},
		{"naked.example", "/.well-known/acme-challenge/token"}, {"naked.example", "/.well-known/pki-validation/x.txt"},
		{"ocsp.naked.example", "/MFMwUTBPME0wSzAJBgUrDgMCGgUABBR"}, {"crl3.naked.example", "/x"}, {"naked.example", "/ca/root.CRL"},
		{"detectportal.firefox.com", "/success.txt"},
	} {
		w := h.getPath(tom, tt.host, tt.path)
		if w.Code != http.StatusNotFound || w.Body.Len() > 0 {
			t.Errorf("%s%s: status %d with %d octets, want 404 with none", tt.host, tt.path, w.Code, w.Body.Len())
		}
		checkFields(t, w.Header())
	}
	for _, host := range []string{"crlotto.example", "ocspicy.example"} {
		if probed(host, "/") {
			t.Errorf("%s is taken for a certificate status server", host)
		}
	}
}

func TestMethods(t *testing.T) {
	h := newHome(t, houseOptions{language: "en"})
	for method, status := range map[string]int{
		http.MethodGet: http.StatusForbidden, http.MethodHead: http.StatusForbidden,
		http.MethodPost: http.StatusMethodNotAllowed, http.MethodPut: http.StatusMethodNotAllowed,
		http.MethodOptions: http.StatusMethodNotAllowed, http.MethodConnect: http.StatusMethodNotAllowed, "BREW": http.StatusMethodNotAllowed,
	} {
		r := httptest.NewRequest(method, "http://naked.example/", strings.NewReader("x=1"))
		r.RemoteAddr = tom + ":1"
		w := httptest.NewRecorder()
		h.Landing().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: status %d, want %d", method, w.Code, status)
		}
		if method != http.MethodGet && w.Body.Len() > 0 {
			t.Errorf("%s: the answer has a body", method)
		}
		checkFields(t, w.Header())
	}
}
