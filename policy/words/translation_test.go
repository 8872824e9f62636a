package words

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/feature/plural"
)

// entry is one text of a file. One with a number has forms, and one of them as its text.
type entry struct {
	key, text string
	forms     map[string]string
}

// folders are the languages that have any file.
func folders(t *testing.T) (codes []string) {
	t.Helper()
	all, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		codes = append(codes, f.Name())
	}
	return codes
}

// read gives the texts of a file in its order; nothing where there is no such file.
func read(t *testing.T, code, part string) (list []entry) {
	t.Helper()
	raw, err := files.ReadFile(file(code, part))
	if err != nil {
		return nil
	}
	var tree yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(raw, &tree, yaml.Strict(), yaml.UseOrderedMap()); err != nil {
		t.Fatalf("%s: %v", file(code, part), err)
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case yaml.MapSlice:
			if forms := formsOf(v); forms != nil {
				list = append(list, entry{at, cmp.Or(forms["other"], fmt.Sprint(v[0].Value)), forms})
				return
			}
			for _, item := range v {
				walk(fmt.Sprintf("%s.%v", at, item.Key), item.Value)
			}
		case []any:
			for i, item := range v {
				walk(fmt.Sprintf("%s[%d]", at, i), item)
			}
			if len(v) == 0 {
				list = append(list, entry{key: at + "[]", text: "nothing"})
			}
		case string:
			list = append(list, entry{key: at, text: v})
		case nil:
			list = append(list, entry{key: at})
		default:
			list = append(list, entry{key: at, text: fmt.Sprint(v)})
		}
	}
	walk(part, tree)
	return list
}

// formsOf gives the forms of a text with a number; nil for another mapping.
func formsOf(v yaml.MapSlice) map[string]string {
	forms := map[string]string{}
	for _, item := range v {
		name := fmt.Sprint(item.Key)
		if _, known := categories[name]; !known {
			return nil
		}
		forms[name] = fmt.Sprint(item.Value)
	}
	return forms
}

// wanted are the languages that Hearth speaks at least: the 24 of the European Union, Arabic, Turkish, Ukrainian and
// Chinese.
const wanted = "ar bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv tr uk zh"

// TestTranslations: every language has all files, each with the keys of the English one in its order, a text for each,
// the same places in braces, and the plural forms of its language. `-run TestTranslations/pl` looks at one language.
func TestTranslations(t *testing.T) {
	codes := append(strings.Fields(wanted), folders(t)...)
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		t.Run(code, func(t *testing.T) {
			if missing := Missing(code); len(missing) > 0 || !slices.Contains(Languages(), code) {
				t.Errorf("%s is no language of Hearth: its folder lacks %v", code, missing)
			}
			for _, part := range Parts() {
				if list := read(t, code, part); list != nil {
					compare(t, code, read(t, English, part), list)
				}
			}
		})
	}
}

func compare(t *testing.T, code string, english, list []entry) {
	t.Helper()
	for i, e := range english {
		at := slices.IndexFunc(list, func(o entry) bool { return o.key == e.key })
		switch {
		case at < 0:
			t.Errorf("%s lacks %s: %q", code, e.key, e.text)
		case len(list) == len(english) && at != i:
			t.Errorf("%s: %s stands where English has %s; keep the order", code, list[i].key, e.key)
		default:
			same(t, code, e, list[at])
		}
	}
	for _, e := range list {
		if !slices.ContainsFunc(english, func(o entry) bool { return o.key == e.key }) {
			t.Errorf("%s: %s is no key of the English file", code, e.key)
		}
	}
}

// same compares a text with the English one.
func same(t *testing.T, code string, english, e entry) {
	t.Helper()
	if strings.TrimSpace(e.text) == "" || e.text != strings.TrimSpace(e.text) {
		t.Errorf("%s: %s is %q: empty, or with spaces around it", code, e.key, e.text)
	}
	want := places(english.text)
	if got := places(e.text); !slices.Equal(want, got) {
		t.Errorf("%s: %s has the places %v, English has %v", code, e.key, got, want)
	}
	switch {
	case e.forms != nil && !slices.Contains(want, "{n}"):
		t.Errorf("%s: %s has plural forms, and the English text no {n}: write one text", code, e.key)
	case e.forms != nil:
		complete(t, code, e.key, e.forms)
	case english.forms != nil && len(needs(code)) > 1:
		t.Errorf("%s: %s has one text for all numbers: write a mapping of %v", code, e.key, needs(code))
	}
}

// places lists what stands in braces, each once.
func places(text string) []string {
	list := regexp.MustCompile(`\{[^}]*\}?`).FindAllString(text, -1)
	slices.Sort(list)
	return slices.Compact(list)
}

// needs lists the plural categories that a language has for whole numbers, by golang.org/x/text.
func needs(code string) []string { return slices.Sorted(maps.Keys(numbers(code))) }

// numbers counts the whole numbers below a thousand by their category.
func numbers(code string) map[string]int {
	names := map[plural.Form]string{}
	for name, f := range categories {
		names[f] = name
	}
	found, tag := map[string]int{}, tagOf(code)
	for n := range 1000 {
		found[names[formOf(tag, n)]]++
	}
	return found
}

// parts counts numbers such as 1.5 by their category: forms of CLDR that no text of ours uses, and that may be there.
func parts(code string) map[string]int {
	found := map[string]int{}
	for name, f := range categories {
		for n := range 100 {
			if plural.Cardinal.MatchPlural(tagOf(code), n, 1, 1, 5, 5) == f {
				found[name]++
			}
		}
	}
	return found
}

// complete finds missing and idle forms of one text, and places that differ among them. The number itself may be left
// out where a form is for one number alone: "one more".
func complete(t *testing.T, code, key string, has map[string]string) {
	t.Helper()
	need, may := numbers(code), parts(code)
	for name := range need {
		if has[name] == "" {
			t.Errorf("%s: %s lacks the form %q; the language needs %v", code, key, name, needs(code))
		}
	}
	var all []string
	for _, text := range has {
		all = append(all, places(text)...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	for name, text := range has {
		if need[name]+may[name] == 0 && name != "other" {
			t.Errorf("%s: %s has the form %q, which no number of this language has; it needs %v", code, key, name, needs(code))
		}
		got := places(text)
		if need[name] == 1 && !slices.Contains(got, "{n}") {
			got = append(got, "{n}")
			slices.Sort(got)
		}
		if !slices.Equal(got, all) {
			t.Errorf("%s: %s has %v in the form %q, and %v in all", code, key, got, name, all)
		}
	}
}

// child are the texts that a child reads: all of replies.pages.child, and these of the pages.
var child = regexp.MustCompile(`^pages\.pages\.request\.((ask|title|lead)\.child|time|mistake|bad|word|cannot|wait|retry|(waiting|half|granted|declined|withdrawn|expired)\.(title|lead\[\d\]))$` +
	`|^pages\.pages\.ticket\.(thanks|link|what|scary|kind|illegal|hotline|bad_child\[\d\]|at_home\[\d\]|hotline_lead\[\d\])$`)

// TestChildrenReadIt: what a child reads is in sentences of at most 12 words in the replies and 14 on the pages. In a
// language that has no spaces between words a sentence has at most 30 and 35 characters, as Chinese words have about
// two and a half. Nothing judges, and nothing shouts.
func TestChildrenReadIt(t *testing.T) {
	for _, code := range folders(t) {
		var all []int
		for _, part := range []string{"replies", "pages"} {
			for _, e := range read(t, code, part) {
				if strings.HasPrefix(e.key, "replies.pages.") || child.MatchString(e.key) {
					for _, word := range []string{"tried", "violat", "police", "polizei", "polici", "forbidden", "!", "！"} {
						if strings.Contains(strings.ToLower(e.text), word) {
							t.Errorf("%s: %s judges: %q", code, e.key, e.text)
						}
					}
				}
				switch {
				case strings.HasPrefix(e.key, "replies.pages.child."):
					all = append(all, short(t, code, e, 12)...)
				case child.MatchString(e.key):
					all = append(all, short(t, code, e, 14)...)
				}
			}
		}
		sum := 0
		for _, n := range all {
			sum += n
		}
		t.Logf("%s: %d sentences for children, %.1f words in the mean, %d at most", code, len(all), float64(sum)/float64(max(len(all), 1)), slices.Max(append(all, 0)))
	}
}

// short gives the words of each sentence of a text, none of which may have more than most.
func short(t *testing.T, code string, e entry, most int) (all []int) {
	t.Helper()
	for _, sentence := range strings.FieldsFunc(e.text, func(r rune) bool { return strings.ContainsRune(".?:!;。？：！；؟؛", r) }) {
		n := length(sentence)
		if n > most {
			t.Errorf("%s: %s has a sentence of %d words, at most %d are good: %s", code, e.key, n, most, sentence)
		}
		if n > 0 {
			all = append(all, n)
		}
	}
	return all
}

// length is a sentence in words. Han characters count two for five.
func length(sentence string) int {
	han := 0
	for _, r := range sentence {
		if unicode.Is(unicode.Han, r) {
			han++
		}
	}
	if han > 0 {
		return (2*han + 4) / 5
	}
	return len(strings.Fields(sentence))
}
