// Package resolver answers "what is the reply?": it takes one parsed query and
// the client's address, and gives the bytes to send back.
//
// # Two queries through the house
//
// A tablet asks for a name that its household blocks. The listener parses the
// packet in place (wire.Query) and calls Answer on its reading goroutine. Answer
// loads the World once, finds out whose device it is, hashes every suffix of the
// name in one pass, looks the name up in the catalog (a recent match, else the
// index) and lets the profile decide. The decision is a block, so the landing
// address, or NODATA for what is not an address, is authored into the buffer
// that the packet is answered from. Nothing was allocated and nothing waited.
//
// A laptop asks for an allowed name that nobody has asked before. Answer comes
// to the same point with an allow and finds no cached entry, so it says "not
// yet" and the listener, within its bounds, calls Resolve. Resolve joins an
// identical question in flight or starts one, and returns: nobody waits. When the
// upstream's reply is there, it is inspected (the CNAME chain in order, addresses
// that no public name may have, what the targets are) and stored as a fact in the
// cache; each query that asked for it is judged once more, now over the targets
// too and in the World of that moment, and answered. The next laptop is served by
// Answer.
//
// What lists say by expressions (blocklists.Pattern) is found out by Resolve alone,
// before anybody upstream is asked: Answer decides by what the catalog remembers of
// it, and leaves a name to Resolve that nobody has asked for yet and that a pattern
// could make a difference to. The networks of lists are looked up while a reply is
// inspected; an address in one counts like a target of the chain.
//
// Caches hold facts, never verdicts: the verdict is computed on the way out on
// every path, so one household's verdict cannot reach another.
//
// The package owns the World and the order of that path. It may import policy,
// blocklists, resolver/cache and resolver/wire; it meets the listeners and the
// upstreams only through Exchanger and its own two methods, which cmd/hearth joins
// to listen.Handler.
package resolver
