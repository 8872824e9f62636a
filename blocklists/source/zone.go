package source

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/hearthdns/hearth/blocklists/source/transfer"
)

const (
	dnsPort = 53

	// shortestRefresh bounds the timers of a zone from below: a primary that says less asks for a flood.
	shortestRefresh = time.Minute
)

// isZone reports whether the source is transferred from primaries.
func (s Source) isZone() bool { return s.Zone.Name != "" }

// withZoneFormats returns sources in which those that are zones have the only format that a zone is kept in.
func withZoneFormats(sources []Source) []Source {
	sources = append([]Source(nil), sources...)
	for i, s := range sources {
		if s.isZone() {
			sources[i].Format = RPZ
		}
	}
	return sources
}

// parsePrimary reads an address or address:port.
func parsePrimary(text string) (netip.AddrPort, error) {
	if to, err := netip.ParseAddrPort(text); err == nil && to.Port() != 0 {
		return to, nil
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is no address: write the address of the primary, such as 192.0.2.1 or [2001:db8::1]:5353; names are not looked up", text)
	}
	return netip.AddrPortFrom(ip, dnsPort), nil
}

// primaries are the addresses that may be contacted. They come from the configuration alone: no record of a zone leads
// to another one.
func (s Source) primaries() ([]netip.AddrPort, error) {
	var all []netip.AddrPort
	for _, text := range s.Zone.Primaries {
		to, err := parsePrimary(text)
		if err != nil {
			return nil, err
		}
		switch reachOf(to.Addr().WithZone("")) {
		case nowhere:
			return nil, fmt.Errorf("%s is no address that lists are fetched from", to.Addr())
		case inside:
			if !s.Private {
				return nil, fmt.Errorf("%s is an address of this house or machine: if the zone's primary really is there, write private: true at the list", to.Addr())
			}
		case outside:
		}
		all = append(all, to)
	}
	return all, nil
}

// zoneKey reads the key that signs the transfers of a source; nil where it has none.
func (l *Library) zoneKey(s Source) (*transfer.Key, error) {
	sig := s.Zone.TSIG
	if sig.Name == "" {
		return nil, nil //nolint:nilnil // no key is no mistake
	}
	text, err := l.readSecret("secret_file", sig.SecretFile)
	if err != nil {
		return nil, err
	}
	key, err := transfer.ParseKey(sig.Name, sig.Algorithm, string(text))
	if err != nil {
		return nil, fmt.Errorf("secret_file %s: %w", sig.SecretFile, err)
	}
	return key, nil
}

// renewZone brings a newer version of a zone from its primaries: what has changed since the kept copy, or all of it. An
// older one than the kept copy is a candidate that the operator has to accept.
func (l *Library) renewZone(ctx context.Context, s Source, old kept) (candidate, Status, error) {
	addresses, err := s.primaries()
	if err != nil {
		return candidate{}, "", err
	}
	key, err := l.zoneKey(s)
	if err != nil {
		return candidate{}, "", err
	}
	temp, err := l.newTemp(s)
	if err != nil {
		return candidate{}, "", err
	}
	c := candidate{temp: temp}
	client := &transfer.Client{Zone: s.Zone.Name, Primaries: addresses, Key: key,
		MaxBytes: l.lists.MaxBytes, MaxText: l.lists.maxInflated(), Timeout: l.lists.Timeout}
	start := l.config.Now()
	r, err := client.Update(ctx, l.keptZone(s, old), temp)
	if rollback := err; errors.Is(rollback, transfer.ErrRollback) {
		if r, err = client.Update(ctx, "", temp); err == nil && !transfer.Newer(r.SOA.Serial, old.Serial) {
			c.doubt = rollback.Error()
		}
	}
	switch {
	case errors.Is(err, transfer.ErrTooLarge):
		return c, "", fmt.Errorf("%w: %w; max_bytes is %d", ErrTooLarge, err, l.lists.MaxBytes)
	case err != nil:
		return c, "", err
	}
	if r.Type == "" {
		discard(temp)
		return candidate{record: old}, Unchanged, nil
	}
	l.config.Log.Info("zone transferred", "list", s.Name, "type", r.Type, "serial", r.SOA.Serial, "primary", r.Primary.String(),
		"bytes", r.Bytes, "took", l.config.Now().Sub(start).Round(time.Millisecond))
	c.record, err = zoneRecord(s, r.SOA.Serial, temp, l.config.Now().UTC())
	return c, Updated, err
}

// zoneRecord is what is known of a zone that was transferred to file.
func zoneRecord(s Source, serial uint32, file *os.File, now time.Time) (kept, error) {
	k := newKept(s)
	k.Serial, k.Fetched = serial, now
	info, err := file.Stat()
	if err != nil {
		return k, err
	}
	k.Bytes = info.Size()
	k.SHA256, err = digest(file.Name())
	return k, err
}

// keptZone is the file of the last good copy, "" where there is none that an increment can begin with: none that the
// record speaks of, as after a crash between the two.
func (l *Library) keptZone(s Source, k kept) string {
	path := l.listPath(s.Name)
	if soa, err := transfer.ReadSOA(path, s.Zone.Name); err != nil || !k.sameOrigin(s) || k.SHA256 == "" || soa.Serial != k.Serial {
		return ""
	}
	return path
}

// zoneSOA is what the zone that is in force says about itself. Of a legal one there is no copy.
func (l *Library) zoneSOA(s Source, k kept) (transfer.SOA, error) {
	switch {
	case !s.isLegal():
		return transfer.ReadSOA(l.listPath(s.Name), s.Zone.Name)
	case k.SHA256 == "":
		return transfer.SOA{}, errors.New("no version of the zone is known")
	}
	return k.SOA, nil
}

// zoneDue is when the primaries are asked although nobody said that the zone has changed: after the refresh time of the
// SOA record, after a failure its retry time (RFC 1035 section 3.3.13), both within bounds.
func (l *Library) zoneDue(s Source, k kept) time.Time {
	bounded := func(d time.Duration) time.Time {
		return k.Checked.Add(min(max(d, shortestRefresh), s.refresh()))
	}
	soa, err := l.zoneSOA(s, k)
	known := err == nil && k.SHA256 != "" && k.sameOrigin(s)
	switch {
	case !known && k.Failures > 0:
		return bounded(shortestRefresh << min(k.Failures-1, 10))
	case !known && k.Held != nil:
		return bounded(s.refresh())
	case !known:
		return time.Time{}
	case k.Failures > 0:
		return bounded(soa.Retry)
	}
	return bounded(soa.Refresh)
}

// zoneExpired reports whether no primary has confirmed the zone for its expire time. It stays in force all the same: a
// house without its filter is worse off than one with an old filter.
func (l *Library) zoneExpired(s Source, k kept) bool {
	if !s.isZone() || k.Confirmed.IsZero() {
		return false
	}
	soa, err := l.zoneSOA(s, k)
	return err == nil && l.config.Now().Sub(k.Confirmed) > max(soa.Expire, shortestRefresh)
}
