//go:build linux

package main

import (
	"fmt"
	"path/filepath"
)

// hearth keeps its state from round to round, as it does from start to start:
// in the first it compiles the list, in the others it finds the compiled index.
func hearth(path string) server {
	return server{
		name: "hearth", path: path, version: []string{"version"}, list: plain(),
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "hearth.yaml")
			return map[string]string{"hearth.yaml": fmt.Sprintf(`version: 1
state: %q
control: %q
log: {level: error}
listen:
  - addresses: ["%s"]
landing: {ipv4: 127.0.0.1, ipv6: "::1", http: []}
metrics: {listen: ""}
resolve: {upstreams: ["%s"]}
lists:
  starter: false
  sources:
    - {name: bench, path: %q, format: domains, categories: [adult.porn], public_suffixes: true}
households:
  - id: bench
    consent: {by: the benchmark, at: 2026-01-01}
    networks: ["127.0.0.0/8"]
    members: [{name: Bench, band: preteen}]
`, filepath.Join(p.keep, "state"), filepath.Join(p.dir, "control.sock"), p.addr, p.upstream, p.list)}, []string{"serve", "--config", conf}
		},
	}
}
