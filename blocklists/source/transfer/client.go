// Package transfer brings response policy zones from their primaries and hears of their changes: SOA queries, AXFR
// (RFC 5936), IXFR (RFC 1995), NOTIFY (RFC 1996), signed by TSIG (RFC 8945). It knows records, and nothing of lists.
//
// A zone is kept as a master file with one record a line: owner, TTL, class, type and data with a tab between, names in
// lower case, the SOA record first. The file alone says which serial it is, so that it cannot disagree with a record of
// it elsewhere.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/miekg/dns"
)

// ErrRollback means that no primary has a version that is as new as the kept one, by the arithmetic of RFC 1982: an old
// backup, a zone made anew, or somebody who plays an old version back.
var ErrRollback = errors.New("rollback of the zone")

// Client brings one zone. Its fields are set before the first use.
type Client struct {
	Zone      string           // its name
	Primaries []netip.AddrPort // asked in this order; the caller vouches for the addresses
	Key       *Key             // signs requests and must sign answers; nil: nothing is signed
	MaxBytes  int64            // of the messages of one transfer
	MaxText   int64            // of the master file
	Timeout   time.Duration    // of a whole update
}

// SOA is what a zone says about itself.
type SOA struct {
	Serial                 uint32
	Refresh, Retry, Expire time.Duration // as the zone says, unbounded
}

// Result is the outcome of an Update.
type Result struct {
	SOA     SOA
	Primary netip.AddrPort
	Type    string // of the transfer: "AXFR" or "IXFR"; "": the kept copy is the current version
	Bytes   int64  // of the messages of the transfer
}

// Newer reports whether serial a is newer than b (RFC 1982 section 3.2). Of two that are half the circle apart none is.
func Newer(a, b uint32) bool { return int32(a-b) > 0 } //nolint:gosec // the sign is the arithmetic

// Target is where a zone is written: a file, or a place in memory.
type Target interface {
	io.WriteSeeker
	Truncate(size int64) error
}

// Update asks the primaries for a newer version than that of the file kept ("" or without a zone: for any) and
// writes it to the file to, from its beginning, unless the kept one is current. The kept file is only read. The error
// of the last resort names each primary; ErrRollback and ErrTooLarge can be told apart. After an error the content of
// to is undefined.
func (c *Client) Update(ctx context.Context, kept string, to *os.File) (Result, error) {
	have, err := ReadSOA(kept, c.Zone)
	if err != nil {
		kept = "" // nothing that an increment could begin with
	}
	return c.each(ctx, func(ctx context.Context, primary netip.AddrPort) (Result, error) {
		return c.from(ctx, primary, kept, have, to)
	})
}

// Whole is Update for who keeps no copy: it transfers all of a version that is newer than the one with the serial known,
// or any version where known is nil.
func (c *Client) Whole(ctx context.Context, known *uint32, to Target) (Result, error) {
	return c.each(ctx, func(ctx context.Context, primary netip.AddrPort) (Result, error) {
		r := Result{Primary: primary}
		var err error
		if r.SOA, err = c.current(ctx, primary); err != nil {
			return r, err
		}
		if known != nil {
			if r.SOA.Serial == *known {
				return r, nil
			}
			if err := newer(r.SOA, SOA{Serial: *known}); err != nil {
				return r, err
			}
		}
		if r, err = c.transfer(ctx, primary, dns.TypeAXFR, "", SOA{}, to); err == nil && known != nil {
			err = newer(r.SOA, SOA{Serial: *known})
		}
		return r, err
	})
}

// each asks one primary after the other until one answers.
func (c *Client) each(ctx context.Context, ask func(context.Context, netip.AddrPort) (Result, error)) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var errs []error
	for _, primary := range c.Primaries {
		r, err := ask(ctx, primary)
		if err == nil {
			return r, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", primary, err))
		if ctx.Err() != nil {
			break
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		errs = append(errs, fmt.Errorf("the transfer took longer than %s: %w", c.Timeout, context.DeadlineExceeded))
	}
	return Result{}, joined(errs)
}

// joined is errors.Join on one line.
func joined(errs []error) error {
	var all error
	for _, err := range errs {
		if all == nil {
			all = err
		} else {
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}

// from updates from one primary.
func (c *Client) from(ctx context.Context, primary netip.AddrPort, kept string, have SOA, to *os.File) (Result, error) {
	r := Result{Primary: primary}
	var err error
	if r.SOA, err = c.current(ctx, primary); err != nil {
		return r, err
	}
	if kept != "" {
		if r.SOA.Serial == have.Serial {
			return r, nil
		}
		if err := newer(r.SOA, have); err != nil {
			return r, err
		}
		fresh, err := c.transfer(ctx, primary, dns.TypeIXFR, kept, have, to)
		if err == nil || ctx.Err() != nil || errors.Is(err, errSignature) || errors.Is(err, ErrRollback) {
			return fresh, err
		}
	}
	return c.transfer(ctx, primary, dns.TypeAXFR, kept, have, to)
}

// newer refuses a version that is not newer than the kept one.
func newer(now, have SOA) error {
	if Newer(now.Serial, have.Serial) {
		return nil
	}
	return fmt.Errorf("%w: its serial is %d, that of the kept copy %d is newer", ErrRollback, now.Serial, have.Serial)
}

// transfer brings the zone by AXFR or IXFR.
func (c *Client) transfer(ctx context.Context, primary netip.AddrPort, how uint16, kept string, have SOA, to Target) (Result, error) {
	r := Result{Primary: primary, Type: "AXFR"}
	s, done, err := c.open(ctx, "tcp", primary)
	if err != nil {
		return r, err
	}
	defer done()
	if err := s.ask(c.request(how, have)); err != nil {
		return r, err
	}
	out, err := newFile(to, c.MaxText)
	if err != nil {
		return r, err
	}
	in := &stream{session: s, zone: dns.CanonicalName(c.Zone)}
	var last *dns.SOA
	if how == dns.TypeIXFR {
		var whole bool
		if last, whole, err = in.increment(kept, have.Serial, out); !whole {
			r.Type = "IXFR"
		}
	} else {
		last, err = in.whole(out)
	}
	if err != nil {
		return r, err
	}
	r.SOA, r.Bytes = timers(last), c.MaxBytes-s.left
	if kept != "" && r.SOA.Serial == have.Serial {
		r.Type = "" // another server of the same address has the kept version
		return r, nil
	}
	if kept != "" {
		if err := newer(r.SOA, have); err != nil {
			return r, err
		}
	}
	return r, out.flush()
}

// request is the question, with what the kept copy is for IXFR (RFC 1995 section 3).
func (c *Client) request(how uint16, have SOA) *dns.Msg {
	m := new(dns.Msg)
	m.Id = dns.Id()
	m.Question = []dns.Question{{Name: dns.CanonicalName(c.Zone), Qtype: how, Qclass: dns.ClassINET}}
	if how == dns.TypeIXFR {
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: dns.CanonicalName(c.Zone), Rrtype: dns.TypeSOA, Class: dns.ClassINET},
			Ns: ".", Mbox: ".", Serial: have.Serial}}
	}
	return m
}

// current asks for the SOA record: by UDP, and by TCP where that brings nothing or something that cannot be used, which
// may be of somebody else.
func (c *Client) current(ctx context.Context, primary netip.AddrPort) (SOA, error) {
	short, cancel := context.WithTimeout(ctx, udpTime)
	defer cancel()
	if soa, err := c.soa(short, "udp", primary); err == nil {
		return soa, nil
	}
	if err := ctx.Err(); err != nil {
		return SOA{}, err
	}
	return c.soa(ctx, "tcp", primary)
}

func (c *Client) soa(ctx context.Context, network string, primary netip.AddrPort) (SOA, error) {
	s, done, err := c.open(ctx, network, primary)
	if err != nil {
		return SOA{}, err
	}
	defer done()
	if err := s.ask(c.request(dns.TypeSOA, SOA{})); err != nil {
		return SOA{}, err
	}
	m, err := s.read(quietTime)
	if err != nil {
		return SOA{}, err
	}
	if m.Truncated || !m.Authoritative || len(m.Answer) != 1 {
		return SOA{}, fmt.Errorf("the primary does not answer for the zone %s: is the name right, and the zone loaded there?", c.Zone)
	}
	soa, ok := m.Answer[0].(*dns.SOA)
	if !ok || dns.CanonicalName(soa.Hdr.Name) != dns.CanonicalName(c.Zone) || soa.Hdr.Class != dns.ClassINET {
		return SOA{}, fmt.Errorf("the primary gave no SOA record of the zone %s", c.Zone)
	}
	return timers(soa), nil
}

func timers(soa *dns.SOA) SOA {
	seconds := func(n uint32) time.Duration { return time.Duration(n) * time.Second }
	return SOA{Serial: soa.Serial, Refresh: seconds(soa.Refresh), Retry: seconds(soa.Retry), Expire: seconds(soa.Expire)}
}
