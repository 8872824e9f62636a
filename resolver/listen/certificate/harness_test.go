package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A day of the tests, after the one before which no clock is believed.
var today = time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)

// clock is a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// logged is a log whose lines can be read.
func logged() (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, nil)), &out
}

// issued writes a certificate of its own authority for the names, good for the days around now, and gives its files.
func issued(t testing.TB, dir, base string, now time.Time, days int, names ...string) Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(0, 0, days),
	}
	if ip := net.ParseIP(names[0]); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := Pair{CertFile: filepath.Join(dir, base+".crt"), KeyFile: filepath.Join(dir, base+".key")}
	write(t, p.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	write(t, p.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return p
}

// write replaces a file as careful programs do.
func write(t testing.TB, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file+".tmp", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// shown shakes hands with the Keeper over a pipe, and gives the certificates that a client of this name is shown.
func shown(t testing.TB, k *Keeper, name string, versions ...uint16) []*x509.Certificate {
	t.Helper()
	c := &tls.Config{ServerName: name, InsecureSkipVerify: true}
	if len(versions) > 0 {
		c.MaxVersion = versions[0]
	}
	state, err := shake(k, c)
	if err != nil {
		t.Fatalf("shaking hands for %q: %v", name, err)
	}
	return state.PeerCertificates
}

func shake(k *Keeper, c *tls.Config) (tls.ConnectionState, error) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		server := tls.Server(far, k.TLS())
		_ = server.Handshake()
		far.Close()
	}()
	client := tls.Client(near, c)
	err := client.Handshake()
	return client.ConnectionState(), err
}
