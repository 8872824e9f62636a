// Package parents answers: what may a parent change while the server runs, and what becomes of it? It owns the
// use-cases of a household (pause, filter off, grants, devices, PINs, birthdays, who owns its definition); the
// commands, the pages and the APIs call them and add nothing. A change is on disk before it is in force, and in
// force when the call returns. It imports policy, policy/store and blocklists.
//
// Two words are never mixed: a pause stops somebody's internet, filter off stops the filter.
package parents
