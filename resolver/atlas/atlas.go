package atlas

import (
	"net/netip"
	"sync/atomic"

	"github.com/hearthdns/hearth/policy"
)

// Config names the databases. An empty path is none.
type Config struct {
	Country string `yaml:"country"`
	System  string `yaml:"system"`
}

// Paths lists the files that are configured.
func (c Config) Paths() (all []string) {
	for _, path := range []string{c.Country, c.System} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

// Check reads each database that is configured and says what is wrong with it.
func (c Config) Check() (country, system error) {
	_, _, country = read(countries, c.Country, stamp{})
	_, _, system = read(systems, c.System, stamp{})
	return country, system
}

// Atlas is the databases as they were when it was made. It is immutable and safe for concurrent use.
type Atlas struct {
	country, system *database
	failed          *atomic.Uint64
	edition         uint32
}

// Edition tells what one Atlas of a Keeper says from what another says; it is never 0.
func (a *Atlas) Edition() uint32 { return a.edition }

// Locate says where an address lies, as far as the databases know. IPv4 in IPv6 counts as IPv4.
func (a *Atlas) Locate(addr netip.Addr) (w policy.Whereabouts) {
	addr = addr.Unmap().WithZone("")
	for _, d := range [...]*database{a.country, a.system} {
		if d.locate(addr, &w) != nil {
			a.failed.Add(1)
		}
	}
	return w
}
