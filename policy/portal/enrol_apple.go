package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// dict is a dictionary of a property list, in an order for people.
type dict []struct {
	key   string
	value any // string, int, []byte, []string, dict or []dict
}

// profile is a configuration profile for iOS, iPadOS and macOS with the settings of the device with this id, as
// Apple's "Device Management" describes it under DNSSettings and CertificateRoot; nil where neither HTTPS nor TLS
// on port 853 is served for it. It is not signed, which the systems tell who installs it. It replaces an earlier one
// of this server, whatever its id was. Where the server cannot be reached a device with it resolves nothing:
// AllowFailover is left at its default, false.
func (e *Enrolment) profile(id string) []byte {
	s := e.settings(id)
	var dns dict
	switch {
	case s.HTTPS != "":
		dns = dict{{"DNSProtocol", "HTTPS"}, {"ServerURL", s.HTTPS}}
	case s.TLS != "" && e.TLS == portTLS: // a profile has no place for another port
		dns = dict{{"DNSProtocol", "TLS"}, {"ServerName", s.TLS}}
	default:
		return nil
	}
	if len(e.Addresses) > 0 {
		var all []string
		for _, a := range e.Addresses {
			all = append(all, a.String())
		}
		dns = append(dns, dict{{"ServerAddresses", all}}...)
	}
	name := reversed(e.Name) + ".hearth"
	parts := []dict{append(payload("com.apple.dnsSettings.managed", name+".dns", id, "Hearth "+e.Name), dict{{"DNSSettings", dns}}...)}
	if a := e.Authority; a != nil {
		parts = append(parts, append(payload("com.apple.security.root", name+".authority", a.Fingerprint, "Hearth "+e.Name),
			dict{{"PayloadCertificateFileName", "hearth-ca.crt"}, {"PayloadContent", a.DER}}...))
	}
	whole := append(payload("Configuration", name, id+s.Fingerprint, "Hearth "+e.Name), dict{
		{"PayloadDescription", "DNS over an encrypted connection to " + e.Name + ", as this device alone. Keep it to yourself."},
		{"PayloadContent", parts},
	}...)
	var b bytes.Buffer
	b.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n<plist version=\"1.0\">\n")
	put(&b, whole)
	b.WriteString("</plist>\n")
	return b.Bytes()
}

// payload begins a part of a profile. Its UUID is the same whenever it is made for the same seed.
func payload(kind, identifier, seed, title string) dict {
	return dict{
		{"PayloadType", kind}, {"PayloadVersion", 1}, {"PayloadIdentifier", identifier},
		{"PayloadUUID", uuid(kind + "\n" + identifier + "\n" + seed)}, {"PayloadDisplayName", title},
	}
}

// uuid makes a version 8 UUID (RFC 9562 section 5.8) of a hash, which does not lead back to the seed.
func uuid(seed string) string {
	h := sha256.Sum256([]byte(seed))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]))
}

// reversed turns a name around, as identifiers of payloads are written: arpa.home.hearth.
func reversed(name string) string {
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// put writes a value of a property list.
func put(b *bytes.Buffer, value any) {
	switch v := value.(type) {
	case string:
		b.WriteString("<string>")
		_ = xml.EscapeText(b, []byte(v)) // into memory
		b.WriteString("</string>\n")
	case int:
		fmt.Fprintf(b, "<integer>%d</integer>\n", v)
	case []byte:
		fmt.Fprintf(b, "<data>%s</data>\n", base64.StdEncoding.EncodeToString(v))
	case []string:
		b.WriteString("<array>\n")
		for _, each := range v {
			put(b, each)
		}
		b.WriteString("</array>\n")
	case []dict:
		b.WriteString("<array>\n")
		for _, each := range v {
			put(b, each)
		}
		b.WriteString("</array>\n")
	case dict:
		b.WriteString("<dict>\n")
		for _, each := range v {
			fmt.Fprintf(b, "<key>%s</key>\n", each.key)
			put(b, each.value)
		}
		b.WriteString("</dict>\n")
	}
}
