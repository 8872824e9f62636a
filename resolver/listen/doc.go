// Package listen takes DNS queries off sockets and puts the replies back.
//
// It answers: who asks, over what transport, and may this query take up room now?
// It owns the sockets, the buffers of the queries in flight, the limits that keep a
// flood from taking memory, and the order of a shutdown. It imports resolver/wire and
// nothing else of the project; what a reply says is the Handler's business.
//
// A query is handled in two strokes, neither of which may block. The goroutine that
// read it calls Answer and sends the reply at once. Where Answer has none, the same
// goroutine calls Resolve, and the reply is sent when the Handler has it. The queries
// that are waited for are bounded; one too many is shed and counted, never queued.
// Malformed packets are answered here and never reach the Handler.
package listen
