//go:build linux

package main

import (
	"bytes"
	"crypto/tls"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// some is right for most names, wrong for those of n3 and n5, and silent for n7.
func some(q *dns.Msg) *dns.Msg {
	m := truly(q)
	switch name := q.Question[0].Name; {
	case strings.HasPrefix(name, "n7."):
		return nil
	case strings.HasPrefix(name, "n3."), strings.HasPrefix(name, "n5."):
		m.Answer = nil
	}
	return m
}

// TestPourCounts holds that on kept connections each query counts once, as what it is.
func TestPourCounts(t *testing.T) {
	for _, over := range protocols() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			open, err := encrypted(t, over, some).several(t.Context(), 3)
			if err != nil {
				t.Fatal(err)
			}
			got, err := pour(t.Context(), open, traffic{queries: ask(10), count: 100, window: 12})
			for _, c := range open {
				c.close()
			}
			if err != nil || got.right != 70 || got.wrong != 20 || got.lost != 10 {
				t.Errorf("right %d, wrong %d, lost %d, %v; want 70, 20, 10", got.right, got.wrong, got.lost, err)
			}
		})
	}
}

// TestShake holds that each query has a connection of its own, that sessions are resumed
// only where they are to be, and that a server which resumes none is seen.
func TestShake(t *testing.T) {
	for _, over := range shaken() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			to := encrypted(t, over, truly)
			load := traffic{queries: ask(10), count: 40, sockets: 4}
			for _, resume := range []bool{false, true} {
				got, resumed, err := to.shake(t.Context(), load, resume)
				if err != nil || got.right != 40 || got.wrong+got.lost != 0 {
					t.Errorf("resume %v: right %d, wrong %d, lost %d, %v", resume, got.right, got.wrong, got.lost, err)
				}
				if want := map[bool]int{false: 0, true: 36}[resume]; resumed != want { // the first of each of the four is new
					t.Errorf("resume %v: %d resumed, want %d", resume, resumed, want)
				}
			}
		})
	}
}

// TestLoadEndsWithItsServer holds that a connection which breaks ends the load with an
// error, and is not taken for lost answers.
func TestLoadEndsWithItsServer(t *testing.T) {
	for _, over := range protocols() {
		to := encrypted(t, over, truly)
		open, err := to.several(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		open[0].close()
		if got, err := pour(t.Context(), open, traffic{queries: ask(1), count: 5, window: 2}); err == nil {
			t.Errorf("%s: no error, %+v", over, got)
		}
		to.addr = netip.MustParseAddrPort("127.0.0.1:1")
		if over == overQUIC || over == overHTTP3 {
			continue // where nobody listens, QUIC only waits
		}
		if _, _, err := to.shake(t.Context(), traffic{queries: ask(1), count: 1, sockets: 1}, false); err == nil {
			t.Errorf("%s: a server that is not there is met", over)
		}
	}
}

// TestCertificate holds that all servers show a certificate which clients can check.
func TestCertificate(t *testing.T) {
	c, err := newCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		t.Fatal(err)
	}
	if got := pair.Leaf.PublicKeyAlgorithm.String() + " " + pair.Leaf.SignatureAlgorithm.String(); got != "ECDSA ECDSA-SHA256" {
		t.Errorf("it is %s", got)
	}
	if client := c.client(); client.InsecureSkipVerify || client.MinVersion != tls.VersionTLS13 {
		t.Error("clients do not check the servers, or ask with an old TLS")
	}
}

// TestEncryptedConfigurations holds that each server is told the ports and the files of
// what it has, and nothing of it where nothing is encrypted.
func TestEncryptedConfigurations(t *testing.T) {
	p := place{addr: netip.MustParseAddrPort("127.0.0.1:5301"), upstream: netip.MustParseAddrPort("127.0.0.1:5302"), dir: "/d", keep: "/k", list: "/k/list",
		private: netip.MustParseAddrPort("127.0.0.1:5853"), web: netip.MustParseAddrPort("127.0.0.1:5443")}
	for _, s := range (&bench{}).servers() {
		for _, with := range []bool{false, true} {
			if p.credentials = nil; with {
				p.credentials = &credentials{cert: "/k/cert.pem", key: "/k/key.pem"}
			}
			files, _ := s.prepare(p)
			text := ""
			for _, f := range files {
				text += f
			}
			for _, word := range []string{"5853", "5443", "/k/cert.pem", "/k/key.pem"} {
				if strings.Contains(text, word) != (with && len(s.secure) > 0) {
					t.Errorf("%s, encrypted %v: %q in\n%s", s.name, with, word, text)
				}
			}
			for _, word := range []string{"CERT", "PRIVATE", "WEB", "%!"} {
				if strings.Contains(text, word) {
					t.Errorf("%s: %q was left in\n%s", s.name, word, text)
				}
			}
		}
	}
}

// TestReportOfEncrypted holds that a server without a transport stands as having none, and
// that ratios are taken within a round.
func TestReportOfEncrypted(t *testing.T) {
	p := plan{workloads: "dot,doq,handshakes", rounds: 2, hits: 10, handshakes: 7, encrypted: 9}
	b := &bench{plan: p}
	for _, s := range b.servers() {
		b.concerns(s)
	}
	o := &b.outcome
	o.Figures = []figure{
		{Server: "hearth", Workload: "dot", Round: 1, CPU: 10}, {Server: "hearth", Workload: "dot", Round: 2, CPU: 30},
		{Server: "dnsdist", Workload: "dot", Round: 1, CPU: 20}, {Server: "dnsdist", Workload: "dot", Round: 2, CPU: 40},
		{Server: "hearth", Workload: "doq", Round: 1, CPU: 7}, {Server: "hearth", Workload: "new dot", Round: 1, CPU: 300, Rate: 1200},
	}
	for _, g := range goals(p) {
		o.Goals = append(o.Goals, g.judge(o))
	}
	var w bytes.Buffer
	o.report(&w, p)
	for _, row := range []string{
		"| hearth | 20.0 (10.0-30.0) | - | - | 7.0 | 0 | 0 |", "| dnsdist | 30.0 (20.0-40.0) [0.67] | - | - | - | 0 | 0 |",
		"| hearth | 300 | 1200 | - | - | - | - | - | - | - | - | - | - | 0 | 0 |",
		"- dnsdist: has no doh3, doq", "- pdns-recursor: has no dot, doh, doh3, doq",
		"| dot | CPU, to dnsdist's | - | - | 0.62 x (0.50-0.75) | reported |", "| doq | CPU, to coredns's | - | - | - | not measured |",
		"| new doq | CPU, to coredns's | - | - | - | not measured |",
	} {
		if !strings.Contains(w.String(), row+"\n") {
			t.Errorf("no row %s in\n%s", row, &w)
		}
	}
	for _, word := range []string{"doq | CPU, to dnsdist", "hearth: has no", "| doh | 9 queries"} {
		if strings.Contains(w.String(), word) {
			t.Errorf("%q in\n%s", word, &w)
		}
	}
}

// TestEncryptedIsChosen holds that nothing of it runs unless it is asked for.
func TestEncryptedIsChosen(t *testing.T) {
	names := func(workloads string) []string {
		b := &bench{plan: plan{workloads: workloads, hits: 1}, names: names{allowed: []string{"a.example"}}}
		var all []string
		for _, w := range b.plan.chosenOf(b.secured(b.hits())) {
			all = append(all, w.name)
		}
		return all
	}
	if got := names("all"); len(got) != 0 {
		t.Errorf("all runs %q", got)
	}
	if got, want := names("doq,handshakes"), []string{"doq", "new dot", "resumed dot", "new doh", "resumed doh", "new doq", "resumed doq"}; !slices.Equal(got, want) {
		t.Errorf("runs %q, want %q", got, want)
	}
}
