package help

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/text/language"
)

//go:embed help.tsv
var embedded []byte

// World stands for the country of organisations that serve every country.
const World = "world"

// Kind is what an organisation helps with.
type Kind string

// The kinds of help.
const (
	ChildHelpline   Kind = "child-helpline"   // takes every call of a child; with online-safety: about the internet alone
	Emergency       Kind = "emergency"        // danger to life: emergency services, national lines of the same standing
	AbuseHotline    Kind = "abuse-hotline"    // takes reports of the abuse of children
	Crisis          Kind = "crisis"           // listens to people in a crisis, of any age
	Counselling     Kind = "counselling"      // advice for young people, families, the bereaved, the ill
	SexualHealth    Kind = "sexual-health"    // also sexual education
	LGBT            Kind = "lgbt"             // support of lesbian, gay, bisexual and trans people
	Addiction       Kind = "addiction"        // drugs, alcohol, tobacco, gambling
	Violence        Kind = "violence"         // at home, sexual, against women; help for victims
	Eating          Kind = "eating"           // eating disorders
	Bullying        Kind = "bullying"         // also online
	OnlineSafety    Kind = "online-safety"    // trouble on the internet
	MissingChildren Kind = "missing-children" // and runaways
)

// kinds says which kinds there are, and which of them may be core.
var kinds = map[Kind]bool{
	ChildHelpline: true, Emergency: true, AbuseHotline: true,
	Crisis: false, Counselling: false, SexualHealth: false, LGBT: false, Addiction: false, Violence: false,
	Eating: false, Bullying: false, OnlineSafety: false, MissingChildren: false,
}

// Number is a way to reach an organisation.
type Number struct {
	Takes string // call, text or chat
	Text  string // the number as people write it; empty for a chat, which is at the row's name
}

// Row is an organisation that exists for help.
type Row struct {
	Name         string    // its domain, an A-label in lower case; empty for the emergency services, which have a number alone
	Organisation string    // as it calls itself
	Countries    []string  // ISO 3166-1 alpha-2 codes of the countries that it serves; or World alone
	Languages    []string  // BCP 47
	Kinds        []Kind    // the first says most
	Core         bool      // nobody can deny its name
	Numbers      []Number  // empty unless the row is verified
	Source       string    // where the row was read: https URL
	SourceDate   time.Time // that the source itself bears; zero without a source
	VerifiedOn   time.Time // SourceDate where the source confirms this row, as the package comment says; else zero
}

// Verified says that the row may be shown to a child.
func (r Row) Verified() bool { return !r.VerifiedOn.IsZero() }

// Serves says that the organisation helps in a country (ISO 3166-1 alpha-2, any case).
func (r Row) Serves(country string) bool {
	return slices.ContainsFunc(r.Countries, func(c string) bool { return strings.EqualFold(c, country) })
}

// Is says that the organisation helps with k.
func (r Row) Is(k Kind) bool { return slices.Contains(r.Kinds, k) }

// Call is the number to call, "" if there is none.
func (r Row) Call() string {
	for _, n := range r.Numbers {
		if n.Takes == "call" {
			return n.Text
		}
	}
	return ""
}

// Table is rows in the order of the file.
type Table []Row

// Load returns the table of the program. An error is a mistake in the table.
func Load() (Table, error) { return Parse(bytes.NewReader(embedded)) }

// Names lists the names of the core rows, or of all others, sorted.
func (t Table) Names(core bool) []string {
	var names []string
	for _, r := range t {
		if r.Name != "" && r.Core == core {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	return names
}

// columns is the head of the file.
var columns = []string{"name", "organisation", "country", "language", "kind", "core", "numbers", "source", "source_date", "verified_on"}

// Parse reads a table: tab-separated values (RFC 4180 but for the tab), the head in the first line, lines that begin
// with # left out, several countries, languages or kinds separated by commas, several numbers by "; ". Every mistake is
// reported with its line, joined.
func Parse(in io.Reader) (Table, error) {
	file := csv.NewReader(in)
	file.Comma, file.Comment, file.FieldsPerRecord = '\t', '#', len(columns)
	head, err := file.Read()
	if err != nil {
		return nil, fmt.Errorf("reading the table of help: %w", err)
	}
	if !slices.Equal(head, columns) {
		return nil, fmt.Errorf("reading the table of help: the first line has to be %q", columns)
	}
	var table Table
	var errs []error
	seen := make(map[string]bool)
	for {
		cells, err := file.Read()
		if errors.Is(err, io.EOF) {
			return table, errors.Join(errs...)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the table of help: %w", err)
		}
		row, err := parseRow(cells)
		if err == nil && row.Name != "" && seen[row.Name] {
			err = errors.New("the name stands there twice: join its rows")
		}
		seen[row.Name] = true
		if err != nil {
			line, _ := file.FieldPos(0)
			errs = append(errs, fmt.Errorf("table of help, line %d, %s: %w", line, cells[0], err))
		}
		table = append(table, row)
	}
}

func parseRow(cells []string) (Row, error) {
	r := Row{Name: cells[0], Organisation: cells[1], Countries: list(cells[2], ","), Languages: list(cells[3], ","),
		Core: cells[5] == "core", Source: cells[7]}
	var errs []error
	for _, kind := range list(cells[4], ",") {
		r.Kinds = append(r.Kinds, Kind(kind))
	}
	for i, text := range cells[8:] {
		day, err := parseDay(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", columns[8+i], err))
		} else if i == 0 {
			r.SourceDate = day
		} else {
			r.VerifiedOn = day
		}
	}
	for _, text := range list(cells[6], "; ") {
		n, err := parseNumber(text)
		errs = append(errs, err)
		r.Numbers = append(r.Numbers, n)
	}
	if cells[5] != "" && cells[5] != "core" {
		errs = append(errs, fmt.Errorf("core is %q: write core, or nothing", cells[5]))
	}
	return r, errors.Join(append(errs, r.check(), r.checkSource())...)
}

// list splits a cell; an empty one is no list.
func list(cell, separator string) []string {
	if cell == "" {
		return nil
	}
	return strings.Split(cell, separator)
}

// parseDay reads a day; where the source says no more, a month or a year: the first day of it.
func parseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if day, err := time.Parse(layout, text); err == nil {
			return day, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no day: write it like 2024-09-15, 2024-09 or 2024", text)
}

var dialled = regexp.MustCompile(`^\+?[0-9]+([ -][0-9]+)*$`)

func parseNumber(text string) (Number, error) {
	takes, number, _ := strings.Cut(text, " ")
	n := Number{Takes: takes, Text: number}
	switch {
	case takes == "chat" && number == "":
	case (takes == "call" || takes == "text") && dialled.MatchString(number):
	default:
		return n, fmt.Errorf("%q is no number: write it like call 116 111, text 85258 or chat", text)
	}
	return n, nil
}

var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// check says what is missing or wrong in the columns of the organisation.
func (r Row) check() error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch suffix, _ := publicsuffix.PublicSuffix(r.Name); {
	case r.Name == "" && (!r.Is(Emergency) || r.Call() == ""):
		fail("no name: write the domain; only the emergency services have a number alone")
	case r.Name != "" && (len(r.Name) > 253 || !hostName.MatchString(r.Name)):
		fail("no host name: write its A-label in lower case, without https:// and without a dot at the end")
	case r.Name != "" && suffix == r.Name:
		fail("a public suffix: strangers live beneath it, write the organisation's own name")
	}
	if r.Organisation == "" || strings.TrimSpace(r.Organisation) != r.Organisation {
		fail("no organisation: write what it calls itself")
	}
	if len(r.Countries) == 0 {
		fail("no country: write ISO 3166 codes such as AT,DE, or %s", World)
	}
	for _, c := range r.Countries {
		if !isCountry(c) && (c != World || len(r.Countries) > 1) {
			fail("%q is no country: write an ISO 3166 code such as AT, or %s alone", c, World)
		}
	}
	if len(r.Languages) == 0 {
		fail("no language: write BCP 47 tags such as de,fr")
	}
	for _, l := range r.Languages {
		if _, err := language.Parse(l); err != nil {
			fail("%q is no language: write a BCP 47 tag such as de", l)
		}
	}
	return errors.Join(append(errs, r.checkKinds())...)
}

func (r Row) checkKinds() error {
	mayBeCore := false
	for _, k := range r.Kinds {
		core, known := kinds[k]
		if !known {
			return fmt.Errorf("%q is no kind of help: write one such as %s", k, ChildHelpline)
		}
		mayBeCore = mayBeCore || core
	}
	switch {
	case len(r.Kinds) == 0:
		return fmt.Errorf("no kind: write what it helps with, such as %s", ChildHelpline)
	case r.Core && !mayBeCore:
		return fmt.Errorf("a row of kind %s is not core: only %s, %s and %s are", r.Kinds[0], ChildHelpline, Emergency, AbuseHotline)
	}
	return nil
}

func isCountry(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && len(code) == 2 && region.Canonicalize().String() == code && region.IsCountry()
}

// checkSource says what is missing or wrong in the columns of the source.
func (r Row) checkSource() error {
	if r.Source != "" {
		at, err := url.Parse(r.Source)
		if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" {
			return fmt.Errorf("source %q is no URL: write where the row was read", r.Source)
		}
	}
	switch {
	case (r.Source == "") != r.SourceDate.IsZero():
		return errors.New("source and source_date go together: write the day that the source itself bears")
	case r.Verified() && r.Source == "":
		return errors.New("verified_on without a source: write what was read, or leave it empty")
	case r.Verified() && !r.VerifiedOn.Equal(r.SourceDate):
		return errors.New("verified_on is not source_date: write the day that the source itself bears, not that of reading it")
	case len(r.Numbers) > 0 && !r.Verified():
		return errors.New("a number without verified_on: leave the number out until a source that confirms it was read")
	}
	return nil
}
