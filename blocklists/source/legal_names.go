package source

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// Why an entry of a legal list is refused although other lists may have its like. Only the number of such entries
// is kept.
const (
	ReasonNoDomain  Reason = "no-domain" // a pattern or a network: a legal list names domains
	ReasonException Reason = "exception" // nothing that a feed says may take a name out
	ReasonHelp      Reason = "help"      // a site of help, one above it or beneath
	ReasonMachine   Reason = "machine"   // what clocks, certificates, updates and connectivity checks need, one above it or beneath
	ReasonOwnName   Reason = "own-name"  // this resolver's own name, one above it or beneath
)

// sieve lets the names of a legal list through that may be sealed.
type sieve struct {
	sealer  *blocklists.Sealer
	guarded map[Reason]*nameSet // names that nothing may cover
	refused map[Reason]int
}

func (l *Library) newSieve() (*sieve, error) {
	f := &sieve{sealer: blocklists.NewSealer(l.seal()), guarded: make(map[Reason]*nameSet), refused: make(map[Reason]int)}
	for _, why := range guardReasons() {
		set := newNameSet()
		f.guarded[why] = &set
	}
	for _, s := range append(l.helpLists(), machineList()) {
		why := ReasonHelp
		if s.category == infra {
			why = ReasonMachine
		}
		if _, err := s.parse(func(i Item) error { f.guarded[why].add(i.Entry.Name); return nil }); err != nil {
			return nil, fmt.Errorf("reading %s: %w", s.name(), err)
		}
	}
	if own, err := blocklists.ParseName(l.config.Own); err == nil && len(own) > 1 {
		f.guarded[ReasonOwnName].add(own)
	}
	return f, nil
}

// guardReasons are those of names that are guarded, in the order in which they are told.
func guardReasons() []Reason { return []Reason{ReasonOwnName, ReasonHelp, ReasonMachine} }

// helpLists are the built-in lists of help that are in force.
func (l *Library) helpLists() (lists []starterList) {
	for _, s := range l.starters() {
		if s.category == "ok.help" || s.category == "ok.help.core" {
			lists = append(lists, s)
		}
	}
	return lists
}

// machineList is the built-in list of what machines need, whether the starter lists are compiled in or not: no household
// can lift a legal block.
func machineList() starterList {
	return starterList{category: infra, text: namesText(starterNames(infra))}
}

// guards names what newSieve protects: a list that was read through another sieve is read again.
func (l *Library) guards() string {
	return shortVersion(starterVersion(append(l.helpLists(), machineList()))) + " " + l.config.Own
}

// take seals an entry, or counts why not.
func (f *sieve) take(i Item) error {
	if why := f.refusal(i.Entry); why != "" {
		f.refused[why]++
		return nil
	}
	return f.sealer.Add(i.Entry.Name, i.Entry.Scope)
}

func (f *sieve) refusal(e blocklists.Entry) Reason {
	switch {
	case len(e.Name) < 2:
		return ReasonNoDomain
	case e.Exception || e.Cancel:
		return ReasonException
	case e.Name.Labels() < 2:
		return ReasonSingleLabel
	}
	for _, why := range guardReasons() {
		if f.guarded[why].hit(e) {
			return why
		}
	}
	return ""
}

// sealNames reads a legal list and seals its names. The counts are of what was refused; no text of the list leaves here.
func (l *Library) sealNames(s Source, content legalContent) (*blocklists.SealedList, map[Reason]int, error) {
	f, err := l.newSieve()
	if err != nil {
		return nil, nil, err
	}
	options := s.options(l.lists)
	options.PublicSuffixes = false
	report, err := content(options, f.take)
	for why, n := range report.Rejected {
		f.refused[why] += n
	}
	if err != nil {
		return nil, f.refused, err
	}
	list := f.sealer.List()
	if list.Names() == 0 {
		return nil, f.refused, fmt.Errorf("%w: no name that may be blocked in %d lines read as %s%s", errRefused, report.Lines, report.Format, counts(f.refused))
	}
	for _, why := range slices.Sorted(maps.Keys(f.refused)) {
		l.config.Log.Warn("entries of a legal list are refused and not in force; tell the list's provider",
			"list", s.Name, "reason", string(why), "entries", f.refused[why])
	}
	return list, f.refused, nil
}

// counts says how many entries were refused for what.
func counts(refused map[Reason]int) string {
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(refused)) {
		parts = append(parts, fmt.Sprintf("%d %s", refused[why], why))
	}
	if len(parts) == 0 {
		return ""
	}
	return "; refused: " + strings.Join(parts, ", ")
}

// dotted is a word that may be a name of a list; figures are none.
var (
	dotted = regexp.MustCompile(`[^\s"',;()\[\]]*\.[^\s"',;()\[\]]+`)
	figure = regexp.MustCompile(`^[0-9.]+(ms|µs|s|m|h)?[.:]?$`)
)

// discreet is an error about a legal source without any word that might be a name of its list: of what has a dot, only what
// the configuration says of the source stays.
func discreet(s Source, err error) error {
	if err == nil {
		return nil
	}
	known := strings.Join(append([]string{s.URL, s.Path, s.Zone.Name, s.Zone.TSIG.Name, s.Zone.TSIG.SecretFile, s.TokenFile,
		s.CertFile, s.KeyFile, s.CAFile, "hmac-sha256. hmac-sha384. hmac-sha512."}, s.Zone.Primaries...), " ")
	text := dotted.ReplaceAllStringFunc(err.Error(), func(word string) string {
		if figure.MatchString(word) || strings.Contains(known, strings.TrimRight(word, ".:")) {
			return word
		}
		return "(not shown)"
	})
	return &discreetError{text: text, cause: err}
}

// discreetError shows text alone; what caused it can be told by errors.Is.
type discreetError struct {
	text  string
	cause error
}

func (e *discreetError) Error() string { return e.text }

// Is tells the causes that decide what is done.
func (e *discreetError) Is(target error) bool {
	return (target == errRefused || target == ErrTooLarge) && errors.Is(e.cause, target)
}
