package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/hearthdns/hearth/policy/words"
)

// phrases is the catalogue of one language: texts by dotted keys, with places in braces.
type phrases struct {
	Language, Direction string
	texts               map[string]words.Count
}

// catalogue has the words of every language.
var catalogue = words.Lazy(func(code string) (*phrases, error) {
	tree, err := words.Read[branch](code, "console")
	if err != nil {
		return nil, err
	}
	delete(tree.texts, "reviewed")
	return &phrases{Language: code, Direction: words.Direction(code), texts: tree.texts}, nil
})

// branch is a part of a file: a text, or parts by their keys.
type branch struct{ texts map[string]words.Count }

// UnmarshalYAML takes a mapping apart; one by plural categories is a text.
func (b *branch) UnmarshalYAML(ctx context.Context, decode func(any) error) error {
	var text words.Count
	if text.UnmarshalYAML(ctx, decode) == nil {
		b.texts = map[string]words.Count{"": text}
		return nil
	}
	var parts map[string]branch
	if err := decode(&parts); err != nil {
		return fmt.Errorf("it is neither a text nor a mapping: %w", err)
	}
	b.texts = map[string]words.Count{}
	for key, part := range parts {
		for below, text := range part.texts {
			b.texts[strings.TrimSuffix(key+"."+below, ".")] = text
		}
	}
	return nil
}

// Say gives a text, with values for the names in its braces: Say("today.on", "n", 3). A whole number n chooses the plural form.
func (p *phrases) Say(key string, pairs ...any) string {
	phrase, there := p.texts[key]
	if !there {
		return key // a test finds it
	}
	text, values := phrase.Text(), make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if n, counts := whole(pairs[i+1]); counts && pairs[i] == "n" {
			text = phrase.For(n)
		}
		values[fmt.Sprint(pairs[i])] = fmt.Sprint(pairs[i+1])
	}
	return words.Fill(text, values)
}

// whole gives a whole number of any of the sizes that pages count in.
func whole(value any) (int, bool) {
	switch n := value.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case uint64:
		return int(n), true
	}
	return 0, false
}

// Has says whether there is such a text.
func (p *phrases) Has(key string) bool {
	_, there := p.texts[key]
	return there
}
