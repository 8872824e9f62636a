package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// next waits for what a stand-in gets.
func next[T any](t *testing.T, what string, got <-chan T) T {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(3 * time.Minute):
		t.Fatalf("nothing comes by %s", what)
		panic("unreachable")
	}
}

// subscribes sends what a script of the console sends.
func (b *browser) subscribes(subscription string) shown {
	return b.does("/channels/push", url.Values{}, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(subscription)), int64(len(subscription))
		r.Header.Set("Content-Type", "application/json")
	})
}

// invites somebody, who opens an account in a browser of their own.
func (s *server) invites(from, name, role string) *browser {
	s.t.Helper()
	b := s.browser(from)
	b.does("/join", url.Values{"code": {code.FindString(s.must("account", "invite", "--role", role, "--name", name))}, "name": {name}, "passphrase": {"purple hens count the stairs of " + name}}).is(http.StatusSeeOther, "/")
	return b
}

// TestMessages: a child asks, and the parents are told by all four ways, with the page of the request and without the name
// of the site; to follow the link answers nothing, who is not signed in comes back to it, one tap there answers, and the
// name resolves. Whoever comes by the e-mail, a minute later, reads who was first.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := unfounded(t, "")
	topics, published := receiver(t)
	hook, posted := receiver(t)
	service, pushed := receiver(t)
	mailAt, mails := mailServer(t, hook.TLS.Certificates)
	s.believes(hook) // all have the same
	s.write(withNotify(t, s.read(), fmt.Sprintf("notify: {private: true, mail: {server: %q, from: hearth@home.example, user: hearth, password_file: %q}, ntfy: {server: %q, token_file: %q}}\n",
		mailAt, s.secret("mail.password", "opensesame"), topics.URL, s.secret("ntfy.token", "tk_right"))))
	s.start()
	anna := s.browser("127.0.0.1")
	anna.founds()
	anna.enrols("Pre", "pre-phone", "127.0.0.2")

	of := url.Values{"kind": {"mail"}, "to": {"anna@home.example"}, "of": {"request"}}
	anna.does("/channels", of).is(http.StatusSeeOther, "/channels?done=channel")
	of.Set("kind", "ntfy")
	of.Set("to", "hearth-Kq3xLmZ")
	anna.does("/channels", of).is(http.StatusSeeOther, "/channels?done=channel")
	of.Set("kind", "webhook")
	of.Set("to", hook.URL+"/api/webhook/x")
	secret := anna.does("/channels", of).finds(`<p class="huge code">([^<]+)</p>`)
	key := anna.does("/channels", nil).finds(`data-push="([^"]+)"`)
	of.Set("to", "https://169.254.169.254/latest")
	if p := anna.does("/channels", of); p.code != http.StatusUnprocessableEntity {
		t.Errorf("a webhook into the network of a cloud: %d", p.code)
	}
	handset := newPhone(t)
	anna.subscribes(handset.subscription(service.URL+"/push/abc")).is(http.StatusNoContent, "")
	for _, got := range []<-chan arrived{published, posted, pushed} {
		next(t, "a test message", got)
	}
	if m := next(t, "a test message", mails); m.login != "\x00hearth\x00opensesame" {
		t.Errorf("the login is %q", m.login)
	}

	_, id := s.asks("127.0.0.2", "naked.example", "for the museum")
	link := anna.base + "/requests/" + id
	s.ntfy(next(t, "ntfy", published), link)
	s.webhook(next(t, "a webhook", posted), secret, link)
	s.push(next(t, "Web Push", pushed), handset, key, link)

	path := "/requests/" + id
	scanner := s.browser("127.0.0.1") // as those of mail: it follows every link
	scanner.does(path, nil).is(http.StatusSeeOther, "/signin")
	anna.does(path, nil).says("Pre asks", "naked.example", "for the museum", `value="30m"`)
	s.sees("127.0.0.2", "naked.example", true)
	away := s.browser("127.0.0.1")
	away.does(path, nil).is(http.StatusSeeOther, "/signin")
	away.does("/signin", url.Values{"name": {"Anna"}, "passphrase": {passphrase}}).is(http.StatusSeeOther, path)
	away.does("/answer", url.Values{"id": {id}, "for": {"30m"}, "back": {"request"}}).is(http.StatusSeeOther, path+"?done=answered")
	s.sees("127.0.0.2", "naked.example", false)

	bert := s.invites("127.0.0.1", "Bert", "parent")
	s.mail(next(t, "e-mail", mails), link) // which waits for a minute for others
	bert.does(path, nil).says("Anna said yes, until")
	if p := bert.does("/answer", url.Values{"id": {id}, "for": {"no"}, "back": {"request"}}); p.code != http.StatusConflict || !strings.Contains(p.text, "Anna said yes") {
		t.Errorf("the second answer: %d\n%s", p.code, p.text)
	}
	s.sees("127.0.0.2", "naked.example", false)
	if out := s.log.String(); strings.Contains(out, "naked.example") || strings.Contains(out, "opensesame") {
		t.Errorf("the log has what it must not:\n%s", out)
	}
}

// withNotify sets how messages go out.
func withNotify(t *testing.T, text, section string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, "\nnotify:\n")
	if !found {
		t.Fatal("config.example.yaml has no notify")
	}
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		rest = strings.TrimPrefix(rest, line)
	}
	return before + "\n" + section + rest
}

// ntfy looks at what was published (docs.ntfy.sh, "Publish as JSON").
func (s *server) ntfy(got arrived, link string) {
	s.t.Helper()
	var m struct {
		Topic, Title, Click string
		Actions             []struct{ Action, Label, URL string }
	}
	must(s.t, json.Unmarshal(got.body, &m))
	if m.Topic != "hearth-Kq3xLmZ" || m.Title != "Pre asks for something" || m.Click != link || len(m.Actions) != 1 || m.Actions[0].Action != "view" || m.Actions[0].URL != link || got.header.Get("Authorization") != "Bearer tk_right" {
		s.t.Errorf("published: %s", got.body)
	}
	s.secretive(got.body)
}

// webhook looks at what was posted, and at its signature.
func (s *server) webhook(got arrived, secret, link string) {
	s.t.Helper()
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write(got.body)
	var m struct {
		Kind, Title, Member, URL string
		Actions                  []struct{ Label, URL string }
	}
	must(s.t, json.Unmarshal(got.body, &m))
	if m.Kind != "request" || m.Member != "Pre" || m.URL != link || len(m.Actions) != 1 || m.Actions[0].URL != link || got.header.Get("Hearth-Signature") != "sha256="+hex.EncodeToString(sum.Sum(nil)) {
		s.t.Errorf("posted: %v %s", got.header, got.body)
	}
	s.secretive(got.body)
}

// push looks at what was pushed, as the one browser that can read it.
func (s *server) push(got arrived, by phone, key, link string) {
	s.t.Helper()
	text, err := by.reads(got.body)
	must(s.t, err)
	var m struct {
		Notification struct {
			Title, Navigate string
			Actions         []struct{ Title, Navigate string }
		}
	}
	must(s.t, json.Unmarshal(text, &m))
	n := m.Notification
	if n.Title != "Pre asks for something" || n.Navigate != link || len(n.Actions) != 1 || n.Actions[0].Navigate != link || len(got.body) != 4096 || got.header.Get("Urgency") != "high" ||
		!strings.HasPrefix(got.header.Get("Authorization"), "vapid ") || !strings.Contains(got.header.Get("Authorization"), "k="+key) {
		s.t.Errorf("pushed: %v %s", got.header, text)
	}
	s.secretive(text)
}

// mail looks at the e-mail.
func (s *server) mail(got mail, link string) {
	s.t.Helper()
	text, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader([]byte(got.text))))
	must(s.t, err)
	plain := string(text)
	if !strings.HasPrefix(got.from, "FROM:<hearth@home.example>") || !strings.HasPrefix(got.to, "TO:<anna@home.example>") || !strings.Contains(plain, "Subject: Pre asks for something") ||
		!strings.Contains(plain, "Answer:\n"+link+"\n") && !strings.Contains(plain, "Answer:\r\n"+link+"\r\n") || !strings.Contains(plain, `<a href="`+link+`">Answer</a>`) {
		s.t.Errorf("mailed: %+v", got)
	}
	s.secretive(text)
}

// secretive wants a message that does not name the site.
func (s *server) secretive(text []byte) {
	s.t.Helper()
	if strings.Contains(string(text), "naked") || strings.Contains(string(text), "museum") {
		s.t.Errorf("a message tells of what: %s", text)
	}
}
