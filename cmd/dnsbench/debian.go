//go:build linux

package main

import (
	"fmt"
	"io"
	"path/filepath"
)

// The servers that Debian has.

func unbound() server {
	return server{
		name: "unbound", path: "unbound", version: []string{"-V"}, secure: []protocol{overTLS, overHTTP2},
		list: listFile{name: "unbound.zones", line: func(w io.Writer, n string) {
			fmt.Fprintf(w, "local-zone: %q redirect\nlocal-data: \"%s 10 A 127.0.0.1\"\n", n, n)
		}},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "unbound.conf")
			return map[string]string{"unbound.conf": fmt.Sprintf(`server:
  interface: 127.0.0.1@%d
  username: ""
  chroot: ""
  pidfile: ""
  directory: %q
  use-syslog: no
  logfile: ""
  verbosity: 0
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  msg-cache-size: 64m
  rrset-cache-size: 128m
  incoming-num-tcp: 100
  include: %q
%sremote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: %s@%d
`, p.port(), p.dir, p.list, p.secured(`  interface: 127.0.0.1@PRIVATE
  interface: 127.0.0.1@WEB
  tls-port: PRIVATE
  https-port: WEB
  tls-service-pem: "CERT"
  tls-service-key: "KEY"
`), p.upstream.Addr(), p.upstream.Port())}, []string{"-d", "-p", "-c", conf}
		},
	}
}

func dnsdist() server {
	return server{
		name: "dnsdist", path: "dnsdist", version: []string{"--version"}, list: plain(), secure: []protocol{overTLS, overHTTP2},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "dnsdist.lua")
			return map[string]string{"dnsdist.lua": fmt.Sprintf(`setLocal("%s")
%snewServer{address="%s", checkName="health.net.", maxCheckFailures=100}
setSecurityPollSuffix("")
getPool(""):setCache(newPacketCache(200000))
blocked = newSuffixMatchNode()
for line in io.lines(%q) do blocked:add(newDNSName(line)) end
addAction(SuffixMatchNodeRule(blocked), SpoofAction({"127.0.0.1", "::1"}))
addAction(SuffixMatchNodeRule(blocked), RCodeAction(DNSRCode.NOERROR))
`, p.addr, p.secured(`addTLSLocal("127.0.0.1:PRIVATE", "CERT", "KEY")
addDOHLocal("127.0.0.1:WEB", "CERT", "KEY", "/dns-query")
`), p.upstream, p.list)}, []string{"--supervised", "--disable-syslog", "-C", conf}
		},
	}
}

func kresd() server {
	return server{
		name: "knot-resolver", path: "kresd", version: []string{"--version"}, list: zone(), secure: []protocol{overTLS, overHTTP2},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "kresd.conf")
			return map[string]string{"kresd.conf": fmt.Sprintf(`net.listen('127.0.0.1', %d, { kind = 'dns' })
%slog_level('crit')
trust_anchors.remove('.')
cache.open(200 * MB, 'lmdb://%s')
policy.add(policy.rpz(policy.DENY, %q))
policy.add(policy.all(policy.STUB('%s@%d')))
`, p.port(), p.secured(`net.listen('127.0.0.1', PRIVATE, { kind = 'tls' })
net.listen('127.0.0.1', WEB, { kind = 'doh2' })
net.tls('CERT', 'KEY')
`), p.dir, p.list, p.upstream.Addr(), p.upstream.Port())}, []string{"-n", "-q", "-c", conf, p.dir}
		},
	}
}

func recursor() server {
	return server{
		name: "pdns-recursor", path: "pdns_recursor", version: []string{"--version"}, list: zone(),
		prepare: func(p place) (map[string]string, []string) {
			return map[string]string{
				"recursor.conf": fmt.Sprintf(`local-address=127.0.0.1
local-port=%d
forward-zones-recurse=.=%s
dont-query=
dnssec=off
threads=1
daemon=no
quiet=yes
loglevel=0
disable-syslog=yes
security-poll-suffix=
socket-dir=%s
lua-config-file=%s
`, p.port(), p.upstream, p.dir, filepath.Join(p.dir, "rpz.lua")),
				"rpz.lua": fmt.Sprintf("rpzFile(%q, {policyName=\"bench\"})\n", p.list),
			}, []string{"--config-dir=" + p.dir}
		},
	}
}

func dnsmasq() server {
	return server{
		name: "dnsmasq", path: "dnsmasq", version: []string{"--version"},
		without: []string{"tcp"}, // a process for each connection, each with its own time
		list: listFile{name: "dnsmasq.blocked", line: func(w io.Writer, n string) {
			fmt.Fprintf(w, "address=/%s/127.0.0.1\nlocal=/%s/\n", n, n) // local: nor are other types forwarded
		}},
		prepare: func(p place) (map[string]string, []string) {
			conf := filepath.Join(p.dir, "dnsmasq.conf")
			return map[string]string{"dnsmasq.conf": fmt.Sprintf(`keep-in-foreground
port=%d
listen-address=127.0.0.1
bind-interfaces
user=
pid-file=
no-resolv
no-hosts
log-facility=/dev/null
server=%s#%d
cache-size=200000
dns-forward-max=1000
conf-file=%s
`, p.port(), p.upstream.Addr(), p.upstream.Port(), p.list)}, []string{"-C", conf}
		},
	}
}
