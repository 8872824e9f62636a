//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// answerer makes the reply to a query, nil for none.
type answerer func(q *dns.Msg) *dns.Msg

func (a answerer) packed(query []byte) []byte {
	var q dns.Msg
	if q.Unpack(query) != nil {
		return nil
	}
	m := a(&q)
	if m == nil {
		return nil
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// encrypted serves a over one protocol on loopback, and says how it is reached.
func encrypted(t *testing.T, over protocol, a answerer) target {
	t.Helper()
	made, err := newCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(made.cert, made.key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	packets, streams, err := listenFree()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = packets.Close(), streams.Close() })
	switch over {
	case overTLS:
		config.NextProtos = []string{"dot"}
		go serveTLS(tls.NewListener(streams, config), a)
	case overHTTP2:
		s := &http.Server{Handler: a, TLSConfig: config, ReadHeaderTimeout: time.Minute}
		go func() { _ = s.ServeTLS(streams, "", "") }()
		t.Cleanup(func() { _ = s.Close() })
	case overHTTP3:
		s := &http3.Server{Handler: a, TLSConfig: http3.ConfigureTLSConfig(config)}
		go func() { _ = s.Serve(packets) }()
		t.Cleanup(func() { _ = s.Close() })
	case overQUIC:
		config.NextProtos = []string{"doq"}
		l, err := quic.Listen(packets, config, nil)
		if err != nil {
			t.Fatal(err)
		}
		go serveQUIC(l, a)
		t.Cleanup(func() { _ = l.Close() })
	}
	return target{over: over, addr: addressOf(packets), tls: made.client(), host: secureName, path: "/dns-query"}
}

// ServeHTTP implements http.Handler as RFC 8484 has it.
func (a answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	if err != nil || r.URL.Path != "/dns-query" || r.Host == "" || r.Header.Get("Accept") != mediaType || r.ProtoMajor < 2 {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	b := a.packed(query)
	if b == nil {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", mediaType)
	_, _ = w.Write(b)
}

// serveTLS answers queries in whatever order their answers are there.
func serveTLS(l net.Listener, a answerer) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			var mu sync.Mutex
			for {
				_, q, err := readFrame(c)
				if err != nil {
					return
				}
				go func() {
					b := a.packed(q)
					if b == nil {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
				}()
			}
		}()
	}
}

func serveQUIC(l *quic.Listener, a answerer) {
	for {
		conn, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		go func() {
			for {
				s, err := conn.AcceptStream(context.Background())
				if err != nil {
					return
				}
				go func() {
					frame, err := io.ReadAll(s) // to the end of the stream, which a client must send
					if err != nil || len(frame) < 2 {
						return
					}
					if b := a.packed(frame[2:]); b != nil {
						_, _ = s.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
						_ = s.Close()
					}
				}()
			}
		}()
	}
}

// TestChannels holds that each transport carries many queries at once on one
// connection, and that an answer belongs to its query.
func TestChannels(t *testing.T) {
	for _, over := range protocols() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			slow := func(q *dns.Msg) *dns.Msg {
				if strings.HasPrefix(q.Question[0].Name, "n0.") {
					time.Sleep(200 * time.Millisecond) // others overtake it
				}
				return truly(q)
			}
			c, err := encrypted(t, over, slow).open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			var all sync.WaitGroup
			for i, q := range ask(20) {
				all.Go(func() {
					reply, err := c.exchange(t.Context(), q.frame[2:])
					if err != nil || !q.right(reply) || !sameID(reply, q.frame[2:]) {
						t.Errorf("query %d: %x, %v", i, reply, err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestChannelGivesUp holds that a query without an answer ends with its context,
// and that the connection serves on.
func TestChannelGivesUp(t *testing.T) {
	for _, over := range protocols() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			deaf := func(q *dns.Msg) *dns.Msg {
				if strings.HasPrefix(q.Question[0].Name, "n0.") {
					return nil
				}
				return truly(q)
			}
			c, err := encrypted(t, over, deaf).open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			two := ask(2)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := c.exchange(ctx, two[0].frame[2:]); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want that of the context", err)
			}
			if reply, err := c.exchange(t.Context(), two[1].frame[2:]); err != nil || !two[1].right(reply) {
				t.Errorf("the next query: %x, %v", reply, err)
			}
		})
	}
}

// TestChannelChecksTheServer holds that a server without the right certificate is
// not asked, and that an answer with another ID is none.
func TestChannelChecksTheServer(t *testing.T) {
	for _, over := range protocols() {
		t.Run(string(over), func(t *testing.T) {
			t.Parallel()
			to := encrypted(t, over, func(q *dns.Msg) *dns.Msg {
				m := truly(q)
				m.Id ^= 5
				return m
			})
			wrong := to
			wrong.tls = to.tls.Clone()
			wrong.tls.ServerName = "other.dnsbench.net"
			if c, err := wrong.open(t.Context()); err == nil {
				c.close()
				t.Error("a server of another name is believed")
			}
			c, err := to.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := c.exchange(ctx, ask(1)[0].frame[2:]); err == nil {
				t.Error("a reply with another ID is taken")
			}
		})
	}
}

// TestAskPrints holds that a person sees the answer and why it is one.
func TestAskPrints(t *testing.T) {
	explain := func(q *dns.Msg) *dns.Msg {
		m := truly(q)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 17, ExtraText: "Blocked for you"}}
		return m
	}
	for over, word := range map[protocol]string{overTLS: "dot", overHTTP2: "doh", overHTTP3: "h3", overQUIC: "doq"} {
		to := encrypted(t, over, explain)
		other, err := newCredentials(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		common := []string{"-proto", word, "-server", to.addr.String(), "-name", secureName}
		if err := askOne(t.Context(), append(common, "-insecure", "www.example"), &out); err != nil {
			t.Fatalf("%s: %v", over, err)
		}
		for _, want := range []string{";; NOERROR", "answer: www.example. 60 A 192.0.2.1", `EDE 17: "Blocked for you"`, "over " + string(over)} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", over, want, &out)
			}
		}
		if err := askOne(t.Context(), append(common, "-ca", other.cert, "www.example"), &out); err == nil {
			t.Errorf("%s: a certificate of another authority is believed", over)
		}
	}
}

func TestAskRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"-proto dns -server 127.0.0.1 a.example":                  "none of dot, doh, h3, doq",
		"-proto dot -server localhost a.example":                  "-server wants an address",
		"-proto dot -server 127.0.0.1":                            "usage",
		"-proto dot -server 127.0.0.1 a..example":                 "label",
		"-proto dot -server 127.0.0.1 a.example NONE":             "TYPE123",
		"-proto dot -server 127.0.0.1 -ca /none/of/it a.example":  "reading -ca",
		"-proto dot -server 127.0.0.1 -frobnicate a.example":      "frobnicate",
		"-proto dot -server 127.0.0.1 a.example A more than that": "usage",
	} {
		if _, err := newAsking(strings.Fields(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to speak of %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"-proto dot -server 192.0.2.1 a.example":              "192.0.2.1:853",
		"-proto h3 -server 2001:db8::1 a.example":             "[2001:db8::1]:443",
		"-proto doq -server 192.0.2.1:8853 a.example TYPE65":  "192.0.2.1:8853",
		"-proto doh -server [2001:db8::1]:8443 a.example MX":  "[2001:db8::1]:8443",
		"-proto dot -server 192.0.2.1 -sni id.name a.example": "192.0.2.1:853",
	} {
		if a, err := newAsking(strings.Fields(text)); err != nil || a.target.addr != netip.MustParseAddrPort(want) {
			t.Errorf("%s: asks %v, %v; want %s", text, a.target.addr, err, want)
		}
	}
	a, err := newAsking(strings.Fields("-proto doh -server 192.0.2.1 -name host.example -sni id.host.example -path /q/x a.example txt"))
	if got := fmt.Sprint(a.target.url(), " ", a.target.tls.ServerName, " ", a.name, " ", a.kind); err != nil || got != "https://host.example:443/q/x id.host.example a.example 16" {
		t.Errorf("asks %s, %v", got, err)
	}
}
