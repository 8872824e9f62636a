// Package cache answers: is the reply to this question already known?
//
// It owns packed answers and their lifetimes, and the merging of identical
// questions in flight. It keeps facts, never verdicts: an entry holds the
// unfiltered reply of the upstream and the categories of the names in it, so
// that one household's verdict can never reach another. What a person may see
// is computed on the way out, by the caller, on every path.
//
// A reply is stored as at most two bodies, one with the DNSSEC records for
// queries with the DO bit and one without (RFC 4035 section 3.2.1), derived
// once by Store; they share their bytes when the reply is unsigned. A reply comes
// as a Reply, whose records hold no compression, and is packed anew, because a
// compression pointer of a hostile upstream may aim at the header or at a TTL, and
// the name it yields would then change after it was inspected.
//
// Lookup takes no lock and allocates nothing. The size is bounded in bytes, all
// overheads included; eviction happens inside Store, a bounded number of steps
// under the lock of one shard, so there is no sweep and no pause.
//
// It may import resolver/wire and blocklists (for Match).
package cache
