// Package source answers "which names do the published lists hold?". It fetches lists, keeps the last good copy of
// each on disk, reads their formats ([Formats]) into canonical entries, keeps what each says parsed, holds new versions
// back that go too far, and merges all that is in force, with the embedded starter lists, into one index file. Legal
// lists are kept apart, as keyed hashes.
//
// It owns the folder that [LibraryConfig] names and everything in it. It knows nothing of households or queries.
//
// Of the project it may import blocklists, blocklists/help (the table of help) and blocklists/source/transfer (zones from
// their primaries).
package source
