package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// maxRedirects bounds how often a download is sent on.
const maxRedirects = 3

// newClient returns the client of the library: TLS verified, proxies of the environment, few redirects, none away from
// TLS, and no connection that leads from a server on the internet to an address of the house.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: guard}
	return &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true, // so that every request passes guard
			ForceAttemptHTTP2:      true,
		},
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return fmt.Errorf("redirect to scheme %q", req.URL.Scheme)
	case via[0].URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("redirect from https to http")
	}
	return nil
}

// journey follows one download over its redirects.
type journey struct{ outside atomic.Bool } // an address on the internet was contacted

type journeyKey struct{}

func withJourney(ctx context.Context) context.Context {
	return context.WithValue(ctx, journeyKey{}, new(journey))
}

// guard looks at the address of a connection, after name resolution and before it is made. Link-local addresses
// (cloud metadata) are never contacted; loopback and private ones only while no public one was: a list in the house is
// the operator's choice, being sent into the house is not.
func guard(ctx context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", address, err)
	}
	trip, _ := ctx.Value(journeyKey{}).(*journey)
	ip := ap.Addr().Unmap()
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		return fmt.Errorf("%s is no address that lists are fetched from", ip)
	case !ip.IsPrivate() && !ip.IsLoopback():
		if trip != nil {
			trip.outside.Store(true)
		}
	case trip != nil && trip.outside.Load():
		return fmt.Errorf("redirect from the internet to the private address %s", ip)
	}
	return nil
}
