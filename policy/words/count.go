package words

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// speaker is the key of the language in the context of Read.
type speaker struct{}

// categories are the names of CLDR for the plural forms.
var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// Count is a text with a number in it, {n}. Its YAML is either a string, for every number, or a mapping by the plural
// categories of CLDR that the language has: {one: "{n} minute", other: "{n} minutes"}.
type Count struct {
	tag   language.Tag
	forms [plural.Many + 1]string
	every string // for a number that has no form of its own
}

// UnmarshalYAML reads a Count; ctx is that of Read.
func (c *Count) UnmarshalYAML(ctx context.Context, decode func(any) error) error {
	c.tag, _ = ctx.Value(speaker{}).(language.Tag)
	if decode(&c.every) == nil {
		return nil
	}
	var forms map[string]string
	if err := decode(&forms); err != nil {
		return err
	}
	for name, text := range forms {
		form, known := categories[name]
		if !known {
			return fmt.Errorf("%q is no plural category: write zero, one, two, few, many or other", name)
		}
		c.forms[form] = text
		if c.every == "" || form == plural.Other {
			c.every = text
		}
	}
	return nil
}

// For gives the text for n, a whole number of at least 0, with {n} filled in.
func (c *Count) For(n int) string {
	text := c.forms[formOf(c.tag, n)]
	if text == "" {
		text = c.every
	}
	return strings.ReplaceAll(text, "{n}", strconv.Itoa(n))
}

// Text gives the text whatever the number; {n}, if it has one, stays.
func (c *Count) Text() string { return c.every }

// tagOf is the language of a folder as plural rules have it: Portuguese is that of Portugal, where 0 is no singular.
func tagOf(code string) language.Tag {
	if code == "pt" {
		return language.EuropeanPortuguese
	}
	return language.Make(code)
}

// formOf is the plural category of a whole number. The rules of all languages look at its last six digits alone and at
// whether there are more.
func formOf(tag language.Tag, n int) plural.Form {
	const million = 1_000_000
	if n >= 10*million {
		n = n%million + million
	}
	return plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)
}
