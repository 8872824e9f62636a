package source

import (
	"cmp"
	"strings"
	"time"
)

// Config is the `lists` section of the configuration.
type Config struct {
	Starter  bool          `yaml:"starter"`   // compile the embedded starter lists in; the help lists always are
	Sources  []Source      `yaml:"sources"`   // the lists to read
	Popular  string        `yaml:"popular"`   // name of the source whose names count as popular; "" = none
	MaxBytes int64         `yaml:"max_bytes"` // largest list as it is downloaded; decompressed four times that
	Timeout  time.Duration `yaml:"timeout"`   // of a whole download
}

// Source is one list. Exactly one of URL and Path is set.
type Source struct {
	Name           string        `yaml:"name"`            // unique; stands in logs, statistics and metrics
	URL            string        `yaml:"url"`             // http or https
	Path           string        `yaml:"path"`            // a file or a folder, read where it is
	Format         Format        `yaml:"format"`          // one of Formats
	Categories     []string      `yaml:"categories"`      // what its names are; UT1: of directories that Map does not name
	Map            []Mapping     `yaml:"map"`             // UT1: what the names of a directory are
	Match          string        `yaml:"match"`           // MatchSubdomains ("" too) or MatchExact, for plain names
	Refresh        time.Duration `yaml:"refresh"`         // how often it is asked; 0 = 24h, else at least 1h; changes at a path are seen sooner
	PublicSuffixes bool          `yaml:"public_suffixes"` // accept entries that are public suffixes, as lists of dynamic DNS need
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
)

// Default returns the section as it is when nothing is configured.
func Default() Config {
	return Config{
		Starter:  true,
		MaxBytes: defaultBytes,
		Timeout:  defaultTimeout,
	}
}

// filled returns c with the defaults where a number is zero.
func (c Config) filled() Config {
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultBytes)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	return c
}

// maxInflated is the largest list decompressed, in bytes: text lists shrink to a quarter and less.
func (c Config) maxInflated() int64 { return c.MaxBytes * (DefaultMaxInflated / defaultBytes) }

// options says how the source is parsed, limits included.
func (s Source) options(c Config) Options {
	return Options{Match: s.Match, PublicSuffixes: s.PublicSuffixes, MaxInflated: c.maxInflated()}
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
