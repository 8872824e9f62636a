// Package source answers "which names do the published lists hold?". It fetches lists, keeps the last good copy of
// each on disk, reads their formats (hosts, domains, wildcard, adblock, dnsmasq, RPZ, UT1) into canonical entries and
// compiles all of them, with the embedded starter lists, into one index file.
//
// It owns the folder that [LibraryConfig] names and everything in it. It knows nothing of households or queries.
//
// It may import blocklists, golang.org/x/net (IDNA and the public suffix list) and Prometheus' client; of the project
// nothing else.
package source
