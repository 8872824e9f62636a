// Package listen takes DNS queries off sockets and puts the replies back.
//
// It answers: who asks, over what transport, and may this query take up room now?
// It owns the sockets, the buffers of the queries in flight, the limits that keep a
// flood from taking memory, and the order of a shutdown. It imports resolver/wire and
// nothing else of the project; what a reply says is the Handler's business.
//
// A query is handled in two strokes. The goroutine that read it calls Answer, which
// must not block, and sends the reply at once. Where Answer has none, a goroutine of
// a bounded number calls Resolve; when all are taken the query is shed and counted,
// never queued. Malformed packets are answered here and never reach the Handler.
package listen
