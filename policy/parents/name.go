package parents

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/hearthdns/hearth/blocklists"
)

// readName reads the name of a site as a person writes it, in any script.
func readName(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSpace(text), ".")
	bad := refused("value", "%q is no name of a site: write the name alone, such as example.com, without http:// and path", text)
	if text == "" || strings.ContainsAny(text, "/: *") {
		return "", bad
	}
	ascii, err := idna.Lookup.ToASCII(text)
	if err != nil {
		ascii = text // names of services have signs that no host has
	}
	name, err := blocklists.ParseName(ascii)
	if err != nil || name.Labels() == 0 {
		return "", bad
	}
	return name.String(), nil
}

// readSite reads the name of a site that is opened with all beneath it. A name under which everybody has sites is none.
func readSite(text string) (string, error) {
	name, err := readName(text)
	if err != nil {
		return "", err
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	if suffix == name && (icann || strings.Contains(name, ".")) { // else nobody has registered it, as names of the home
		return "", refused("value", "beneath %q are the sites of everybody, and all of them would be open: write the one that you mean, such as example.%[1]s", name).with("shared")
	}
	return name, nil
}

// lawful says that somebody means what the law blocks. It is not for them to know what of it there is.
func lawful(id string) bool {
	id = strings.ToLower(id)
	return id == "illegal" || blocklists.IsLegal(id)
}

// grantable lists the categories that are granted as a whole, services those that have a switch.
func grantable(t *blocklists.Taxonomy) (ids []string) {
	for _, row := range t.All() {
		if row.Group != "" && !row.Service && !strings.HasPrefix(row.ID, "sec.") {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

func services(t *blocklists.Taxonomy) (ids []string) {
	for _, row := range t.All() {
		if row.Service {
			ids = append(ids, row.ID)
		}
	}
	return ids
}

// didYouMean proposes ids in the place of one that there is not: all beneath it, or the nearest.
func didYouMean(ids []string, id string) string {
	var beneath []string
	for _, one := range ids {
		if strings.HasPrefix(one, id+".") {
			beneath = append(beneath, one)
		}
	}
	if len(beneath) > 0 {
		return "write one of " + strings.Join(beneath, ", ")
	}
	return fmt.Sprintf("did you mean %q?", nearest(ids, id))
}

// nearest is the id that is spelled most like another.
func nearest(ids []string, id string) (best string) {
	fewest := int(^uint(0) >> 1)
	for _, one := range ids {
		if n := blocklists.Edits(id, one); n < fewest {
			best, fewest = one, n
		}
	}
	return best
}
