package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/invopop/jsonschema"
	"github.com/spf13/cobra"
)

// keysFile says of every key what it means and when a change takes effect:
// lines "path<TAB>effect<TAB>meaning". The schema and docs/configuration.md
// are made from it.
//
//go:embed keys.txt
var keysFile string

// keyMeaning is one line of keys.txt.
type keyMeaning struct {
	Effect  string // "reload", "restart"
	Meaning string
}

// choices gives the words a key may have, read from "One of: a, b, c." in
// its meaning.
func (m keyMeaning) choices() []string {
	_, list, ok := strings.Cut(m.Meaning, "One of: ")
	if !ok {
		return nil
	}
	list, _, _ = strings.Cut(list, ".")
	return strings.Split(list, ", ")
}

// keyMeanings reads keys.txt.
func keyMeanings() map[string]keyMeaning {
	meanings := make(map[string]keyMeaning)
	for line := range strings.Lines(keysFile) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(parts) == 3 && !strings.HasPrefix(line, "#") {
			meanings[parts[0]] = keyMeaning{Effect: parts[1], Meaning: parts[2]}
		}
	}
	return meanings
}

func (a *app) schemaCommand() *cobra.Command {
	var household bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration",
		Long: `Print the JSON Schema (draft 2020-12) of the configuration file, or with
--household that of a file of households_dir. Editors with a YAML language
server complete and check keys with it: put
"# yaml-language-server: $schema=hearth.schema.json" on the file's first line.`,
		Example: "  hearth schema > hearth.schema.json\n  hearth schema --household > household.schema.json",
		Args:    exactly(0, "schema takes no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if household {
				a.encode(a.out, householdSchema())
			} else {
				a.encode(a.out, configSchema())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&household, "household", false, "of a file of households_dir")
	return cmd
}

// householdSchema is the schema of one household file.
func householdSchema() *jsonschema.Schema {
	s := schemaOf(reflect.TypeFor[policy.HouseholdConfig]())
	s.Title = "Hearth household"
	describeSchema(s, "households[]", keyMeanings(), reflect.Value{})
	return s
}

// configSchema makes the schema from the type, the meanings and the defaults.
func configSchema() *jsonschema.Schema {
	s := schemaOf(reflect.TypeFor[Config]())
	s.Title = "Hearth configuration"
	describeSchema(s, "", keyMeanings(), reflect.ValueOf(Default()))
	return s
}

// schemaOf makes the schema of a section.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	r := jsonschema.Reflector{
		Anonymous:                  true,
		DoNotReference:             true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		Mapper:                     scalarSchema,
		Namer:                      func(t reflect.Type) string { return t.String() }, // several types are called Config
	}
	return r.ReflectFromType(t)
}

// scalarSchema gives the schema of the values that are written as one word.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == durationType:
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`}
	case t == reflect.TypeFor[byteSize]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: json.Number("0")},
			{Type: "string", Pattern: `^[0-9]+ ?(KiB|MiB|GiB)$`},
		}}
	case isText(t):
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

// describeSchema adds meanings, choices and defaults to a schema in place.
// value is the default of the section, or invalid inside lists.
func describeSchema(s *jsonschema.Schema, path string, meanings map[string]keyMeaning, value reflect.Value) {
	if s.Items != nil {
		describeSchema(s.Items, path+"[]", meanings, reflect.Value{})
	}
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		at := joinPath(path, p.Key)
		m := meanings[at]
		p.Value.Description = m.Meaning
		for _, word := range m.choices() {
			p.Value.Enum = append(p.Value.Enum, word)
		}
		var beneath reflect.Value
		if value.IsValid() {
			beneath = fieldNamed(value, p.Key)
		}
		if beneath.IsValid() && isScalar(beneath.Type()) {
			p.Value.Default = jsonDefault(beneath)
		}
		if beneath.IsValid() && !isSection(beneath.Type()) {
			beneath = reflect.Value{}
		}
		describeSchema(p.Value, at, meanings, beneath)
	}
}

// fieldNamed gives the field of a section by its YAML name.
func fieldNamed(section reflect.Value, name string) reflect.Value {
	for _, f := range fieldsOf(section.Type()) {
		if f.name == name {
			v := section.Field(f.index)
			for v.Kind() == reflect.Pointer {
				v = v.Elem()
			}
			return v
		}
	}
	return reflect.Value{}
}

// jsonDefault gives a default as it is written in YAML.
func jsonDefault(v reflect.Value) any {
	if text := scalarString(v); v.Type() == durationType || isText(v.Type()) {
		return text
	}
	return v.Interface()
}

// scalarString writes a value as YAML would show it.
func scalarString(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return durationText(d)
	}
	if m, ok := v.Interface().(interface{ MarshalText() ([]byte, error) }); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprint(v.Interface())
}

// durationText writes a duration without the units that are zero: 24h.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
