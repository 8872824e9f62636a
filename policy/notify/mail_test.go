package notify

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/policytest"
)

// mailer makes a Post that hands e-mail to a stand-in.
func mailer(t *testing.T, s *smtpServer, m MailSettings, password string) *Post {
	t.Helper()
	if password != "" {
		m.User, m.PasswordFile = "hearth", filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(m.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return post(t, s.roots, func(c *Config) { c.Settings.Mail, c.Resolve = m, inHouse })
}

var alex = Channel{Kind: Mail, To: "alex@home.example"}

// parts reads an e-mail (RFC 2046 5.1.4): its texts by their types.
func parts(t *testing.T, m *mail.Message) map[string]string {
	t.Helper()
	kind, with, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("it is %s: %v", kind, err)
	}
	found := map[string]string{}
	body, _ := io.ReadAll(m.Body)
	for all := multipart.NewReader(bytes.NewReader(body), with["boundary"]); ; {
		part, err := all.NextPart()
		if err != nil {
			m.Body = bytes.NewReader(body)
			return found
		}
		text, err := io.ReadAll(part) // quoted-printable is decoded
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		found[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

// TestMail: e-mail is handed over encrypted in both ways, after a login, as text and HTML that fetches nothing, and tells
// nothing of this machine.
func TestMail(t *testing.T) {
	for name, implicit := range map[string]bool{"STARTTLS": false, "implicit TLS": true} {
		s := newSMTP(t, func(s *smtpServer) { s.implicit, s.login = implicit, "hearth\x00opensesame" })
		p := mailer(t, s, s.settings(""), "opensesame")
		l := p.letter(alex, "ID1", Message{Household: "h-home", Kind: Request, Member: "K\u00edm", Path: "/requests/7"}, 1, false)
		if f := p.send(t.Context(), l); f != nil {
			t.Fatalf("%s: %v", name, f)
		}
		if len(s.messages) != 1 || !strings.HasPrefix(s.messages[0].from, "FROM:<hearth@home.example>") || !strings.HasPrefix(s.messages[0].to, "TO:<alex@home.example>") {
			t.Fatalf("%s: %+v", name, s.messages)
		}
		m, err := mail.ReadMessage(strings.NewReader(s.messages[0].data))
		if err != nil {
			t.Fatal(err)
		}
		for field, want := range map[string]string{"From": "<hearth@home.example>", "To": "<alex@home.example>", "Subject": "1 request", "Message-Id": "<ID1@home.example>", "Auto-Submitted": "auto-generated"} {
			if got := m.Header.Get(field); got != want {
				t.Errorf("%s: %s is %q, want %q", name, field, got, want)
			}
		}
		for kind, want := range map[string]string{
			"text/plain": "K\u00edm\n\n" + home + "/requests/7\n\nAnswer:\n" + home + "/requests\n",
			"text/html":  `<a href="` + home + `/requests">Answer</a>`,
		} {
			got := parts(t, m)[kind]
			if kind == "text/plain" && got != want || !strings.Contains(got, want) || strings.Contains(got, "src=") || strings.Contains(got, "<link") {
				t.Errorf("%s: %s is %q, want %q", name, kind, got, want)
			}
		}
		host, _ := os.Hostname()
		if all := s.messages[0].data + strings.Join(s.heard, "\n"); host != "" && strings.Contains(all, host) || strings.Contains(all, "go-mail") {
			t.Errorf("%s: it tells of this machine: %q", name, all)
		}
		for _, text := range s.clear {
			if !strings.HasPrefix(text, "EHLO ") && text != "STARTTLS" {
				t.Errorf("%s: %q was sent in clear", name, text)
			}
		}
	}
}

// TestMailWithoutTLS: where the server offers no encryption, nothing is sent: no password and no message. A relay that is
// meant to be asked in clear gets e-mail without a login.
func TestMailWithoutTLS(t *testing.T) {
	s := newSMTP(t, func(s *smtpServer) { s.plain, s.login = true, "hearth\x00opensesame" })
	p := mailer(t, s, s.settings(""), "opensesame")
	if got := why(t, p.Test(t.Context(), "h-home", alex)); got != Certificate {
		t.Errorf("%q", got)
	}
	if all := strings.Join(s.heard, "\n"); strings.Contains(all, "AUTH") || strings.Contains(all, "MAIL") || len(s.messages) > 0 {
		t.Errorf("sent in clear: %s", all)
	}
	s = newSMTP(t, func(s *smtpServer) { s.plain = true })
	m := s.settings("")
	m.TLS = noTLS
	if err := mailer(t, s, m, "").Test(t.Context(), "h-home", alex); err != nil || len(s.messages) != 1 {
		t.Errorf("%v, %d taken", err, len(s.messages))
	}
	// Even so, no login goes out, whatever was configured past the check.
	s = newSMTP(t, func(s *smtpServer) {
		s.plain, s.login, s.offers = true, "hearth\x00opensesame", "CRAM-MD5 SCRAM-SHA-256"
	})
	m = s.settings("")
	m.TLS, m.User = noTLS, "hearth"
	c := mailCarrier{m, "opensesame", dialer{resolve: inHouse}, s.roots}
	p = mailer(t, s, s.settings(""), "")
	_ = c.send(t.Context(), p.letter(alex, "1", Message{Kind: test}, 1, false))
	if strings.Contains(strings.Join(s.heard, "\n"), "AUTH") {
		t.Error("a password went out in clear")
	}
}

// TestMailErrors: what a server says is sorted into what another try may mend and what not, and no word of it is told.
func TestMailErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		change   func(*smtpServer)
		password string
		host     string
		want     Why
	}{
		"wrong password":      {func(s *smtpServer) { s.login = "hearth\x00right" }, "opensesame", "", Login},
		"login later":         {func(s *smtpServer) { s.login, s.says = "hearth\x00right", map[string]string{"AUTH": "454 4.7.0 later"} }, "right", "", Busy},
		"no login there":      {nil, "opensesame", "", Login},
		"a login is wanted":   {func(s *smtpServer) { s.login = "hearth\x00right" }, "", "", Login},
		"unknown recipient":   {says("RCPT", "550 5.1.1 alex@home.example is unknown"), "", "", Refused},
		"full mailbox":        {says("RCPT", "452 4.2.2 full"), "", "", Busy},
		"grey list":           {says("RCPT", "451 4.7.1 later"), "", "", Busy},
		"refused sender":      {says("MAIL", "553 5.1.8 no"), "", "", Refused},
		"refused text":        {says("END", "554 5.7.1 spam"), "", "", Refused},
		"text later":          {says("END", "451 4.3.0 later"), "", "", Busy},
		"busy greeting":       {says("greeting", "421 4.3.2 closing"), "", "", Busy},
		"no greeting":         {says("greeting", "x"), "", "", Unreachable},
		"ends within":         {says("DATA", "x"), "", "", Unreachable},
		"TLS broken":          {says("STARTTLS", "454 4.7.0 later"), "", "", Busy},
		"nonsense":            {says("greeting", "hello\nworld"), "", "", Unreachable},
		"another certificate": {nil, "", "mail.home.example", Certificate},
		"endless greeting":    {func(s *smtpServer) { s.flood = "greeting" }, "", "", Unreachable},
		"endless EHLO":        {func(s *smtpServer) { s.flood = "EHLO" }, "", "", Unreachable},
	} {
		s := newSMTP(t, tt.change)
		p := mailer(t, s, s.settings(tt.host), tt.password)
		err := p.Test(t.Context(), "h-home", alex)
		if got := why(t, err); got != tt.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "alex@") || strings.Contains(err.Error(), "opensesame") || strings.Contains(err.Error(), "right")) {
			t.Errorf("%s: the error tells too much: %v", name, err)
		}
	}
}

func says(command, reply string) func(*smtpServer) {
	return func(s *smtpServer) { s.says = map[string]string{command: reply} }
}

// TestMailTakenOnce: a message that was taken is delivered, though the dialog did not end well.
func TestMailTakenOnce(t *testing.T) {
	for _, verb := range []string{"RSET", "QUIT"} {
		s := newSMTP(t, says(verb, "x"))
		if err := mailer(t, s, s.settings(""), "").Test(t.Context(), "h-home", alex); err != nil || len(s.messages) != 1 {
			t.Errorf("%s: %v, %d taken", verb, err, len(s.messages))
		}
	}
}

// TestMailSlow: a server that says nothing, at any place, is left when the time is over.
func TestMailSlow(t *testing.T) {
	for _, verb := range []string{"greeting", "EHLO", "STARTTLS", "MAIL", "END"} {
		s := newSMTP(t, says(verb, "-"))
		p := mailer(t, s, s.settings(""), "")
		ctx, stop := contextWithin(t, 300*time.Millisecond)
		if got := why(t, p.Test(ctx, "h-home", alex)); got != Late {
			t.Errorf("%s: %q", verb, got)
		}
		stop()
	}
}

// TestHeaderInjection: nothing that a child, a parent or a translator writes becomes a header, a recipient or a command.
func TestHeaderInjection(t *testing.T) {
	s := newSMTP(t, nil)
	p := mailer(t, s, s.settings(""), "")
	p.cfg.Words = func(d Draft) Text {
		return Text{Title: "Hi\r\nBcc: eve@evil.example\r\n\r\nbody\u2028" + d.Member, Body: d.Member + "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n", Actions: []Action{{"x\r\nBcc: eve@evil.example", "/\r\nBcc: eve@evil.example"}}}
	}
	l := p.letter(alex, "1", Message{Household: "h-home", Kind: Request, Member: "Kim\r\nTo: eve@evil.example"}, 1, false)
	if want := "Hi Bcc: eve@evil.example body Kim To: eve@evil.example"; l.text.Title != want {
		t.Errorf("the title is %q, want %q", l.text.Title, want)
	}
	if f := p.send(t.Context(), l); f != nil {
		t.Fatal(f)
	}
	if len(s.messages) != 1 {
		t.Fatalf("%d messages", len(s.messages))
	}
	m, err := mail.ReadMessage(strings.NewReader(s.messages[0].data))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Bcc") != "" || m.Header.Get("To") != "<alex@home.example>" || len(m.Header["To"]) != 1 || strings.Contains(s.messages[0].to, "eve") {
		t.Errorf("%v to %s", m.Header, s.messages[0].to)
	}
	for _, line := range s.heard {
		if strings.HasPrefix(line, "MAIL") && strings.Contains(line, "eve") {
			t.Errorf("a body became a command: %s", line)
		}
	}
	for _, to := range []string{
		"alex@home.example\r\nBcc: eve@evil.example", "alex@home.example\nRCPT TO:<eve@evil.example>", "alex@home.example, eve@evil.example",
		"Alex <alex@home.example>", "<alex@home.example>", "alex@home.example ", "alex", "alex@", "@home.example", "\"a b\"@home.example",
		"alex@home.example\x00", "al\u00e9x@home.example", "alex@[127.0.0.1]", "alex@home..example", "alex@home.example>", "a@b@home.example",
		strings.Repeat("a", 65) + "@home.example", "alex@" + strings.Repeat("a.", 130) + "example", "",
	} {
		if _, err := p.Add(t.Context(), "h-home", Channel{Kind: Mail, To: to}); why(t, err) != Wrong || !strings.Contains(err.Error(), "alex@home.example") {
			t.Errorf("%q: %v", to, err)
		}
		// Past the check, the library refuses or keeps it one recipient.
		l.channel.To = to
		_ = p.send(t.Context(), l)
	}
	for _, m := range s.messages {
		if strings.Contains(m.to, "eve") {
			t.Errorf("eve got mail: %s", m.to)
		}
	}
}

// TestSecretFiles: a secret that cannot be read, or is none, is told with its key and without its content.
func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	two := filepath.Join(dir, "two")
	empty := filepath.Join(dir, "empty")
	if err := errors.Join(os.WriteFile(two, []byte("opensesame\nX: y"), 0o600), os.WriteFile(empty, []byte(" \n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{two, empty, filepath.Join(dir, "none")} {
		for key, s := range map[string]Settings{
			"notify.mail.password_file": {Mail: MailSettings{Server: "example.com", TLS: startTLS, From: "a@example.com", User: "a", PasswordFile: file}},
			"notify.ntfy.token_file":    {Ntfy: NtfySettings{"https://example.com", file}},
		} {
			_, err := New(Config{Settings: s, State: t.TempDir(), Log: new(policytest.Memory), Words: plainly})
			if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "opensesame") {
				t.Errorf("%s of %s: %v", key, filepath.Base(file), err)
			}
		}
	}
}
