package certificate

import (
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
	"github.com/miekg/dns"
)

// Times of the dns challenge.
const (
	updateTTL   = 60              // seconds that a record of a challenge may be kept
	updateWait  = time.Minute     // that the zone's other servers have to fetch it
	updateEvery = 2 * time.Second // in which they are asked
)

// algorithms are those that updates may be signed with, by the names in the configuration.
var algorithms = map[string]string{"hmac-sha256": dns.HmacSHA256, "hmac-sha384": dns.HmacSHA384, "hmac-sha512": dns.HmacSHA512}

// updates answers the dns challenge by records that a zone's primary takes as dynamic updates (RFC 2136),
// signed where there is a key (RFC 8945). It implements acmez.Solver and acmez.Waiter.
type updates struct {
	server    string
	zone      string // "": found by its SOA
	key       string // name; "" without
	algorithm string
	client    *dns.Client
}

func newUpdates(c UpdateConfig) (*updates, error) {
	server, err := c.primary()
	if err != nil {
		return nil, fmt.Errorf("tls.acme.dns.server: %w; write the address of the zone's primary", err)
	}
	u := &updates{server: server, algorithm: algorithms[c.TSIG.Algorithm], client: &dns.Client{Net: "tcp", Timeout: 10 * time.Second}}
	if c.Zone != "" {
		u.zone = dns.CanonicalName(c.Zone)
	}
	if c.TSIG.Name == "" {
		return u, nil
	}
	secret, err := readSecret(c.TSIG.SecretFile)
	if err != nil {
		return nil, err
	}
	u.key = dns.CanonicalName(c.TSIG.Name)
	u.client.TsigSecret = map[string]string{u.key: secret}
	return u, nil
}

// clause is the secret in what tsig-keygen prints.
var (
	clause     = regexp.MustCompile(`secret\s+"([^"]+)"`)
	secretText = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)
)

func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return "", fmt.Errorf("reading tls.acme.dns.tsig.secret_file: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if found := clause.FindStringSubmatch(secret); found != nil {
		secret = found[1]
	}
	if !secretText.MatchString(secret) {
		return "", fmt.Errorf("tls.acme.dns.tsig.secret_file: %s does not hold a secret; write it there in base64, or all that tsig-keygen prints", file)
	}
	return secret, nil
}

// record is what the authority will look for (RFC 8555 section 8.4).
func record(c acme.Challenge) *dns.TXT {
	return &dns.TXT{
		Hdr: dns.RR_Header{Name: dns.CanonicalName(c.DNS01TXTRecordName()), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: updateTTL},
		Txt: []string{c.DNS01KeyAuthorization()},
	}
}

// Present adds the record of a challenge.
func (u *updates) Present(ctx context.Context, c acme.Challenge) error {
	return u.update(ctx, c, (*dns.Msg).Insert)
}

// CleanUp takes it away again.
func (u *updates) CleanUp(ctx context.Context, c acme.Challenge) error {
	return u.update(context.WithoutCancel(ctx), c, (*dns.Msg).Remove)
}

func (u *updates) update(ctx context.Context, c acme.Challenge, change func(*dns.Msg, []dns.RR)) error {
	rr := record(c)
	zone, err := u.zoneOf(ctx, rr.Hdr.Name)
	if err != nil {
		return err
	}
	m := new(dns.Msg)
	m.SetUpdate(zone)
	change(m, []dns.RR{rr})
	if u.key != "" {
		m.SetTsig(u.key, u.algorithm, 300, time.Now().Unix())
	}
	reply, _, err := u.client.ExchangeContext(ctx, m, u.server)
	switch {
	case err != nil:
		return fmt.Errorf("updating %s at %s: %w", zone, u.server, err)
	case reply.Rcode != dns.RcodeSuccess:
		return fmt.Errorf("updating %s: %s answers %s; allow the key to change %s TXT there", zone, u.server, dns.RcodeToString[reply.Rcode], rr.Hdr.Name)
	}
	return nil
}

// zoneOf asks the primary in which of its zones a name is.
func (u *updates) zoneOf(ctx context.Context, name string) (string, error) {
	if u.zone != "" {
		return u.zone, nil
	}
	reply, err := u.ask(ctx, u.server, name, dns.TypeSOA)
	if err != nil {
		return "", fmt.Errorf("asking %s for the zone of %s: %w", u.server, name, err)
	}
	for _, rr := range slices.Concat(reply.Answer, reply.Ns) {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(soa.Hdr.Name, name) {
			return dns.CanonicalName(soa.Hdr.Name), nil
		}
	}
	return "", fmt.Errorf("%s does not say in which zone %s is; write tls.acme.dns.zone", u.server, name)
}

func (u *updates) ask(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	m.RecursionDesired = false
	c := dns.Client{Net: "tcp", Timeout: 5 * time.Second}
	reply, _, err := c.ExchangeContext(ctx, m, server)
	return reply, err
}

// Wait lets the zone's other servers fetch the record, because the authority asks any of them. After a minute
// it goes on regardless: the authority judges.
func (u *updates) Wait(ctx context.Context, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(ctx, updateWait)
	defer cancel()
	rr := record(c)
	for _, server := range u.others(ctx, rr.Hdr.Name) {
		for !u.has(ctx, server, rr) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(updateEvery):
			}
		}
	}
	return nil
}

// others gives the addresses of the zone's name servers; none where they cannot be found out.
func (u *updates) others(ctx context.Context, name string) []string {
	zone, err := u.zoneOf(ctx, name)
	if err != nil {
		return nil
	}
	reply, err := u.ask(ctx, u.server, zone, dns.TypeNS)
	if err != nil {
		return nil
	}
	var all []string
	for _, rr := range reply.Answer {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		hosts, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", ns.Ns)
		for _, h := range hosts {
			all = append(all, net.JoinHostPort(h.String(), "53"))
		}
	}
	return all
}

// has says whether a server answers with the record, or cannot be asked from here.
func (u *updates) has(ctx context.Context, server string, want *dns.TXT) bool {
	reply, err := u.ask(ctx, server, want.Hdr.Name, dns.TypeTXT)
	return err != nil || slices.ContainsFunc(reply.Answer, func(rr dns.RR) bool {
		txt, ok := rr.(*dns.TXT)
		return ok && slices.Equal(txt.Txt, want.Txt)
	})
}
