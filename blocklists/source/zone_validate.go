package source

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// zone checks a source that is transferred.
func (v *validation) zone(path string, s Source) {
	if _, ok := dns.IsDomainName(s.Zone.Name); !ok || strings.ContainsAny(s.Zone.Name, " /:@") {
		v.fail(path+".zone.name", "%q is no name of a zone: write it as its primary does, such as rpz.example.net", s.Zone.Name)
	}
	if s.Format != "" && s.Format != "auto" && s.Format != RPZ {
		v.fail(path+".format", "a zone that is transferred is a response policy zone: write format: rpz, or leave it out")
	}
	if len(s.Zone.Primaries) == 0 {
		v.fail(path+".zone.primaries", "no primary: write the addresses from which the zone is transferred, such as [192.0.2.1]")
	}
	for i, text := range s.Zone.Primaries {
		to, err := parsePrimary(text)
		at := fmt.Sprintf("%s.zone.primaries[%d]", path, i)
		switch {
		case err != nil:
			v.fail(at, "%s", err.Error())
		case reachOf(to.Addr().WithZone("")) == nowhere:
			v.fail(at, "%s is no address that lists are fetched from: write that of the primary", to.Addr())
		}
	}
	v.tsig(path+".zone.tsig", s.Zone.TSIG)
}

func (v *validation) tsig(path string, sig TSIG) {
	switch {
	case sig == TSIG{}:
		return
	case sig.Name == "":
		v.fail(path+".name", "the key has no name: write the one that the primary calls it by")
	case sig.SecretFile == "":
		v.fail(path+".secret_file", "the key has no secret: write the path of a file with the secret in base64, or with what tsig-keygen printed")
	}
	if _, ok := dns.IsDomainName(sig.Name); !ok && sig.Name != "" {
		v.fail(path+".name", "%q is no name of a key: write it as tsig-keygen printed it", sig.Name)
	}
	if known := []string{"", "hmac-sha256", "hmac-sha384", "hmac-sha512"}; !slices.Contains(known, sig.Algorithm) {
		v.fail(path+".algorithm", "no algorithm %q: write hmac-sha256, hmac-sha384 or hmac-sha512", sig.Algorithm)
	}
}

// notify checks where NOTIFY is heard, and that a zone is meant by one source.
func (v *validation) notify(c Config) {
	for i, address := range c.Notify {
		_, port, err := net.SplitHostPort(address)
		if number, wrong := net.LookupPort("udp", port); err != nil || wrong != nil || number == 0 {
			v.fail(fmt.Sprintf("notify[%d]", i), "%q is no address to listen on: write address:port, such as 192.0.2.1:5353 or :5353", address)
		}
	}
	zones := make(map[string]int)
	for i, s := range c.Sources {
		if !s.isZone() {
			continue
		}
		name := dns.CanonicalName(s.Zone.Name)
		if at, taken := zones[name]; taken {
			v.fail(fmt.Sprintf("sources[%d].zone.name", i), "the zone %s is that of sources[%d]: put its categories there", s.Zone.Name, at)
		}
		zones[name] = i
	}
	if len(c.Notify) > 0 && len(zones) == 0 {
		v.fail("notify", "no source is a zone, so nobody sends NOTIFY: leave it out")
	}
}
