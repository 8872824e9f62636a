// Package tickets answers: what becomes of "this is a mistake" and "I saw something bad"? It owns the tickets that the two
// make, the numbers by which people see the outcome, the operator's queue, what is sent to the makers of lists, the signed
// list of what was accepted, and the sums that are published. A ticket is about a name and a list, never about a person: of
// who asked there is a keyed hash while it is open, so that nobody counts twice, and nothing after.
//
// What a legal list has is never a ticket. Who asks about it is answered as about any other name, so that nobody learns
// what is on such a list. It imports blocklists and policy/store.
package tickets
