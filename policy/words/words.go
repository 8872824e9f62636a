// Package words answers: in which words? It holds every text that people read in their own language, a folder for each
// language with a file for each part: replies.yaml (package policy), pages.yaml (package portal), messages.yaml (what
// parents are sent), console.yaml (package console). English is what the others are translated from, and what stands
// wherever one of them has nothing.
// It knows the plural forms and the direction of a language, and which language somebody is best served in; what the
// texts mean it does not know. docs/languages.md says how a language is added and reviewed.
package words

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
)

//go:embed */*.yaml
var files embed.FS

// English is the code of the language that has every text.
const English = "en"

// Parts lists the files that a language has.
func Parts() []string { return []string{"replies", "pages", "messages", "console"} }

// Languages lists the codes of the languages that have all parts, English first and the others by the alphabet. The list
// must not be modified.
func Languages() []string { return all().codes }

// index is what is known of the languages without reading their files.
type index struct {
	codes   []string
	matcher language.Matcher
}

var all = sync.OnceValue(func() index {
	i := index{codes: []string{English}}
	folders, _ := fs.ReadDir(files, ".") // they are part of the program, by the alphabet
	for _, f := range folders {
		if f.Name() != English && len(Missing(f.Name())) == 0 {
			i.codes = append(i.codes, f.Name())
		}
	}
	tags := make([]language.Tag, len(i.codes))
	for n, code := range i.codes {
		tags[n] = language.Make(code)
	}
	i.matcher = language.NewMatcher(tags)
	return i
})

// Missing lists the parts that a language has no file of.
func Missing(code string) []string {
	return slices.DeleteFunc(Parts(), func(part string) bool {
		_, err := fs.Stat(files, file(code, part))
		return err == nil
	})
}

func file(code, part string) string { return code + "/" + part + ".yaml" }

// maxAccept bounds how much of an Accept-Language field is read, in bytes.
const maxAccept = 256

// Match gives the code of the language for somebody: the household's, a BCP 47 tag or "", if there are words in it or in
// one that its speakers read; else the best for an Accept-Language field (RFC 9110, section 12.5.4); else English.
func Match(household, accept string) string {
	known := all()
	if household != "" {
		if tag, err := language.Parse(household); err == nil {
			if _, i, confidence := known.matcher.Match(tag); confidence >= language.High {
				return known.codes[i]
			}
		}
	}
	code, _ := Asked(accept)
	return code
}

// Asked gives the code of the best language for an Accept-Language field, and whether it has any that there are words in;
// else it is English.
func Asked(accept string) (code string, known bool) {
	if accept == "" || len(accept) > maxAccept {
		return English, false
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return English, false
	}
	_, i, confidence := all().matcher.Match(tags...)
	return all().codes[i], confidence > language.No
}

// Direction is "rtl" for a language whose script runs from right to left, else "ltr": the values of dir in HTML.
func Direction(code string) string {
	script, _ := language.Make(code).Script()
	switch script.String() {
	case "Arab", "Hebr", "Nkoo", "Syrc", "Thaa":
		return "rtl"
	}
	return "ltr"
}

// place is a name in braces, which a value stands for later.
var place = regexp.MustCompile(`\{[a-z]+\}`)

// Read decodes a part of a language. A key that T does not have is an error. In a language that runs from right to left
// each place for a value is isolated (UAX #9: FSI and PDI), because names of sites and of people may run the other way.
func Read[T any](code, part string) (*T, error) {
	raw, err := files.ReadFile(file(code, part))
	if err != nil {
		return nil, fmt.Errorf("reading the words of %s: %w", code, err)
	}
	ctx := context.WithValue(context.Background(), speaker{}, tagOf(code))
	into := new(T)
	if err := yaml.UnmarshalContext(ctx, isolated(code, raw), into, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file(code, part), err)
	}
	return into, nil
}

// isolated is a file with its places isolated.
func isolated(code string, raw []byte) []byte {
	if Direction(code) == "ltr" {
		return raw
	}
	return place.ReplaceAll(raw, []byte("\u2068$0\u2069"))
}

// Catalogue holds something in every language, each made when it is first asked for.
type Catalogue[T any] struct{ byCode map[string]func() *T }

// Lazy makes a Catalogue of what read gives for the code of a language. It reads nothing yet.
func Lazy[T any](read func(code string) (*T, error)) *Catalogue[T] {
	c := &Catalogue[T]{map[string]func() *T{}}
	for _, code := range Languages() {
		c.byCode[code] = sync.OnceValue(func() *T {
			t, err := read(code)
			switch {
			case err == nil:
				return t
			case code == English:
				panic(err) // no program is built with such a file: tests read them all
			}
			return c.In(English)
		})
	}
	return c
}

// In gives the words of a language of Languages; English for any other code. It must not be modified. 0 allocations but
// for the first call.
func (c *Catalogue[T]) In(code string) *T {
	if made, ok := c.byCode[code]; ok {
		return made()
	}
	return c.byCode[English]()
}

// Fill puts values for the names in braces of a text.
func Fill(text string, values map[string]string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
