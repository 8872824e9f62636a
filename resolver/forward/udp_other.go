//go:build !linux

package forward

func newPackets() packets { return new(portable) }
