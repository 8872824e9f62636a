package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// file is a master file that is being written.
type file struct {
	w    *bufio.Writer
	left int64 // bytes that it may still grow
}

// newFile begins f anew.
func newFile(f Target, limit int64) (*file, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return &file{w: bufio.NewWriterSize(f, 64<<10), left: limit}, f.Truncate(0)
}

func (f *file) flush() error { return f.w.Flush() }

func (f *file) add(rr dns.RR) error {
	line, err := lineOf(rr)
	if err != nil {
		return err
	}
	return f.addLine(line)
}

func (f *file) addLine(line string) error {
	if f.left -= int64(len(line)) + 1; f.left < 0 {
		return ErrTooLarge
	}
	_, _ = f.w.WriteString(line) // the error of a bufio.Writer comes again
	return f.w.WriteByte('\n')
}

// lineOf writes a record so that two that are the same one have the same line but for the TTL: RFC 4034 section 6.2
// puts the names in lower case that owners and the old types have.
func lineOf(rr dns.RR) (string, error) {
	h := rr.Header()
	kind, text := dns.TypeToString[h.Rrtype], ""
	if hasText(h.Rrtype) {
		text = strings.TrimPrefix(rr.String(), h.String())
		if namesOnly(h.Rrtype) {
			text = strings.ToLower(text)
		}
	} else {
		generic := new(dns.RFC3597)
		if err := generic.ToRFC3597(rr); err != nil {
			return "", fmt.Errorf("the record %s cannot be kept: %w", h.Name, err)
		}
		kind = "TYPE" + strconv.Itoa(int(h.Rrtype))
		text = `\# ` + strconv.Itoa(len(generic.Rdata)/2) + " " + generic.Rdata
	}
	line := strings.Join([]string{dns.CanonicalName(h.Name), strconv.FormatUint(uint64(h.Ttl), 10), "IN", kind, text}, "\t")
	if strings.ContainsAny(line, "\r\n") {
		return "", fmt.Errorf("the record %s cannot be kept: a line of it would break", h.Name)
	}
	return line, nil
}

// hasText names the types that are kept in words: those of policies and those by which a zone describes itself. All
// others are kept as RFC 3597 has it, because not every type has a form in which it can be read again.
func hasText(rrtype uint16) bool {
	switch rrtype {
	case dns.TypeA, dns.TypeAAAA, dns.TypeTXT, dns.TypeSRV, dns.TypeMX, dns.TypeCAA, dns.TypeHTTPS, dns.TypeSVCB,
		dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDS, dns.TypeCDS,
		dns.TypeCDNSKEY, dns.TypeZONEMD:
		return true
	}
	return namesOnly(rrtype)
}

func namesOnly(rrtype uint16) bool {
	switch rrtype {
	case dns.TypeCNAME, dns.TypeDNAME, dns.TypeNS, dns.TypePTR, dns.TypeSOA:
		return true
	}
	return false
}

// keyOf is a line without its TTL: what a difference means by a record. ok is false for a line that lineOf did not make.
func keyOf(line string) (key string, ok bool) {
	owner, rest, ok := strings.Cut(line, "\t")
	_, rest, found := strings.Cut(rest, "\t")
	return owner + "\t" + rest, ok && found
}

// ReadSOA reads the SOA record that the file of a zone begins with. It reads no further.
func ReadSOA(path, zone string) (SOA, error) {
	f, err := os.Open(path) //nolint:gosec // the caller's own file
	if err != nil {
		return SOA{}, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 8<<10)).ReadString('\n')
	if err != nil {
		return SOA{}, errors.New("the file is no kept zone")
	}
	rr, err := dns.NewRR(line)
	soa, ok := rr.(*dns.SOA)
	if err != nil || !ok || soa.Hdr.Name != dns.CanonicalName(zone) {
		return SOA{}, fmt.Errorf("the file is no kept zone %s", zone)
	}
	return timers(soa), nil
}
