// Package policy answers: may this person see this name now?
//
// It owns households, members, devices, profiles, the age bands' presets, the
// parents' own rules, weekly schedules, and the one numbered order in which
// they decide (decide.go). What a name is comes from package blocklists; what
// is sent to the client is package resolver's.
//
// The package is pure: it does no I/O of its own, never asks for the time, and
// knows no DNS library. Time is a parameter; a Directory is immutable, so that
// any number of goroutines may decide with it while the next one is compiled.
//
// It may import blocklists of the project, goccy/go-yaml for its embedded
// presets and for scenario files, x/tools/txtar for those, x/text for language
// tags and x/net/idna for names that parents write in their own script.
package policy
