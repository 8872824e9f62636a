//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// verdict is what the answer to a query must be.
type verdict uint8

const (
	allowed verdict = iota // the upstream's record
	blocked                // the landing address, or for other types no record of the upstream
	turning                // one or the other by the number of reloads
)

// query is a packet that is ready to be sent but for its ID.
type query struct {
	frame []byte // the length for TCP, then the packet
	end   int    // of the question in the packet
	want  verdict
}

// newQuery makes a query with EDNS, and DO clear.
func newQuery(name string, kind uint16, want verdict) query {
	b := make([]byte, 2, len(name)+32)
	b = append(b, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1)
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0, byte(kind>>8), byte(kind), 0, 1)
	end := len(b) - 2
	b = append(b, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0)
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	return query{frame: b, end: end, want: want}
}

func (q *query) kind() uint16 { return binary.BigEndian.Uint16(q.frame[q.end-2:]) }

// questionEnd returns where the question of p ends, 0 where p holds no whole one.
func questionEnd(p []byte) int {
	end := 12
	for end < len(p) && p[end] != 0 && p[end] < 64 {
		end += int(p[end]) + 1
	}
	if end+5 > len(p) || p[end] != 0 {
		return 0
	}
	return end + 5
}

// right reports whether reply answers q as it must: the same question, NOERROR,
// and the record that the verdict asks for.
func (q *query) right(reply []byte) bool {
	if len(reply) < q.end || reply[2]&0x82 != 0x80 || reply[3]&15 != 0 || reply[4] != 0 || reply[5] != 1 {
		return false // no reply, truncated, an error, or not one question
	}
	asked, got := q.frame[14:q.end+2], reply[12:q.end]
	if !bytes.Equal(asked, got) && !bytes.EqualFold(asked, got) {
		return false
	}
	data, ok := find(reply, q.end, q.kind())
	if !ok {
		return false
	}
	ours := record(q.kind())
	if q.want == allowed {
		return bytes.Equal(data, ours)
	}
	if q.kind() == typeA {
		address := landing()
		return bytes.Equal(data, address[:])
	}
	return data == nil || !bytes.Equal(data, ours)
}

// find returns the data of the first record of a type in the answer section
// that begins at off, nil if there is none, false if the section is broken.
func find(reply []byte, off int, kind uint16) ([]byte, bool) {
	for range binary.BigEndian.Uint16(reply[6:]) {
		for off < len(reply) && reply[off] != 0 && reply[off] < 0xc0 {
			off += int(reply[off]) + 1
		}
		if off >= len(reply) {
			return nil, false
		}
		if reply[off] != 0 {
			off++ // a pointer
		}
		off++
		if off+10 > len(reply) {
			return nil, false
		}
		size := int(binary.BigEndian.Uint16(reply[off+8:]))
		if off+10+size > len(reply) {
			return nil, false
		}
		if binary.BigEndian.Uint16(reply[off:]) == kind {
			return reply[off+10 : off+10+size], true
		}
		off += 10 + size
	}
	return nil, true
}
