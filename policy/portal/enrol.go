package portal

import (
	"encoding/pem"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Enrolment is how devices reach the encrypted listeners. Ports are those that devices connect to; 0 is not
// served.
type Enrolment struct {
	Name      string       // server name, small letters; a device with an id also by ID.Name
	Addresses []netip.Addr // at which devices reach it; none where only the name is known
	TLS       uint16       // DNS over TLS
	QUIC      uint16       // DNS over QUIC
	HTTPS     uint16       // DNS over HTTPS, answered at Path and at Path/ID
	Path      string
	// Devices reports whether the certificate in use has the names of devices, ID.Name; nil is that it has. Without
	// them a device can show its id in the path of HTTPS alone.
	Devices func() bool
	// Authority is what a device must trust first; nil where devices trust the certificate as it is.
	Authority *Authority
}

// encrypted says whether devices can ask over an encrypted connection; without one there is the certificate of the
// console alone.
func (e *Enrolment) encrypted() bool { return e.TLS != 0 || e.QUIC != 0 || e.HTTPS != 0 }

// Authority is the local certificate authority, as people see it.
type Authority struct {
	DER         []byte // its certificate
	Fingerprint string // SHA-256 of it, AB:CD:…
	Pin         string // SHA-256 of its public key, base64
}

// Why Android cannot be set to a server.
const (
	androidAuthority = "authority" // it checks with the authorities that it came with alone, never those of its owner
	androidPort      = "port"      // it knows port 853 alone
	androidNames     = "names"     // the certificate lacks the device's own name
)

const portTLS = 853 // of DNS over TLS, RFC 7858, and over QUIC, RFC 9250

// Settings is what a device is set to, so that it asks encrypted and is known wherever it is. With an id in it
// they are a secret of that device.
type Settings struct {
	Device         string       `json:"device,omitempty"` // household/device; not there: those of no device
	Name           string       `json:"name"`
	Addresses      []netip.Addr `json:"addresses,omitempty"`
	Android        string       `json:"android,omitempty"`         // host name for Private DNS
	AndroidProblem string       `json:"android_problem,omitempty"` // authority, port or names: why there is none
	Page           string       `json:"page,omitempty"`            // where the device gets a profile for Apple's systems
	HTTPS          string       `json:"https,omitempty"`           // URL
	TLS            string       `json:"tls,omitempty"`             // host, with its port unless that is 853
	QUIC           string       `json:"quic,omitempty"`            // likewise
	HomeOnly       bool         `json:"home_only,omitempty"`       // it cannot be reached from elsewhere
	Fingerprint    string       `json:"authority_fingerprint,omitempty"`
	Pin            string       `json:"authority_pin,omitempty"`
	Authority      string       `json:"authority,omitempty"` // certificate in PEM, to be trusted first
}

// settings gives what a device with this id is set to; "" gives what holds for all devices.
func (e *Enrolment) settings(id string) Settings {
	s := Settings{Name: e.Name, Addresses: e.Addresses, HomeOnly: e.homeOnly()}
	host, path := e.Name, e.Path
	named := id == "" || e.Devices == nil || e.Devices()
	if id != "" {
		host, path = id+"."+e.Name, strings.TrimSuffix(e.Path, "/")+"/"+id
	}
	if named {
		s.TLS, s.QUIC = hostPort(host, e.TLS), hostPort(host, e.QUIC)
	}
	if e.HTTPS != 0 {
		at := url.URL{Scheme: "https", Host: e.Name, Path: path}
		if e.HTTPS != 443 {
			at.Host = net.JoinHostPort(e.Name, strconv.Itoa(int(e.HTTPS)))
		}
		s.HTTPS = at.String()
	}
	switch {
	case e.TLS != portTLS:
		s.AndroidProblem = androidPort
	case !named:
		s.AndroidProblem = androidNames
	case e.Authority != nil:
		s.AndroidProblem = androidAuthority
	default:
		s.Android = host
	}
	if a := e.Authority; a != nil {
		s.Fingerprint, s.Pin = a.Fingerprint, a.Pin
		s.Authority = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.DER}))
	}
	return s
}

// hostPort gives a server for DNS over TLS or QUIC, "" for port 0.
func hostPort(host string, port uint16) string {
	switch port {
	case 0:
		return ""
	case portTLS:
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// homeOnly says whether nobody can reach the server from elsewhere: it has private addresses alone, or none and
// a name that the public DNS does not have.
func (e *Enrolment) homeOnly() bool {
	if len(e.Addresses) == 0 {
		last := e.Name[strings.LastIndexByte(e.Name, '.')+1:]
		return last == e.Name || slices.Contains([]string{"arpa", "internal", "lan", "local", "localhost", "test"}, last)
	}
	return !slices.ContainsFunc(e.Addresses, func(a netip.Addr) bool {
		return a.IsGlobalUnicast() && !a.IsPrivate()
	})
}

// ErrNotEncrypted says that no device can be set to anything, because nothing is served encrypted.
var ErrNotEncrypted = errors.New("no listener is encrypted; write one with protocol: tls, quic or https in the configuration")

// Settings tells what a device, HOUSEHOLD/DEVICE, is set to for encrypted DNS, or with "" what holds for all.
func (p *Portal) Settings(device string) (Settings, error) {
	switch {
	case p.enrolment == nil:
		return Settings{}, ErrNotEncrypted
	case device == "":
		return p.enrolment.settings(""), nil
	case !p.enrolment.encrypted():
		return Settings{}, ErrNotEncrypted
	}
	client, err := p.view().LocateDevice(device)
	switch {
	case err != nil:
		return Settings{}, &QueryError{Field: "device", Unknown: true, Problem: err.Error(), Original: err}
	case client.Device == nil || client.Device.ID == "":
		return Settings{}, &QueryError{Field: "device", Problem: device + " has no id; hearth enrol --new makes one, which stands as id: with the device in the configuration"}
	}
	s := p.enrolment.settings(client.Device.ID)
	s.Device = client.Household.ID + "/" + client.Device.Name
	if s.HTTPS != "" || s.TLS != "" {
		s.Page = "http://" + p.ask.String() + enrolPath
	}
	return s, nil
}
