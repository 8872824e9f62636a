package register

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed lists.yaml
var listTable []byte

//go:embed presets.yaml
var presetTable []byte

// Register is the catalogue. It is immutable and safe for concurrent use.
type Register struct {
	lists   []List
	presets []Preset
}

// Preset is a set of lists that go well together.
type Preset struct {
	Name   string   `yaml:"name"`
	Title  string   `yaml:"title"`  // for whom it is, in a few words
	Why    string   `yaml:"why"`    // a sentence on what it gives and what it costs
	Choice []Choice `yaml:"choice"` // its lists
}

// Choice is one list of a Preset.
type Choice struct {
	List string `yaml:"list"` // name of a List
	Why  string `yaml:"why"`  // what it is in the preset for: a sentence
}

// Open reads the embedded catalogue. An error is a mistake in the program itself, which the tests find.
func Open() (*Register, error) { return parse(listTable, presetTable) }

// Lists returns all lists, those of a publisher together. The caller owns the slice, not what its rows point to.
func (r *Register) Lists() []List { return slices.Clone(r.lists) }

// List returns the list called name.
func (r *Register) List(name string) (List, bool) {
	return find(r.lists, func(l List) bool { return l.Name == name })
}

// Presets returns all presets, the one to begin with first. The caller owns the slice, not what its rows point to.
func (r *Register) Presets() []Preset { return slices.Clone(r.presets) }

// Preset returns the preset called name.
func (r *Register) Preset(name string) (Preset, bool) {
	return find(r.presets, func(p Preset) bool { return p.Name == name })
}

// Chosen returns the lists of a preset, in its order.
func (r *Register) Chosen(p Preset) []List {
	var lists []List
	for _, c := range p.Choice {
		if l, ok := r.List(c.List); ok {
			lists = append(lists, l)
		}
	}
	return lists
}

func find[T any](rows []T, is func(T) bool) (row T, ok bool) {
	if i := slices.IndexFunc(rows, is); i >= 0 {
		return rows[i], true
	}
	return row, false
}

// parse reads the two tables and refuses every row that is not whole, all of them at once.
func parse(lists, presets []byte) (*Register, error) {
	r := new(Register)
	if err := r.parseLists(lists); err != nil {
		return nil, fmt.Errorf("reading the catalogue of lists: %w", err)
	}
	if err := r.parsePresets(presets); err != nil {
		return nil, fmt.Errorf("reading the presets of lists: %w", err)
	}
	return r, nil
}

func (r *Register) parseLists(text []byte) error {
	var table struct {
		Documents map[string]Document `yaml:"documents"`
		Lists     []struct {
			List    `yaml:",inline"`
			Sources []string `yaml:"sources"`
		} `yaml:"lists"`
	}
	if err := yaml.UnmarshalWithOptions(text, &table, yaml.Strict()); err != nil {
		return err
	}
	var errs []error
	for key, d := range table.Documents {
		if _, err := time.Parse(time.DateOnly, d.Date); err != nil || !oneLine.MatchString(d.Text) {
			errs = append(errs, fmt.Errorf("document %s: write its text and its own date as YYYY-MM-DD", key))
		}
	}
	for _, row := range table.Lists {
		for _, key := range row.Sources {
			d, ok := table.Documents[key]
			if !ok {
				errs = append(errs, fmt.Errorf("list %s: source %q is not among the documents", row.Name, key))
			}
			row.List.Sources = append(row.List.Sources, d)
		}
		if err := row.check(); err != nil {
			errs = append(errs, fmt.Errorf("list %s: %w", row.Name, err))
		}
		if _, taken := r.List(row.Name); taken {
			errs = append(errs, fmt.Errorf("list %s is there twice", row.Name))
		}
		r.lists = append(r.lists, row.List)
	}
	return errors.Join(errs...)
}

func (r *Register) parsePresets(text []byte) error {
	var table struct {
		Presets []Preset `yaml:"presets"`
	}
	if err := yaml.UnmarshalWithOptions(text, &table, yaml.Strict()); err != nil {
		return err
	}
	var errs []error
	for _, p := range table.Presets {
		if p.Name == "" || p.Title == "" || p.Why == "" || len(p.Choice) == 0 {
			errs = append(errs, fmt.Errorf("preset %q: write a name, a title, why, and a choice of lists", p.Name))
		}
		if _, taken := r.Preset(p.Name); taken {
			errs = append(errs, fmt.Errorf("preset %s is there twice", p.Name))
		}
		for i, c := range p.Choice {
			if _, known := r.List(c.List); !known || c.Why == "" {
				errs = append(errs, fmt.Errorf("preset %s: choice %q: write a list of the catalogue, and why", p.Name, c.List))
			}
			if slices.ContainsFunc(p.Choice[:i], func(o Choice) bool { return o.List == c.List }) {
				errs = append(errs, fmt.Errorf("preset %s: list %s is there twice", p.Name, c.List))
			}
		}
		r.presets = append(r.presets, p)
	}
	return errors.Join(errs...)
}
