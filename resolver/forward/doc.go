// Package forward answers: what do the configured upstream resolvers say to this
// question?
//
// It owns the upstreams: their addresses, their health, the queries sent to them
// and the rules by which a packet counts as their reply. Queries go over plain
// UDP, over TCP after truncation, or over what the upstream is written with: TCP
// (RFC 7766), TLS (RFC 7858), HTTPS (RFC 8484) in HTTP/2, 1.1 or 3, QUIC (RFC 9250).
//
// All but UDP go by way of a pool, which holds few connections that carry many
// queries, opens them again when they end, and resumes their sessions. Over TLS in
// any form the upstream must prove who it is, by authorities or pins, or is not
// asked (the strict profile of RFC 8310), and the length of queries is hidden
// (RFC 8467). The addresses of upstreams with names come from bootstrap resolvers,
// never from this server.
//
// Against forgery (RFC 5452) every query has an ID, a local port and a spelling of
// its own, none of which can be guessed from another, and a connected socket; a
// reply must carry that ID and repeat the question as it was spelled. On Linux a
// socket serves again, on another port, and one goroutine reads them all, its own or one
// that attached; elsewhere
// each query has one of package net's. Whatever else arrives is
// junk: it is counted and the wait goes on, because the first packet to arrive
// may be an attacker's and the second the truth. An upstream's standing never
// suffers from packets that it may not have sent. One question of an Exchange is
// outstanding at a time; identical questions are merged by cache.Group before
// they come here.
//
// Nothing of the client's packet goes upstream but the name (not its spelling), type,
// class and the CD bit: the query is built anew with RD, DO and a payload size of
// 1232 octets (RFC 9715 keeps replies below fragmentation), no client subnet and
// no options.
//
// Loops: an upstream that is one of our own listeners is refused by Validate. A
// loop over another forwarder that sends our questions back cannot be seen in a
// packet; here it is bounded, since a question that returns while we are asking
// it finds itself in flight (cache.Group) and waits instead of going out again,
// until the budget of the one Exchange ends it.
//
// It may import resolver/wire, miekg/dns and quic-go.
package forward
