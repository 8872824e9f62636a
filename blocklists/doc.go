// Package blocklists answers one question: which categories does this name belong to?
//
// It owns the vocabulary of categories (Taxonomy), names in wire form (Name), their keyed hashes
// (Key, Hashes), what one list says in a file (Parsed, ParsedWriter), the compiled table from name
// to categories (Index), the bounded-memory compiler that makes its file (Builder), the names of
// legal lists beside it (Sealed) and the cache of recent answers (Catalog). A list per child is not
// needed: all lists compile into one Index, and a profile is a mask over its categories.
//
// It knows nothing of people, of DNS messages or of where lists come from: parsing and fetching
// live in blocklists/source. It imports nothing of the project.
//
// A listed name covers itself and everything beneath it unless its entry says otherwise. Within
// one list the deepest entry that covers a name decides; between lists the answers are united.
// That work is the Builder's: in an Index the deepest name present holds the whole answer.
package blocklists
