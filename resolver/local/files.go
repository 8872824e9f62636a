package local

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// errFormat says what a lease file may be.
var errFormat = errors.New("no line of it is a lease of dnsmasq, Kea or odhcpd; give the server's own lease file, such as /var/lib/misc/dnsmasq.leases")

// readHosts reads a hosts file: an address, then its names; # begins a comment. What is
// no such line is passed over, as every system does.
func readHosts(b []byte) ([]entry, error) { //nolint:unparam // a parser as readLeases is
	var all []entry
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, name := range fields[1:] {
			all = append(all, entry{addr: addr.Unmap().WithZone(""), name: name})
		}
	}
	return all, nil
}

// readLeases reads a lease file of whichever server it is.
func readLeases(b []byte) ([]entry, error) {
	text := string(b)
	if isKea(b) {
		return readKea(text)
	}
	var all []entry
	lines, known := 0, 0
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		lines++
		read := dnsmasqLease
		if fields[0] == "#" {
			read = odhcpdLease
		}
		found, ok := read(fields)
		if ok {
			known++
		}
		all = append(all, found...)
	}
	if lines > 0 && known == 0 {
		return nil, errFormat
	}
	return all, nil
}

// dnsmasqLease reads a line of dnsmasq: expiry, hardware address or IAID, address, name or
// "*", client id. "duid ..." begins the part of DHCPv6.
func dnsmasqLease(f []string) ([]entry, bool) {
	if f[0] == "duid" {
		return nil, true
	}
	if len(f) < 4 {
		return nil, false
	}
	expires, err := strconv.ParseInt(f[0], 10, 64)
	addr, bad := netip.ParseAddr(f[2])
	if err != nil || bad != nil {
		return nil, false
	}
	return []entry{lease(addr, f[1], f[3], expires)}, true
}

// odhcpdLease reads a line of odhcpd: "#", interface, DUID or hardware address, IAID or
// "ipv4", name or "-", expiry (negative: never; 0: it has run out), number, length, then
// addresses with prefix lengths.
func odhcpdLease(f []string) ([]entry, bool) {
	const fixed = 8
	if len(f) <= fixed {
		return nil, len(f) == fixed // a lease of prefixes alone
	}
	expires, err := strconv.ParseInt(f[5], 10, 64)
	if err != nil || expires == 0 {
		return nil, err == nil
	}
	mac := ""
	if f[3] == "ipv4" { // else it is a DUID
		mac = f[2]
	}
	var all []entry
	for _, text := range f[fixed:] {
		text, _, _ = strings.Cut(text, "/")
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return nil, false
		}
		all = append(all, lease(addr, mac, f[4], max(expires, 0)))
	}
	return all, true
}

// lease is the entry of an address: for which hardware address, if mac is one, and with which name, if it has one.
// expires is in seconds of
// the epoch; 0: never. The name is the device's own claim: it gets a single label of
// it, and none of those by which others find a proxy or a tunnel for all their traffic.
func lease(addr netip.Addr, mac, name string, expires int64) entry {
	name, _, _ = strings.Cut(name, ".")
	switch strings.ToLower(name) {
	case "*", "-", "wpad", "isatap", "localhost":
		name = ""
	}
	e := entry{addr: addr.Unmap(), name: name, mac: mac}
	if expires > 0 {
		e.expires = time.Unix(expires, 0)
	}
	return e
}

// isKea says whether a lease file begins as those of Kea do.
func isKea(b []byte) bool { return bytes.HasPrefix(b, []byte("address,")) }

// readKea reads a lease file of Kea's memfile backend: CSV with a header. A later line of
// an address replaces the earlier ones.
func readKea(text string) ([]entry, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	last := make(map[netip.Addr][]entry)
	var order []netip.Addr
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading a lease: %w", err)
		}
		addr, found, ok := keaLease(header, row)
		if !ok {
			continue
		}
		if _, seen := last[addr]; !seen {
			order = append(order, addr)
		}
		last[addr] = found
	}
	var all []entry
	for _, addr := range order {
		all = append(all, last[addr]...)
	}
	return all, nil
}

// keaLease reads a line of Kea; state 0 with a lifetime is a lease in use.
func keaLease(header, row []string) (addr netip.Addr, found []entry, ok bool) {
	fields := make(map[string]string, len(row))
	for i := range min(len(header), len(row)) {
		fields[header[i]] = row[i]
	}
	addr, err := netip.ParseAddr(fields["address"])
	if err != nil {
		return addr, nil, false
	}
	expires, err := strconv.ParseInt(fields["expire"], 10, 64)
	if err == nil && fields["state"] == "0" && fields["valid_lifetime"] != "0" {
		found = []entry{lease(addr, fields["hwaddr"], fields["hostname"], expires)}
	}
	return addr.Unmap(), found, true
}
