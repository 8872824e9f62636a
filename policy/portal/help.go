package portal

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed help.yaml
var helpTable []byte

// helpline is a number or a place where people help. The source is where the row was read.
type helpline struct {
	Name       string `yaml:"name"`
	Number     string `yaml:"number"`
	Site       string `yaml:"site"`
	For        string `yaml:"for"` // anything or online; empty for a hotline
	Source     string `yaml:"source"`
	VerifiedOn string `yaml:"verified_on"` // YYYY-MM-DD
}

// Digits is the number as a telephone link wants it (RFC 3966, local number).
func (h helpline) Digits() string { return strings.ReplaceAll(h.Number, " ", "") }

// help is the table of help numbers and hotlines.
type help struct {
	Rows []struct {
		Country string     `yaml:"country"`
		Talk    []helpline `yaml:"talk"`
		Report  []helpline `yaml:"report"`
	} `yaml:"rows"`
	Anywhere  helpline `yaml:"anywhere"`
	Emergency struct {
		Number     string   `yaml:"number"`
		Source     string   `yaml:"source"`
		VerifiedOn string   `yaml:"verified_on"`
		Countries  []string `yaml:"countries"`
	} `yaml:"emergency"`
}

func loadHelp() (*help, error) {
	var h help
	if err := yaml.UnmarshalWithOptions(helpTable, &h, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading the table of help numbers: %w", err)
	}
	return &h, nil
}

// talk lists the numbers of a country. In a crisis only those count that take every call: a line for
// trouble on the internet would send somebody in need away.
func (h *help) talk(country string, crisis bool) []helpline {
	var out []helpline
	for _, row := range h.Rows {
		if !strings.EqualFold(row.Country, country) {
			continue
		}
		for _, line := range row.Talk {
			if line.For == "anything" || !crisis {
				out = append(out, line)
			}
		}
	}
	return out
}

// report lists where illegal content can be reported in a country.
func (h *help) report(country string) []helpline {
	for _, row := range h.Rows {
		if strings.EqualFold(row.Country, country) && len(row.Report) > 0 {
			return row.Report
		}
	}
	return []helpline{h.Anywhere}
}

// emergency is the emergency number of a country, "" where no source was read.
func (h *help) emergency(country string) string {
	for _, c := range h.Emergency.Countries {
		if strings.EqualFold(c, country) {
			return h.Emergency.Number
		}
	}
	return ""
}
