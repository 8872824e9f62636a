//go:build linux

package main

import (
	"fmt"
	"io"
	"path/filepath"
)

// The servers that are written in Go, none of them Debian's: each is measured
// where its flag gives a path.

func coreDNS(path string) server {
	return server{
		name: "coredns", path: path, version: []string{"-version"}, list: zone(), secure: protocols(),
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "Corefile")
			// The hosts plugin knows no names beneath a name; a zone of the root with wildcards does.
			const block = `%s {
  bind 127.0.0.1
%s  cache {
    success 262144
    denial 262144
  }
  file %s . {
    fallthrough
    reload 0
  }
  forward . %s
}
`
			text := fmt.Sprintf(block, fmt.Sprintf(".:%d", p.port()), "", p.list, p.upstream)
			if p.credentials != nil {
				for _, where := range []string{"tls://.:PRIVATE", "quic://.:PRIVATE", "https://.:WEB", "https3://.:WEB"} {
					text += fmt.Sprintf(block, p.secured(where), p.secured("  tls CERT KEY\n"), p.list, p.upstream)
				}
			}
			return map[string]string{"Corefile": text}, []string{"-conf", conf, "-quiet"}
		},
	}
}

func adguardHome(path string) server {
	return server{
		name: "adguardhome", path: path, version: []string{"--version"},
		list: listFile{name: "adblock.txt", line: func(w io.Writer, n string) { fmt.Fprintf(w, "||%s^\n", n) }},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "AdGuardHome.yaml")
			return map[string]string{"AdGuardHome.yaml": fmt.Sprintf(`http: {address: "127.0.0.1:%d"}
dns:
  bind_hosts: [127.0.0.1]
  port: %d
  upstream_dns: ["%s"]
  bootstrap_dns: []
  ratelimit: 0
  refuse_any: false
  cache_size: 67108864
querylog: {enabled: false, file_enabled: false}
statistics: {enabled: false}
filters: [{enabled: true, url: %q, name: bench, id: 1}]
filtering:
  protection_enabled: true
  filtering_enabled: true
  blocking_mode: custom_ip
  blocking_ipv4: 127.0.0.1
  blocking_ipv6: "::1"
  filters_update_interval: 0
  safe_fs_patterns: [%q]
log: {enabled: false}
schema_version: 29
`, p.spare, p.port(), p.upstream, p.list, p.list)}, []string{"--no-check-update", "-c", conf, "-w", p.dir}
		},
	}
}

func blocky(path string) server {
	return server{
		name: "blocky", path: path, version: []string{"version"},
		list: listFile{name: "wildcards.txt", line: func(w io.Writer, n string) { fmt.Fprintf(w, "*.%s\n", n) }},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "blocky.yml")
			return map[string]string{"blocky.yml": fmt.Sprintf(`upstreams: {groups: {default: ["%s"]}}
blocking:
  denylists: {bench: [%q]}
  clientGroupsBlock: {default: [bench]}
  blockType: "127.0.0.1, ::1"
ports: {dns: "%s"}
log: {level: error}
queryLog: {type: none}
`, p.upstream, p.list, p.addr)}, []string{"--config", conf, "serve"}
		},
	}
}
