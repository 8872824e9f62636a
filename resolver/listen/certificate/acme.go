package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// orders is the source of certificates that a public authority vouches for (RFC 8555). What certmagic logs is
// left out: its events say what an operator must know.
type orders struct {
	names  []string
	http   string // where the http challenge is answered; "" with the dns challenge
	magic  *certmagic.Config
	cache  *certmagic.Cache
	log    *slog.Logger
	failed atomic.Bool
}

// openACME reads the certificates that there are. It asks nobody.
func openACME(c Config, state string, log *slog.Logger) (*orders, error) {
	if !c.ACME.Agree {
		return nil, errors.New("nothing is ordered from an authority before its terms are accepted; write tls.acme.agree: true")
	}
	o := &orders{names: []string{c.Name}, log: log}
	template := certmagic.ACMEIssuer{
		CA: c.ACME.Directory, Email: c.ACME.Email, Agreed: true, DisableTLSALPNChallenge: true, Logger: zap.NewNop(),
	}
	if err := o.challenge(c, &template); err != nil {
		return nil, err
	}
	if c.ACME.CAFile != "" {
		roots, err := readRoots(c.ACME.CAFile)
		if err != nil {
			return nil, err
		}
		template.TrustedRoots = roots
	}
	o.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return o.magic, nil },
		Logger:           zap.NewNop(),
	})
	o.magic = certmagic.New(o.cache, certmagic.Config{
		Storage:   &certmagic.FileStorage{Path: filepath.Join(folder(state), "acme")},
		KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
		OCSP:      certmagic.OCSPConfig{DisableStapling: true}, // no resolver asks for it
		OnEvent:   o.told, Logger: zap.NewNop(),
	})
	o.magic.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(o.magic, template)}
	for _, name := range o.names {
		if _, err := o.magic.CacheManagedCertificate(context.Background(), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Error("a certificate in the state folder cannot be used; another one is ordered", slog.String("name", name), slog.Any("error", err))
		}
	}
	return o, nil
}

// challenge says how the authority is convinced. Only by DNS does it vouch for the names of all devices too.
func (o *orders) challenge(c Config, template *certmagic.ACMEIssuer) error {
	if c.ACME.Challenge == "dns" {
		solver, err := newUpdates(c.ACME.DNS)
		if err != nil {
			return err
		}
		o.names = append(o.names, "*."+c.Name)
		template.DNS01Solver = solver
		return nil
	}
	o.http = c.ACME.HTTP.String()
	template.ListenHost, template.AltHTTPPort = c.ACME.HTTP.Addr().String(), int(c.ACME.HTTP.Port())
	template.DisableDistributedSolvers = true // nobody else answers for this server
	return nil
}

func readRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("reading tls.acme.ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tls.acme.ca_file: %s holds no certificate; write a file of certificates in PEM", file)
	}
	return roots, nil
}

func (o *orders) held() []*tls.Certificate {
	var all []*tls.Certificate
	for _, name := range o.names {
		for _, c := range o.cache.AllMatchingCertificates(name) {
			all = append(all, &c.Certificate)
		}
	}
	return all
}

func (o *orders) broken() bool { return o.failed.Load() }

// run orders what is missing and renews what is due; what fails is tried again, later each time.
func (o *orders) run(ctx context.Context) {
	defer o.cache.Stop()
	if o.http != "" {
		o.probe()
	}
	err := errors.Join(o.magic.ManageAsync(ctx, o.names), o.cache.RenewManagedCertificates(ctx))
	if err != nil {
		o.log.Error("ordering certificates", slog.Any("error", err))
	}
	<-ctx.Done()
}

// probe says early what would make the challenge fail: it is answered there only while an order is under way.
func (o *orders) probe() {
	l, err := net.Listen("tcp", o.http)
	if err != nil {
		o.log.Error("the http challenge cannot be answered; write an address and port in tls.acme.http that is free, and have port 80 of the public address led there",
			slog.String("address", o.http), slog.Any("error", err))
		return
	}
	l.Close()
}

// told hears from certmagic what became of an order.
func (o *orders) told(_ context.Context, event string, data map[string]any) error {
	name := slog.Any("name", data["identifier"])
	switch event {
	case "cert_obtained":
		o.failed.Store(false)
		o.log.Info("got a certificate", name, slog.Any("renewal", data["renewal"]))
	case "cert_failed":
		o.failed.Store(true)
		o.log.Error("got no certificate; it is tried again later", name, slog.Any("error", data["error"]))
	}
	return nil
}
