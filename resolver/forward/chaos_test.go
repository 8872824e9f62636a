package forward

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	model "github.com/prometheus/client_model/go"
)

// chaos is something a host does instead of answering, over the networks where it can.
type chaos struct {
	name     string
	networks []string
	script   func(*errand)
	reason   string // which its failure is counted under
}

// octets writes below the messages, where the network lets it.
func octets(v *errand) io.Writer {
	switch {
	case v.stream != nil:
		return v.stream
	case v.w != nil:
		v.w.Header().Set("Content-Type", "application/dns-message")
		return v.w
	}
	return v.conn
}

// drip sends a reply octet by octet, and never ends.
func drip(v *errand) {
	raw := v.pack(v.reply("192.0.2.66"))
	if v.w == nil {
		raw = append([]byte{0, byte(len(raw))}, raw...)
	}
	w := octets(v)
	for _, b := range raw {
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		if f, ok := v.w.(http.Flusher); ok {
			f.Flush()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// half sends the first octets of a reply and ends what carries it.
func half(v *errand) {
	raw := v.pack(v.reply("192.0.2.66"))
	if v.w != nil {
		v.w.Header().Set("Content-Length", fmt.Sprint(len(raw)))
	} else {
		raw = append([]byte{0, byte(len(raw))}, raw...)
	}
	_, _ = octets(v).Write(raw[:20])
	if v.stream != nil {
		_ = v.stream.Close()
		return
	}
	v.hangUp()
}

// status answers with an HTTP status and what would be a reply.
func status(code int, kind string) func(*errand) {
	return func(v *errand) {
		v.w.Header().Set("Content-Type", kind)
		v.w.Header().Set("Location", "https://"+v.header.Get("Host")+"/elsewhere")
		v.w.WriteHeader(code)
		_, _ = v.w.Write(v.pack(v.reply("192.0.2.66")))
	}
}

func lies(change func(*dns.Msg)) func(*errand) {
	return func(v *errand) {
		m := v.reply("192.0.2.66")
		change(m)
		v.say(m)
	}
}

var (
	overHTTP = []string{"https", "https1", "h3"}
	single   = append([]string{"quic"}, overHTTP...) // one reply to a query, and no other
	streams  = []string{"tcp", "tls"}
	all      = append([]string{"https1"}, lasting...)
)

// mischief is what the issue names, and what the protocols add.
var mischief = []chaos{
	{"death", []string{"tcp", "tls", "https", "https1", "quic"}, func(v *errand) { v.hangUp() }, "network"},
	{"hang", all, hang, "timeout"},
	{"half an answer", []string{"tcp", "tls", "https", "https1", "quic"}, half, "network"},
	{"drip", all, drip, "timeout"},
	{"wrong ID", streams, lies(func(m *dns.Msg) { m.Id++ }), "timeout"},
	{"wrong ID", single, lies(func(m *dns.Msg) { m.Id++ }), "protocol"},
	{"wrong question", streams, lies(func(m *dns.Msg) { m.Question[0].Name = "www.example.org." }), "timeout"},
	{"wrong question", single, lies(func(m *dns.Msg) { m.Question[0].Name = "www.example.org." }), "protocol"},
	{"a query", single, lies(func(m *dns.Msg) { m.Response = false }), "protocol"},
	{"forged TC", all, lies(func(m *dns.Msg) { m.Truncated = true }), "protocol"},
	{"refused", all, lies(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeRefused, nil }), "refused"},
	{"empty", single, func(v *errand) { v.send(nil) }, "protocol"},
	{"status 500", overHTTP, status(500, dnsMessage), "protocol"},
	{"status 206", overHTTP, status(206, dnsMessage), "protocol"},
	{"redirection", overHTTP, status(307, dnsMessage), "protocol"},
	{"a page", overHTTP, status(200, "text/html"), "protocol"},
	{"no type", overHTTP, status(200, ""), "protocol"},
	{"a huge body", overHTTP, func(v *errand) {
		w := octets(v)
		for range 80 {
			if _, err := w.Write(make([]byte, 1024)); err != nil {
				return
			}
		}
	}, "protocol"},
	{"huge headers", []string{"https", "h3"}, func(v *errand) {
		v.w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		honest(v)
	}, "network"},
	{"a reset stream", []string{"quic"}, func(v *errand) { v.stream.CancelWrite(2) }, "network"},
	{"FIN and nothing", []string{"quic"}, func(v *errand) { _ = v.stream.Close() }, "network"},
}

// Whatever an upstream does, the next one is asked in time, the failure is counted under its
// reason, and when the first comes to its senses it answers again.
func TestChaos(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, c := range mischief {
		for _, network := range c.networks {
			t.Run(c.name+"/"+network, func(t *testing.T) {
				t.Parallel()
				bad := newHost(t, network, ca.issue(nil), c.script)
				good := newHost(t, "tcp", nil, func(v *errand) { second(&v.visit) })
				f := trusting(t, ca, bad, good)
				defer f.Close()
				want(t, f, "192.0.2.2")
				if got := reasonsOf(t, f); !slices.Equal(got, []string{c.reason}) {
					t.Errorf("failures %v, want one of %s", got, c.reason)
				}
				bad.become(honest)
				want(t, f, "192.0.2.1")
			})
		}
	}
}

// reasonsOf returns the reasons of the failures of the first upstream, each as often as counted.
func reasonsOf(t testing.TB, f *Forwarder) (all []string) {
	t.Helper()
	for r := range reasons {
		for range int(value(t, f.upstreams[0].metrics.failures[r])) {
			all = append(all, r.String())
		}
	}
	return all
}

// A connection that dies with a question on it, after it served others, costs the upstream
// nothing: the question goes over another one, within the only try that it has.
func TestDeathOfAServingConnection(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range []string{"tcp", "tls", "https", "https1", "quic"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, network, ca.issue(nil), func(v *errand) {
				if v.number%3 == 0 {
					v.hangUp()
					return
				}
				honest(v)
			})
			f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Attempts: 1, Timeout: time.Minute})
			defer f.Close()
			for range 12 {
				want(t, f, "192.0.2.1")
			}
			if got := reasonsOf(t, f); len(got) > 0 {
				t.Errorf("failures %v, want none", got)
			}
		})
	}
}

// A server that answers one question on each connection answers all that are asked at once.
func TestServerOfOneAnswerEach(t *testing.T) {
	once(t)
	t.Parallel()
	h := newHost(t, "tcp", nil, func(v *errand) { honest(v); v.hangUp() })
	f := trusting(t, nil, h)
	defer f.Close()
	done := make(chan error)
	const n = 10
	for i := range n {
		go func() {
			_, err := answer(f, query(t, fmt.Sprintf("n%d.example.com.", i), nil))
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A connection on which a question waited in vain is not trusted with the next.
func TestSilentConnectionIsLeft(t *testing.T) {
	once(t)
	t.Parallel()
	ca := newAuthority(t, nil)
	for _, network := range lasting {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, network, ca.issue(nil), honest)
			f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Attempts: 1, Timeout: 2 * time.Second})
			defer f.Close()
			want(t, f, "192.0.2.1")
			h.become(hang)
			if _, err := ask(t, f); err == nil {
				t.Fatal("silence is an answer")
			}
			h.become(honest)
			want(t, f, "192.0.2.1")
			if n, _ := h.handshakes(); n != 2 {
				t.Errorf("%d connections, want 2", n)
			}
		})
	}
}

// servers returns what s says of h, for a Config.
func servers(h *host, s Server) []Server {
	if h.network == "tcp" {
		return nil
	}
	s.URL = h.url()
	return []Server{s}
}

// What nobody asked for ends a connection after a while.
func TestFloodOfStrays(t *testing.T) {
	once(t)
	t.Parallel()
	h := newHost(t, "tcp", nil, func(v *errand) {
		m := v.reply("192.0.2.66")
		m.Id++
		raw := v.pack(m)
		for range maxStrays + 1 {
			v.send(raw)
		}
	})
	f := trusting(t, nil, h)
	defer f.Close()
	if _, err := ask(t, f); err == nil || !strings.Contains(err.Error(), "no reply to anything asked") {
		t.Errorf("error = %v, want the end of the connection", err)
	}
}

// Nothing stays behind: no goroutine, no connection.
func TestNothingStays(t *testing.T) {
	once(t)
	ca := newAuthority(t, nil)
	for _, network := range lasting {
		for name, script := range map[string]func(*errand){"honest": honest, "silent": hang, "dead": func(v *errand) { v.hangUp() }} {
			t.Run(network+"/"+name, func(t *testing.T) {
				before := runtime.NumGoroutine()
				t.Run("ask", func(t *testing.T) {
					h := newHost(t, network, ca.issue(nil), script)
					f := impatient(t, Config{Upstreams: []string{h.url()}, Servers: servers(h, Server{CAFile: ca.file}), Attempts: 1, Timeout: 200 * time.Millisecond})
					for range 3 {
						_, _ = ask(t, f)
					}
					f.Close()
					await(t, func() bool { return scrape(t, f)["hearth_upstream_connections"] == 0 })
					if _, err := ask(t, f); (err == nil) != (name == "honest") { // after Close it works on
						t.Errorf("after Close: %v", err)
					}
					await(t, func() bool { return scrape(t, f)["hearth_upstream_connections"] == 0 })
				})
				await(t, func() bool { return runtime.NumGoroutine() <= before })
			})
		}
	}
}

// value returns what a counter has counted.
func value(t testing.TB, c prometheus.Counter) float64 {
	t.Helper()
	var m model.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
