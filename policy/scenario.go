package policy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/tools/txtar"

	"github.com/hearthdns/hearth/blocklists"
)

// Scenario is a story about a household with what must come of it, that a
// parent can read: a txtar archive of
//
//	config.yaml          profiles, households, categories; name (the resolver's own); today
//	lists/<category>.txt one name a line, with all beneath it; "=name" for the name alone
//	fixed                names that the resolver answers itself; "*.name" with all beneath, "!name" takes out again
//	given                what people changed: rows of what, for whom, from, until
//	used                 what is used of quotas: rows of minutes, by whom, of what, from
//	expect               rows of name, client, at, want
//
// All but expect may be absent. # begins a comment. A name may be a chain, "a ->
// b -> c", and lead to an address, "a -> 203.0.113.7" or with where that lies "a ->
// 203.0.113.7 AQ AS64500". A client is an address, "id:ID" or "ADDRESS id:ID" as encrypted DNS
// tells a device's id, a device, household/member or "profile NAME".
// at is as ParseAt reads it, counted from today. want is an action (allow,
// block, warn, fixed) with, where it matters, the step's number, the category,
// "as" with the safe host that the name becomes an alias of, or itself, "until" with
// a time or none for when the decision may change, "ends" with one for when what stops
// the name ends, and "observed" in front; or stranger.
type Scenario struct {
	Story  string
	Expect []Expectation

	config    *scenarioConfig
	lists     []scenarioList
	hasFixed  bool
	fixed     []FixedName
	hasExpect bool
	given     []given
	used      []drawn
	days      []Used // of it
	meters    *Usage // which count it, a day at a time
}

// Expectation is a row.
type Expectation struct {
	Line             int // in the file expect, from 1
	Name, Client, At string
	Want             string
}

// Miss is a row that came out differently.
type Miss struct {
	Expectation
	Got string
}

// String reads as a sentence.
func (m Miss) String() string {
	return fmt.Sprintf("expect:%d: %s for %s at %s: want %s, got %s", m.Line, m.Name, m.Client, m.At, m.Want, m.Got)
}

type scenarioConfig struct {
	Config `yaml:",inline"`
	Name   string `yaml:"name"`
	Today  Date   `yaml:"today"`
}

type scenarioList struct {
	category string
	entries  []blocklists.Entry
}

// ParseScenario reads a scenario; the error names everything that cannot be read.
func ParseScenario(text []byte) (*Scenario, error) {
	archive := txtar.Parse(text)
	s := &Scenario{Story: strings.TrimSpace(string(archive.Comment))}
	var problems []error
	for _, f := range archive.Files {
		if err := s.file(f); err != nil {
			problems = append(problems, fmt.Errorf("reading %s: %w", f.Name, err))
		}
	}
	if !s.hasExpect {
		problems = append(problems, errors.New("the scenario expects nothing: add a file expect with rows of name, client, at, want"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Scenario) file(f txtar.File) error {
	category, isList := strings.CutPrefix(f.Name, "lists/")
	switch {
	case f.Name == "config.yaml":
		s.config = new(scenarioConfig)
		return yaml.NewDecoder(bytes.NewReader(f.Data), yaml.Strict()).Decode(s.config)
	case f.Name == "fixed":
		s.hasFixed = true
		return s.readFixed(f.Data)
	case f.Name == "given":
		return s.readGiven(f.Data)
	case f.Name == "used":
		return s.readUsed(f.Data)
	case f.Name == "expect":
		s.hasExpect = true
		return s.readExpect(f.Data)
	case isList:
		return s.readList(strings.TrimSuffix(category, ".txt"), f.Data)
	}
	return errors.New("no such file in a scenario: write config.yaml, lists/<category>.txt, fixed, given, used or expect")
}

// rows calls f for each line that says something.
func rows(data []byte, f func(line int, text string) error) error {
	var problems []error
	for i, text := range strings.Split(string(data), "\n") {
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := f(i+1, text); err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	return errors.Join(problems...)
}

func (s *Scenario) readFixed(data []byte) error {
	return rows(data, func(_ int, text string) error {
		text, except := strings.CutPrefix(text, "!")
		text, subtree := strings.CutPrefix(text, "*.")
		name, err := blocklists.ParseName(text)
		s.fixed = append(s.fixed, FixedName{Name: name, Subtree: subtree, Except: except})
		return err
	})
}

func (s *Scenario) readList(category string, data []byte) error {
	list := scenarioList{category: category}
	err := rows(data, func(_ int, text string) error {
		text, exact := strings.CutPrefix(text, "=")
		name, err := blocklists.ParseName(text)
		e := blocklists.Entry{Name: name, Scope: blocklists.Subtree}
		if exact {
			e.Scope = blocklists.Exact
		}
		list.entries = append(list.entries, e)
		return err
	})
	s.lists = append(s.lists, list)
	return err
}

func (s *Scenario) readExpect(data []byte) error {
	return rows(data, func(line int, text string) error {
		parts := strings.Split(text, ",")
		if len(parts) != 4 {
			return fmt.Errorf("%q has %d columns: write name, client, at, want", text, len(parts))
		}
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		s.Expect = append(s.Expect, Expectation{line, parts[0], parts[1], parts[2], parts[3]})
		return nil
	})
}

// Run compiles the scenario and asks every row. What the file does not hold (a
// config.yaml, lists, fixed names) is taken from base, so that a file of
// expectations alone tests a household's real configuration and lists.
func (s *Scenario) Run(ctx context.Context, base CompileConfig) ([]Miss, error) {
	c, err := s.Prepare(ctx, base)
	if err != nil {
		return nil, err
	}
	d, err := Compile(c)
	if err != nil {
		return nil, fmt.Errorf("compiling the scenario: %w", err)
	}
	var misses []Miss
	var problems []error
	for _, e := range s.Expect {
		got, err := s.ask(d, e, c.Now)
		e.Client = unnamed(e.Client)
		if err != nil {
			problems = append(problems, fmt.Errorf("expect:%d: %w", e.Line, err))
		} else if got != "" {
			misses = append(misses, Miss{e, got})
		}
	}
	return misses, errors.Join(problems...)
}

// Prepare gives what the scenario is compiled of: what it holds itself, the rest as in c.
func (s *Scenario) Prepare(ctx context.Context, c CompileConfig) (CompileConfig, error) {
	if s.config != nil {
		c.Config = s.config.Config
		if s.config.Name != "" {
			name, err := blocklists.ParseName(s.config.Name)
			if err != nil {
				return c, fmt.Errorf("reading name: %w", err)
			}
			c.Own = name
		}
		if !s.config.Today.IsZero() {
			c.Now = s.config.Today.in(time.UTC)
		}
	}
	if s.hasFixed {
		c.Fixed = s.fixed
	}
	if len(s.given) > 0 {
		states, err := s.states(c.Config, c.Now)
		if err != nil {
			return c, fmt.Errorf("reading what people changed: %w", err)
		}
		c.States = states
	}
	if len(s.used) > 0 {
		if err := s.usage(c.Config, c.Now); err != nil {
			return c, fmt.Errorf("reading what is used: %w", err)
		}
		c.Usage = NewUsage()
		s.meters = c.Usage
	}
	if len(s.lists) == 0 && c.Index != nil {
		return c, nil
	}
	c.Popular = false
	for _, l := range s.lists {
		c.Popular = c.Popular || l.category == "meta.popular"
	}
	var err error
	c.Index, err = s.index(ctx, c.Config)
	return c, err
}

// index builds the scenario's own lists.
func (s *Scenario) index(ctx context.Context, c Config) (*blocklists.Index, error) {
	t, err := blocklists.NewTaxonomy(c.Definitions()...)
	if err != nil {
		return nil, fmt.Errorf("making the taxonomy: %w", err)
	}
	b, err := blocklists.NewBuilder(blocklists.BuilderConfig{Taxonomy: t, Memory: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("building the lists: %w", err)
	}
	defer func() { _ = b.Close() }()
	for _, l := range s.lists {
		set, err := t.Select(l.category)
		if err != nil {
			return nil, fmt.Errorf("building lists/%s.txt: %w", l.category, err)
		}
		id := b.List(set)
		for _, e := range l.entries {
			if err := b.Add(id, e); err != nil {
				return nil, fmt.Errorf("building lists/%s.txt: %w", l.category, err)
			}
		}
	}
	var file bytes.Buffer
	if _, err := b.Build(ctx, &file); err != nil {
		return nil, fmt.Errorf("building the lists: %w", err)
	}
	return blocklists.ReadIndex(file.Bytes())
}
