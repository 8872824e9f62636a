package portal

import (
	"html/template"
	"strings"

	"github.com/hearthdns/hearth/blocklists/help"
)

// helpBox says who listens: verified numbers of the household's country, and always a person of trust. In a
// crisis it stands first and says what to do in danger.
func (p *Portal) helpBox(v *visit, crisis bool) *helpBox {
	l, table := &v.words.Label, p.help()
	box := &helpBox{First: crisis, Title: l.Talk, Trusted: l.Trusted}
	for _, row := range talk(table, v.country, crisis) {
		note := l.Free
		if row.Is(help.OnlineSafety) {
			note = l.Online + " · " + l.Free
		}
		box.Lines = append(box.Lines, call{Name: row.Organisation, Number: row.Call(), Note: note, URL: dial(row.Call())})
	}
	if !crisis {
		return box
	}
	box.Danger = l.DangerAnywhere
	if number := emergency(table, v.country); number != "" {
		box.Danger, box.Emergency = fill(l.Danger, map[string]string{"emergency": number}), dial(number)
	}
	return box
}

// dial is a link that calls a number of the table of help.
func dial(number string) template.URL {
	return template.URL("tel:" + strings.NewReplacer(" ", "", "-", "").Replace(number)) //nolint:gosec // digits, by the loader of the table
}
