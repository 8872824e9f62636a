package listen

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client says who sends a request.
func (l *httpsListener) client(req *http.Request) Client {
	peer, _ := netip.ParseAddrPort(req.RemoteAddr)
	c := Client{Addr: unmap(peer), Transport: HTTPS, Listener: l.listener}
	if at, ok := req.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		c.Local, _ = addrPortOf(at)
	}
	known := proxies(l.settings.Proxies)
	if known.include(c.Addr.Addr()) {
		if a, ok := forwardedFor(req.Header.Values("X-Forwarded-For"), known); ok {
			c.Addr = netip.AddrPortFrom(a, 0)
		}
	}
	return c
}

// forwardedFor reads the client of a proxy out of its X-Forwarded-For headers: the last hop
// that is not a proxy of ours, since what stands before it is only claimed. If all are, it
// is the first. False: there is none, or the proxies wrote something else than addresses.
func forwardedFor(headers []string, known proxies) (client netip.Addr, ok bool) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if client, ok = hopAddress(hop); !ok || !known.include(client) {
			break
		}
	}
	return client, ok
}

// hopAddress reads an address as proxies write it: bare, in brackets, with a port, with a
// zone, which means nothing here.
func hopAddress(text string) (netip.Addr, bool) {
	bare := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		bare = text[1 : len(text)-1]
	}
	a, err := netip.ParseAddr(bare)
	if err != nil {
		var ap netip.AddrPort
		ap, err = netip.ParseAddrPort(text)
		a = ap.Addr()
	}
	return a.WithZone("").Unmap(), err == nil
}

// identity finds the id of the device that sends a request: in the path, as the password,
// in the name that is asked, in that of the connection. One that is no id counts as none. A
// client may send what is for one name on a connection to another that the certificate holds
// for as well (RFC 9113 9.1.1), so the name of the request goes first.
func (l *httpsListener) identity(req *http.Request, id string) string {
	if id = deviceID(id); id != "" {
		return id
	}
	if _, password, ok := req.BasicAuth(); ok {
		if id = deviceID(password); id != "" {
			return id
		}
	}
	host := req.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if id = identityIn(host, l.settings.Name); id != "" || req.TLS == nil {
		return id
	}
	return identityIn(req.TLS.ServerName, l.settings.Name)
}

// identityIn finds the id of a device in a server name of the form ID.Name.
func identityIn(server, name string) string {
	label, zone, ok := strings.Cut(strings.TrimSuffix(server, "."), ".")
	if !ok || name == "" || !strings.EqualFold(zone, name) {
		return ""
	}
	return deviceID(label)
}

// deviceID returns the normal form of what a client gave as its id, "" if it cannot be one:
// 16 to 63 of a-z, 0-9 and hyphen, in either case.
func deviceID(text string) string {
	alien := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	}
	if len(text) < 16 || len(text) > 63 || strings.ContainsFunc(text, alien) {
		return ""
	}
	return strings.ToLower(text)
}
