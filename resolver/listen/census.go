package listen

import (
	"net/netip"
	"sync"
)

// shards spreads the clients over locks; queries that only wait are rare enough for few.
const shards = 8

// census counts what each client has in hand. An entry goes when its count reaches
// zero, so the table is never larger than the total that the caller bounds, whatever
// number of addresses a flood pretends to come from.
type census struct {
	limit  int
	shards [shards]struct {
		sync.Mutex
		counts map[netip.Addr]int
	}
}

func newCensus(limit int) *census {
	c := &census{limit: limit}
	for i := range c.shards {
		c.shards[i].counts = make(map[netip.Addr]int)
	}
	return c
}

// enter counts one more for the client; false, and nothing counted, at its limit.
func (c *census) enter(client netip.Addr) bool { return c.enterUpTo(client, c.limit) }

// enterUpTo is enter with a limit of the client's own.
func (c *census) enterUpTo(client netip.Addr, limit int) bool {
	shard := &c.shards[shardOf(client)]
	shard.Lock()
	defer shard.Unlock()
	if shard.counts[client] >= limit {
		return false
	}
	shard.counts[client]++
	return true
}

// leave takes one back.
func (c *census) leave(client netip.Addr) {
	shard := &c.shards[shardOf(client)]
	shard.Lock()
	defer shard.Unlock()
	if shard.counts[client]--; shard.counts[client] <= 0 {
		delete(shard.counts, client)
	}
}

// len counts the clients in the table.
func (c *census) len() int {
	n := 0
	for i := range c.shards {
		c.shards[i].Lock()
		n += len(c.shards[i].counts)
		c.shards[i].Unlock()
	}
	return n
}

func shardOf(client netip.Addr) int {
	b := client.As16()
	return int(b[7]^b[13]^b[14]^b[15]) % shards
}

// clientOf is the address that limits count by: an IPv4 address, or the /64 of an
// IPv6 one, since a single host owns a whole /64. Link-local and unique local
// addresses stay whole: there one /64 is everybody at home.
func clientOf(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if a.Is4() || a.IsLinkLocalUnicast() || a.IsPrivate() || a.IsLoopback() {
		return a
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}
