package source

import (
	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
)

// isPublicSuffix reports whether the public suffix list, with its private section, names exactly this name.
func (n *normaliser) isPublicSuffix(name blocklists.Name) bool {
	text, ok := n.presentation(name)
	if !ok {
		return false
	}
	suffix, _ := publicsuffix.PublicSuffix(text)
	return len(suffix) == len(text)
}

// isTopLevel reports whether a name of one label is a delegated top-level domain.
func (n *normaliser) isTopLevel(name blocklists.Name) bool {
	text, ok := n.presentation(name)
	if !ok || text == "" {
		return false
	}
	_, listed := publicsuffix.PublicSuffix(text)
	return listed
}

// presentation spells a name of host octets with dots; ok is false where another octet is in a label.
func (n *normaliser) presentation(name blocklists.Name) (text string, ok bool) {
	n.text = n.text[:0]
	for at := 0; at < len(name) && name[at] != 0; at += int(name[at]) + 1 {
		if at > 0 {
			n.text = append(n.text, '.')
		}
		label := name[at+1 : at+1+int(name[at])]
		for _, c := range label {
			if hostOctet(c) == 0 {
				return "", false
			}
		}
		n.text = append(n.text, label...)
	}
	return string(n.text), true
}
