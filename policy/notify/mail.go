package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

const (
	mailTime  = 30 * time.Second // for one try: servers make strangers wait for their greeting
	maxDialog = 256 << 10        // octets that a server may say in one
)

// mailCarrier hands e-mail to the operator's server (RFC 6409).
type mailCarrier struct {
	set      MailSettings
	password string
	dialer   dialer
	roots    *x509.CertPool
}

// send implements carrier.
func (m mailCarrier) send(ctx context.Context, l letter) error {
	message, err := m.message(l)
	if err != nil {
		return err
	}
	client, err := m.client(ctx)
	if err != nil {
		return fmt.Errorf("preparing e-mail: %w", err)
	}
	return mailFailure(ctx, client.DialAndSendWithContext(ctx, message), message)
}

// page is an e-mail for who reads it as HTML: the same words and links, and nothing that is fetched when it is opened.
var page = template.Must(template.New("mail").Parse(`<!doctype html>
<html><body dir="auto"><p><b>{{.Title}}</b></p>{{with .Body}}<p style="white-space:pre-line">{{.}}</p>{{end}}{{range .Links}}<p><a href="{{.Path}}">{{.Label}}</a></p>{{end}}</body></html>
`))

// links are those of a letter, each once: its buttons, and its page where none of them leads there.
func (l letter) links() []Action {
	if l.url == "" || slices.ContainsFunc(l.text.Actions, func(a Action) bool { return a.Path == l.url }) {
		return l.text.Actions
	}
	return append([]Action{{l.url, l.url}}, l.text.Actions...)
}

// message writes the e-mail, as plain text and as HTML.
func (m mailCarrier) message(l letter) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(m.set.From), msg.To(l.channel.To)); err != nil {
		return nil, wrong("to", "this is no address of e-mail: write one such as alex@home.example")
	}
	_, domain, _ := strings.Cut(m.set.From, "@")
	msg.SetMessageIDWithValue(l.id + "@" + domain) // without the name of this machine
	msg.SetDateWithValue(l.at)
	msg.Subject(l.text.Title)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's machine is to answer
	text, links := l.text.Body, l.links()
	for _, a := range links {
		if text += "\n\n"; a.Label != a.Path {
			text += a.Label + ":\n"
		}
		text += a.Path
	}
	msg.SetBodyString(mail.TypeTextPlain, strings.TrimLeft(text, "\n")+"\n")
	if err := msg.AddAlternativeHTMLTemplate(page, struct {
		Text
		Links []Action
	}{l.text, links}); err != nil {
		return nil, fmt.Errorf("writing e-mail as HTML: %w", err)
	}
	return msg, nil
}

// client prepares one dialog with the server.
func (m mailCarrier) client(ctx context.Context) (*mail.Client, error) {
	host, port, err := m.set.address()
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{ServerName: host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(mailTime), mail.WithTLSConfig(secure), mail.WithHELO("[127.0.0.1]"), // RFC 5321 4.1.4: not this machine's name
		mail.WithDialContextFunc(func(dial context.Context, network, address string) (net.Conn, error) {
			conn, err := m.dialer.DialContext(dial, network, address)
			if err != nil {
				return nil, err
			}
			b := &bounded{Conn: conn, left: maxDialog}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			if m.set.TLS == implicitTLS {
				return tls.Client(b, secure), nil
			}
			return b, nil
		}),
	}
	switch m.set.TLS {
	case implicitTLS:
		options = append(options, mail.WithSSL())
	case noTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.set.User != "" && m.set.TLS != noTLS {
		options = append(options, mail.WithUsername(m.set.User), mail.WithPassword(m.password), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256PLUS, mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1PLUS, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(host, options...)
}

// mailFailure says what an error of a dialog means. A message that was taken is delivered, however the dialog ended.
func mailFailure(ctx context.Context, err error, msg *mail.Msg) error {
	if err == nil || msg.IsDelivered() {
		return nil
	}
	code := 0
	var told *textproto.Error
	var failed *mail.SendError
	switch {
	case errors.As(err, &told):
		code = told.Code
	case errors.As(err, &failed):
		code = failed.ErrorCode()
	}
	number := strconv.Itoa(code)
	switch {
	case ctx.Err() != nil:
		return late
	case code == 0 && strings.Contains(err.Error(), "STARTTLS"):
		return &Failure{Why: Certificate, Text: "the mail server does not encrypt: have the operator look at notify.mail.tls"}
	case code == 0 && !strings.Contains(err.Error(), "AUTH"):
		return failureOf(err)
	case code == 0, code == 534, code == 535, code == 530: // RFC 4954 6
		return &Failure{Why: Login, Text: "the mail server does not take our login (" + number + "): have the operator look at notify.mail"}
	case code/100 == 4:
		return &Failure{Why: Busy, Text: "the mail server cannot take it now (" + number + "): try later"}
	}
	return &Failure{Why: Refused, Text: "the mail server does not take it (" + number + "): look at the address"}
}

// bounded is a connection of which so much is read and no more.
type bounded struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (b *bounded) Read(to []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(to[:min(len(to), b.left)])
	b.left -= n
	return n, err
}
