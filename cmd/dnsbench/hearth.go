//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// hearth keeps its state from round to round, as it does from start to start:
// in the first it compiles the lists, in the others it finds the compiled index.
func hearth(path string, sources []source) server {
	return server{
		name: "hearth", path: path, version: []string{"version"}, list: plain(), secure: protocols(),
		prepare: func(p place) (map[string]string, []string) {
			lists := []source{{name: "on-off", path: filepath.Join(p.keep, onOffFile), category: benchCategory}}
			if len(sources) == 0 {
				lists = append(lists, source{name: "bench", path: p.list, category: benchCategory})
			}
			conf := filepath.Join(p.dir, hearthFile)
			return map[string]string{hearthFile: hearthConfig(p, append(lists, sources...), benchHousehold)}, []string{"serve", "--config", conf}
		},
	}
}

// The files of a hearth in its folder, and what is kept from start to start: its
// state and the list that changes.
const (
	hearthFile    = "hearth.yaml"
	hearthControl = "control.sock"
	stateFolder   = "state"
	onOffFile     = "on-off.txt"
)

// benchCategory is that of lists without one.
const benchCategory = "adult.porn"

// benchHousehold is everybody on loopback. Reloads turn its rule round.
const benchHousehold = `  - id: bench
    consent: {by: the benchmark, at: 2026-01-01}
    networks: ["127.0.0.0/8"]
    members: [{name: Bench, profile: bench}]
    guest: bench
    rules: [{name: ` + ruledName + `, ` + allowRule + `}]
`

const (
	allowRule = "action: allow"
	denyRule  = "action: deny"
)

// hearthConfig writes a configuration with a profile that blocks the categories
// of all sources.
func hearthConfig(p place, sources []source, households string) string {
	var own, lists, blocks strings.Builder
	var seen []string
	for _, s := range sources {
		fmt.Fprintf(&lists, "    - {name: %s, path: %q, format: domains, categories: [%s], public_suffixes: true}\n", s.name, s.path, s.category)
		if slices.Contains(seen, s.category) || s.fixed() {
			continue
		}
		seen = append(seen, s.category)
		fmt.Fprintf(&blocks, "      - {id: %s, action: block}\n", s.category)
		if strings.HasPrefix(s.category, ownCategory) {
			fmt.Fprintf(&own, "  - {id: %s, group: ads, title: %s}\n", s.category, s.name)
		}
	}
	return fmt.Sprintf(`version: 1
state: %q
control: %q
log: {level: error}
listen:
  - addresses: ["%s"]
%slanding: {ipv4: 127.0.0.1, ipv6: "::1", http: []}
metrics: {listen: ""}
resolve: {upstreams: ["%s"]}
lists:
  starter: false
  max_bytes: 1073741824 # twenty million names are more than any real list
  sources:
%scategories:%s
profiles:
  - name: bench
    band: preteen
    categories:%s
households:
%s`, filepath.Join(p.keep, stateFolder), filepath.Join(p.dir, hearthControl), p.addr, p.secured(securely), p.upstream, &lists, orNone(own.String()), orNone(blocks.String()), households)
}

// securely is what follows the plain listener: the encrypted ones. All clients come from
// one address here, which must not be held to the handshakes of one.
const securely = `  - {addresses: ["127.0.0.1:PRIVATE"], protocol: tls}
  - {addresses: ["127.0.0.1:PRIVATE"], protocol: quic}
  - {addresses: ["127.0.0.1:WEB"], protocol: https}
tls: {name: ` + secureName + `, source: files, files: [{cert_file: "CERT", key_file: "KEY"}]}
limits:
  handshakes: {per_second: 1000000, per_client: 1000000}
`

// orNone is a list in YAML, behind its key.
func orNone(items string) string {
	if items == "" {
		return " []"
	}
	return "\n" + strings.TrimSuffix(items, "\n")
}
