package source

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// maxRedirects bounds how often a download is sent on.
const maxRedirects = 3

// newClient returns a client for lists: TLS verified with config (nil: the system's certificates), few redirects, none
// away from TLS, and no connection that guard forbids. It uses no proxy, also where the environment names one: a proxy
// resolves names and connects by itself, so that guard would see the proxy's address only.
func newClient(config *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: guard}
	return &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        config,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true, // so that every request passes guard
			ForceAttemptHTTP2:      true,
		},
	}
}

// checkRedirect bounds where a download is sent. Another host gets no token; a client certificate is shown to none.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("redirect to scheme %q", req.URL.Scheme)
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirect from https to http")
	}
	req.Header.Del("Referer") // a path may be a secret of the operator
	if req.URL.Host == first.Host && via[len(via)-1].Header.Get("Authorization") != "" {
		return nil
	}
	req.Header.Del("Authorization")
	if req.URL.Host != first.Host && journeyOf(req.Context()).secret {
		return fmt.Errorf("redirect to %s, which is not to see the client certificate: write the right url", req.URL.Host)
	}
	return nil
}

// proxyOfEnvironment names the variable by which a proxy is asked for; "" = none.
func proxyOfEnvironment() string {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}
