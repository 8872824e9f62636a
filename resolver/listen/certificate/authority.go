package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The lives of what the local authority signs. Apple accepts at most 825 days of an authority that a person
// has installed; 90 keep a stolen key short-lived.
const (
	authorityYears = 10
	leafDays       = 90
)

// Authority is a certificate authority that can vouch for one name, the names beneath it and the
// addresses of a home, and for nothing else.
type Authority struct {
	Certificate *x509.Certificate
}

// PEM gives the certificate as people install it.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}

// Fingerprint gives the SHA-256 of the certificate as systems show it to people: AB:CD:…
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.Certificate.Raw)
	return strings.TrimSuffix(strings.ReplaceAll(fmt.Sprintf("% X ", sum), " ", ":"), ":")
}

// Pin gives the SHA-256 of the public key (SPKI) in base64, by which stubby, unbound, kdig and others can
// check a server whose chain holds this authority (RFC 7858 section 4.2).
func (a *Authority) Pin() string {
	sum := sha256.Sum256(a.Certificate.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ReadAuthority gives the local authority for the name from the state folder. While no server has made
// one, the error wraps fs.ErrNotExist.
func ReadAuthority(state, name string) (*Authority, error) {
	a, err := readAuthority(authorityFile(state, name), canonical(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no authority was made for %s yet: %w; start hearth serve once with an encrypted listener and tls.source: local", name, err)
	}
	if err != nil {
		return nil, err
	}
	return &a.Authority, nil
}

// folder holds everything that this package keeps.
func folder(state string) string { return filepath.Join(state, "certificates") }

// authorityFile is one file for each name, because an authority cannot vouch for another one.
func authorityFile(state, name string) string {
	return filepath.Join(folder(state), canonical(name)+".pem")
}

// signer is an authority with its key.
type signer struct {
	Authority
	key *ecdsa.PrivateKey
}

// openAuthority reads the authority for the name, or makes it where there is none. A file that is damaged
// is an error, never replaced: every device of the house trusts what was in it.
func openAuthority(state, name string, addresses []netip.Addr, now time.Time) (s *signer, made bool, err error) {
	file := authorityFile(state, name)
	s, err = readAuthority(file, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, false, err
	}
	if err := makeAuthority(file, name, addresses, now); err != nil {
		return nil, false, fmt.Errorf("making the authority for %s: %w", name, err)
	}
	s, err = readAuthority(file, name)
	return s, true, err
}

func readAuthority(file, name string) (*signer, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of ours, in the state folder
	if err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	s, err := parseAuthority(text)
	if err == nil && !slices.Contains(s.Certificate.PermittedDNSDomains, name) {
		err = fmt.Errorf("it is not for %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("the authority in %s is damaged (%w); put the file back from a backup, or remove it: then a new one is made, and every device must be told to trust that one", file, err)
	}
	return s, nil
}

func parseAuthority(text []byte) (*signer, error) {
	first, rest := pem.Decode(text)
	second, _ := pem.Decode(rest)
	if first == nil || second == nil || first.Type != "CERTIFICATE" || second.Type != "PRIVATE KEY" {
		return nil, errors.New("it does not hold a certificate and a key")
	}
	cert, err := x509.ParseCertificate(first.Bytes)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(second.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) || !cert.IsCA {
		return nil, errors.New("its key is not that of its certificate")
	}
	return &signer{Authority{cert}, key}, nil
}

// epoch is a day before which no machine runs this program: a clock that says so is not set yet, as on a
// board without a battery.
var epoch = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func makeAuthority(file, name string, addresses []netip.Addr, now time.Time) error {
	if now.Before(epoch) {
		now = epoch
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: common("Hearth "+name, "Hearth")},
		NotBefore: epoch, NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{name}, PermittedIPRanges: reach(addresses),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	return keep(file, append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...))
}

// home are the networks that nobody can own on the internet: private, shared, loopback and link-local ones
// (RFC 1918, 6598, 1122, 3927, 4193, 4291).
var home = []string{
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"::1/128", "fc00::/7", "fe80::/10",
}

// reach are the addresses that an authority may vouch for: those of homes, and the public ones that this
// server is configured with.
func reach(addresses []netip.Addr) []*net.IPNet {
	var all []*net.IPNet
	add := func(p netip.Prefix) {
		all = append(all, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	covered := func(a netip.Addr) bool { return within(all, a) }
	for _, text := range home {
		add(netip.MustParsePrefix(text))
	}
	for _, a := range addresses {
		if !covered(a) {
			add(netip.PrefixFrom(a, a.BitLen()))
		}
	}
	return all
}

func within(networks []*net.IPNet, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n *net.IPNet) bool { return n.Contains(a.AsSlice()) })
}

// common gives text where it fits into the common name of a certificate (RFC 5280 appendix A.1).
func common(text, short string) string {
	if len(text) <= 64 {
		return text
	}
	return short
}

// keep writes a file of secrets that is there whole or not at all, whatever ends the program.
func keep(file string, text []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir) //nolint:gosec // a folder of ours
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
