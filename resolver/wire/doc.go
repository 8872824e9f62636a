// Package wire reads DNS queries and writes DNS replies in their packed form.
//
// It answers: what does this packet ask, is it well-formed, and how is the
// reply laid out? It owns the parse of a query as offsets into its packet, the
// in-place error replies, the authoring of short replies, the walk over the
// records of a packed message, and the form of their RDATA. It keeps no state and,
// outside its tests, imports the standard library only.
//
// Names are kept in canonical wire form: length-prefixed labels, ASCII
// lower-cased, uncompressed, ending in the root's zero octet, at most 255
// octets. A dot inside a label is an octet like any other.
//
// Reading and authoring allocate nothing when the destination has room. What
// Parse accepts is checked against github.com/miekg/dns by fuzzing.
package wire
