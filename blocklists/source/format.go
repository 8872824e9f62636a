package source

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
)

// Format is the way a list is written.
type Format string

// The formats that Parse reads.
const (
	Hosts    Format = "hosts"    // address, then one or more names: hosts(5)
	Domains  Format = "domains"  // one name a line
	Wildcard Format = "wildcard" // "*.x" means x and everything beneath it, as blocky, HaGeZi and OISD mean it
	Adblock  Format = "adblock"  // the DNS core of the adblock syntax: ||x^ |x^ @@ $important $badfilter
	Dnsmasq  Format = "dnsmasq"  // address=/x/… server=/x/ local=/x/
	RPZ      Format = "rpz"      // a response policy zone as a master file; QNAME triggers
	UT1      Format = "ut1"      // squidGuard folders (domains, urls, expressions, usage), packed as tar or laid out
)

// Formats lists every format, in the order in which the documentation names them.
func Formats() []Format {
	return []Format{Hosts, Domains, Wildcard, Adblock, Dnsmasq, RPZ, UT1}
}

// Values of Options.Match and Source.Match.
const (
	MatchSubdomains = "subdomains" // a plain name covers itself and everything beneath it; the default
	MatchExact      = "exact"      // a plain name covers itself only
)

// Options say how Parse reads a list. The zero value is the usual way.
type Options struct {
	// Match is MatchSubdomains ("" too) or MatchExact. It holds for plain names: those of hosts, domains, UT1 and
	// plain lines in wildcard and adblock lists. Formats that say the scope themselves are not affected.
	Match string
	// PublicSuffixes accepts entries that are public suffixes (co.uk, github.io, casino). Otherwise they are
	// rejected: such an entry blocks every customer of a registry.
	PublicSuffixes bool
	// MaxInflated bounds the decompressed size in bytes; 0 = DefaultMaxInflated.
	MaxInflated int64
	// Select says which directories of a UT1 list are read; nil = all.
	Select func(directory string) bool
}

// Item is one entry as it stands in a list.
type Item struct {
	Entry blocklists.Entry // Entry.Name is valid only until emit returns
	Text  []byte           // the part of the line that made the entry; valid only until emit returns
	Line  int              // from 1, within File where that is set
	File  string           // UT1: the directory ("gambling"); "" otherwise
}

// Parse reads a list of format f and calls emit for each entry, in the order of the list. Gzip is recognised by its
// first bytes and read transparently. A line that cannot be used is counted in the Report and never an error; memory
// is bounded whatever the input. Errors: an unknown format, a failing or truncated reader, ErrTooLarge, or what emit
// returned. The Report is filled as far as the list was read, with an error too.
func Parse(r io.Reader, f Format, o Options, emit func(Item) error) (Report, error) {
	p, err := newParser(f, o, emit)
	if err != nil {
		return Report{}, err
	}
	err = p.read(r)
	return p.report, err
}

// parser carries one Parse: what it counts and the scratch buffers that keep it free of allocations.
type parser struct {
	format Format
	opts   Options
	scope  blocklists.Scope // of a plain name
	emit   func(Item) error
	report Report
	norm   normaliser
	fields [][]byte
	line   int
	file   string
	left   int64 // decompressed bytes that may still be read
	member int64 // the same for the files within an archive: sparse members are larger than the archive
	err    error // what emit returned
}

func newParser(f Format, o Options, emit func(Item) error) (*parser, error) {
	if !slices.Contains(Formats(), f) {
		return nil, fmt.Errorf("unknown list format %q: write one of %s", f, formatNames())
	}
	p := &parser{format: f, opts: o, emit: emit, scope: blocklists.Subtree}
	p.left = cmp.Or(max(o.MaxInflated, 0), DefaultMaxInflated)
	p.member = p.left
	switch o.Match {
	case "", MatchSubdomains:
	case MatchExact:
		p.scope = blocklists.Exact
	default:
		return nil, fmt.Errorf("unknown match %q: write %s or %s", o.Match, MatchSubdomains, MatchExact)
	}
	return p, nil
}

func (p *parser) read(r io.Reader) error {
	plain, err := inflate(r, &p.left)
	if err != nil {
		return err
	}
	if p.format == UT1 {
		return p.readTar(plain)
	}
	return p.readLines(plain, p.lineReader())
}

// lineReader returns what reads one line of the parser's format.
func (p *parser) lineReader() func(line []byte) {
	switch p.format {
	case Adblock:
		return p.adblockLine
	case Dnsmasq:
		return p.dnsmasqLine
	case RPZ:
		z := &zone{parser: p}
		return z.line
	case Wildcard, Domains:
		return p.domainsLine
	case Hosts, UT1:
		return p.hostsLine
	}
	return p.domainsLine
}

// add normalises text and emits it as e (whose Name is filled in), or counts why not.
func (p *parser) add(text []byte, e blocklists.Entry) {
	name, reason := p.norm.entry(text, p.opts.PublicSuffixes)
	if reason != "" {
		p.reject(reason, text)
		return
	}
	p.addName(name, text, e)
}

func (p *parser) addName(name blocklists.Name, text []byte, e blocklists.Entry) {
	if p.err != nil {
		return
	}
	e.Name = name
	p.report.Names++
	p.err = p.emit(Item{Entry: e, Text: text, Line: p.line, File: p.file})
}

func (p *parser) reject(r Reason, text []byte) {
	p.report.reject(r, p.file, p.line, text)
}
