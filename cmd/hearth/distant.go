package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// elsewhere says which server elsewhere is asked.
type elsewhere struct{ server, tokenFile, caFile string }

func (r *elsewhere) flags(to *pflag.FlagSet) {
	to.StringVar(&r.server, "server", "", "ask the server at this https `URL` instead of this machine's (default $HEARTH_SERVER)")
	to.StringVar(&r.tokenFile, "token-file", "", "`FILE` with the token for it (default $HEARTH_TOKEN_FILE)")
	to.StringVar(&r.caFile, "ca-file", "", "`FILE` with the certificate of the server's own authority (default $HEARTH_CA_FILE, else the system's)")
}

// maxToken bounds the file of a token, in octets.
const maxToken = 4 << 10

// distant gives a client of the server elsewhere that --server names; is is false where none is named.
func (a *app) distant() (c client, is bool, err error) {
	at := cmp.Or(a.remote.server, a.getenv("HEARTH_SERVER"))
	if at == "" {
		return c, false, nil
	}
	if a.config != "" {
		return c, true, usageError{errors.New("--server is another machine's and --config is this one's; write one of them")}
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return c, true, usageError{fmt.Errorf("%q is not the address of a server; write such as https://hearth.example.org:8444", at)}
	}
	file := cmp.Or(a.remote.tokenFile, a.getenv("HEARTH_TOKEN_FILE"))
	if file == "" {
		return c, true, usageError{errors.New("a server elsewhere asks for a token; write --token-file FILE")}
	}
	c = client{where: "the server at " + u.Host, at: "https://" + u.Host}
	if c.token, err = readToken(file); err != nil {
		return c, true, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := cmp.Or(a.remote.caFile, a.getenv("HEARTH_CA_FILE")); file != "" {
		if secure.RootCAs, err = readAuthority(file); err != nil {
			return c, true, err
		}
	}
	c.http = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: secure, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is this server's alone
	}
	return c, true, nil
}

// readToken reads the first line of a file.
func readToken(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	line, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	token := strings.TrimSpace(string(line))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token; write the token alone into it, as it was shown", file)
	}
	return token, nil
}

// readAuthority reads certificates that a server's is checked with: as PEM, or one as it is (DER), which is what browsers
// are offered.
func readAuthority(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	pool := x509.NewCertPool()
	if one, err := x509.ParseCertificate(text); err == nil {
		pool.AddCert(one)
	} else if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate; write what `hearth enrol --ca` prints into it, or hearth-ca.crt of the console", file)
	}
	return pool, nil
}
