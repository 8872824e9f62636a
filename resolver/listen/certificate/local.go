package certificate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// maxAddresses bounds the addresses in one certificate; a machine with more has bridges that nobody asks at.
const maxAddresses = 32

// local is the source of certificates that the local authority signs. They live in memory alone: a new one
// costs a tenth of a millisecond.
type local struct {
	signer *signer
	name   string
	fixed  []netip.Addr // that devices are told of
	bound  []netip.Addr // of the listeners; an unspecified one stands for all of the machine
	log    *slog.Logger
	now    func() time.Time

	leaf atomic.Pointer[tls.Certificate]
}

func openLocal(c Config, state string, bound []netip.Addr, log *slog.Logger, now func() time.Time) (*local, error) {
	s, made, err := openAuthority(state, c.Name, plain(c.Addresses), now())
	if err != nil {
		return nil, err
	}
	l := &local{signer: s, name: c.Name, fixed: plain(c.Addresses), bound: plain(bound), log: log, now: now}
	if made {
		log.Info("made a certificate authority for the devices of the house", slog.String("name", c.Name),
			slog.String("fingerprint", s.Fingerprint()), slog.Time("expires", s.Certificate.NotAfter))
	}
	if end := s.Certificate.NotAfter; end.Before(now().AddDate(1, 0, 0)) {
		log.Warn("the local certificate authority ends; remove its file for a new one, and tell every device to trust that",
			slog.String("file", authorityFile(state, c.Name)), slog.Time("expires", end))
	}
	for _, a := range l.fixed {
		if !within(s.Certificate.PermittedIPRanges, a) {
			log.Warn("the local certificate authority may not vouch for this address, which came after it; devices reach it by name, or remove its file for a new one",
				slog.String("address", a.String()), slog.String("file", authorityFile(state, c.Name)))
		}
	}
	return l, l.tend()
}

func (l *local) held() []*tls.Certificate { return []*tls.Certificate{l.leaf.Load()} }

func (l *local) broken() bool { return false }

func (l *local) run(ctx context.Context) {
	every(ctx, func() {
		if err := l.tend(); err != nil {
			l.log.Error("renewing the local certificate", slog.Any("error", err))
		}
	})
}

// tend signs a new certificate when the one in use has a third of its life left, when the clock was set to
// a time outside of it, or when the machine has an address that is not in it.
func (l *local) tend() error {
	addresses := l.addresses()
	if old := l.leaf.Load(); old != nil {
		now, due := l.now(), old.Leaf.NotAfter.AddDate(0, 0, -leafDays/3)
		if now.After(old.Leaf.NotBefore) && now.Before(due) && covers(old.Leaf, addresses) {
			return nil
		}
	}
	leaf, err := l.sign(addresses)
	if err != nil {
		return fmt.Errorf("signing a certificate for %s: %w", l.name, err)
	}
	l.leaf.Store(leaf)
	return nil
}

// addresses are those that the certificate may have: what devices are told, then what the machine has.
func (l *local) addresses() []netip.Addr {
	all := slices.Clone(l.fixed)
	for _, a := range l.bound {
		if !a.IsUnspecified() {
			all = append(all, a)
			continue
		}
		own, _ := net.InterfaceAddrs() // without them the certificate has the name, which is what devices check
		for _, o := range own {
			if p, err := netip.ParsePrefix(o.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
				all = append(all, p.Addr())
			}
		}
	}
	var out []netip.Addr
	for _, a := range plain(all) {
		if !slices.Contains(out, a) && within(l.signer.Certificate.PermittedIPRanges, a) && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}

func (l *local) sign(addresses []netip.Addr) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := l.now()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: common(l.name, "Hearth")},
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, leafDays), // a day for clocks that are slow
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{l.name, "*." + l.name},
	}
	for _, a := range addresses {
		template.IPAddresses = append(template.IPAddresses, a.AsSlice())
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, l.signer.Certificate, &key.PublicKey, l.signer.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	// The authority stands in the chain so that a client can pin it.
	return &tls.Certificate{Certificate: [][]byte{raw, l.signer.Certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// covers says whether all addresses are in the certificate.
func covers(leaf *x509.Certificate, addresses []netip.Addr) bool {
	return !slices.ContainsFunc(addresses, func(a netip.Addr) bool {
		return !slices.ContainsFunc(leaf.IPAddresses, net.IP(a.AsSlice()).Equal)
	})
}

// plain gives addresses as certificates have them: IPv4 as such, and no zones.
func plain(addresses []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, len(addresses))
	for _, a := range addresses {
		if a.IsValid() {
			out = append(out, a.Unmap().WithZone(""))
		}
	}
	return out
}
