package notify

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// smtpServer is a stand-in of a submission server: RFC 5321, STARTTLS (RFC 3207), AUTH PLAIN (RFC 4954, RFC 4616),
// and e-mail that it took.
type smtpServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool

	implicit bool              // TLS from the first octet
	plain    bool              // no STARTTLS is offered
	offers   string            // mechanisms of AUTH; "": PLAIN and LOGIN
	login    string            // user\x00password; "": AUTH is not offered
	says     map[string]string // replies instead of the usual ones, by command; "-" hangs, "x" ends the connection
	flood    string            // a command whose reply never ends

	mu       sync.Mutex
	heard    []string // lines of clients
	clear    []string // those before TLS
	messages []taken
	done     chan struct{}
}

type taken struct{ from, to, data string }

// newSMTP starts one on loopback; its certificate is for example.com.
func newSMTP(t *testing.T, change func(*smtpServer)) *smtpServer {
	t.Helper()
	web, roots := secure(t, func(http.ResponseWriter, *http.Request) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpServer{t: t, listener: l, tls: &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}, roots: roots, done: make(chan struct{})}
	if change != nil {
		change(s)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.dialog(conn)
		}
	}()
	t.Cleanup(func() {
		close(s.done)
		_ = l.Close()
	})
	return s
}

// settings are those of a client; host "" is the name of the certificate.
func (s *smtpServer) settings(host string) MailSettings {
	if host == "" {
		host = "example.com"
	}
	m := MailSettings{Server: host + ":" + portOf(s.t, s.listener.Addr().String()), TLS: startTLS, From: "hearth@home.example"}
	if s.implicit {
		m.TLS = implicitTLS
	}
	return m
}

// session is one dialog.
type session struct {
	s         *smtpServer
	conn      net.Conn
	in        *bufio.Reader
	encrypted bool
	from, to  string
	signed    bool
}

func (s *smtpServer) dialog(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	d := &session{s: s, conn: conn, in: bufio.NewReader(conn)}
	if s.implicit {
		d.secure()
	}
	if !d.reply("greeting", "220 mail ESMTP") {
		return
	}
	for {
		text, err := d.in.ReadString('\n')
		if err != nil {
			return
		}
		text = strings.TrimRight(text, "\r\n")
		s.mu.Lock()
		s.heard = append(s.heard, text)
		if !d.encrypted {
			s.clear = append(s.clear, text)
		}
		s.mu.Unlock()
		if !d.command(text) {
			return
		}
	}
}

func (d *session) secure() {
	d.conn = tls.Server(d.conn, d.s.tls)
	d.in, d.encrypted = bufio.NewReader(d.conn), true
}

// reply says what is usual, or what the test wants said.
func (d *session) reply(command, usual string) bool {
	if d.s.flood == command {
		for {
			if _, err := d.conn.Write([]byte("220-" + strings.Repeat("x", 8000))); err != nil {
				return false
			}
		}
	}
	if other, ok := d.s.says[command]; ok {
		usual = other
	}
	switch usual {
	case "-":
		<-d.s.done
		return false
	case "x":
		return false
	}
	_, err := fmt.Fprint(d.conn, strings.ReplaceAll(usual, "\n", "\r\n")+"\r\n")
	return err == nil
}

func (d *session) command(text string) bool {
	verb, rest, _ := strings.Cut(text, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO":
		offer := "250-mail\n250-ENHANCEDSTATUSCODES\n"
		if !d.encrypted && !d.s.plain {
			offer += "250-STARTTLS\n"
		}
		if d.s.login != "" && (d.encrypted || d.s.plain) {
			offer += "250-AUTH " + cmp.Or(d.s.offers, "PLAIN LOGIN") + "\n"
		}
		return d.reply(verb, offer+"250 8BITMIME")
	case "STARTTLS":
		if !d.reply(verb, "220 go on") {
			return false
		}
		d.secure()
		return true
	case "AUTH":
		_, proof, _ := strings.Cut(rest, " ")
		if b, err := base64.StdEncoding.DecodeString(proof); err != nil || string(b) != "\x00"+d.s.login {
			return d.reply(verb, "535 5.7.8 wrong for "+d.s.login)
		}
		d.signed = true
		return d.reply(verb, "235 2.7.0 welcome")
	case "MAIL":
		if d.s.login != "" && !d.signed {
			return d.reply(verb, "530 5.7.0 who are you")
		}
		d.from = rest
		return d.reply(verb, "250 2.1.0 good")
	case "RCPT":
		d.to = rest
		return d.reply(verb, "250 2.1.5 good")
	case "DATA":
		return d.data()
	case "QUIT":
		_ = d.reply(verb, "221 2.0.0 bye")
		return false
	}
	return d.reply(verb, "250 2.0.0 good")
}

func (d *session) data() bool {
	if !d.reply("DATA", "354 go on") {
		return false
	}
	var text strings.Builder
	for {
		line, err := d.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	d.s.mu.Lock()
	d.s.messages = append(d.s.messages, taken{d.from, d.to, text.String()})
	d.s.mu.Unlock()
	return d.reply("END", "250 2.0.0 taken")
}
