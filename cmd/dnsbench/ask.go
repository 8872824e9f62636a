//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// askUsage is how the program asks one question.
const askUsage = "usage: dnsbench ask -proto dot|doh|h3|doq -server ADDR[:PORT] [-name HOST] [-sni NAME] [-path PATH] [-ca FILE | -insecure] NAME [TYPE]"

// asking is one question of a person and whom it is for.
type asking struct {
	target target
	name   string
	kind   uint16
}

// askOne asks one question over an encrypted transport and prints the answer.
func askOne(ctx context.Context, arguments []string, out io.Writer) error {
	a, err := newAsking(arguments)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	began := time.Now()
	c, err := a.target.open(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	q := newQuery(a.name, a.kind, allowed)
	connected := time.Since(began)
	reply, err := c.exchange(ctx, q.frame[2:])
	if err != nil {
		return fmt.Errorf("asking %s over %s: %w", a.target.addr, a.target.over, err)
	}
	if err := printMessage(out, reply); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	fmt.Fprintf(out, ";; %d octets from %s over %s: connected in %v, answered in %v\n",
		len(reply), a.target.addr, a.target.over, connected.Round(time.Microsecond), (time.Since(began) - connected).Round(time.Microsecond))
	return nil
}

// newAsking reads the arguments.
func newAsking(arguments []string) (asking, error) {
	f := flag.NewFlagSet("ask", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	over := f.String("proto", string(overTLS), "")
	at := f.String("server", "", "")
	host := f.String("name", "", "")
	sni := f.String("sni", "", "")
	path := f.String("path", "/dns-query", "")
	ca := f.String("ca", "", "")
	insecure := f.Bool("insecure", false, "")
	if err := f.Parse(arguments); err != nil {
		return asking{}, fmt.Errorf("%w\n%s", err, askUsage)
	}
	a := asking{target: target{over: protocol(*over), path: *path}}
	if *over == "h3" {
		a.target.over = overHTTP3
	}
	var err error
	if a.target.addr, err = serverAddress(*at, a.target.over); err != nil {
		return asking{}, fmt.Errorf("%w\n%s", err, askUsage)
	}
	if a.target.host = *host; *host == "" {
		a.target.host = a.target.addr.Addr().String()
	}
	if *sni == "" {
		*sni = a.target.host
	}
	a.target.tls = &tls.Config{ServerName: *sni, MinVersion: tls.VersionTLS12, InsecureSkipVerify: *insecure} //nolint:gosec // if the user says so
	if *ca != "" {
		if a.target.tls.RootCAs, err = readAuthorities(*ca); err != nil {
			return asking{}, err
		}
	}
	a.name, a.kind, err = question(f.Args())
	return a, err
}

// serverAddress reads an address, with the port of the transport where none is given.
func serverAddress(text string, over protocol) (netip.AddrPort, error) {
	standard, ok := map[protocol]uint16{overTLS: 853, overQUIC: 853, overHTTP2: 443, overHTTP3: 443}[over]
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("-proto %q is none of dot, doh, h3, doq", over)
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, standard), nil
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("-server wants an address, or an address and a port, as 127.0.0.1:8853, not %q", text)
	}
	return a, nil
}

func readAuthorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading -ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("reading -ca: %s holds no certificate (PEM)", path)
	}
	return pool, nil
}

// question reads a name and a type, which is A where there is none.
func question(words []string) (name string, kind uint16, err error) {
	if len(words) < 1 || len(words) > 2 {
		return "", 0, errors.New(askUsage)
	}
	if name = strings.TrimSuffix(words[0], "."); name == "" || len(name) > 253 {
		return "", 0, fmt.Errorf("%q is no name to ask for", words[0])
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "", 0, fmt.Errorf("%q is no name: a label has 1 to 63 octets", words[0])
		}
	}
	if len(words) == 1 {
		return name, typeA, nil
	}
	kind, err = typeNamed(words[1])
	return name, kind, err
}

// typeNamed reads a type by its name, or as TYPE123 (RFC 3597).
func typeNamed(text string) (uint16, error) {
	known := map[string]uint16{"A": typeA, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": typeAAAA, "SRV": 33, "SVCB": 64, "HTTPS": typeHTTPS, "RESINFO": 261}
	upper := strings.ToUpper(text)
	if kind, ok := known[upper]; ok {
		return kind, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(upper, "TYPE"), 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no type that is known here: write its number as TYPE123", text)
	}
	return uint16(n), nil
}

// printMessage writes what an answer says, a record a line.
func printMessage(out io.Writer, reply []byte) error {
	var m dnsmessage.Message
	if err := m.Unpack(reply); err != nil {
		return err
	}
	fmt.Fprintf(out, ";; %s, AA %v, TC %v, RD %v, RA %v, AD %v\n", rcodeText(m.RCode), m.Authoritative, m.Truncated, m.RecursionDesired, m.RecursionAvailable, m.AuthenticData)
	for _, q := range m.Questions {
		fmt.Fprintf(out, ";; asked: %s %s\n", q.Name, typeText(q.Type))
	}
	for _, section := range []struct {
		name    string
		records []dnsmessage.Resource
	}{{"answer", m.Answers}, {"authority", m.Authorities}, {"additional", m.Additionals}} {
		for _, r := range section.records {
			if opt, ok := r.Body.(*dnsmessage.OPTResource); ok {
				printOptions(out, opt)
				continue
			}
			fmt.Fprintf(out, "%s: %s %d %s %s\n", section.name, r.Header.Name, r.Header.TTL, typeText(r.Header.Type), dataText(r.Body))
		}
	}
	return nil
}

// printOptions writes the Extended DNS Errors (RFC 8914) in words, the length of
// padding, and other options as octets.
func printOptions(out io.Writer, opt *dnsmessage.OPTResource) {
	for _, o := range opt.Options {
		switch {
		case o.Code == 15 && len(o.Data) >= 2:
			fmt.Fprintf(out, ";; EDE %d: %q\n", int(o.Data[0])<<8|int(o.Data[1]), o.Data[2:])
		case o.Code == 12:
			fmt.Fprintf(out, ";; padding of %d octets\n", len(o.Data))
		default:
			fmt.Fprintf(out, ";; option %d: %x\n", o.Code, o.Data)
		}
	}
}

// rcodeText is a response code as RFC 9499 and others write it.
func rcodeText(code dnsmessage.RCode) string {
	names := []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
	if int(code) < len(names) {
		return names[code]
	}
	return fmt.Sprintf("RCODE%d", code)
}

func typeText(t dnsmessage.Type) string { return strings.TrimPrefix(t.String(), "Type") }

// dataText is the data of a record as a person reads it, octets where it is not known.
func dataText(body dnsmessage.ResourceBody) string {
	switch b := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return b.CNAME.String()
	case *dnsmessage.NSResource:
		return b.NS.String()
	case *dnsmessage.PTRResource:
		return b.PTR.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", b.Pref, b.MX)
	case *dnsmessage.TXTResource:
		return fmt.Sprintf("%q", b.TXT)
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", b.NS, b.MBox, b.Serial, b.Refresh, b.Retry, b.Expire, b.MinTTL)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %s", b.Priority, b.Weight, net.JoinHostPort(b.Target.String(), strconv.Itoa(int(b.Port))))
	case *dnsmessage.SVCBResource:
		return serviceText(b.Priority, b.Target, b.Params)
	case *dnsmessage.HTTPSResource:
		return serviceText(b.Priority, b.Target, b.Params)
	case *dnsmessage.UnknownResource:
		return fmt.Sprintf("\\# %d %x", len(b.Data), b.Data)
	}
	return strings.TrimPrefix(body.GoString(), "dnsmessage.")
}

// serviceText is a service binding (RFC 9460), values it knows none of as octets.
func serviceText(priority uint16, to dnsmessage.Name, parameters []dnsmessage.SVCParam) string {
	text := fmt.Sprintf("%d %s", priority, to)
	for _, p := range parameters {
		switch p.Key {
		case dnsmessage.SVCParamALPN, dnsmessage.SVCParamDOHPath:
			text += fmt.Sprintf(" %s=%q", p.Key, p.Value)
		case dnsmessage.SVCParamPort:
			if len(p.Value) != 2 {
				return text + " (a port of a wrong length)"
			}
			text += fmt.Sprintf(" %s=%d", p.Key, binary.BigEndian.Uint16(p.Value))
		default:
			text += fmt.Sprintf(" %s=%x", p.Key, p.Value)
		}
	}
	return text
}
