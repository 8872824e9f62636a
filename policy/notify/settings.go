package notify

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// Settings is the operator's part: by what messages go out. With none of it there is Web Push, and webhooks into the
// internet.
type Settings struct {
	Contact string       `yaml:"contact"` // address or https:// URL told to push services (RFC 8292 2.1); "": mail.from, else this project's page
	Private bool         `yaml:"private"` // webhooks and push may lead into private networks
	Mail    MailSettings `yaml:"mail"`
	Ntfy    NtfySettings `yaml:"ntfy"`
}

// MailSettings is the server that e-mail is handed to.
type MailSettings struct {
	Server       string `yaml:"server"` // host, or host:port; "": there is no e-mail
	TLS          string `yaml:"tls"`    // starttls (port 587), implicit (465) or none (25)
	From         string `yaml:"from"`
	User         string `yaml:"user"` // "": no login
	PasswordFile string `yaml:"password_file"`
}

// NtfySettings is the ntfy server.
type NtfySettings struct {
	Server    string `yaml:"server"` // URL; "": there is no ntfy
	TokenFile string `yaml:"token_file"`
}

// How a connection to the mail server is encrypted.
const (
	startTLS    = "starttls"
	implicitTLS = "implicit"
	noTLS       = "none"
)

// fieldError is one thing wrong, at the path of its field.
type fieldError struct{ path, text string }

func (e *fieldError) Error() string { return e.path + ": " + e.text }

// Path is the field.
func (e *fieldError) Path() string { return e.path }

// Default gives the settings before any file is read.
func Default() Settings { return Settings{Mail: MailSettings{TLS: startTLS}} }

// Validate says what is wrong, field by field.
func (s Settings) Validate() error {
	var found []error
	add := func(path, format string, args ...any) {
		found = append(found, &fieldError{path, fmt.Sprintf(format, args...)})
	}
	if c := s.Contact; c != "" && !isAddress(c) && !isSite(c, "https") {
		add("contact", "%q is neither an e-mail address nor a URL: write one such as you@home.example or https://home.example", c)
	}
	s.Mail.validate(add)
	n := s.Ntfy
	if n.Server != "" && !isSite(n.Server, "https", "http") {
		add("ntfy.server", "%q is no URL of a server: write one such as https://ntfy.sh, without a topic", n.Server)
	}
	if n.TokenFile != "" && strings.HasPrefix(n.Server, "http://") {
		add("ntfy.server", "a token is not sent in clear: write https://, or leave token_file out")
	}
	if n.TokenFile != "" && n.Server == "" {
		add("ntfy.token_file", "there is no server to show it to: write ntfy.server, or leave this out")
	}
	return errors.Join(found...)
}

func (m MailSettings) validate(add func(path, format string, args ...any)) {
	if m.Server == "" {
		for path, value := range map[string]string{"from": m.From, "user": m.User, "password_file": m.PasswordFile} {
			if value != "" {
				add("mail."+path, "there is no server to use it with: write mail.server, or leave this out")
			}
		}
		return
	}
	if _, _, err := m.address(); err != nil {
		add("mail.server", "%v", err)
	}
	switch {
	case m.TLS != startTLS && m.TLS != implicitTLS && m.TLS != noTLS:
		add("mail.tls", "%q is not known; write one of starttls, implicit, none", m.TLS)
	case m.TLS == noTLS && m.User != "":
		add("mail.tls", "a password is not sent in clear: write starttls or implicit, or leave user and password_file out")
	}
	if !isAddress(m.From) {
		add("mail.from", "%q is no address of e-mail: write one such as hearth@home.example", m.From)
	}
	switch {
	case strings.ContainsFunc(m.User, unprintable):
		add("mail.user", "there is a control character in it: write the name alone")
	case m.User != "" && m.PasswordFile == "":
		add("mail.password_file", "the user has no password: write a file that holds it, or leave user out")
	case m.User == "" && m.PasswordFile != "":
		add("mail.user", "the password has no user: write whose it is, or leave password_file out")
	}
}

// address gives host and port of the server.
func (m MailSettings) address() (host string, port int, err error) {
	port = map[string]int{implicitTLS: 465, noTLS: 25}[m.TLS]
	if port == 0 {
		port = 587 // RFC 6409 3.1
	}
	host = m.Server
	if h, p, err := net.SplitHostPort(m.Server); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, fmt.Errorf("%q is no port: write one from 1 to 65535", p)
		}
		host, port = h, int(n)
	}
	if net.ParseIP(host) == nil && !hostName.MatchString(host) {
		return "", 0, fmt.Errorf("%q is no server: write one such as smtp.home.example, or with :465", m.Server)
	}
	return host, port, nil
}

// contact is who push services may turn to. Apple's refuses one that is not of the internet.
func (s Settings) contact() string {
	switch {
	case s.Contact != "":
		return s.Contact
	case s.Mail.From != "":
		return s.Mail.From
	}
	return "https://github.com/hearthdns/hearth"
}

// isSite says whether a text is the URL of a whole server.
func isSite(text string, schemes ...string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return false
	}
	for _, s := range schemes {
		if u.Scheme == s {
			return true
		}
	}
	return false
}

// isAddress says whether a text is a bare e-mail address, of which nothing can become a header or a second one.
func isAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	local, domain, ok := strings.Cut(text, "@")
	return err == nil && ok && a.Address == text && a.Name == "" && len(text) <= 254 && len(local) <= 64 && // RFC 5321 4.5.3.1
		!strings.ContainsAny(local, "\"\\ <>(),:;[]") && hostName.MatchString(domain) &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
