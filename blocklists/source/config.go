package source

import (
	"cmp"
	"strings"
	"time"

	"github.com/hearthdns/hearth/blocklists/help"
)

// Config is the `lists` section of the configuration.
type Config struct {
	Starter  bool          `yaml:"starter"`   // compile the embedded starter lists in; the help lists always are
	Sources  []Source      `yaml:"sources"`   // the lists to read
	Popular  string        `yaml:"popular"`   // name of the source whose names count as popular; "" = none
	MaxBytes int64         `yaml:"max_bytes"` // largest list as it is downloaded; decompressed four times that
	Timeout  time.Duration `yaml:"timeout"`   // of a whole download
	Guards   Guards        `yaml:"guards"`    // what a new version of a list may not do without being accepted
	Help     help.Config   `yaml:"help"`      // names of the built-in help lists that are suspended
	Notify   []string      `yaml:"notify"`    // address:port where primaries of zones send NOTIFY; none = only the SOA timers count
}

// Guards bound how far a new version of a list may be from the last good one. What goes further is held back until
// the operator accepts it.
type Guards struct {
	Shrink     int `yaml:"shrink"`      // percent of its names that a list may lose at once, 1 to 100; 0 = 20
	Growth     int `yaml:"growth"`      // percent that a list may gain at once, 1 to 10000; 0 = 100
	PopularTop int `yaml:"popular_top"` // how many of the most popular names no list may newly hit; 0 = 10000
	StaleAfter int `yaml:"stale_after"` // refresh times without a confirmed copy after which a list counts as stale; 0 = 3
}

// Source is one list. Exactly one of URL, Path and Zone is set.
type Source struct {
	Name           string        `yaml:"name"`            // unique; stands in logs, statistics and metrics
	URL            string        `yaml:"url"`             // http or https
	Path           string        `yaml:"path"`            // a file or a folder, read where it is
	Zone           Zone          `yaml:"zone"`            // a response policy zone, transferred from its primaries
	Format         Format        `yaml:"format"`          // one of Formats
	Categories     []string      `yaml:"categories"`      // what its names are; UT1: of directories that Map does not name
	Map            []Mapping     `yaml:"map"`             // UT1: what the names of a directory are
	Match          string        `yaml:"match"`           // MatchSubdomains ("" too) or MatchExact, for plain names
	Refresh        time.Duration `yaml:"refresh"`         // how often it is asked; 0 = 24h, else at least 1h; changes at a path are seen sooner
	PublicSuffixes bool          `yaml:"public_suffixes"` // accept entries that are public suffixes, as lists of dynamic DNS need
	Attributes     []string      `yaml:"attributes"`      // v2fly: lines with one of these, or without those after "-"; none = all
	Private        bool          `yaml:"private"`         // its server may have a private or loopback address
	TokenFile      string        `yaml:"token_file"`      // file of the bearer token that the URL's server wants
	CertFile       string        `yaml:"cert_file"`       // client certificate (PEM) that the URL's server wants, with KeyFile
	KeyFile        string        `yaml:"key_file"`        // private key (PEM) of CertFile
	CAFile         string        `yaml:"ca_file"`         // certificates (PEM) that the server's is checked with; "" = the system's
	Key            string        `yaml:"key"`             // minisign public key that the list must be signed with, beside it in NAME.minisig; "" = it need not be
	Except         bool          `yaml:"except"`          // its names are taken out of all other lists of Categories, instead of put into them
}

// Zone says where a response policy zone is transferred from: AXFR (RFC 5936), then IXFR (RFC 1995).
type Zone struct {
	Name      string   `yaml:"name"`      // of the zone; "" = the source is no zone
	Primaries []string `yaml:"primaries"` // address or address:port, asked in this order
	TSIG      TSIG     `yaml:"tsig"`      // signs transfers and NOTIFY (RFC 8945)
}

// TSIG is a shared key. The zero value means that nothing is signed.
type TSIG struct {
	Name       string `yaml:"name"`        // of the key; "" = none
	Algorithm  string `yaml:"algorithm"`   // hmac-sha256 ("" too), hmac-sha384 or hmac-sha512
	SecretFile string `yaml:"secret_file"` // file with the secret in base64
}

// Mapping gives the names of one directory of a UT1 list their categories. A directory that UT1 means as an allow
// list is read only where a Mapping names it.
type Mapping struct {
	From string   `yaml:"from"`
	To   []string `yaml:"to"`
}

const (
	minRefresh     = time.Hour
	maxRefresh     = 90 * 24 * time.Hour
	defaultRefresh = 24 * time.Hour
	defaultBytes   = 64 << 20
	defaultTimeout = 5 * time.Minute

	// Lists of volunteers move by a few percent a week; a fifth of a list gone at once is a broken export, and one that
	// doubles has become another list.
	defaultShrink = 20
	defaultGrowth = 100
	// Every household asks for the ten thousand most popular names; a mistake there is felt at once.
	defaultPopularTop = 10_000
	defaultStaleAfter = 3
)

// Default returns the section as it is when nothing is configured.
func Default() Config {
	return Config{
		Starter:  true,
		MaxBytes: defaultBytes,
		Timeout:  defaultTimeout,
		Guards: Guards{Shrink: defaultShrink, Growth: defaultGrowth, PopularTop: defaultPopularTop,
			StaleAfter: defaultStaleAfter},
	}
}

// filled returns c with the defaults where a number is zero.
func (c Config) filled() Config {
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultBytes)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.Sources = withZoneFormats(c.Sources)
	c.Guards.Shrink = cmp.Or(c.Guards.Shrink, defaultShrink)
	c.Guards.Growth = cmp.Or(c.Guards.Growth, defaultGrowth)
	c.Guards.PopularTop = cmp.Or(c.Guards.PopularTop, defaultPopularTop)
	c.Guards.StaleAfter = cmp.Or(c.Guards.StaleAfter, defaultStaleAfter)
	return c
}

// maxInflated is the largest list decompressed, in bytes: text lists shrink to a quarter and less.
func (c Config) maxInflated() int64 { return c.MaxBytes * (DefaultMaxInflated / defaultBytes) }

// options says how the source is parsed, limits included.
func (s Source) options(c Config) Options {
	return Options{Match: s.Match, PublicSuffixes: s.PublicSuffixes, MaxInflated: c.maxInflated(), Attributes: s.Attributes}
}

// refresh is how often the source is asked.
func (s Source) refresh() time.Duration { return cmp.Or(s.Refresh, defaultRefresh) }

func formatNames() string {
	var names []string
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
