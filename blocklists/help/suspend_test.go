package help_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/hearthdns/hearth/blocklists/help"
)

const notice = "serial: 7\nsuspended:\n  - {name: line.example, reason: the domain has lapsed, date: 2024-09-15}\n"

type signer struct {
	key    string
	secret minisign.PrivateKey
}

func newSigner(t *testing.T) signer {
	t.Helper()
	public, secret, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key: public.String(), secret: secret}
}

func (s signer) sign(text string) []byte { return minisign.Sign(s.secret, []byte(text)) }

func TestVerify(t *testing.T) {
	project, stranger := newSigner(t), newSigner(t)
	held, err := help.Verify(project.key, []byte(notice), project.sign(notice), help.Notice{})
	if err != nil || held.Serial != 7 || len(held.Suspended) != 1 || held.Suspended[0].Name != "line.example" {
		t.Fatalf("%+v, %v", held, err)
	}
	if again, err := help.Verify(project.key, []byte(notice), project.sign(notice), held); err != nil || again.Serial != 7 {
		t.Errorf("the same notice once more: %+v, %v", again, err)
	}
	with := func(serial, rest string) string {
		return strings.Replace(notice, "serial: 7", "serial: "+serial, 1) + rest
	}
	for name, tt := range map[string]struct {
		text string
		by   []byte
		want error
	}{
		"unsigned":                    {notice, nil, help.ErrUnsigned},
		"an empty signature":          {notice, []byte(" \n"), help.ErrUnsigned},
		"not a signature":             {notice, []byte("<html>"), help.ErrSignature},
		"signed by somebody else":     {notice, stranger.sign(notice), help.ErrSignature},
		"signed, then changed":        {with("8", ""), project.sign(notice), help.ErrSignature},
		"an older serial":             {with("6", ""), project.sign(with("6", "")), help.ErrOlder},
		"its serial with other words": {with("7", "  - {name: b.example, reason: r, date: 2024-09-15}\n"), project.sign(with("7", "  - {name: b.example, reason: r, date: 2024-09-15}\n")), help.ErrOlder},
	} {
		if got, err := help.Verify(project.key, []byte(tt.text), tt.by, held); !errors.Is(err, tt.want) || got.Serial != 0 {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, tt.want)
		}
	}
	if next, err := help.Verify(project.key, []byte("serial: 8\n"), project.sign("serial: 8\n"), held); err != nil || len(next.Suspended) != 0 {
		t.Errorf("a later notice that lifts all: %+v, %v", next, err)
	}
}

// TestVerifyRefuses: a signature does not make a notice a good one.
func TestVerifyRefuses(t *testing.T) {
	s := newSigner(t)
	for text, want := range map[string]string{
		"":                         "no serial",
		"suspended: []\n":          "no serial",
		"serial: 1\nsuspend: []\n": "suspend", // a misspelt key would silently do nothing
		"serial: 1\nsuspended: [{name: Line.example, reason: r, date: 2024-09-15}]\n":   "lower case",
		"serial: 1\nsuspended: [{name: https://a.test, reason: r, date: 2024-09-15}]\n": "no host name",
		"serial: 1\nsuspended: [{name: a.example, date: 2024-09-15}]\n":                 "no reason",
		"serial: 1\nsuspended: [{name: a.example, reason: r}]\n":                        "2024-09-15",
		"serial: 1\n" + strings.Repeat("#", help.MaxNotice):                             "bytes",
	} {
		if _, err := help.Verify(s.key, []byte(text), s.sign(text), help.Notice{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want an error that says %q", text, err, want)
		}
	}
	if _, err := help.Verify("RWnothing", []byte(notice), s.sign(notice), help.Notice{}); err == nil || !strings.Contains(err.Error(), "RW") {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	key := newSigner(t).key
	for _, good := range []help.Config{
		{}, {Suspended: []string{"line.example"}},
		{Update: help.Update{Path: "/etc/notice.yaml", Key: key}}, {Update: help.Update{URL: "https://a.example/notice.yaml", Key: key + "\n"}},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for path, bad := range map[string]help.Config{
		"suspended[1]": {Suspended: []string{"line.example", "https://line.example/"}},
		"update.key":   {Update: help.Update{Path: "/etc/notice.yaml"}},
		"update":       {Update: help.Update{Key: key}},
		"update.path":  {Update: help.Update{Path: "/etc/notice.yaml", URL: "https://a.example/", Key: key}},
		"update.url":   {Update: help.Update{URL: "http://a.example/notice.yaml", Key: key}},
	} {
		err := bad.Validate()
		joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // what Validate promises
		if !ok || len(joined.Unwrap()) != 1 {
			t.Errorf("%+v: %v, want one mistake", bad, err)
			continue
		}
		if at, ok := joined.Unwrap()[0].(interface{ Path() string }); !ok || at.Path() != path {
			t.Errorf("%+v: the mistake is not at %s", bad, path)
		}
	}
	if err := (help.Config{Update: help.Update{Path: "/n", Key: "my key"}}).Validate(); err == nil || !strings.Contains(err.Error(), "begins with RW") {
		t.Errorf("a key that is none: %v", err)
	}
}

// TestSuspensions: the operator's word and the notice's together; a row that is suspended is gone, the others stay.
func TestSuspensions(t *testing.T) {
	c := help.Config{Suspended: []string{"a.example", "typo.example"}}
	all := c.Suspensions(help.Notice{Serial: 1, Suspended: []help.Suspension{
		{Name: "a.example", Reason: "lapsed", Date: "2024-09-15"}, {Name: "b.example", Reason: "hijacked", Date: "2024-09-15"}}})
	if len(all) != 3 || all[0].Reason != "suspended in the configuration" || all[2].Reason != "hijacked" {
		t.Errorf("%+v", all)
	}
	table := help.Table{{Name: "a.example", Core: true}, {Name: "b.example"}, {Name: "c.example"}, {Organisation: "112"}}
	left, unknown := table.Without(all)
	if len(left) != 2 || left[0].Name != "c.example" || len(unknown) != 1 || unknown[0].Name != "typo.example" {
		t.Errorf("left %+v, unknown %+v", left, unknown)
	}
}
