package source

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
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificateFiles writes a self-signed client certificate and its key.
func certificateFiles(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "resolver.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return write(t, dir+"/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, dir+"/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}

// secureServer is a list server over TLS that wants a client certificate and a token, and its authority's file.
func secureServer(t *testing.T) (url, ca string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer geheim" || len(r.TLS.PeerCertificates) != 1 {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		text(numbered(10))(w, r)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = write(t, t.TempDir()+"/ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return server.URL, ca
}

// TestCredentials: a server that wants a token and a client certificate gets both, and they are read at each download.
func TestCredentials(t *testing.T) {
	url, ca := secureServer(t)
	cert, key := certificateFiles(t)
	token := write(t, filepath.Join(t.TempDir(), "token"), "wrong\n")
	good := Source{Name: "l", URL: url, Format: Domains, Categories: []string{"piracy"}, Private: true,
		TokenFile: token, CertFile: cert, KeyFile: key, CAFile: ca}
	l := open(t, LibraryConfig{Lists: Config{Sources: []Source{good}}})
	wantResult(t, l, Failed, 0, "401")
	write(t, token, " geheim\n")
	wantResult(t, l, Updated, 10, "")

	empty := write(t, t.TempDir()+"/empty", "\n")
	for why, change := range map[string]func(*Source){
		"unknown authority":                func(s *Source) { s.CAFile = "" },
		"token_file":                       func(s *Source) { s.TokenFile += ".gone" },
		"holds no token":                   func(s *Source) { s.TokenFile = empty },
		"cert_file":                        func(s *Source) { s.CertFile += ".gone" },
		"key_file":                         func(s *Source) { s.KeyFile = s.TokenFile },
		"holds no certificate":             func(s *Source) { s.CAFile = token },
		"is not sent over http":            func(s *Source) { s.URL = strings.Replace(s.URL, "https:", "http:", 1) },
		"cannot be read, make it readable": func(s *Source) { s.KeyFile = "/nonexistent/key" },
	} {
		s := good
		s.Name = why
		change(&s)
		r := wantResult(t, open(t, LibraryConfig{Lists: Config{Sources: []Source{s}}}), Failed, 0, why)
		if strings.Contains(r.Why, "geheim") {
			t.Errorf("%s shows the token", r.Why)
		}
	}
}

// TestSecretsOfOthersAreWarnedOf: a secret that everybody on the machine can read is used, and said.
func TestSecretsOfOthersAreWarnedOf(t *testing.T) {
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o400: false, 0o644: true, 0o660: true} {
		var log bytes.Buffer
		l := open(t, LibraryConfig{Log: slog.New(slog.NewTextHandler(&log, nil))})
		path := write(t, t.TempDir()+"/token", "geheim")
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := l.readSecret("token_file", path); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "0600"); got != warned || strings.Contains(log.String(), "geheim") {
			t.Errorf("mode %o: log %q, want a warning %t", mode, log.String(), warned)
		}
	}
}
