package source

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"unicode"
)

// maxSecret bounds the files of tokens, keys and certificates, in bytes.
const maxSecret = 1 << 20

// clientOf returns the client for a source: the library's, or one with the certificates that the source names. They
// are read anew for each download, so that renewed ones need no restart.
func (l *Library) clientOf(s Source) (*http.Client, error) {
	if s.CertFile == "" && s.CAFile == "" {
		return l.client, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CertFile != "" {
		pair, err := l.certificate(s)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if s.CAFile != "" {
		text, err := readSmall("ca_file", s.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca_file %s holds no certificate: write the file of the authority's certificates in PEM form", s.CAFile)
		}
	}
	return newClient(config), nil
}

func (l *Library) certificate(s Source) (tls.Certificate, error) {
	cert, err := readSmall("cert_file", s.CertFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := l.readSecret("key_file", s.KeyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("cert_file %s and key_file %s do not fit together: write a certificate and its private key in PEM form: %w",
			s.CertFile, s.KeyFile, err)
	}
	return pair, nil
}

// authorize puts the token of a source into a request.
func (l *Library) authorize(req *http.Request, s Source) error {
	if s.TokenFile == "" {
		return nil
	}
	if req.URL.Scheme != "https" {
		return fmt.Errorf("the token of %s is not sent over %s: write an https url", s.TokenFile, req.URL.Scheme)
	}
	text, err := l.readSecret("token_file", s.TokenFile)
	if err != nil {
		return err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || r == ' ' }) {
		return fmt.Errorf("token_file %s holds no token: put the token alone on its first line", s.TokenFile)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// readSecret reads a file that only the operator and this program should read, and warns where others can.
func (l *Library) readSecret(key, path string) ([]byte, error) {
	text, err := readSmall(key, path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o037 != 0 {
		l.config.Log.Warn("a secret can be read by others on this machine: set its mode to 0600 or 0640", "file", path,
			"mode", fmt.Sprintf("%#o", info.Mode().Perm()))
	}
	return text, nil
}

// readSmall reads a file of credentials. key is the name of the setting that names it.
func readSmall(key, path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read, make it readable for the user of this program: %w", key, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s cannot be read: %w", key, path, err)
	}
	if len(text) > maxSecret {
		return nil, fmt.Errorf("%s %s is larger than %d bytes: it is another file", key, path, maxSecret)
	}
	return text, nil
}
