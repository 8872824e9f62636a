package forward

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
)

// pin is the SHA-256 hash of a public key as certificates hold it (RFC 7858 section 4.2).
type pin [sha256.Size]byte

// parsePin reads a pin as it is written in the configuration.
func parsePin(text string) (pin, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return pin{}, fmt.Errorf("%q is no pin; write the SHA-256 hash of the server's public key in base64, 44 characters such as %s",
			text, base64.StdEncoding.EncodeToString(make([]byte, sha256.Size)))
	}
	return pin(raw), nil
}

func pinOf(c *x509.Certificate) pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// identity is how an upstream proves that it is the one configured.
type identity struct {
	host  string // name or address
	roots *x509.CertPool
	pins  []pin
}

// newIdentity reads what s says of the upstream at e.
func newIdentity(e endpoint, s Server) (*identity, error) {
	id := &identity{host: e.host()}
	for _, text := range s.Pins {
		p, err := parsePin(text)
		if err != nil {
			return nil, err
		}
		id.pins = append(id.pins, p)
	}
	if s.CAFile == "" {
		return id, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities: %w; write the path of a file with certificates in PEM", err)
	}
	id.roots = x509.NewCertPool()
	if !id.roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate; write the path of a file with certificates in PEM", s.CAFile)
	}
	return id, nil
}

// sessions is how many sessions of an upstream are kept to be resumed.
const sessions = 8

// config returns how connections are made that speak one of protocols (ALPN; none: any).
// The strict profile of RFC 8310 section 5 holds: without proof there is no connection.
func (id *identity) config(protocols ...string) *tls.Config {
	c := &tls.Config{
		ServerName: id.host, RootCAs: id.roots, NextProtos: protocols,
		MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(sessions),
	}
	if len(id.pins) > 0 {
		c.InsecureSkipVerify = true // verify does it, for resumed sessions as well
		c.VerifyConnection = id.verify
	}
	return c
}

var errPins error = &fault{reasonCertificate, errors.New("no key in the certificate chain is among the pins")}

// verify holds what an upstream with pins showed against them. If its chain leads to a known
// authority, a pin must be in that chain. Otherwise the pins take the place of the authorities:
// one on the server's own key is proof enough, whatever its certificate says; one on another key
// that it showed makes that an authority, and the chain must lead there, be valid today and name
// the host.
func (id *identity) verify(s tls.ConnectionState) error {
	shown := s.PeerCertificates
	if len(shown) == 0 {
		return errPins
	}
	between, pinned := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range shown[1:] {
		between.AddCert(c)
		if slices.Contains(id.pins, pinOf(c)) {
			pinned.AddCert(c)
		}
	}
	known, err := shown[0].Verify(x509.VerifyOptions{DNSName: id.host, Roots: id.roots, Intermediates: between})
	if err == nil {
		return id.match(known)
	}
	if slices.Contains(id.pins, pinOf(shown[0])) {
		return nil
	}
	if _, err := shown[0].Verify(x509.VerifyOptions{DNSName: id.host, Roots: pinned, Intermediates: between}); err != nil {
		return errPins
	}
	return nil
}

// match reports whether a pin is in one of the chains.
func (id *identity) match(chains [][]*x509.Certificate) error {
	for _, chain := range chains {
		if slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.Contains(id.pins, pinOf(c)) }) {
			return nil
		}
	}
	return errPins
}

// proven names the reason of an error of a handshake where that is the proof.
func proven(err error) error {
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) {
		return &fault{reasonCertificate, err}
	}
	return err
}
