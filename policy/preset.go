package policy

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"

	"github.com/goccy/go-yaml"

	"github.com/hearthdns/hearth/blocklists"
)

//go:embed presets/*.yaml
var embedded embed.FS

// presetFiles is where the presets are.
var presetFiles fs.FS = embedded

// Preset is what a band starts from: the column of the band table that
// concerns names, as data.
type Preset struct {
	Band    string   `yaml:"band"`
	Filter  string   `yaml:"filter"`    // allow-list, listed, block-list or security
	Unknown string   `yaml:"unknown"`   // allow, block or popular
	Listed  []string `yaml:"listed"`    // ok.* classes that an allow-list lets through
	Always  []string `yaml:"always_on"` // step 4: also at bedtime, over every list
	// ParentsPick are categories whose cell stands until the parents pick
	// something in it; Optional are those that the person may change alone.
	ParentsPick []string `yaml:"parents_pick"`
	Optional    []string `yaml:"optional"`

	Block []string `yaml:"block"`
	Warn  []string `yaml:"warn"`
	Timed []string `yaml:"timed"`
	Allow []string `yaml:"allow"`

	Bedtime  NightsConfig `yaml:"bedtime"`
	Homework string       `yaml:"homework"`

	// Remember is the most that may be remembered of a query: nothing, totals or names;
	// Alarms the same of one that security blocks.
	Remember string `yaml:"remember"`
	Alarms   string `yaml:"alarms"`

	SafeSearch         string `yaml:"safe_search"`  // on, off, or "" where it does not apply
	OtherSearch        string `yaml:"other_search"` // allow or block: engines without a safe mode; "" is as any listed name
	SafeSearchOptional bool   `yaml:"safe_search_optional"`
	YouTube            string `yaml:"youtube"` // blocked, strict, moderate, off or ""
}

// LoadPreset reads the embedded preset of a band.
func LoadPreset(b Band) (*Preset, error) {
	text, err := fs.ReadFile(presetFiles, "presets/"+b.String()+".yaml")
	if err != nil {
		return nil, fmt.Errorf("reading preset: %w", err)
	}
	p := new(Preset)
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(p); err != nil {
		return nil, fmt.Errorf("reading preset %s: %w", b, err)
	}
	return p, nil
}

// spec puts the preset into the form that changes and joins work on.
func (p *Preset) spec(t *blocklists.Taxonomy) (*spec, error) {
	band, ok := ParseBand(p.Band)
	if !ok {
		return nil, fmt.Errorf("preset for no band: %q", p.Band)
	}
	s := &spec{traits: traits{name: p.Band, band: band, allowList: p.Filter == "allow-list"}}
	if s.unknown, ok = parseUnknown(p.Unknown); !ok {
		return nil, fmt.Errorf("preset %s: unknown %q", p.Band, p.Unknown)
	}
	var known bool
	if s.memory, ok = parseMemory(p.Remember); ok {
		s.alarms, known = parseMemory(p.Alarms)
	}
	if !known {
		return nil, fmt.Errorf("preset %s: remember %q, alarms %q", p.Band, p.Remember, p.Alarms)
	}
	for _, column := range []struct {
		ids  []string
		cell cell
	}{{p.Block, cellBlock}, {p.Warn, cellWarn}, {p.Timed, cellTimed}, {p.Allow, cellAllow}} {
		for _, id := range column.ids {
			c, ok := t.Lookup(id)
			if !ok {
				return nil, fmt.Errorf("preset %s: no category %q", p.Band, id)
			}
			s.cells[c] = column.cell
		}
	}
	var err error
	if s.listed, err = lookupAll(t, p.Listed); err != nil {
		return nil, fmt.Errorf("preset %s: %w", p.Band, err)
	}
	if s.alwaysOn, err = lookupAll(t, p.Always); err != nil {
		return nil, fmt.Errorf("preset %s: %w", p.Band, err)
	}
	return s, p.search(s, t)
}

func lookupAll(t *blocklists.Taxonomy, ids []string) (blocklists.Categories, error) {
	var set blocklists.Categories
	for _, id := range ids {
		c, ok := t.Lookup(id)
		if !ok {
			return set, fmt.Errorf("no category %q", id)
		}
		set.Add(c)
	}
	return set, nil
}
