// Package querylog answers what is remembered of queries, and who is told: so far a dnstap
// receiver. It owns the messages that wait for it and their bounds. How much of a query it is
// given is decided by the band of the profile (policy.Memory). It imports policy.
package querylog
