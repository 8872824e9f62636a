package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
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
	// held are the certificates in use, the first for clients that ask for none of their names.
	held() []*tls.Certificate
	// broken says whether the last attempt to get newer ones failed.
	broken() bool
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
	orders, err := openACME(c, state, log)
	if err != nil {
		return nil, err
	}
	k.source = orders
	if len(orders.held()) == 0 {
		log.Warn("there is no certificate yet; the encrypted listeners show one of this server's own, which no device trusts, until the first is there",
			slog.String("name", c.Name), slog.String("directory", c.ACME.Directory))
		k.local, err = openLocal(c, state, bound, log, now)
	}
	return k, err
}

// TLS gives a configuration for listeners: TLS 1.2 at least, the certificate chosen for each client, session
// tickets under keys that Go changes daily. Each call gives a new one, which the caller completes with the
// protocols of its transport; clients resume only where they got the ticket.
func (k *Keeper) TLS() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.certificate}
}

// certificate gives the first that the client can use for the name it asks for, else the first of all.
func (k *Keeper) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	_, all := k.held()
	for _, c := range all {
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is no certificate")
	}
	return all[0], nil
}

// held are the certificates in use, and from where they are.
func (k *Keeper) held() (kind string, all []*tls.Certificate) {
	if all = k.source.held(); len(all) == 0 && k.local != nil {
		return Local, k.local.held()
	}
	return k.kind, all
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
	_, all := k.held()
	return slices.ContainsFunc(all, func(c *tls.Certificate) bool { return c.Leaf.VerifyHostname(name) == nil })
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
