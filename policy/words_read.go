package policy

import (
	"fmt"

	"github.com/hearthdns/hearth/policy/words"
)

// replies is a language's replies.yaml: as Phrases has it, by names.
type replies struct {
	Reviewed   bool              `yaml:"reviewed"`
	ThisDevice string            `yaml:"this_device"`
	Unknown    string            `yaml:"unknown"`
	Security   string            `yaml:"security"`
	Search     string            `yaml:"search"`
	Groups     map[string]string `yaml:"groups"`
	Bands      map[string]string `yaml:"bands"`
	Steps      map[string]string `yaml:"steps"`
	Short      map[string]string `yaml:"short"`
	Pages      struct {
		Child map[string]Message `yaml:"child"`
		Teen  map[string]Message `yaml:"teen"`
		Adult map[string]Message `yaml:"adult"`
	} `yaml:"pages"`
}

func readPhrases(code string) (*Phrases, error) {
	r, err := words.Read[replies](code, "replies")
	if err != nil {
		return nil, err
	}
	w := &Phrases{
		Language: code, Direction: words.Direction(code), Reviewed: r.Reviewed, Groups: r.Groups,
		ThisDevice: r.ThisDevice, Unknown: r.Unknown, Security: r.Security, Search: r.Search,
	}
	for reader, pages := range [readers]map[string]Message{r.Pages.Child, r.Pages.Teen, r.Pages.Adult} {
		if err := byName(w.pages[reader][:], reasonNames[:], pages); err != nil {
			return nil, err
		}
	}
	for _, list := range []struct {
		into  []string
		names []string
		texts map[string]string
	}{{w.Bands[:], bandNames[:], r.Bands}, {w.Steps[:], stepNames[:], r.Steps}, {w.Short[:], reasonNames[:], r.Short}} {
		if err := byName(list.into, list.names, list.texts); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// byName puts what has names where the names stand.
func byName[T any](into []T, names []string, texts map[string]T) error {
	left := len(texts)
	for i, name := range names {
		if text, ok := texts[name]; ok {
			into[i], left = text, left-1
		}
	}
	if left > 0 {
		return fmt.Errorf("one of the words has a name that is none of %q", names)
	}
	return nil
}
