package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// files is the source of certificates that somebody else keeps.
type files struct {
	pairs []*pair
	log   *slog.Logger
	now   func() time.Time
}

// pair is one certificate with its key, and how its files looked when they were read.
type pair struct {
	Pair
	seen   [2]fs.FileInfo
	inUse  atomic.Pointer[tls.Certificate]
	failed atomic.Bool
	said   string // what was logged last about it
}

// openFiles reads all pairs. What has run out is served nevertheless, with an error in the log: a clock that
// is not set yet, or a renewal that failed, must not take the house its DNS.
func openFiles(c Config, log *slog.Logger, now func() time.Time) (*files, error) {
	f := &files{log: log, now: now}
	for _, p := range c.Files {
		one := &pair{Pair: p}
		cert, err := one.read(now())
		var late *outOfTime
		if errors.As(err, &late) {
			log.Error("serving a certificate that clients refuse, because there is no other", slog.Any("error", err))
			one.said = err.Error()
			one.failed.Store(true)
		} else if err != nil {
			return nil, err
		}
		one.inUse.Store(cert)
		f.pairs = append(f.pairs, one)
	}
	return f, nil
}

func (f *files) held() []*tls.Certificate {
	all := make([]*tls.Certificate, len(f.pairs))
	for i, p := range f.pairs {
		all[i] = p.inUse.Load()
	}
	return all
}

// broken says whether a pair on disk is not the one that serves.
func (f *files) broken() bool {
	return slices.ContainsFunc(f.pairs, func(p *pair) bool { return p.failed.Load() })
}

func (f *files) run(ctx context.Context) { every(ctx, f.tend) }

// tend reads the pairs whose files have changed, and again those that could not be used: the two files of
// one are never replaced at the same moment.
func (f *files) tend() {
	for _, p := range f.pairs {
		if !p.failed.Load() && !p.changed() {
			continue
		}
		cert, err := p.read(f.now())
		p.failed.Store(err != nil)
		switch {
		case err == nil:
			p.inUse.Store(cert)
			p.said = ""
			f.log.Info("serving a new certificate", slog.String("file", p.CertFile), slog.Time("expires", cert.Leaf.NotAfter))
		case p.said != err.Error():
			p.said = err.Error()
			f.log.Error("a new certificate cannot be used; the last good one serves on", slog.Any("error", err))
		}
	}
}

// changed says whether the files are others than those that were read.
func (p *pair) changed() bool {
	for i, name := range []string{p.CertFile, p.KeyFile} {
		now, err := os.Stat(name)
		old := p.seen[i]
		if err != nil || old == nil || !os.SameFile(old, now) || !old.ModTime().Equal(now.ModTime()) || old.Size() != now.Size() {
			return true
		}
	}
	return false
}

// outOfTime is the error of a pair that is whole, but not at this time.
type outOfTime struct {
	file     string
	from, to time.Time
}

func (e *outOfTime) Error() string {
	return fmt.Sprintf("the certificate in %s is good from %s to %s alone; renew it, or set this machine's clock", e.file, e.from.Format(time.RFC3339), e.to.Format(time.RFC3339))
}

// read loads the pair. With an outOfTime error the certificate is given all the same.
func (p *pair) read(now time.Time) (*tls.Certificate, error) {
	for i, name := range []string{p.CertFile, p.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w; write its path, or make it readable for this program", err)
		}
		p.seen[i] = info
	}
	cert, err := tls.LoadX509KeyPair(p.CertFile, p.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("the certificate in %s does not go with the key in %s: %w; write a chain and its own key, both PEM", p.CertFile, p.KeyFile, err)
	}
	if now.Before(cert.Leaf.NotBefore) || now.After(cert.Leaf.NotAfter) {
		return &cert, &outOfTime{p.CertFile, cert.Leaf.NotBefore, cert.Leaf.NotAfter}
	}
	return &cert, nil
}
