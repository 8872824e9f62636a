package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// pace is how often files are looked at and the age of certificates is judged.
const pace = 5 * time.Second

// Keeper has the certificates of the encrypted listeners and keeps them good. It is safe for
// concurrent use.
type Keeper struct {
	kind   string
	source source
	local  *local // the source itself, or what stands in while an order is under way; else nil
}

// source is where the certificates come from.
type source interface {
	// choose gives the certificate for one client, nil while there is none.
	choose(hello *tls.ClientHelloInfo) *tls.Certificate
	// expires is when the first of the certificates in use runs out; zero while there is none.
	expires() time.Time
	// run keeps them good until ctx ends.
	run(ctx context.Context)
}

// New makes a Keeper. c must be valid and have a Name; state is the folder of everything that the program
// keeps; bound are the addresses of the encrypted listeners, which a local certificate has too. Nothing is
// ordered from an authority before Run.
func New(c Config, state string, bound []netip.Addr, log *slog.Logger) (*Keeper, error) {
	c.Name = canonical(c.Name)
	if !usable(c.Name) {
		return nil, fmt.Errorf("%q cannot be the name of encrypted listeners; write tls.name: with a host name such as dns.example.org", c.Name)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return open(c, state, bound, log, time.Now)
}

func open(c Config, state string, bound []netip.Addr, log *slog.Logger, now func() time.Time) (*Keeper, error) {
	k := &Keeper{kind: c.Source}
	var err error
	switch c.Source {
	case Files:
		k.source, err = openFiles(c, log, now)
		return k, err
	case Local:
		k.local, err = openLocal(c, state, bound, log, now)
		k.source = k.local
		return k, err
	}
	return nil, fmt.Errorf("no certificates come from %q; write local, files or acme", c.Source)
}

// TLS gives a configuration for listeners: TLS 1.2 at least, the certificate chosen for each client, session
// tickets under keys that Go changes daily. Each call gives a new one, which the caller completes with the
// protocols of its transport; clients resume only where they got the ticket.
func (k *Keeper) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.certificate}
}

func (k *Keeper) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cert := k.source.choose(hello); cert != nil {
		return cert, nil
	}
	if k.local != nil {
		return k.local.choose(hello), nil
	}
	return nil, errors.New("there is no certificate")
}

// Run renews certificates and reads those that changed on disk, until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { k.source.run(ctx) })
	if k.local != nil && k.source != source(k.local) {
		all.Go(func() { k.local.run(ctx) })
	}
	all.Wait()
	return nil
}

// Authority is the local authority that devices must trust; nil where a public one, or that of somebody
// else's files, vouches for the server.
func (k *Keeper) Authority() *Authority {
	if k.kind != Local {
		return nil
	}
	return &k.local.signer.Authority
}

// Covers says whether the certificates in use are good for a server of this name, such as ID.NAME of a
// device.
func (k *Keeper) Covers(name string) bool {
	cert, err := k.certificate(&tls.ClientHelloInfo{
		ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.PSSWithSHA256, tls.Ed25519},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
	})
	return err == nil && cert.Leaf != nil && cert.Leaf.VerifyHostname(name) == nil
}

// every calls f each pace until ctx ends.
func every(ctx context.Context, f func()) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}
