package forward

import (
	"encoding/binary"
	"slices"

	"github.com/hearthdns/hearth/resolver/wire"
)

// paddedLen is what queries are padded to a multiple of (RFC 8467 section 4.1), so that their
// length tells little of the name where the channel hides the rest.
const paddedLen = 128

// pad pads the query in buf after skip octets, which do not count. Its OPT is its last record; one
// without stays as it is.
func pad(buf []byte, skip int) []byte {
	msg := buf[skip:]
	end, err := wire.SkipQuestion(msg)
	if err != nil || msg[11] != 1 {
		return buf
	}
	length := end + 9 // of the OPT's RDATA: after root, type, payload size, version and flags
	had := binary.BigEndian.Uint16(msg[length:])
	fill := (paddedLen - (len(msg)+4)%paddedLen) % paddedLen
	binary.BigEndian.PutUint16(msg[length:], had+4+uint16(fill))
	buf = binary.BigEndian.AppendUint16(slices.Grow(buf, 4+fill), wire.OptionPadding)
	buf = binary.BigEndian.AppendUint16(buf, uint16(fill))
	return append(buf, make([]byte, fill)...)
}
