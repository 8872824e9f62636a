package blocklists

import (
	"encoding/binary"
)

// appendDefinitions appends the rows of a taxonomy as an index file stores them: how many, then for each its
// id, group and parent behind a length octet each, and an octet that is 1 for a service.
func appendDefinitions(b []byte, rows []Definition) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(rows)))
	for _, row := range rows {
		for _, text := range [...]string{row.ID, row.Group, row.Parent} {
			b = append(b, byte(len(text)))
			b = append(b, text...)
		}
		service := byte(0)
		if row.Service {
			service = 1
		}
		b = append(b, service)
	}
	return b
}

// parseDefinitions reads what appendDefinitions wrote.
func parseDefinitions(b []byte) (*Taxonomy, error) {
	if len(b) < 2 {
		return nil, corrupt("no definitions")
	}
	count := int(binary.LittleEndian.Uint16(b))
	if count > MaxCategories {
		return nil, corrupt("%d categories", count)
	}
	rows := make([]Definition, count)
	at := 2
	for i := range rows {
		texts := [...]*string{&rows[i].ID, &rows[i].Group, &rows[i].Parent}
		for _, text := range texts {
			if at >= len(b) || at+1+int(b[at]) > len(b) {
				return nil, corrupt("definition %d is cut", i)
			}
			end := at + 1 + int(b[at])
			*text, at = string(b[at+1:end]), end
		}
		if at >= len(b) || b[at] > 1 {
			return nil, corrupt("definition %d is cut", i)
		}
		rows[i].Service = b[at] == 1
		at++
	}
	if at != len(b) {
		return nil, corrupt("octets behind the definitions")
	}
	t, err := taxonomyOf(rows)
	if err != nil {
		return nil, corrupt("%v", err)
	}
	return t, nil
}
