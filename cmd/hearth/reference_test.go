package main

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
)

var update = flag.Bool("update", false, "write the tables of docs/configuration.md anew")

const referencePage = "../../docs/configuration.md"

// TestKeyMeanings: keys.txt has a line for every key and no other.
func TestKeyMeanings(t *testing.T) {
	meanings := keyMeanings()
	for _, k := range keysOf(typeOfConfig()) {
		m, ok := meanings[k.Path]
		if !ok {
			t.Errorf("keys.txt has no line for %s", k.Path)
		}
		delete(meanings, k.Path)
		if ok && (m.Effect != "reload" && m.Effect != "restart" || !strings.HasSuffix(m.Meaning, ".")) {
			t.Errorf("keys.txt, %s: the effect is reload or restart and the meaning a sentence, not %q, %q", k.Path, m.Effect, m.Meaning)
		}
	}
	for path := range meanings {
		t.Errorf("keys.txt has a line for %s, which is no key", path)
	}
}

// TestReferencePage: the tables of docs/configuration.md are those of the
// program. Run with -update to write them.
func TestReferencePage(t *testing.T) {
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, section := range sections() {
		begin, end := "<!-- keys: "+section+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(text, begin)
		old, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Errorf("docs/configuration.md has no table of %s: write the lines %q and %q", section, begin, end)
			continue
		}
		table := keyTable(section)
		if old != table && !*update {
			t.Errorf("the table of %s in docs/configuration.md is not that of the program; run go test ./cmd/hearth -run TestReferencePage -update", section)
		}
		text = before + begin + table + end + after
	}
	if *update {
		if err := os.WriteFile(referencePage, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sections are the tables of the page: single keys in "general", then one a
// section.
func sections() []string {
	all := []string{"general"}
	for _, f := range fieldsOf(typeOfConfig()) {
		if !isScalar(f.typ) {
			all = append(all, f.name)
		}
	}
	return all
}

func keyTable(section string) string {
	var b strings.Builder
	b.WriteString("\n| key | type | default | meaning | takes effect |\n|---|---|---|---|---|\n")
	meanings := keyMeanings()
	for _, k := range keysOf(typeOfConfig()) {
		top, _, nested := strings.Cut(k.Path, ".")
		top = strings.TrimSuffix(top, "[]")
		if section == "general" && (nested || !isScalar(k.Type)) || section != "general" && top != section {
			continue
		}
		m := meanings[k.Path]
		effect := map[string]string{"reload": "at a reload", "restart": "at a restart"}[m.Effect]
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Path, typeName(k.Type), defaultText(k.Path), m.Meaning, effect)
	}
	b.WriteString("\n")
	return b.String()
}

// defaultText shows the default of a key that is not in a list item.
func defaultText(path string) string {
	if strings.Contains(path, "[]") {
		return ""
	}
	v := reflect.ValueOf(Default())
	for part := range strings.SplitSeq(path, ".") {
		if v = fieldNamed(v, part); !v.IsValid() {
			return ""
		}
	}
	switch {
	case isSection(v.Type()):
		return ""
	case isList(v.Type()) && v.Len() == 0:
		return "`[]`"
	case isScalar(v.Type()) && scalarString(v) == "":
		return `""`
	}
	return "`" + plain(v) + "`"
}

// TestSchema: the schema describes every key, and the example is right by it.
func TestSchema(t *testing.T) {
	s := configSchema()
	if s.Version != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema = %q, want draft 2020-12", s.Version)
	}
	undescribed(t, s, "")
	text, err := os.ReadFile(exampleConfig)
	if err != nil {
		t.Fatal(err)
	}
	tree := make(map[string]any)
	if err := decodeYAML(text, tree); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range validateBy(s, "", tree) {
		t.Error(wrong)
	}
	tree["nam"] = "x"
	tree["log"].(map[string]any)["level"] = "loud"
	tree["cache"].(map[string]any)["max_ttl"] = 10
	if wrong := validateBy(s, "", tree); len(wrong) != 3 {
		t.Errorf("three mistakes give %q", wrong)
	}
}

// TestHouseholdSchema: files of households_dir have a schema of their own.
func TestHouseholdSchema(t *testing.T) {
	s := householdSchema()
	undescribed(t, s, "")
	tree := make(map[string]any)
	if err := decodeYAML([]byte(household("home", "10.2.0.0/16")), tree); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range validateBy(s, "", tree) {
		t.Error(wrong)
	}
	tree["membrs"] = []any{}
	if wrong := validateBy(s, "", tree); len(wrong) != 1 {
		t.Errorf("one mistake gives %q", wrong)
	}
	r := hearth(t, "schema", "--household")
	if r.code != 0 || !strings.Contains(r.out, `"Hearth household"`) {
		t.Errorf("schema --household: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

func undescribed(t *testing.T, s *jsonschema.Schema, path string) {
	t.Helper()
	if s.Items != nil {
		undescribed(t, s.Items, path+"[]")
	}
	if s.Properties == nil {
		return
	}
	if s.AdditionalProperties == nil {
		t.Errorf("the schema allows unknown keys at %q", path)
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		if at := joinPath(path, p.Key); p.Value.Description == "" {
			t.Errorf("the schema does not describe %s", at)
		} else {
			undescribed(t, p.Value, at)
		}
	}
}

// validateBy is as much of JSON Schema as our schema uses.
func validateBy(s *jsonschema.Schema, path string, v any) []string {
	if len(s.OneOf) > 0 {
		for _, one := range s.OneOf {
			if len(validateBy(one, path, v)) == 0 {
				return nil
			}
		}
		return []string{fmt.Sprintf("%s: %v matches none of its forms", path, v)}
	}
	var wrong []string
	kind := "null"
	switch v := v.(type) {
	case map[string]any:
		kind = "object"
		for k, item := range v {
			beneath, ok := s.Properties.Get(k)
			if !ok {
				wrong = append(wrong, fmt.Sprintf("%s: %s is not in the schema", path, k))
				continue
			}
			wrong = append(wrong, validateBy(beneath, joinPath(path, k), item)...)
		}
	case []any:
		kind = "array"
		for _, item := range v {
			wrong = append(wrong, validateBy(s.Items, path+"[]", item)...)
		}
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case int, int64, uint64:
		kind = "integer"
	}
	if s.Type != kind {
		return append(wrong, fmt.Sprintf("%s: %v is %s, the schema wants %s", path, v, kind, s.Type))
	}
	if len(s.Enum) > 0 && v != "" && !slices.Contains(s.Enum, v) {
		wrong = append(wrong, fmt.Sprintf("%s: %v is none of %v", path, v, s.Enum))
	}
	return wrong
}
