package console

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed words/en.yaml
var english []byte

// words is the catalogue of one language: texts by dotted keys, with places in braces.
type words struct {
	Language, Direction string
	texts               map[string]string
}

func loadWords() (*words, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(english, &tree); err != nil {
		return nil, fmt.Errorf("reading the words of the console: %w", err)
	}
	w := &words{texts: map[string]string{}}
	if err := w.take("", tree); err != nil {
		return nil, err
	}
	w.Language, w.Direction = w.texts["language"], w.texts["direction"]
	return w, nil
}

// take flattens a tree.
func (w *words) take(at string, tree map[string]any) error {
	for key, value := range tree {
		switch value := value.(type) {
		case string:
			w.texts[at+key] = value
		case map[string]any:
			if err := w.take(at+key+".", value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("reading the words of the console: %s%s is no text", at, key)
		}
	}
	return nil
}

// Say gives a text, with values for the names in its braces: Say("today.on", "n", 3). One with a number n has its
// singular under the key with ".one".
func (w *words) Say(key string, pairs ...any) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == "n" && fmt.Sprint(pairs[i+1]) == "1" && w.texts[key+".one"] != "" {
			key += ".one"
		}
	}
	text := w.texts[key]
	if text == "" {
		text = w.texts[key+".other"]
	}
	if text == "" {
		return key // a test finds it
	}
	if len(pairs) == 0 {
		return text
	}
	values := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		values = append(values, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(values...).Replace(text)
}

// Has says whether there is such a text.
func (w *words) Has(key string) bool { return w.texts[key] != "" }
