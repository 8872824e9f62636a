package source

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"encoding/pem"
)

// TestLegalURL: a contracted server that wants a token, through good times and bad.
func TestLegalURL(t *testing.T) {
	var answer atomic.Pointer[http.HandlerFunc]
	set := func(f http.HandlerFunc) { answer.Store(&f) }
	var conditional atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret-token" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if r.Header.Get("If-None-Match") == `"7"` {
			conditional.Add(1)
		}
		(*answer.Load())(w, r)
	}))
	defer server.Close()
	list := func(text, tag string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") == tag {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("ETag", tag)
			_, _ = w.Write([]byte(text))
		}
	}
	set(list("one-order.example\ntwo-order.example\n", `"7"`))
	dir := t.TempDir()
	h := newLegalHouse(t, "", func(s *Source) {
		s.Path, s.URL, s.Private = "", server.URL+"/feed", true
		s.TokenFile = write(t, filepath.Join(dir, "token"), "secret-token\n")
		s.CAFile = write(t, filepath.Join(dir, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	})
	if r := h.update(); r.Status != Updated || r.Names != 2 {
		t.Fatalf("%+v", r)
	}
	ix := h.inForce()
	h.blocks(ix, "one-order.example", "two-order.example")
	if r := h.update("court"); r.Status != Unchanged || conditional.Load() != 1 {
		t.Errorf("asked again: %+v, %d conditional requests", r, conditional.Load())
	}
	for why, bad := range map[string]http.HandlerFunc{
		"500":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"empty":           func(http.ResponseWriter, *http.Request) {},
		"web page":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>one-order.example</html>")) },
		"a JSON document": typed("text/plain", `["one-order.example", "two-order.example"]`),
		"gone":            list("three-order.example\n", `"9"`),
		"broke off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("one-order.example\n"))
		},
	} {
		set(bad)
		if r := h.update("court"); !strings.Contains(r.Why, why) || r.Names != 2 {
			t.Errorf("%s: %+v", why, r)
		}
		h.blocks(h.inForce(), "one-order.example", "two-order.example")
	}
	h.reopen()
	h.blocks(h.inForce(), "one-order.example", "two-order.example")
	set(list("one-order.example\ntwo-order.example\nthree-order.example\n", `"8"`))
	if r := h.update("court"); r.Status != Updated || r.Names != 3 {
		t.Errorf("%+v", r)
	}
	h.blocks(h.inForce(), "three-order.example")
	h.wantSecret("one-order.example", "two-order.example", "three-order.example")
	h.clock.now = h.clock.now.Add(25 * time.Hour)
	if r := h.update(); r.Status != Unchanged {
		t.Errorf("a day later: %+v", r)
	}
}

// TestLegalErrorsAreDiscreet: of an error only those words stay that the configuration has too.
func TestLegalErrorsAreDiscreet(t *testing.T) {
	s := Source{URL: "https://feeds.provider.example/list", Path: "", Zone: Zone{Name: "rpz.provider.example", TSIG: TSIG{Name: "hearth-key.example"},
		Primaries: []string{"192.0.2.1:53"}}}
	for text, want := range map[string]string{
		"the record bad-order.example. lies outside of the zone rpz.provider.example": "the record (not shown) lies outside of the zone rpz.provider.example",
		"192.0.2.1:53: TSIG: the primary refused the key hearth-key.example.":         "192.0.2.1:53: TSIG: the primary refused the key hearth-key.example.",
		"lookup feeds.provider.example: no such host":                                 "lookup feeds.provider.example: no such host",
		"line 7: \"x.bad-order.example\"":                                             "line 7: \"(not shown)\"",
		"the download took longer than 1.5s: context deadline exceeded":               "the download took longer than 1.5s: context deadline exceeded",
		"*.bad-order.example.rpz.provider.example. CNAME .":                           "(not shown) CNAME .",
	} {
		if got := discreet(s, errors.New(text)).Error(); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
	if err := discreet(s, errors.Join(errRefused)); !errors.Is(err, errRefused) || errors.Is(err, ErrTooLarge) {
		t.Error("the cause is lost")
	}
}

func TestLegalValidation(t *testing.T) {
	tax := taxonomy(t)
	good := Source{Name: "court", URL: "https://feeds.example/list", Format: Domains, Categories: []string{"illegal.order"}, TokenFile: "/token"}
	validate := func(s Source, popular string) error {
		return Config{Sources: []Source{s}, Popular: popular}.Validate(tax)
	}
	for name, change := range map[string]func(*Source){
		"token":       func(*Source) {},
		"certificate": func(s *Source) { s.TokenFile, s.CertFile, s.KeyFile = "", "/cert", "/key" },
		"file":        func(s *Source) { s.URL, s.TokenFile, s.Path = "", "", "/list" },
		"both":        func(s *Source) { s.Categories = []string{"illegal.order", "illegal.csam"} },
	} {
		s := good
		change(&s)
		if err := validate(s, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, change := range map[string]func(*Source){
		"split the source into two":      func(s *Source) { s.Categories = []string{"illegal.order", "piracy"} },
		"by https only":                  func(s *Source) { s.URL = "http://feeds.example/list" },
		"with credentials":               func(s *Source) { s.TokenFile = "" },
		"write token_file, or cert_file": func(s *Source) { s.TokenFile, s.CertFile = "", "/cert" },
		"write tsig:":                    func(s *Source) { s.URL, s.Zone = "", Zone{Name: "rpz.example", Primaries: []string{"192.0.2.1"}} },
		"sources of their own": func(s *Source) {
			s.Format, s.Categories, s.Map = UT1, nil, []Mapping{{"adult", []string{"illegal.csam"}}}
		},
		"has no directories":              func(s *Source) { s.Format = UT1 },
		"may block a public suffix":       func(s *Source) { s.PublicSuffixes = true },
		"write another source as popular": func(s *Source) { s.Name = "top" },
	} {
		s := good
		change(&s)
		if err := validate(s, "top"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", want, err)
		}
	}
}
