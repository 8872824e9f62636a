//go:build unix && !linux

package blocklists

// advise asks for nothing here.
func advise([]byte) {}
