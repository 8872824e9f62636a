package resolver

import "github.com/hearthdns/hearth/resolver/wire"

// reason returns the Extended DNS Error of a block: 17 (Filtered) with the
// profile's words and the decision id; for security 15 (Blocked) without either,
// because the abuse list must look exactly like it: an answer that told the two
// apart would be an oracle for enumerating that list.
func (s *Stroke) reason() wire.EDE {
	if s.decision.Silent {
		return wire.EDE{Code: edeBlocked}
	}
	words := append(s.words[:0], s.who.Profile.Text(s.decision)...)
	words = s.who.Profile.AppendID(append(words, " ["...), s.decision)
	return wire.EDE{Code: edeFiltered, Text: append(words, ']')}
}
