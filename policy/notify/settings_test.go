package notify

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestValidate: what is wrong is said at its field, with what to write.
func TestValidate(t *testing.T) {
	good := MailSettings{Server: "smtp.home.example", TLS: "starttls", From: "hearth@home.example"}
	with := func(change func(*MailSettings)) Settings {
		m := good
		change(&m)
		return Settings{Mail: m}
	}
	for name, tt := range map[string]struct {
		s    Settings
		want []string
	}{
		"nothing":       {Settings{Mail: MailSettings{TLS: "starttls"}}, nil},
		"all":           {Settings{Contact: "https://home.example", Private: true, Mail: MailSettings{"smtp.home.example:465", "implicit", "a@home.example", "a", "p"}, Ntfy: NtfySettings{"https://ntfy.sh", "t"}}, nil},
		"a relay":       {with(func(m *MailSettings) { m.Server, m.TLS = "127.0.0.1:25", "none" }), nil},
		"IPv6":          {with(func(m *MailSettings) { m.Server = "[::1]:587" }), nil},
		"in clear":      {with(func(m *MailSettings) { m.TLS, m.User, m.PasswordFile = "none", "a", "p" }), []string{"mail.tls"}},
		"unknown TLS":   {with(func(m *MailSettings) { m.TLS = "ssl" }), []string{"mail.tls"}},
		"no password":   {with(func(m *MailSettings) { m.User = "a" }), []string{"mail.password_file"}},
		"no user":       {with(func(m *MailSettings) { m.PasswordFile = "p" }), []string{"mail.user"}},
		"two lines":     {with(func(m *MailSettings) { m.User, m.PasswordFile = "a\r\nAUTH", "p" }), []string{"mail.user"}},
		"no sender":     {with(func(m *MailSettings) { m.From = "" }), []string{"mail.from"}},
		"injected":      {with(func(m *MailSettings) { m.From = "a@home.example\r\nBcc: eve@evil.example" }), []string{"mail.from"}},
		"no port":       {with(func(m *MailSettings) { m.Server = "smtp.home.example:smtp" }), []string{"mail.server"}},
		"port 0":        {with(func(m *MailSettings) { m.Server = "smtp.home.example:0" }), []string{"mail.server"}},
		"a URL":         {with(func(m *MailSettings) { m.Server = "smtp://home.example" }), []string{"mail.server"}},
		"no server":     {Settings{Mail: MailSettings{From: "a@home.example", User: "a", PasswordFile: "p"}}, []string{"mail.from", "mail.password_file", "mail.user"}},
		"contact":       {Settings{Contact: "me"}, []string{"contact"}},
		"contact clear": {Settings{Contact: "http://home.example"}, []string{"contact"}},
		"topic":         {Settings{Ntfy: NtfySettings{Server: "https://ntfy.sh/smith"}}, []string{"ntfy.server"}},
		"ntfy user":     {Settings{Ntfy: NtfySettings{Server: "https://a:b@ntfy.sh"}}, []string{"ntfy.server"}},
		"token clear":   {Settings{Ntfy: NtfySettings{"http://ntfy.home.example", "t"}}, []string{"ntfy.server"}},
		"token alone":   {Settings{Ntfy: NtfySettings{TokenFile: "t"}}, []string{"ntfy.token_file"}},
	} {
		var got []string
		err := tt.s.Validate()
		if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // errors.Join
			for _, e := range joined.Unwrap() {
				var f *fieldError
				if !errors.As(e, &f) || !strings.Contains(f.text, "write") {
					t.Errorf("%s: %v says not what to write", name, e)
					continue
				}
				got = append(got, f.Path())
			}
		}
		if got = sorted(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v (%v), want %v", name, got, err, tt.want)
		}
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }
