package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// document is the OpenAPI document, with a validator made of it.
func (h *house) document() (map[string]any, validator.Validator) {
	h.t.Helper()
	text := h.send("", http.MethodGet, "/v1/openapi.json", "").Body.Bytes()
	var doc map[string]any
	h.ok(json.Unmarshal(text, &doc))
	parsed, err := libopenapi.NewDocument(text)
	h.ok(err)
	v, errs := validator.NewValidator(parsed)
	for _, err := range errs {
		h.t.Fatal(err)
	}
	return doc, v
}

// TestDocument: it is a valid OpenAPI 3.1 document, and everybody may read it.
func TestDocument(t *testing.T) {
	h := open(t)
	doc, v := h.document()
	if doc["openapi"] != "3.1.0" {
		t.Errorf("it is of OpenAPI %v", doc["openapi"])
	}
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%s: %s", err.Message, err.Reason)
		}
	}
}

// How many requests are made of each route: broken ones among them, and with a body that the document allows.
const (
	tries = 200
	fits  = 60
)

// TestNothingIsUndocumented makes requests of each route out of the document, and wants answers that it describes: no 500,
// no other status, no other body. One of each makes sense, and is done.
func TestNothingIsUndocumented(t *testing.T) {
	doc, v := open(t).document()
	g := &generator{Rand: rand.New(rand.NewPCG(7, 31)), doc: doc}
	done := 0
	paths := doc["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) { // so that the seed says what is made
		of := paths[path].(map[string]any)
		for _, method := range slices.Sorted(maps.Keys(of)) {
			o := described{strings.ToUpper(method), path, of[method].(map[string]any)}
			h, there := furnished(t, o.id()) // a house for each, so that no route takes away what the next one needs
			if w := h.does(v, h.Local(), there.sensible(o), o); w.Code != http.StatusOK && w.Code != http.StatusCreated {
				t.Errorf("%s was not done: %d %s", o.id(), w.Code, w.Body)
			} else {
				done++
			}
			h, g.found = furnished(t, o.id())
			for range tries {
				h.Later(5 * time.Second) // so that nothing is too fast
				door := h.Remote()
				if g.IntN(6) == 0 {
					door = h.Local()
				}
				h.does(v, door, g.request(o), o)
			}
			h.fits(v, g, o)
		}
	}
	t.Logf("%d routes were done", done)
}

// fits sends bodies that the document allows, with every field that there is: the program has nothing against their form
// that the document does not say.
func (h *house) fits(v validator.Validator, g *generator, o described) {
	h.t.Helper()
	schema, there := o.body()
	if !there {
		return
	}
	g.valid, g.sent = true, map[string]bool{}
	defer func() { g.valid = false }()
	for range fits {
		h.Later(5 * time.Second)
		r := g.found.sensible(o)
		body, _ := json.Marshal(g.value(schema, ""))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		w := h.does(v, h.Local(), r, o)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if ok, errs := v.ValidateHttpRequest(r); !ok {
			h.t.Errorf("%s: %s does not fit the document: %v", o.id(), body, errs)
		}
		if strings.Contains(w.Body.String(), "; send ") || w.Code == http.StatusUnsupportedMediaType {
			h.t.Errorf("%s: %s fits the document, and is refused: %d %s", o.id(), body, w.Code, w.Body)
		}
	}
	for name := range g.fields(schema) {
		if !g.sent[name] {
			h.t.Errorf("%s: no body had %s", o.id(), name)
		}
	}
}

// does sends a request to a door, and wants an answer of the document.
func (h *house) does(v validator.Validator, door http.Handler, r *http.Request, o described) *httptest.ResponseRecorder {
	h.t.Helper()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.documented(v, r, w, o.of)
	return w
}

// documented wants a status and a body of the document.
func (h *house) documented(v validator.Validator, r *http.Request, w *httptest.ResponseRecorder, o map[string]any) {
	h.t.Helper()
	if _, there := o["responses"].(map[string]any)[fmt.Sprint(w.Code)]; !there || w.Code >= 500 && w.Code != 503 {
		h.t.Errorf("%s %s: status %d is not described: %s", r.Method, r.URL, w.Code, w.Body)
		return
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/octet-stream") || o["operationId"] == "getExport" {
		return
	}
	if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
		for _, err := range errs {
			h.t.Errorf("%s %s: %d %s: %s %s", r.Method, r.URL, w.Code, w.Body, err.Message, err.Reason)
		}
	}
}
