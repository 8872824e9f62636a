package portal

import (
	"net/http"
	"strings"
)

// Systems ask some addresses by themselves to learn whether the internet is there or a certificate is still
// good. The landing page stands at a false address for them, so a success would be a lie that a
// phone or a TLS stack acts upon. They get 404 and no page.

// probed tells whether the request is such a probe of a machine.
func probed(host, path string) bool {
	return probedPath(strings.ToLower(path)) || probedHost(host)
}

func probedPath(path string) bool {
	switch path {
	case "/generate_204", "/gen_204", // Android, ChromeOS, Chromium
		"/hotspot-detect.html", "/library/test/success.html", // Apple
		"/connecttest.txt", "/ncsi.txt", // Windows
		"/success.txt", "/canonical.html", // Firefox
		"/check_network_status.txt", // NetworkManager
		"/wpad.dat":
		return true
	}
	return strings.HasPrefix(path, "/.well-known/") || // ACME (RFC 8555 8.3) and every other registered one (RFC 8615)
		strings.HasSuffix(path, ".crl") // revocation lists (RFC 5280 4.2.1.13)
}

// probedHost knows certificate status servers (RFC 6960 appendix A) by the customary first label, such as
// ocsp or crl3, and the names of connectivity checks.
func probedHost(host string) bool {
	first, _, _ := strings.Cut(host, ".")
	switch strings.TrimRight(first, "0123456789") {
	case "ocsp", "crl", "connectivitycheck", "detectportal":
		return true
	}
	return host == "captive.apple.com" || strings.HasSuffix(host, ".msftconnecttest.com")
}

// wantsPage tells whether a person waits for this answer, in a window of their own: a page would be wasted on an
// image, a script or a background request, and could break the page around it.
//
// Browsers send Sec-Fetch-Dest to secure origins only (Fetch Metadata, W3C), so over plain HTTP the
// Accept field decides: browsers name text/html for a document and nothing else. "*/*" alone is
// what scripts and background requests send, with a Referer or a browser's name, but also what curl sends.
func wantsPage(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" {
		return dest == "document"
	}
	accept := strings.ToLower(r.Header.Get("Accept"))
	if accept == "" || strings.TrimSpace(accept) == "*/*" {
		return r.Header.Get("Referer") == "" && r.Header.Get("Origin") == "" &&
			!strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/")
	}
	return strings.Contains(accept, "text/html") || strings.Contains(accept, "application/xhtml+xml")
}
