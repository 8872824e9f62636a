// Package querylog answers what is remembered of queries, and who is told: activity by person and
// day in the store, with the signs that are found in it, a dnstap receiver and a collector of
// traces. It owns what waits for them, its bounds, and when activity is dropped. How much of a
// query it is given is decided by the band of the profile and by logs (policy.Memory). It imports
// policy, policy/store and blocklists.
package querylog
