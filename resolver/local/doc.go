// Package local answers which addresses a machine of the home has, and which names an
// address has: from hosts files and from the lease files of a DHCP server. It owns the
// reading of those files. It imports names in wire form from blocklists and the numbers of
// record types from resolver/wire.
package local
