package portal

import "html/template"

// helpBox says who listens: verified numbers of the household's country, and always a person of trust. In a
// crisis it stands first and says what to do in danger.
func (p *Portal) helpBox(v *visit, crisis bool) *helpBox {
	l := &v.words.Label
	box := &helpBox{First: crisis, Title: l.Talk, Trusted: l.Trusted}
	for _, line := range p.help.talk(v.country, crisis) {
		note := l.Free
		if line.For == "online" {
			note = l.Online + " · " + l.Free
		}
		box.Lines = append(box.Lines, call{
			Name: line.Name, Number: line.Number, Note: note,
			URL: template.URL("tel:" + line.Digits()), //nolint:gosec // of the embedded table; digits, by a test
		})
	}
	if !crisis {
		return box
	}
	box.Danger = l.DangerAnywhere
	if number := p.help.emergency(v.country); number != "" {
		box.Danger = fill(l.Danger, map[string]string{"emergency": number})
	}
	return box
}
