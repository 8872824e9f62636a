package certificate

import "net/netip"

// Where certificates come from, as Config.Source names it.
const (
	Local = "local" // a certificate authority of this server's own
	Files = "files" // files that somebody else keeps
	ACME  = "acme"  // an authority that is asked by RFC 8555
)

// DefaultDirectory is where Let's Encrypt takes orders.
const DefaultDirectory = "https://acme-v02.api.letsencrypt.org/directory"

// Config says which names the encrypted listeners have and who vouches for them.
type Config struct {
	// Name is by what clients reach the encrypted listeners; a device with an id of its
	// own also as ID.Name. Empty: the resolver's own name.
	Name string `yaml:"name"`
	// Addresses are those at which clients reach them: in local certificates, in DDR
	// answers and as what Name resolves to. Empty: those that a query came in on.
	Addresses []netip.Addr `yaml:"addresses"`
	Source    string       `yaml:"source"` // local, files or acme
	Files     []Pair       `yaml:"files"`
	ACME      ACMEConfig   `yaml:"acme"`
}

// Pair is a certificate chain with its key, in PEM.
type Pair struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// ACMEConfig says how to get certificates by ACME.
type ACMEConfig struct {
	Directory string `yaml:"directory"`
	Email     string `yaml:"email"`
	// Agree accepts the terms of the authority; nothing is ordered without.
	Agree bool `yaml:"agree"`
	// Challenge is http or dns. Only dns gets the wildcard that devices' own names need.
	Challenge string         `yaml:"challenge"`
	HTTP      netip.AddrPort `yaml:"http"`    // where the http challenge is answered
	CAFile    string         `yaml:"ca_file"` // whom to trust as Directory; empty: the system
	DNS       UpdateConfig   `yaml:"dns"`
}

// UpdateConfig is the primary that takes dynamic updates (RFC 2136) for the dns challenge.
type UpdateConfig struct {
	Server string     `yaml:"server"` // address or address:port
	Zone   string     `yaml:"zone"`
	TSIG   TSIGConfig `yaml:"tsig"`
}

// TSIGConfig is the key that updates are signed with (RFC 8945).
type TSIGConfig struct {
	Name       string `yaml:"name"`
	Algorithm  string `yaml:"algorithm"` // hmac-sha256, hmac-sha384 or hmac-sha512
	SecretFile string `yaml:"secret_file"`
}

// Default gives the configuration before any file is read.
func Default() Config {
	return Config{Source: Local, ACME: ACMEConfig{
		Directory: DefaultDirectory, Challenge: "http",
		HTTP: netip.AddrPortFrom(netip.IPv4Unspecified(), 80),
		DNS:  UpdateConfig{TSIG: TSIGConfig{Algorithm: "hmac-sha256"}},
	}}
}
