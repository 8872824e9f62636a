// Package store answers: what holds beside the configuration, and what was done with it? It owns the state
// of households (a Log of current values: definitions, grants, pauses, enrolments), what is remembered of
// people by day (a Journal of partitions), and the one file in which the embedded engine, Bolt, keeps both.
// It knows keys, revisions and days, not what values mean; it imports nothing of the project, and nothing on
// the path of a query calls it.
package store
