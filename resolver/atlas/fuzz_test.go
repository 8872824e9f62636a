package atlas

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy"
	"github.com/maxmind/mmdbwriter"
)

// FuzzDatabase reads hostile databases: each is refused, or answers whatever it is asked, and neither takes long.
func FuzzDatabase(f *testing.F) {
	for _, size := range []int{24, 28, 32} {
		o := mmdbwriter.Options{RecordSize: size}
		f.Add(madeWith(f, o, polar...))
		f.Add(madeWith(f, o, nets...))
	}
	f.Add(madeWith(f, mmdbwriter.Options{IPVersion: 4}, country("0.0.0.0/0", "AQ")))
	f.Add(folded(f))
	f.Add([]byte("\xab\xcd\xefMaxMind.com"))
	addresses := []netip.Addr{netip.IPv4Unspecified(), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("255.255.255.255"),
		netip.IPv6Unspecified(), netip.MustParseAddr("2001:db8:1::1"), netip.MustParseAddr("ffff::ffff")}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 {
			return
		}
		stuck := time.AfterFunc(time.Minute, func() { panic("a database is read without end") })
		defer stuck.Stop()
		for _, k := range []kind{countries, systems} {
			d, err := parse(k, raw)
			if err != nil {
				continue
			}
			for _, a := range addresses {
				var w policy.Whereabouts
				if d.locate(a, &w) == nil && w.Country != 0 && len(w.Country.String()) != 2 {
					t.Fatalf("%s lies in %q", a, w.Country)
				}
			}
		}
	})
}

// folded is a database of 128 nodes that spells 2^128 networks: both sides of each node are the next one. A walk over
// its networks has no end.
func folded(t testing.TB) []byte {
	t.Helper()
	const nodes = 128
	whole := madeWith(t, mmdbwriter.Options{RecordSize: 32}, system("::/0", 64500))
	marker := []byte("\xab\xcd\xefMaxMind.com")
	at := 0
	for i := range whole {
		if string(whole[i:min(i+len(marker), len(whole))]) == string(marker) {
			at = i
		}
	}
	var tree []byte
	for n := uint32(1); n <= nodes; n++ {
		tree = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(tree, n), n) // the last leads to node 128: no data
	}
	// node_count is a uint16 or uint32 in the metadata; write it anew.
	key := []byte("node_count")
	meta := append([]byte(nil), whole[at:]...)
	for i := range meta {
		if string(meta[i:min(i+len(key), len(meta))]) == string(key) {
			rest := meta[i+len(key):]
			size := int(rest[0] & 0x1f)
			for j := range size {
				rest[1+j] = 0
			}
			rest[size] = nodes
			break
		}
	}
	return append(append(tree, make([]byte, 16)...), meta...)
}

// TestFoldedDatabaseEnds: what spells out more networks than there is time for is read all the same, or refused.
func TestFoldedDatabaseEnds(t *testing.T) {
	done := make(chan error, 1)
	go func() {
		_, err := parse(countries, folded(t))
		done <- err
	}()
	select {
	case err := <-done:
		t.Logf("folded: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("a database is read without end")
	}
}
