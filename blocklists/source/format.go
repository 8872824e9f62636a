package source

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"

	"github.com/hearthdns/hearth/blocklists"
)

// Format is the way a list is written.
type Format string

// The formats that Parse reads.
const (
	Auto     Format = "auto"     // whatever Detect takes it for; the zero Format means the same
	Hosts    Format = "hosts"    // address, then one or more names: hosts(5)
	Domains  Format = "domains"  // one name a line
	Wildcard Format = "wildcard" // "*.x" means x and everything beneath it, as blocky, HaGeZi and OISD mean it
	Adblock  Format = "adblock"  // adblock rules as AdGuard reads them for DNS: ||x^ |x^ @@ /re/ and the modifiers for DNS
	Dnsmasq  Format = "dnsmasq"  // address=/x/… server=/x/ local=/x/
	Unbound  Format = "unbound"  // local-zone and local-data: unbound.conf(5)
	RPZ      Format = "rpz"      // a response policy zone as a master file; QNAME and rpz-ip triggers
	UT1      Format = "ut1"      // squidGuard folders (domains, urls, expressions, usage), packed as tar or laid out
	V2fly    Format = "v2fly"    // domain-list-community: domain: full: keyword: regexp: include: @attribute &list
)

// Formats lists every format but Auto, in the order in which the documentation names them.
func Formats() []Format {
	return []Format{Hosts, Domains, Wildcard, Adblock, Dnsmasq, Unbound, RPZ, UT1, V2fly}
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
	// Attributes selects the lines of a v2fly list: those with one of the attributes named here ("ads"), and none of
	// those named behind "-" ("-cn"). None = all lines.
	Attributes []string
}

// Item is one statement as it stands in a list: an entry, a pattern or a network. Exactly one of Entry.Name, Pattern
// and Prefix is set.
type Item struct {
	Entry   blocklists.Entry    // Entry.Name is valid only until emit returns
	Pattern *blocklists.Pattern // what no entry can say; emit may keep it
	Prefix  netip.Prefix        // addresses in answers (RPZ's rpz-ip); Entry.Exception says which way
	Text    []byte              // the part of the line that made the item; valid only until emit returns
	Line    int                 // from 1, within File where that is set
	File    string              // UT1: the directory ("gambling"); otherwise the file in a folder or archive, or the included one
}

// Parse reads a list of format f and calls emit for each statement, in the order of the list; patterns of adblock
// lists come at its end, less those that a $badfilter takes back. With Auto the format is told from the first lines.
// Packed lists (gzip, zstd, xz, zip) are recognised by their first bytes and read transparently. A line that cannot be
// used is counted in the Report and never an error; memory is bounded whatever the input. Errors: an unknown format or
// one that cannot be told (*DetectError), a failing or truncated reader, ErrTooLarge, or what emit returned. The Report
// is filled as far as the list was read, with an error too.
func Parse(r io.Reader, f Format, o Options, emit func(Item) error) (Report, error) {
	p, err := newParser(f, o, emit)
	if err != nil {
		return Report{}, err
	}
	err = p.finish(p.read(r))
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
	rule   adblockRule // the one that is being read
	held   heldPatterns
	line   int
	file   string

	// Of v2fly lists: the folder that included files are read from, the name in it of the file that is read, and, where
	// the whole folder is read, all names in it. nil and "" where there is no folder.
	root     *os.Root
	name     string
	siblings map[string]bool

	left   int64 // decompressed bytes that may still be read
	member int64 // the same for the files within an archive: sparse members are larger than the archive
	err    error // what emit returned
}

func newParser(f Format, o Options, emit func(Item) error) (*parser, error) {
	f = cmp.Or(f, Auto)
	if f != Auto && !slices.Contains(Formats(), f) {
		return nil, fmt.Errorf("unknown list format %q: write %s or one of %s", f, Auto, formatNames())
	}
	p := &parser{format: f, opts: o, emit: emit, scope: blocklists.Subtree}
	p.report.Format = f
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

// read reads a whole list, or one file of a folder.
func (p *parser) read(r io.Reader) error {
	return unpack(r, &p.left, func(member string, plain *bufio.Reader) error {
		if member != "" {
			p.file = member
		}
		if err := p.detect(plain); err != nil {
			return err
		}
		if p.format == UT1 {
			return p.readTar(plain)
		}
		return p.readLines(plain, p.lineReader())
	})
}

// lineReader returns what reads one line of the parser's format.
func (p *parser) lineReader() func(line []byte) {
	switch p.format {
	case Adblock:
		return p.adblockLine
	case Dnsmasq:
		return p.dnsmasqLine
	case Unbound:
		u := &localZones{parser: p}
		return u.line
	case RPZ:
		z := &zone{parser: p}
		return z.line
	case V2fly:
		c := newCommunity(p)
		return c.line
	case Hosts:
		return p.hostsLine
	default: // UT1 is read by its files, Auto is settled before
		return p.domainsLine
	}
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

func (p *parser) addPrefix(prefix netip.Prefix, text []byte, exception bool) {
	if p.err != nil {
		return
	}
	p.report.Prefixes++
	p.err = p.emit(Item{Prefix: prefix, Entry: blocklists.Entry{Exception: exception}, Text: text, Line: p.line, File: p.file})
}

func (p *parser) reject(r Reason, text []byte) {
	p.report.reject(r, p.file, p.line, text)
}

// keep puts the item into a parsed file.
func (i Item) keep(w *blocklists.ParsedWriter) error {
	switch {
	case i.Pattern != nil:
		return w.AddPattern(i.File, *i.Pattern, i.Line)
	case i.Prefix.IsValid():
		return w.AddPrefix(i.File, i.Prefix, i.Entry.Exception, i.Line)
	}
	return w.Add(i.File, i.Entry, i.Line)
}
