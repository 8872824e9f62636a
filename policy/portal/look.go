package portal

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What the pages of children and those of the console have in common.

//go:embed pages/ground.css
var ground []byte

//go:embed pages/icon.svg
var drawing []byte

// Style is a style sheet after the colours, and what else all pages have.
func Style(own []byte) []byte { return slices.Concat(ground, own) }

// Drawing is the sign of Hearth as an SVG. Icon draws the same.
func Drawing() []byte { return slices.Clone(drawing) }

// Source names a text that stands in a page as its policy does (Content Security Policy level 3).
func Source(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Harden sets the fields that every answer carries: the policy of the page, and what a page may do of what none may otherwise.
// Strict-Transport-Security is none of them: it would hold for every port of a name, so for the pages of children too,
// which are plain HTTP.
func Harden(h http.Header, policy string, permissions ...string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide from us that our own forms are ours
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", strings.Join(append([]string{"camera=()", "geolocation=()", "microphone=()"}, permissions...), ", "))
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Cache-Control", "no-store")
}

// Send sends a page in a language, which is read again after some seconds; 0: never. Whoever went away does not miss it.
func Send(w http.ResponseWriter, r *http.Request, status int, language string, refresh int, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", language)
	h.Set("Content-Length", strconv.Itoa(len(page)))
	if refresh > 0 {
		h.Set("Refresh", strconv.Itoa(refresh))
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page)
	}
}
